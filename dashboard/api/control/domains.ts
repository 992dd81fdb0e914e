// A project's own domains: asked for once, changed here, and kept true by the event stream. Whatever the server says
// about one domain goes through `absorbDomain`.

import { QueryClient, createMutation, createQuery, useQueryClient } from '@tanstack/svelte-query'
import { answer, api, type Domain, type Project } from './client'

interface DomainList {
  items: Domain[]
}

const key = (slug: string) => ['domains', slug]

export const useDomains = (slug: () => string) =>
  createQuery(() => ({
    queryKey: key(slug()),
    queryFn: () => answer(api.GET('/api/projects/{slug}/domains', { params: { path: { slug: slug() } } })),
  }))

// `done` is called even when the form that asked is gone by then: the event stream may be faster than the answer.

export const useAddDomain = (slug: () => string, done: (domain: Domain) => void) => {
  const client = useQueryClient()
  return createMutation(() => ({
    mutationFn: (name: string) =>
      answer(
        api.POST('/api/projects/{slug}/domains', { params: { path: { slug: slug() } }, body: { name } }),
      ),
    onSuccess: (domain) => {
      absorbDomain(client, slug(), domain)
      done(domain)
    },
  }))
}

/** Asks the server to look at the domain's DNS now instead of at its next turn. */
export const useLookAtDomain = (slug: () => string) => {
  const client = useQueryClient()
  return createMutation(() => ({
    mutationFn: (name: string) =>
      answer(
        api.POST('/api/projects/{slug}/domains/{name}/look', { params: { path: { slug: slug(), name } } }),
      ),
    onSuccess: (domain) => absorbDomain(client, slug(), domain),
  }))
}

export const useRemoveDomain = (slug: () => string, done: (name: string) => void) => {
  const client = useQueryClient()
  return createMutation(() => ({
    mutationFn: (name: string) =>
      answer(api.DELETE('/api/projects/{slug}/domains/{name}', { params: { path: { slug: slug(), name } } })),
    onSuccess: (_, name) => {
      dropDomain(client, slug(), name)
      done(name)
    },
  }))
}

/** Puts what the server said about a domain into its project's list. */
export function absorbDomain(client: QueryClient, slug: string, domain: Domain) {
  client.setQueryData<DomainList>(key(slug), (list) => {
    if (!list) return list
    const known = list.items.some(({ name }) => name === domain.name)
    const items = list.items.map((item) => (item.name === domain.name ? domain : item))
    return { items: known ? items : [...items, domain] }
  })
}

export function dropDomain(client: QueryClient, slug: string, name: string) {
  client.setQueryData<DomainList>(key(slug), (list) =>
    list ? { items: list.items.filter((item) => item.name !== name) } : list,
  )
}

/** The project an event speaks of, by the name it has on this page; nothing if the page knows no such project. */
export function slugOf(client: QueryClient, projectId: string): string | undefined {
  const list = client.getQueryData<{ items: Project[] }>(['projects'])?.items ?? []
  const single = client.getQueriesData<Project>({ queryKey: ['project'] }).map(([, project]) => project)
  return [...list, ...single].find((project) => project?.id === projectId)?.slug
}
