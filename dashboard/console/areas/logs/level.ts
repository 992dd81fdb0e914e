// Levels as PocketBase numbers them; whatever lies between two belongs to the lower.

import { amiss, bad, quiet, type Look } from '$kit/ui/look'

export type Level = 'debug' | 'info' | 'warn' | 'error'

export const floors = { debug: -4, info: 0, warn: 4, error: 8 }

export function levelOf(level: number): Level {
  if (level >= floors.error) return 'error'
  if (level >= floors.warn) return 'warn'
  return level >= floors.info ? 'info' : 'debug'
}

export const levelLooks: Record<Level, Look> = {
  debug: { ...quiet, sign: 'ring' },
  info: { ...quiet, colour: 'text-control', sign: 'dot' },
  warn: { ...amiss, sign: 'alert' },
  error: { ...bad, sign: 'alert' },
}
