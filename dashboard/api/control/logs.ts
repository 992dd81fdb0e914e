// A project's own log, read where it lies: asking never wakes the project.

import { createInfiniteQuery } from '@tanstack/svelte-query'
import { answer, api, type LogEntry } from './client'

export interface LogFilter {
  search: string
  /** Of this level or a higher one. */
  level: number | undefined
}

const pageSize = 200

/** Newest first, and older ones a page at a time. */
export const useLogs = (slug: () => string, filter: () => LogFilter) =>
  createInfiniteQuery(() => ({
    queryKey: ['logs', slug(), filter()],
    queryFn: ({ pageParam }) => {
      const { search, level } = filter()
      const query = { query: search, level, before: pageParam, limit: pageSize }
      return answer(api.GET('/api/projects/{slug}/logs', { params: { path: { slug: slug() }, query } }))
    },
    initialPageParam: undefined as number | undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
    staleTime: 0,
    gcTime: 0,
  }))

/** Calls with every entry from now on; ends when the returned function is called. */
export function followLogs(
  slug: string,
  { search, level }: LogFilter,
  after: number,
  take: (entry: LogEntry) => void,
): () => void {
  const query = new URLSearchParams({ query: search, after: String(after) })
  if (level !== undefined) query.set('level', String(level))
  const source = new EventSource(`/api/projects/${encodeURIComponent(slug)}/logs/tail?${query}`)
  source.addEventListener('entry', (event: MessageEvent<string>) => take(JSON.parse(event.data) as LogEntry))
  return () => source.close()
}
