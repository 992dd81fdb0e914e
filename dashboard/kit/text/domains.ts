// The words of the page of a project's domains.

import { text as shared } from '.'
import { plural } from '../i18n'
import { marked } from './pseudo'

const domains = {
  title: 'Domains',
  lead: 'Addresses of your own for this project.',
  list: 'Domains of this project',
  loadFailed: 'The domains could not be loaded',
  stillWorks: 'Domains that are live answer as before; only this page is affected.',
  gone: 'A deleted project has no domains. Bring it back first.',
  empty: {
    title: 'An address of your own',
    body: 'Apps and people reach this project at a name that belongs to you, such as api.orchard.shop.',
    brings: 'What it brings',
    yours: 'An address that stays yours, wherever the project lives.',
    certificate: 'HTTPS with a certificate that comes and renews by itself.',
    beside: (platform: string) => `${platform} keeps working beside it.`,
    needs: 'What it needs',
    needsList: [
      'A domain you bought, from any registrar.',
      'One or two records in its DNS settings; you see exactly which.',
      'A few minutes, or some hours where DNS is slow to pass changes on.',
    ],
  },
  add: {
    open: 'Add a domain',
    title: 'Add a domain',
    label: 'Domain',
    hint: 'A whole domain, such as orchard.shop, or a name below it, such as api.orchard.shop.',
    placeholder: 'api.orchard.shop',
    extras: (pieces: string) => `Left out ${pieces}: a domain is only the name.`,
    international: (shown: string, name: string) => `${shown} is ${name} in DNS.`,
    apex: (name: string) => `${name} is the top of its zone. It takes A and AAAA records.`,
    below: (name: string, zone: string) => `${name} is below ${zone}. One CNAME record is enough.`,
    action: 'Add the domain',
    busy: 'Adding…',
    taken: 'This project has this domain already.',
    platform: (domain: string) => `Names under ${domain} belong to the platform. Use a domain of your own.`,
    problems: {
      unfinished: 'A domain has at least two parts, such as orchard.shop.',
      address: 'This is an IP address. A domain has a name, such as orchard.shop.',
      wildcard: 'One name at a time: a domain cannot have a * here.',
      characters: 'A domain has only letters, digits, hyphens and dots.',
      dots: 'There is a dot too many.',
      hyphen: 'No part of a domain begins or ends with a hyphen.',
      tooLong: 'This is too long: a part has at most 63 characters, the whole 253.',
    },
  },
  added: (name: string) => `${name} is added. Set its records next.`,
  states: {
    dnsWait: 'Waiting for DNS',
    verifying: 'Checking',
    issuing: 'Getting the certificate',
    live: 'Live',
    failed: 'Given up',
  },
  problems: (count: number) => plural(count, { one: '# problem', other: '# problems' }),
  liveBut: (problems: string) => `Live, ${problems}`,
  steps: {
    title: 'How far it has come',
    names: { dnsWait: 'DNS', verifying: 'Check', issuing: 'Certificate', live: 'Live' },
    done: 'done',
    now: 'now',
    later: 'later',
  },
  summary: {
    dnsWait: (deadline: string, left: string) =>
      `You have ${left} to set its records, until ${deadline}. After that we stop looking.`,
    verifying: (deadline: string, left: string) =>
      `The records lead here. Now we see whether a certificate can be had, for another ${left}, until ${deadline}.`,
    issuing: (deadline: string, left: string) =>
      `Everything is right. The certificate is on its way, usually within a minute; we try for another ${left}, until ${deadline}.`,
    failed: (deadline: string, left: string) =>
      `Put it right, then look now: it begins anew. Untouched, this entry goes away in ${left}, on ${deadline}.`,
    certificate: (until: string, renewal: string) =>
      `Certificate until ${until}, renews by itself on ${renewal}.`,
    renewing: (until: string) => `Certificate until ${until}; its renewal is under way.`,
    served: 'Answers without a certificate of its own.',
  },
  /** What a reason means; the server's sentence, or the certificate authority's own words, stand below. */
  reasons: {
    taken: 'This name needs a proof',
    quarantined: 'This name needs a proof',
    dns_timeout: 'The time for its records has passed',
    verify_timeout: 'The time for its checks has passed',
    order_failed: 'The certificate authority refused',
    renewal_failed: 'The certificate could not be renewed yet',
    expired: 'The certificate has ended',
    transferred: 'The name went to another project',
  } as Record<string, string>,
  strayed: {
    title: 'Something has changed',
    body: 'It answers for now, but its next certificate may be refused. Put right what is marked below.',
  },
  look: {
    action: 'Look now',
    of: (name: string) => `Look now: ${name}`,
    busy: 'Looking…',
    done: 'Looked.',
    never: 'Not looked at yet; that happens by itself in a moment.',
    soon: (ago: string) => `Looked ${ago}. Looks again by itself within seconds.`,
    later: (ago: string) => `Looked ${ago}. Looks again by itself within minutes.`,
    ended: (ago: string) => `Looked ${ago}. Does not look again by itself.`,
    follows: 'This page follows by itself.',
    failed: (name: string) => `${name} could not be looked at`,
  },
  records: {
    title: 'Set these records',
    title1: 'Set this record',
    set: 'Records',
    where: (zone: string) => `In the DNS settings of ${zone}, usually where you bought it.`,
    apex: (name: string) => `${name} is the top of its zone, where a CNAME is not allowed.`,
    below: 'A CNAME follows by itself if our addresses ever change.',
    instead: 'No CNAME possible? Use addresses instead',
    proof: 'The TXT record is the proof that the name is yours. It can go once the domain is live.',
    columns: { kind: 'Type', name: 'Name', value: 'Value' },
    whole: 'or whole:',
    copyName: (name: string) => `the name ${name}`,
    copyValue: (value: string) => `the value ${value}`,
  },
  checks: {
    title: 'What we found',
    kinds: { a: 'A', aaaa: 'AAAA', caa: 'CAA', http: 'Port 80', txt: 'TXT' },
    states: { ok: 'right', wrong: 'wrong', missing: 'missing', waiting: 'not known yet' },
    found: 'Found',
    wanted: 'Wanted',
    nothing: 'nothing',
  },
  use: {
    address: 'Address',
    open: 'Open',
    openOf: (name: string) => `Open ${name} in a new tab`,
    code: 'In your app',
    copyAddress: 'the address',
    copyCode: 'the code',
  },
  /** What a part of the page is called by screen readers. */
  partOf: (part: string, name: string) => `${part}: ${name}`,
  details: 'Records and checks',
  remove: {
    action: 'Remove…',
    of: (name: string) => `Remove… ${name}`,
    title: (name: string) => `Remove ${name}?`,
    lead: 'What happens:',
    stops: 'It stops answering at once, for every app and every person.',
    cancelled: 'We stop looking at its records and no certificate is asked for.',
    kept: (days: number) =>
      `Nobody else can take the name here for ${days} days. This project can have it back at any time.`,
    platform: (platform: string) => `${platform} answers as before.`,
    dns: 'Its DNS records stay where they are. Remove them at your provider.',
    confirm: (name: string) => `Remove ${name}`,
    busy: 'Removing…',
    done: (name: string) => `${name} is removed.`,
  },
}

export const text = { ...shared, domains: marked(domains) }
