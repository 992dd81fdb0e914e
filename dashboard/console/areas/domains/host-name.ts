// What a person types where a domain is wanted, and what the platform and a registrar call the same name.

import { decodePunycode } from './punycode'

/** Why something is not a domain. `unfinished` may become one with the next key. */
export type NameProblem = 'unfinished' | 'address' | 'wildcard' | 'characters' | 'dots' | 'hyphen' | 'tooLong'

export interface TypedName {
  /** In ASCII and small letters, as DNS has it; empty while there is a problem. */
  name: string
  problem?: NameProblem
  /** What was typed or pasted around the name, in order: `https://`, `/shop`. */
  extras: string[]
}

export function readName(typed: string): TypedName {
  const { host, extras } = unwrap(typed.trim())
  if (host === '') return { name: '', problem: 'unfinished', extras }
  if (isAddress(host)) return { name: '', problem: 'address', extras }
  if (host.startsWith('*')) return { name: '', problem: 'wildcard', extras }

  const name = toAscii(host.replace(/\.$/, ''))
  const problem = name === undefined ? (problemOf(host) ?? 'characters') : problemOf(name)
  return problem ? { name: '', problem, extras } : { name: name ?? '', extras }
}

/** The host out of an address, an e-mail address or just itself. */
function unwrap(typed: string): { host: string; extras: string[] } {
  const [, scheme = '', authority = '', path = ''] =
    /^([a-z][a-z0-9+.-]*:\/\/)?([^/?#]*)(.*)$/is.exec(typed) ?? []
  const at = authority.lastIndexOf('@') + 1
  const [, host = '', port = ''] = /^(.*?)(:\d*)?$/s.exec(authority.slice(at)) ?? []
  const isSingleColon = !host.includes(':') // else the "port" is the end of an IPv6 address
  const extras = [scheme, authority.slice(0, at), isSingleColon ? port : '', path].filter(Boolean)
  return { host: isSingleColon ? host : host + port, extras }
}

const isAddress = (host: string) => /^\d+(\.\d+){3}$/.test(host) || /[[\]:]/.test(host)

/** By the browser's own rules for international names. */
function toAscii(host: string): string | undefined {
  if (/[\\%]/.test(host)) return undefined // an address may have them, and means something else by them
  try {
    return new URL(`http://${host}`).hostname
  } catch {
    return undefined
  }
}

function problemOf(name: string): NameProblem | undefined {
  const labels = name.replace(/\.$/, '').split('.')
  const last = labels.at(-1) ?? ''
  if (labels.includes('')) return 'dots'
  if (/[^\p{L}\p{M}\p{N}-]/u.test(labels.join(''))) return 'characters'
  if (name.length > 253 || labels.some((label) => label.length > 63)) return 'tooLong'
  if (labels.length < 2 || /^\d+$/.test(last) || last.endsWith('-')) return 'unfinished'
  if (labels.some((label) => /^-|-$/.test(label))) return 'hyphen'
  return /^[a-z0-9.-]+$/.test(name) ? undefined : 'characters'
}

/** The name as its owner writes it: `xn--bcher-kva.example` is `bücher.example`. */
export function readable(name: string): string {
  const labels = name
    .split('.')
    .map((label) => (label.startsWith('xn--') ? (decodePunycode(label.slice(4)) ?? label) : label))
  const shown = labels.join('.')
  return toAscii(shown) === name ? shown : name
}

/** Second labels below which countries sell names, as in `orchard.co.uk`. */
const soldBelow = new Set('ac co com edu go gob gov gv ltd me ne net nom or org plc sch'.split(' '))

/**
 * The zone a registrar most likely keeps this name in. A guess: the true list is long and changes weekly, so whoever
 * shows something relative to the zone shows the whole name beside it.
 */
export function zoneOf(name: string): string {
  const labels = name.split('.')
  const [second = '', top = ''] = labels.slice(-2)
  const isDeeper = labels.length > 2 && top.length === 2 && soldBelow.has(second)
  return labels.slice(isDeeper ? -3 : -2).join('.')
}

/** What a registrar's form wants: `api` for `api.orchard.shop`, `@` for the zone itself. */
export function withinZone(name: string, zone: string): string {
  if (name === zone) return '@'
  return name.endsWith(`.${zone}`) ? name.slice(0, -zone.length - 1) : name
}

export const isApex = (name: string) => name === zoneOf(name)
