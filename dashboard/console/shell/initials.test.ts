import { expect, it } from 'vitest'
import { initials } from './initials'

it.each([
  ['Ana Novak', 'a@example.com', 'AN'],
  ['Ana', 'a@example.com', 'AN'],
  ['', 'ana@example.com', 'AN'],
  ['  Ana  Maria Novak ', '', 'AM'],
])('%j and %j become %s', (name, email, expected) => {
  expect(initials({ name, email })).toBe(expected)
})
