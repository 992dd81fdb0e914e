// The schedules most people want, told apart by their five fields.

export type Pattern = 'daily' | 'hourly' | 'never' | 'custom'

export function patternOf(cron: string): Pattern {
  if (cron === '') return 'never'
  if (/^\d+ \d+ \* \* \*$/.test(cron)) return 'daily'
  if (/^\d+ \* \* \* \*$/.test(cron)) return 'hourly'
  return 'custom'
}

/** The fields a choice stands for; what is there already stays if it fits. */
export function cronOf(pattern: Pattern, cron: string): string {
  if (patternOf(cron) === pattern) return cron
  return { daily: '0 3 * * *', hourly: '0 * * * *', never: '', custom: cron || '0 3 * * *' }[pattern]
}
