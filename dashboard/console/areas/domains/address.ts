// Where apps reach a project that has domains of its own.

import type { Domain } from '$api/control/client'

/** Where a domain answers: with the scheme and the port of the platform's own addresses. */
export function addressOf(name: string, endpoint: string): string {
  const url = new URL(endpoint)
  url.hostname = name
  return url.origin
}

/** The address apps use: that of the domain which has been in this project for longest, of those that are live. */
export function liveAddress(domains: Domain[] = [], endpoint = ''): string | undefined {
  const live = domains.filter(({ state }) => state === 'live').sort((a, b) => a.createdMs - b.createdMs)[0]
  return live && endpoint ? addressOf(live.name, endpoint) : undefined
}
