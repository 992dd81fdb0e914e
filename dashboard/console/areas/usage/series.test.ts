import { expect, it } from 'vitest'
import type { UsageHour } from '$api/control/client'
import { levels, steps, sums } from './series'

const hour = 3_600_000
const now = Date.UTC(2026, 10, 21, 9, 41)

const line = (at: number, more: Partial<UsageHour> = {}): UsageHour => ({
  hour: at,
  requests: 0,
  egress: 0,
  databaseBytes: 0,
  storageBytes: 0,
  awakeMs: 0,
  mails: 0,
  ...more,
})

it('divides a day into hours, a week into quarters of days, a month into days, up to now', () => {
  const hours = steps('day', now)
  expect(hours).toHaveLength(24)
  expect(hours.at(-1)).toBe(Date.UTC(2026, 10, 21, 9))
  for (const range of ['week', 'month'] as const) {
    const starts = steps(range, now)
    expect(new Date(starts[0] ?? 0).getHours()).toBe(0)
    expect(starts.at(-1)).toBeLessThanOrEqual(now)
    expect([...starts].sort((a, b) => a - b)).toEqual(starts)
  }
  expect(steps('month', now)).toHaveLength(30)
})

it('adds up what falls into a step and leaves out what is older', () => {
  const starts = [now, now + 4 * hour]
  const hours = [now - 1, now, now + 3 * hour, now + 5 * hour].map((at) => line(at, { requests: 2 }))
  expect(sums(hours, 'requests', starts)).toEqual([4, 2])
})

it('carries on what stands, also from before, and invents nothing', () => {
  const starts = [0, 1, 2, 3].map((index) => now + index * hour)
  expect(levels([line(now + hour, { databaseBytes: 7 })], 'databaseBytes', starts)).toEqual([null, 7, 7, 7])
  expect(levels([line(now - hour, { databaseBytes: 5 })], 'databaseBytes', starts)).toEqual([5, 5, 5, 5])
})
