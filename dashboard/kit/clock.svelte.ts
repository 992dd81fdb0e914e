// One clock for all relative times: they turn together, and only while someone is looking.

import { createSubscriber } from 'svelte/reactivity'

const tick = 10_000

const subscribe = createSubscriber((update) => {
  const timer = setInterval(() => document.visibilityState === 'visible' && update(), tick)
  document.addEventListener('visibilitychange', update)
  return () => {
    clearInterval(timer)
    document.removeEventListener('visibilitychange', update)
  }
})

/** The time now; what reads it in a template is drawn again every few seconds. */
export function now(): number {
  subscribe()
  return Date.now()
}
