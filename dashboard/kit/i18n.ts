// Numbers, sizes and times in words, all by `Intl`. The words themselves are in `text/`.

const locale = globalThis.navigator?.languages?.find((language) => language.startsWith('en')) ?? 'en-GB'

const counts = new Intl.NumberFormat(locale)
const decimals = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 })
// Elsewhere in English a million is a small m, which reads as metres or minutes.
const compactCounts = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })
const dates = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric' })
const deadlines = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' })
const moments = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' })
const exactTimes = new Intl.DateTimeFormat(locale, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
})
const clockTimes = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const daysAndMonths = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' })
const weekdays = new Intl.DateTimeFormat(locale, { weekday: 'short', day: 'numeric' })
const percents = new Intl.NumberFormat(locale, { style: 'percent' })
const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' })
const lists = new Intl.ListFormat(locale)
const plurals = new Intl.PluralRules(locale)

export const minute = 60_000
export const hour = 60 * minute
export const day = 24 * hour

export const count = (value: number) => counts.format(value)
/** How many a second, of which a few are more than none: `< 0.1`. */
export const rate = (perSecond: number) =>
  perSecond > 0 && perSecond < 0.05
    ? `< ${decimal(0.1)}`
    : (perSecond < 100 ? decimal : compactCount)(perSecond)
/** `0.7` */
export const decimal = (value: number) => decimals.format(value)
export const compactCount = (value: number) => (value < 10_000 ? counts : compactCounts).format(value)
export const date = (ms: number) => dates.format(ms)
export const moment = (ms: number) => moments.format(ms)
/** To the minute: `28 Nov 2026, 09:40`. */
export const deadline = (ms: number) => deadlines.format(ms)
export const clockTime = (ms: number) => clockTimes.format(ms)
/** `27 Nov` */
export const dayAndMonth = (ms: number) => daysAndMonths.format(ms)
/** `Fri 27` */
export const weekday = (ms: number) => weekdays.format(ms)
/** Down to the whole percent, so that 100 means all of it. */
export const percent = (share: number) => percents.format(Math.floor(share * 100 + 1e-9) / 100)
export const list = (items: string[]) => lists.format(items)

/** `09:41` today, `20 Nov` before. */
export function timeOrDay(ms: number, now: number): string {
  const sameDay = new Date(ms).toDateString() === new Date(now).toDateString()
  return (sameDay ? clockTimes : daysAndMonths).format(ms)
}

/** To the millisecond, with the day where it is not today: `['', '09:41:12.007']`. */
export function logTime(ms: number, now: number): [string, string] {
  const sameDay = new Date(ms).toDateString() === new Date(now).toDateString()
  return [sameDay ? '' : daysAndMonths.format(ms), exactTimes.format(ms)]
}

/** `3 minutes ago`; within the last minute a number would only be restless, so `null`. */
export function ago(ms: number, now: number): string | null {
  const passed = Math.max(0, now - ms)
  if (passed < minute) return null
  if (passed < hour) return relative.format(-Math.floor(passed / minute), 'minute')
  if (passed < day) return relative.format(-Math.floor(passed / hour), 'hour')
  return relative.format(-Math.floor(passed / day), 'day')
}

/** `3 days` of the time until then, rounded up: never nothing while any time is left. */
export function timeLeft(ms: number, now: number): string {
  const left = Math.max(0, ms - now)
  const unit = left > day ? 'day' : left > hour ? 'hour' : 'minute'
  const value = Math.ceil(left / { day, hour, minute }[unit])
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }).format(value)
}

/** Whole days until then, never less than one while any time is left. */
export const daysLeft = (ms: number, now: number) => Math.max(0, Math.ceil((ms - now) / day))

export function plural(value: number, forms: { one: string; other: string }): string {
  const form = plurals.select(value) === 'one' ? forms.one : forms.other
  return form.replace('#', counts.format(value))
}

const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const

/** A size as the big number and its small unit, in steps of 1024 as plans are written: `['212', 'MB']`. */
export function sizeParts(bytes: number): [string, string] {
  let step = 0
  let value = bytes
  while (value >= 1024 && step < units.length - 1) {
    value /= 1024
    step += 1
  }
  const format = new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: units[step],
    unitDisplay: step === 0 ? 'long' : 'short',
    maximumFractionDigits: value < 10 && step > 0 ? 1 : 0,
  })
  const parts = format.formatToParts(value)
  const number = parts.filter((part) => part.type !== 'unit' && part.type !== 'literal')
  return [number.map((part) => part.value).join(''), parts.find((part) => part.type === 'unit')?.value ?? '']
}

/** A span of time as a number and its unit: `['95', 'mins']`, `['12.5', 'hrs']`. */
export function spanParts(ms: number): [string, string] {
  const unit = ms < minute ? 'second' : ms < 2 * hour ? 'minute' : 'hour'
  const value = ms / { second: 1000, minute, hour }[unit]
  return inUnit(value, unit, unit === 'hour' && value < 100 ? 1 : 0)
}

/** How long somebody waited, as a number and its unit: `['0.8', 'ms']`, `['1.2', 'secs']`. */
export function waitParts(ms: number): [string, string] {
  const [value, unit] = ms < 999.5 ? [ms, 'millisecond'] : [ms / 1000, 'second']
  return inUnit(value, unit, value < 10 ? 1 : 0)
}

function inUnit(value: number, unit: string, maximumFractionDigits: number): [string, string] {
  const format = new Intl.NumberFormat(locale, {
    style: 'unit',
    unit,
    unitDisplay: 'short',
    maximumFractionDigits,
  })
  const parts = format.formatToParts(value)
  const number = parts.filter(({ type }) => type !== 'unit' && type !== 'literal')
  return [number.map((part) => part.value).join(''), parts.find(({ type }) => type === 'unit')?.value ?? '']
}

export const span = (ms: number) => spanParts(ms).join(' ')

export const wait = (ms: number) => waitParts(ms).join(' ')

export const size = (bytes: number) => sizeParts(bytes).join(' ')
