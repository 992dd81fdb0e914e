// The unmodified SDK, in Node. Node may not resolve `*.localhost`, which browsers always do.

import dns from 'node:dns'
import PocketBase from 'pocketbase'

type Lookup = (name: string, options: dns.LookupOptions, done: (...answer: unknown[]) => void) => void

const lookup = dns.lookup as unknown as Lookup

const localLookup: Lookup = (name, options, done) => {
  if (!name.endsWith('.localhost')) return lookup(name, options, done)
  const address = { address: '127.0.0.1', family: 4 }
  if (options.all) done(null, [address])
  else done(null, address.address, address.family)
}

dns.lookup = localLookup as unknown as typeof dns.lookup

export const connect = (endpoint: string) => new PocketBase(endpoint)
