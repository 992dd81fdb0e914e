import { expect, it } from 'vitest'
import { everyNth, roundTicks, timeTicks } from './scale'

const hour = 3_600_000

it('puts lines at round numbers and the last above everything', () => {
  expect(roundTicks(742)).toEqual([0, 250, 500, 750])
  expect(roundTicks(3)).toEqual([0, 1, 2, 3])
  expect(roundTicks(212_400_000)).toEqual([0, 100_000_000, 200_000_000, 300_000_000])
})

it('draws an empty chart with one line', () => {
  expect(roundTicks(0)).toEqual([0, 1])
})

it('never draws lines between whole numbers for what is counted', () => {
  for (const most of [1, 2, 3]) expect(roundTicks(most).every(Number.isInteger), String(most)).toBe(true)
})

it('knows that an hour has sixty minutes', () => {
  expect(timeTicks(hour)).toEqual([0, hour / 2, hour])
  expect(timeTicks(24 * hour)).toEqual([0, 8 * hour, 16 * hour, 24 * hour])
})

it('thins labels out to what fits', () => {
  expect(everyNth(24, 6)).toBe(4)
  expect(everyNth(7, 7)).toBe(1)
  expect(everyNth(30, 10)).toBe(3)
})
