// Hours as the server counted them, gathered into the steps a chart draws.

import type { UsageHour } from '$api/control/client'
import { day, hour } from '$kit/i18n'

export const ranges = ['day', 'week', 'month'] as const
export type Range = (typeof ranges)[number]

/** How far back to ask: whole steps, so the oldest begins before the span does. */
export const spans: Record<Range, number> = { day: 25 * hour, week: 8 * day, month: 31 * day }

/** The beginnings of all steps up to now, oldest first: hours, quarters of a day, days by the clock on the wall. */
export function steps(range: Range, now: number): number[] {
  if (range === 'day') {
    const current = Math.floor(now / hour) * hour
    return Array.from({ length: 24 }, (_, index) => current - (23 - index) * hour)
  }
  const [days, hours] = range === 'week' ? [7, 4] : [30, 24]
  const start = new Date(now)
  start.setHours(0, 0, 0, 0)
  start.setDate(start.getDate() - (days - 1))
  const found: number[] = []
  while (start.getTime() <= now) {
    found.push(start.getTime())
    start.setHours(start.getHours() + hours)
  }
  return found
}

/** What adds up within a step. */
export type Counter = 'requests' | 'egress' | 'awakeMs' | 'mails'
/** What stands, and of which a step knows the latest. */
export type Gauge = 'databaseBytes' | 'storageBytes'

/** The sum in each step; where nothing was measured nothing happened. */
export function sums(hours: UsageHour[], of: Counter, starts: number[]): number[] {
  const found = starts.map(() => 0)
  for (const line of hours) {
    const index = indexOf(starts, line.hour)
    if (index >= 0) found[index] = (found[index] ?? 0) + line[of]
  }
  return found
}

/** The latest in each step, carried on where nothing was measured; nothing is known before the first. */
export function levels(hours: UsageHour[], of: Gauge, starts: number[]): (number | null)[] {
  const found: (number | null)[] = starts.map(() => null)
  let known: number | null = null
  for (const line of [...hours].sort((a, b) => a.hour - b.hour)) {
    const index = indexOf(starts, line.hour)
    if (index < 0) known = line[of]
    else found[index] = line[of]
  }
  return found.map((value) => (known = value ?? known))
}

function indexOf(starts: number[], at: number): number {
  let index = starts.length - 1
  while (index >= 0 && (starts[index] ?? 0) > at) index -= 1
  return index
}
