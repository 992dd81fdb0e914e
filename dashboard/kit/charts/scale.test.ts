import { expect, it } from 'vitest'
import { everyNth, roundTicks, sizeTicks, timeTicks } from './scale'

const hour = 3_600_000

it('puts lines at round numbers and the last above everything', () => {
  expect(roundTicks(742)).toEqual([0, 250, 500, 750])
  expect(roundTicks(3)).toEqual([0, 1, 2, 3])
})

it('counts bytes in steps of 1024', () => {
  const mb = 1024 ** 2
  expect(sizeTicks(212 * mb)).toEqual([0, 100 * mb, 200 * mb, 300 * mb])
  expect(sizeTicks(0)).toEqual([0, 1])
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
