import { describe, expect, it } from 'vitest'
import { cronOf, patternOf } from './pattern'

describe('a schedule', () => {
  it.each([
    ['', 'never'],
    ['30 3 * * *', 'daily'],
    ['5 * * * *', 'hourly'],
    ['0 3 * * 1-5', 'custom'],
    ['*/5 * * * *', 'custom'],
  ])('of %j is %s', (cron, pattern) => expect(patternOf(cron)).toBe(pattern))

  it('stays as it is when it fits the choice', () => {
    expect(cronOf('daily', '30 4 * * *')).toBe('30 4 * * *')
    expect(cronOf('custom', '0 3 * * 1-5')).toBe('0 3 * * 1-5')
    expect(patternOf(cronOf('hourly', '30 4 * * *'))).toBe('hourly')
    expect(cronOf('never', '30 4 * * *')).toBe('')
  })
})
