// The secret of an invitation on its way through signing in: out of the address bar, and gone with the tab.

const key = 'roost.invitation'

/** What the address brought, or what it brought before somebody went to sign in. */
export function receive(fragment: string): string {
  try {
    if (fragment) sessionStorage.setItem(key, fragment)
    return sessionStorage.getItem(key) ?? ''
  } catch {
    return fragment // storage may be forbidden; then the link has to be opened again
  }
}

export function forget() {
  try {
    sessionStorage.removeItem(key)
  } catch {
    // Nothing was kept.
  }
}
