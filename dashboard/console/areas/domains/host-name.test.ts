import { describe, expect, it } from 'vitest'
import { isApex, readable, readName, withinZone, zoneOf } from './host-name'

describe('a typed name', () => {
  it.each([
    ['api.orchard.shop', 'api.orchard.shop', []],
    ['  API.Orchard.Shop. ', 'api.orchard.shop', []],
    ['https://orchard.shop/a/b?c#d', 'orchard.shop', ['https://', '/a/b?c#d']],
    ['http://orchard.shop:8080', 'orchard.shop', ['http://', ':8080']],
    ['orchard.shop?x', 'orchard.shop', ['?x']],
    ['ana@orchard.shop', 'orchard.shop', ['ana@']],
    ['bücher.example', 'xn--bcher-kva.example', []],
    ['BÜCHER。example', 'xn--bcher-kva.example', []],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example', []],
  ])('%j is %s', (typed, name, extras) => expect(readName(typed)).toEqual({ name, extras }))

  it.each([
    ['', 'unfinished'],
    ['https://', 'unfinished'],
    ['orchard', 'unfinished'],
    ['orchard.', 'unfinished'],
    ['orchard.s-', 'unfinished'],
    ['orchard.1', 'unfinished'],
    ['127.0.0.1', 'address'],
    ['http://[2001:db8::1]:80/', 'address'],
    ['2001:db8::1', 'address'],
    ['*.orchard.shop', 'wildcard'],
    ['orchard..shop', 'dots'],
    ['.orchard.shop', 'dots'],
    ['my orchard.shop', 'characters'],
    ['_dmarc.orchard.shop', 'characters'],
    ['a%2eb.shop', 'characters'],
    ['a\\b.shop', 'characters'],
    ['xn--0.shop', 'characters'],
    ['-a.orchard.shop', 'hyphen'],
    ['a-.orchard.shop', 'hyphen'],
    [`${'a'.repeat(64)}.shop`, 'tooLong'],
    [`${'abcdefg.'.repeat(32)}shop`, 'tooLong'],
  ])('%j is not: %s', (typed, problem) => expect(readName(typed)).toMatchObject({ name: '', problem }))
})

describe('a name to read', () => {
  it.each([
    ['orchard.shop', 'orchard.shop'],
    ['xn--bcher-kva.example', 'bücher.example'],
    ['xn--fiqs8s.xn--55qx5d', '中国.公司'],
    ['xn--mgba3a4f16a.example', 'ایران.example'],
    ['xn--ls8h.example', '💩.example'],
    ['xn--0.example', 'xn--0.example'],
    ['xn--a-.example', 'xn--a-.example'],
  ])('of %s is %s', (name, shown) => expect(readable(name)).toBe(shown))
})

describe('the zone', () => {
  it.each([
    ['orchard.shop', 'orchard.shop', '@'],
    ['api.orchard.shop', 'orchard.shop', 'api'],
    ['_roost.api.orchard.shop', 'orchard.shop', '_roost.api'],
    ['orchard.co.uk', 'orchard.co.uk', '@'],
    ['api.orchard.com.au', 'orchard.com.au', 'api'],
    ['co.uk', 'co.uk', '@'],
    ['co.example', 'co.example', '@'],
  ])('of %s is %s, and there it is %s', (name, zone, relative) => {
    expect(zoneOf(name)).toBe(zone)
    expect(withinZone(name, zone)).toBe(relative)
  })

  it('has one top', () => {
    expect(isApex('orchard.shop')).toBe(true)
    expect(isApex('api.orchard.shop')).toBe(false)
  })

  it('leaves a name of another zone whole', () => {
    expect(withinZone('roost.example', 'orchard.shop')).toBe('roost.example')
  })
})
