import { expect, it } from 'vitest'
import { marked } from './pseudo'

it('brackets every text, also those made from something, when the test language is on', () => {
  localStorage.setItem('roost.locale', 'pseudo')
  const text = marked({ plain: 'Save', made: (name: string) => `Hello ${name}`, deep: { er: 'Close' } })
  localStorage.removeItem('roost.locale')
  expect([text.plain, text.made('Ana'), text.deep.er]).toEqual(['⟦Save⟧', '⟦Hello Ana⟧', '⟦Close⟧'])
})

it('leaves the texts alone otherwise', () => {
  const text = { plain: 'Save' }
  expect(marked(text)).toBe(text)
})
