import { describe, expect, it } from 'vitest'
import { matchPath, ownPath } from './router.svelte'

describe('matchPath', () => {
  it('names the parts of a path', () => {
    expect(matchPath('/p/:slug/settings', '/p/orchard/settings')).toEqual({ slug: 'orchard' })
  })

  it('does not mind a slash at the end, and no longer or shorter path', () => {
    expect(matchPath('/projects', '/projects/')).toEqual({})
    expect(matchPath('/projects', '/projects/new')).toBeUndefined()
    expect(matchPath('/p/:slug', '/p/')).toBeUndefined()
  })

  it('survives a badly escaped part', () => {
    expect(matchPath('/p/:slug', '/p/%E0%A4%A')).toEqual({ slug: '%E0%A4%A' })
  })
})

describe('ownPath', () => {
  it('takes a path of this site and nothing that leads off it', () => {
    expect(ownPath('/p/orchard')).toBe('/p/orchard')
    for (const elsewhere of [null, '', 'https://example.com', '//example.com', '/\\example.com']) {
      expect(ownPath(elsewhere)).toBeUndefined()
    }
  })
})
