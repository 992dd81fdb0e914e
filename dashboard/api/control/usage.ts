// What a project used, as the control plane counted it: asking never wakes the project.

import { createQuery } from '@tanstack/svelte-query'
import { answer, api } from './client'

const fresh = 30_000

/** The hours since a moment that lies so long ago; asked for again while somebody looks. */
export const useUsage = (slug: () => string, span: () => number) =>
  createQuery(() => ({
    queryKey: ['usage', slug(), span()],
    queryFn: () => {
      const query = { from: Date.now() - span(), to: Date.now() }
      return answer(api.GET('/api/projects/{slug}/usage', { params: { path: { slug: slug() }, query } }))
    },
    staleTime: fresh,
    refetchInterval: fresh,
    // The page keeps its charts while another span is fetched.
    placeholderData: (previous, query) => (query?.queryKey[1] === slug() ? previous : undefined),
  }))
