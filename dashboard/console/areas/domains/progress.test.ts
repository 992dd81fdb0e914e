import { expect, it } from 'vitest'
import type { Check, DnsRecord, Domain } from '$api/control/client'
import { date, day, deadline, hour, minute } from '$kit/i18n'
import { text } from '$kit/text/domains'
import { addressOf, liveAddress } from './address'
import { arrange, chipOf, isSet, lookOf, problemsOf, summaryOf } from './progress'

const words = text.domains
const now = Date.UTC(2026, 10, 20, 12)

const domain = (more: Partial<Domain> = {}): Domain => ({
  name: 'api.orchard.shop',
  state: 'dnsWait',
  sinceMs: now - minute,
  deadlineMs: now + 6.5 * day,
  createdMs: now - minute,
  records: [],
  checks: [],
  ...more,
})
const check = (kind: Check['kind'], state: Check['state']): Check => ({ kind, state, found: [], message: '' })
const record = (kind: DnsRecord['kind'], wanted = kind): DnsRecord => ({ kind, name: '', wanted })

it('calls what is wrong a problem, and what is missing only once the domain is live', () => {
  const checks = [check('a', 'missing'), check('aaaa', 'wrong'), check('caa', 'waiting')]
  expect(problemsOf(domain({ checks }))).toBe(1)
  expect(problemsOf(domain({ checks, state: 'live' }))).toBe(2)
})

it('shows the problems where the state would be, but never hides that a domain is live or given up', () => {
  const checks = [check('aaaa', 'wrong')]
  expect(chipOf(domain()).word).toBe(words.states.dnsWait)
  expect(chipOf(domain({ checks })).word).toBe('1 problem')
  expect(chipOf(domain({ checks, state: 'live' })).word).toBe('Live, 1 problem')
  expect(chipOf(domain({ checks, state: 'failed' })).word).toBe(words.states.failed)
})

it('knows when nothing is left to set: what authorities and port 80 say is another matter', () => {
  expect(isSet(domain())).toBe(false)
  expect(isSet(domain({ checks: [check('a', 'ok'), check('caa', 'wrong')] }))).toBe(true)
  expect(isSet(domain({ checks: [check('a', 'ok'), check('txt', 'missing')] }))).toBe(false)
})

it('says until when in plain words', () => {
  const until = now + 6.5 * day
  expect(summaryOf(domain(), now)).toBe(words.summary.dnsWait(deadline(until), '7 days'))
  const certificate = { issuer: 'test', expiresMs: now + 60 * day, renewMs: now + 30 * day }
  const live = domain({ state: 'live', certificate })
  const [ends, renews] = [date(certificate.expiresMs), date(certificate.renewMs)]
  expect(summaryOf(live, now)).toBe(words.summary.certificate(ends, renews))
  expect(summaryOf(live, certificate.renewMs + 1)).toBe(words.summary.renewing(ends))
  expect(summaryOf(domain({ state: 'live' }), now)).toBe(words.summary.served)
})

it('says when it looks again, as long as it does', () => {
  const lookedMs = now - 2 * minute
  expect(lookOf(domain(), now)).toBe(words.look.never)
  expect(lookOf(domain({ lookedMs }), now)).toBe(words.look.soon('2 minutes ago'))
  expect(lookOf(domain({ lookedMs, sinceMs: now - 2 * hour }), now)).toBe(words.look.later('2 minutes ago'))
  expect(lookOf(domain({ lookedMs, state: 'failed' }), now)).toBe(words.look.ended('2 minutes ago'))
  expect(lookOf(domain({ lookedMs, state: 'issuing' }), now)).toBe(words.look.follows)
})

it('prefers a CNAME below the top of a zone, and offers none at the top', () => {
  const records = [record('A'), record('AAAA'), record('CNAME'), record('TXT')]
  const kinds = (name: string, given = records) => {
    const { pointing, instead, proof } = arrange(name, given)
    return [pointing, instead, proof].map((set) => set.map(({ kind }) => kind).join(' '))
  }
  expect(kinds('api.orchard.shop')).toEqual(['CNAME', 'A AAAA', 'TXT'])
  expect(kinds('orchard.co.uk')).toEqual(['A AAAA', '', 'TXT'])
  expect(kinds('orchard.shop', records.slice(0, 2))).toEqual(['A AAAA', '', ''])
  expect(kinds('api.orchard.shop', records.slice(2, 3))).toEqual(['CNAME', '', ''])
})

it('gives apps the oldest live domain, at the scheme and port of the platform', () => {
  const live = (name: string, createdMs: number) => domain({ name, state: 'live', createdMs })
  const both = [domain(), live('b.example', 2), live('a.example', 1)]
  expect(liveAddress(undefined, 'https://orchard.roost.example')).toBeUndefined()
  expect(liveAddress([domain()], 'https://orchard.roost.example')).toBeUndefined()
  expect(liveAddress(both, 'https://orchard.roost.example')).toBe('https://a.example')
  expect(addressOf('a.example', 'http://orchard.localhost:8080')).toBe('http://a.example:8080')
})
