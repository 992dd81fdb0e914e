import { expect, it } from 'vitest'
import {
  ago,
  compactCount,
  day,
  daysLeft,
  hour,
  minute,
  plural,
  rate,
  size,
  sizeParts,
  timeLeft,
  wait,
} from './i18n'

const now = Date.UTC(2026, 10, 20, 12)

it('says how long ago in the largest whole unit, and nothing within a minute', () => {
  expect(ago(now - 30_000, now)).toBeNull()
  expect(ago(now - 3 * minute, now)).toBe('3 minutes ago')
  expect(ago(now - 5 * hour, now)).toBe('5 hours ago')
  expect(ago(now - day, now)).toBe('yesterday')
})

it('does not put the future into words when the clocks differ', () => {
  expect(ago(now + minute, now)).toBeNull()
})

it('counts the last started day as a day', () => {
  expect(daysLeft(now + 5.2 * day, now)).toBe(6)
  expect(daysLeft(now + 1, now)).toBe(1)
  expect(daysLeft(now - day, now)).toBe(0)
})

it('says how much time is left in one unit, rounded up', () => {
  const left = (ms: number) => timeLeft(now + ms, now)
  expect([left(7 * day), left(6.2 * day), left(day), left(90 * minute)]).toEqual([
    '7 days',
    '7 days',
    '24 hours',
    '2 hours',
  ])
  expect([left(30_000), left(-day)]).toEqual(['1 minute', '0 minutes'])
})

it('gives sizes a big number and a small unit', () => {
  expect(sizeParts(212.4 * 1024 ** 2)).toEqual(['212', 'MB'])
  expect(sizeParts(1.9 * 1024 ** 3)).toEqual(['1.9', 'GB'])
  expect(sizeParts(0)).toEqual(['0', 'bytes'])
  expect(size(1)).toBe('1 byte')
})

it('shortens a count only when it is long', () => {
  expect(compactCount(9_999)).toBe('9,999')
  expect(compactCount(184_220)).toMatch(/^184\.2\s?K$/i)
})

it('chooses the form by the number', () => {
  const forms = { one: '# day', other: '# days' }
  expect([1, 2, 0].map((value) => plural(value, forms))).toEqual(['1 day', '2 days', '0 days'])
})

it('says how long one waited, as exactly as anybody cares', () => {
  expect([0.76, 4.35, 37.2, 999.4, 999.9, 1234].map(wait)).toEqual([
    '0.8 ms',
    '4.4 ms',
    '37 ms',
    '999 ms',
    '1 sec',
    '1.2 sec',
  ])
})

it('tells a few a second from none', () => {
  expect([0, 0.01, 0.05, 0.44, 12.3, 1234].map(rate)).toEqual(['0', '< 0.1', '0.1', '0.4', '12.3', '1,234'])
})
