// Remembers that somebody signed in here, not who: no secret, only a reason to ask. A stranger's first visit then
// causes no refused request.

const key = 'roost.signed-in'

export function remember() {
  write((storage) => storage.setItem(key, 'yes'))
}

export function forget() {
  write((storage) => storage.removeItem(key))
}

export function isLikely(): boolean {
  try {
    return localStorage.getItem(key) === 'yes'
  } catch {
    return true // cannot know, so ask
  }
}

function write(change: (storage: Storage) => void) {
  try {
    change(localStorage)
  } catch {
    // Storage may be forbidden; then every visit asks.
  }
}
