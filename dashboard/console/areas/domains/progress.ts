// How a domain's state looks and what is to be set and said in it. The words are in kit/text/domains.ts.

import type { Check, DnsRecord, Domain, DomainState } from '$api/control/client'
import { amiss, bad, busy, good, quiet, type Look } from '$kit/ui/look'
import { ago, date, deadline, hour, timeLeft } from '$kit/i18n'
import { text } from '$kit/text/domains'
import { isApex } from './host-name'

const words = text.domains

const looks: Record<DomainState, Look> = {
  dnsWait: { ...quiet, sign: 'clock' },
  verifying: { ...busy, sign: 'ring', moves: true },
  issuing: { ...busy, sign: 'ring', moves: true },
  live: { ...good, sign: 'dot' },
  failed: { ...bad, sign: 'alert' },
}

/** What is not as it should be. A record that is only missing is no problem before the domain is live: it is awaited. */
export function problemsOf({ state, checks }: Domain): number {
  return checks.filter((check) => check.state === 'wrong' || (state === 'live' && check.state === 'missing'))
    .length
}

/** Whether the name leads here and is proven: nothing is left to set. */
export const isSet = ({ checks }: Domain) =>
  checks.length > 0 && checks.every(({ kind, state }) => state === 'ok' || kind === 'caa' || kind === 'http')

export function chipOf(domain: Domain): { look: Look; word: string } {
  const { state } = domain
  const problems = problemsOf(domain)
  if (problems === 0 || state === 'failed' || state === 'issuing')
    return { look: looks[state], word: words.states[state] }
  const word = words.problems(problems)
  return { look: { ...amiss, sign: 'alert' }, word: state === 'live' ? words.liveBut(word) : word }
}

/** Where it stands and until when, in a sentence. */
export function summaryOf({ state, deadlineMs, certificate }: Domain, now: number): string {
  if (state === 'live') {
    if (!certificate) return words.summary.served
    const until = date(certificate.expiresMs)
    return certificate.renewMs > now
      ? words.summary.certificate(until, date(certificate.renewMs))
      : words.summary.renewing(until)
  }
  return words.summary[state](deadline(deadlineMs), timeLeft(deadlineMs, now))
}

/** When it was last looked at, and how soon the next look comes by itself: looks grow rarer with the hours. */
export function lookOf({ state, lookedMs, sinceMs }: Domain, now: number): string {
  if (state === 'issuing') return words.look.follows
  if (!lookedMs) return words.look.never
  const before = ago(lookedMs, now) ?? text.common.justNow
  if (state === 'failed') return words.look.ended(before)
  return now - sinceMs < hour ? words.look.soon(before) : words.look.later(before)
}

/** A live domain is looked at only to see whether it is still so; while its certificate is made there is nothing to see. */
export const canLook = (domain: Domain) =>
  domain.state === 'live' ? problemsOf(domain) > 0 : domain.state !== 'issuing'

type Step = Exclude<DomainState, 'failed'>

/** The way to live. Where no certificates are made, a domain is live as soon as it leads here. */
export const wayToLive = (certificates: boolean): Step[] =>
  certificates ? ['dnsWait', 'verifying', 'issuing', 'live'] : ['dnsWait', 'live']

export interface Wanted {
  /** One of these sets leads the name here: the better one, and the other if there is a choice. */
  pointing: DnsRecord[]
  instead: DnsRecord[]
  proof: DnsRecord[]
}

/** Sorts what is to be set. The top of a zone cannot have a CNAME; below it a CNAME is the one that never goes stale. */
export function arrange(name: string, records: DnsRecord[]): Wanted {
  const proof = records.filter(({ kind }) => kind === 'TXT')
  const aliases = records.filter(({ kind }) => kind === 'CNAME')
  const addresses = records.filter(({ kind }) => kind === 'A' || kind === 'AAAA')
  if (addresses.length === 0) return { pointing: aliases, instead: [], proof }
  if (aliases.length === 0 || isApex(name)) return { pointing: addresses, instead: [], proof }
  return { pointing: aliases, instead: addresses, proof }
}

export const checkLooks: Record<Check['state'], string> = {
  ok: 'text-ok-text',
  wrong: 'text-danger-text',
  missing: 'text-warn-text',
  waiting: 'text-muted',
}
