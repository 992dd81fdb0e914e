import { expect, it } from 'vitest'
import type { Limit } from '$api/control/client'
import { monthEnd, mood, outlook } from './outlook'

const day = 86_400_000
const now = Date.UTC(2026, 10, 21)
const resets = Date.UTC(2026, 11, 1)

const limit = (more: Partial<Limit>): Limit => ({
  limit: 'egress',
  used: 30,
  max: 50,
  unit: 'bytes',
  period: 'month',
  state: 'ok',
  ...more,
})

it('names the day on which the pace of a month passes its limit', () => {
  const soon = limit({ used: 30, forecast: 70 })
  expect(outlook(soon, now, resets)).toEqual({ kind: 'passes', at: now + 5 * day })
  expect(mood(soon, now, resets)).toBe('near')
})

it('says what a month is on course for when it stays below, or has no limit', () => {
  expect(outlook(limit({ forecast: 45 }), now, resets)).toEqual({ kind: 'onCourse', value: 45 })
  expect(outlook(limit({ max: 0, forecast: 45 }), now, resets)).toEqual({ kind: 'onCourse', value: 45 })
  expect(mood(limit({ forecast: 45 }), now, resets)).toBe('ok')
})

it('turns the growth of what stands into the time until it is full', () => {
  const database = { limit: 'database', period: 'now' } as const
  expect(outlook(limit({ ...database, forecast: 40 }), now, resets)).toEqual({
    kind: 'fills',
    inMs: 20 * day,
  })
  expect(outlook(limit({ ...database, forecast: 30 }), now, resets)).toEqual({ kind: 'steady' })
  expect(outlook(limit({ ...database, forecast: 20 }), now, resets)).toEqual({ kind: 'steady' })
  expect(outlook(limit({ ...database, forecast: 30.1 }), now, resets)).toEqual({ kind: 'far' })
  expect(mood(limit({ ...database, forecast: 70 }), now, resets)).toBe('near')
})

it('guesses nothing', () => {
  expect(outlook(limit({ forecast: null }), now, resets)).toEqual({ kind: 'unknown' })
  expect(outlook(limit({ forecast: undefined, max: 0 }), now, resets)).toEqual({ kind: 'unlimited' })
})

it('says from when on there is room again, if time alone makes room', () => {
  const full = { used: 50, state: 'over' } as const
  expect(outlook(limit(full), now, resets)).toEqual({ kind: 'over', until: resets })
  expect(outlook(limit({ ...full, period: 'day' }), now + 1, resets)).toEqual({
    kind: 'over',
    until: now + day,
  })
  expect(outlook(limit({ ...full, period: 'now' }), now, resets)).toEqual({ kind: 'over', until: undefined })
})

it('ends months by UTC', () => {
  expect(monthEnd(Date.UTC(2026, 11, 31, 23, 59))).toBe(Date.UTC(2027, 0, 1))
})
