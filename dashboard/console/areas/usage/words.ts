// An outlook as a clause: `full in about 7 weeks`.

import type { Limit } from '$api/control/client'
import { day, dayAndMonth } from '$kit/i18n'
import { text } from '$kit/text/usage'
import { amount } from './amount'
import { outlook } from './outlook'

const words = text.usage.outlook

export function outlookWords(limit: Limit, now: number, resets?: number): string {
  const found = outlook(limit, now, resets)
  switch (found.kind) {
    case 'unlimited':
      return text.common.unlimited
    case 'over':
      if (found.until) return words.anew(dayAndMonth(found.until))
      return limit.unit === 'bytes' ? words.full : words.taken
    case 'passes':
      return words.passes(dayAndMonth(found.at))
    case 'fills':
      return words.fills(timespan(found.inMs))
    case 'onCourse':
      return words.onCourse(amount(limit.unit, found.value))
    default:
      return words[found.kind]
  }
}

/** In whole days up to two weeks, then weeks, then months. */
function timespan(ms: number): string {
  const days = Math.max(1, Math.round(ms / day))
  if (days < 14) return text.common.days(days)
  return days < 90 ? words.weeks(Math.round(days / 7)) : words.months(Math.round(days / 30.4))
}
