// History routing in one page: where we are, how to go elsewhere, and plain links that do not reload.

class Location {
  path = $state(window.location.pathname)
  query = $state(new URLSearchParams(window.location.search))
  fragment = $state(window.location.hash.slice(1))

  read() {
    const { pathname, search, hash } = window.location
    this.path = pathname
    this.query = new URLSearchParams(search)
    this.fragment = hash.slice(1)
  }
}

export const location = new Location()

export function go(path: string) {
  if (path !== window.location.pathname + window.location.search + window.location.hash) {
    history.pushState(null, '', path)
  }
  location.read()
}

/** Like `go`, but Back does not return to the page that redirected. */
export function redirect(path: string) {
  history.replaceState(null, '', path)
  location.read()
}

/** Takes a secret out of the address bar and the history once it has been read. */
export function dropFragment() {
  history.replaceState(null, '', window.location.pathname + window.location.search)
}

export type Params = Record<string, string>

/** `/p/:slug` against `/p/orchard` gives `{ slug: 'orchard' }`. */
export function matchPath(pattern: string, path: string): Params | undefined {
  const wanted = pattern.split('/')
  const found = path.replace(/(?<=.)\/+$/, '').split('/')
  if (wanted.length !== found.length) return undefined

  const params: Params = {}
  for (const [index, part] of wanted.entries()) {
    const value = found[index] ?? ''
    if (part.startsWith(':') && value !== '') params[part.slice(1)] = decode(value)
    else if (part !== value) return undefined
  }
  return params
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

/** A path of our own to return to after signing in; anything else could lead off the site. */
export function ownPath(candidate: string | null): string | undefined {
  return candidate?.startsWith('/') && !/^\/[/\\]/.test(candidate) ? candidate : undefined
}

function followLink(event: MouseEvent) {
  if (event.defaultPrevented || event.button !== 0) return
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  const link = event.target instanceof Element ? event.target.closest('a') : null
  if (!link?.href || link.target || link.hasAttribute('download')) return

  const url = new URL(link.href)
  if (url.origin !== window.location.origin || url.pathname.startsWith('/api/')) return
  const stays = url.pathname === window.location.pathname && url.search === window.location.search
  if (stays && url.hash) return // a jump inside the page is the browser's own business
  event.preventDefault()
  go(url.pathname + url.search + url.hash)
}

/** Follows history and links until the returned function is called. */
export function listen(): () => void {
  const read = () => location.read()
  window.addEventListener('popstate', read)
  document.addEventListener('click', followLink)
  return () => {
    window.removeEventListener('popstate', read)
    document.removeEventListener('click', followLink)
  }
}
