import { describe, expect, it } from 'vitest'
import { newPassword } from './password'
import { endpointOf, isSlug, slugFrom } from './slug'
import { firstRecord, hello, languages } from './snippets'

describe('an address', () => {
  it.each([
    ['Orchard', 'orchard'],
    ['Ana’s Orchard & Co.', 'anas-orchard-co'],
    ['  Żółta Łódź  ', 'zo-ta-odz'],
    ['x'.repeat(60), 'x'.repeat(40)],
    ['日本', ''],
  ])('from %j is %j', (name, slug) => expect(slugFrom(name)).toBe(slug))

  it('has 3 to 40 characters and no hyphen at its ends', () => {
    expect(['abc', 'a-1', 'x'.repeat(40)].every(isSlug)).toBe(true)
    expect(['ab', '-ab', 'ab-', 'Abc', 'a_c', 'x'.repeat(41), ''].some(isSlug)).toBe(false)
  })

  it('answers where the platform says', () => {
    expect(endpointOf('http://{slug}.localhost:8080', 'tide')).toBe('http://tide.localhost:8080')
  })
})

describe('a made password', () => {
  it('is long, without look-alikes, and never the same', () => {
    const passwords = new Set(Array.from({ length: 100 }, () => newPassword()))
    expect(passwords.size).toBe(100)
    for (const password of passwords) expect(password).toMatch(/^[a-km-np-zA-HJ-NP-Z2-9]{24}$/)
  })
})

describe('a snippet', () => {
  it('names the endpoint in every language', () => {
    for (const language of languages) expect(hello[language]('http://a.b')).toContain('http://a.b')
  })

  it('stays code whatever the password is', () => {
    const superuser = { email: 'ana@example.com', password: `it's $5\\` }
    expect(firstRecord.javascript('http://a.b', superuser)).toContain(String.raw`'it\'s $5\\'`)
    expect(firstRecord.dart('http://a.b', superuser)).toContain(String.raw`'it\'s \$5\\'`)
    expect(firstRecord.curl('http://a.b', superuser)).toContain(String.raw`"it'\''s $5\\"`)
  })
})
