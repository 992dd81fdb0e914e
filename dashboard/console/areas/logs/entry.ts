// What of an entry is worth a line.

import type { LogEntry } from '$api/control/client'

interface RequestFacts {
  status: number
  took: number | undefined
}

/** Of a request: how it was answered, and how long that took. */
export function requestFacts({ data }: LogEntry): RequestFacts | undefined {
  if (typeof data.status !== 'number') return undefined
  return { status: data.status, took: typeof data.execTime === 'number' ? data.execTime : undefined }
}
