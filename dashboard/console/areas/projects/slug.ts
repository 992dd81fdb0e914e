// The part of a project's address that the person chooses.

/** What a name becomes as an address: `Ana's Orchard` → `anas-orchard`. */
export function slugFrom(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/[\u0300-\u036f'’]/g, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '')
}

/** Whether this could be an address at all; the server decides whether it is free. */
export const isSlug = (slug: string) => /^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$/.test(slug)

/** Where a project of this name answers, by the platform's own pattern. */
export const endpointOf = (pattern: string, slug: string) => pattern.replace('{slug}', slug)

export const withoutScheme = (url: string) => url.replace(/^https?:\/\//, '')
