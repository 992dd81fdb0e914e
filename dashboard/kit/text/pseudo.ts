// A language for tests: every word from here comes out in brackets, so a bare one on the page did not come from here.
// It is on when the browser's storage says so, which only a test does.

function isOn(): boolean {
  try {
    return localStorage.getItem('roost.locale') === 'pseudo'
  } catch {
    return false
  }
}

export function marked<Tree extends object>(tree: Tree): Tree {
  return isOn() ? (mark(tree) as Tree) : tree
}

function mark(value: unknown): unknown {
  if (typeof value === 'string') return `⟦${value}⟧`
  if (typeof value === 'function') return (...input: unknown[]) => mark(value(...input))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mark(inner)]))
}
