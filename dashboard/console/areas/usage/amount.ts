// A limit's figures, each with its unit: bytes, counts and hours alike.

import type { Limit } from '$api/control/client'
import { compactCount, sizeParts, spanParts } from '$kit/i18n'

type Unit = Limit['unit']

const parts: Record<Unit, (value: number) => [string, string]> = {
  bytes: sizeParts,
  count: (value) => [compactCount(Math.round(value)), ''],
  ms: spanParts,
}

export const amount = (unit: Unit, value: number) => parts[unit](value).join(' ').trim()

interface Against {
  /** The big number, and its unit where that of the whole is another. */
  used: string
  unit: string
  /** The whole with its unit; nothing where there is no limit. */
  max: string
}

/** `212 | of 500 MB`, but `900 kB | of 10 GB`. */
export function against({ unit, used, max }: Limit): Against {
  const [number, ownUnit] = parts[unit](used)
  if (max === 0) return { used: number, unit: ownUnit, max: '' }
  const [, wholeUnit] = parts[unit](max)
  return { used: number, unit: ownUnit === wholeUnit ? '' : ownUnit, max: amount(unit, max) }
}

/** `212 of 500 MB` in the words given. */
export function inWords(limit: Limit, of: (max: string) => string): string {
  const { used, unit, max } = against(limit)
  return [used, unit, max && of(max)].filter(Boolean).join(' ')
}
