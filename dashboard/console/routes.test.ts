import { expect, it } from 'vitest'
import { findPage, projectPath } from './routes'

it('takes the exact page before the one with a parameter', () => {
  expect(findPage('/projects/new').page.path).toBe('/projects/new')
  expect(findPage('/p/orchard')).toMatchObject({ page: { path: '/p/:slug' }, params: { slug: 'orchard' } })
})

it('has a page for every other address', () => {
  expect(findPage('/nowhere').page.path).toBe('*')
})

it('leads back from the path it makes', () => {
  expect(findPage(projectPath('a-b')).params).toEqual({ slug: 'a-b' })
})
