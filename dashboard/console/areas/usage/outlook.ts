// What the pace so far leads to. A forecast is the server's; here it becomes what a person wants to know: when a limit is
// reached, or that it is not. What is not known is not guessed.

import type { Limit } from '$api/control/client'
import { day } from '$kit/i18n'

export type Outlook =
  | { kind: 'unlimited' }
  /** Nothing may be added. Counts of a month or day start anew then; what stands does not. */
  | { kind: 'over'; until: number | undefined }
  | { kind: 'passes'; at: number }
  | { kind: 'fills'; inMs: number }
  | { kind: 'onCourse'; value: number }
  | { kind: 'steady' }
  | { kind: 'far' }
  /** Comes and goes within a day: there is nothing to foretell. */
  | { kind: 'momentary' }
  /** Too little is known. */
  | { kind: 'unknown' }

/** Beyond this nobody plans, and no pace holds. */
const horizon = 365 * day

export function outlook(limit: Limit, now: number, resets = monthEnd(now)): Outlook {
  const { used, max, period, state, forecast } = limit
  if (max > 0 && (state === 'over' || used >= max)) return { kind: 'over', until: anew(period, now, resets) }
  if (period === 'day' || limit.limit === 'realtime') return { kind: max > 0 ? 'momentary' : 'unlimited' }
  if (typeof forecast !== 'number' || resets <= now)
    return max > 0 ? { kind: 'unknown' } : { kind: 'unlimited' }
  if (period === 'month') return ofMonth(used, max, forecast, now, resets)
  if (max === 0) return { kind: 'unlimited' }
  return standing(used, max, (forecast - used) / (resets - now))
}

function ofMonth(used: number, max: number, forecast: number, now: number, resets: number): Outlook {
  if (max === 0 || forecast <= max) return { kind: 'onCourse', value: Math.max(used, forecast) }
  const left = (max - used) / (forecast - used)
  return { kind: 'passes', at: now + left * (resets - now) }
}

/** What stands until somebody removes it, growing by so much a millisecond. */
function standing(used: number, max: number, pace: number): Outlook {
  if (pace <= 0) return { kind: 'steady' }
  const inMs = (max - used) / pace
  return inMs > horizon ? { kind: 'far' } : { kind: 'fills', inMs }
}

function anew(period: Limit['period'], now: number, resets: number): number | undefined {
  if (period === 'month') return resets
  return period === 'day' ? (Math.floor(now / day) + 1) * day : undefined
}

/** When counts of a month start anew, everywhere on Earth at once. */
export function monthEnd(now: number): number {
  const date = new Date(now)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)
}

/** Worth a warning before it is one: the pace leads over the limit soon. */
export function mood(limit: Limit, now: number, resets?: number): Limit['state'] {
  if (limit.state !== 'ok') return limit.state
  const { kind, ...more } = outlook(limit, now, resets)
  if (kind === 'passes') return 'near'
  return kind === 'fills' && 'inMs' in more && more.inMs < 7 * day ? 'near' : 'ok'
}
