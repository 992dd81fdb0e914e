// Letting operators into a project, and leaving for good: erasing the account, fetching the data it leaves.

import { createMutation, createQuery, useQueryClient } from '@tanstack/svelte-query'
import { answer, api } from './client'
import { leave } from './queries'

const supportKey = (slug: string) => ['support', slug]

export const useSupport = (slug: () => string) =>
  createQuery(() => ({
    queryKey: supportKey(slug()),
    queryFn: () => answer(api.GET('/api/projects/{slug}/support', { params: { path: { slug: slug() } } })),
  }))

export const useGrantSupport = (slug: () => string) => {
  const client = useQueryClient()
  return createMutation(() => ({
    mutationFn: (hours: number) =>
      answer(
        api.POST('/api/projects/{slug}/support', { params: { path: { slug: slug() } }, body: { hours } }),
      ),
    onSuccess: (access) => client.setQueryData(supportKey(slug()), access),
  }))
}

export const useRevokeSupport = (slug: () => string) => {
  const client = useQueryClient()
  return createMutation(() => ({
    mutationFn: () =>
      answer(api.DELETE('/api/projects/{slug}/support', { params: { path: { slug: slug() } } })),
    onSuccess: () => client.setQueryData(supportKey(slug()), { grant: null }),
  }))
}

/** `done` is called before the account is forgotten, because the page that asked goes with it. */
export const useEraseAccount = (done: () => void) => {
  const client = useQueryClient()
  return createMutation(() => ({
    mutationFn: (body: { currentPassword?: string; code?: string; deleteProjects: boolean }) =>
      answer(api.DELETE('/api/account', { body })),
    onSuccess: () => {
      done()
      leave(client)
    },
  }))
}

/** What can be fetched with the secret of the mail, which stays out of addresses and logs. */
export const useExport = (secret: string) =>
  createQuery(() => ({
    queryKey: ['export'],
    queryFn: () => answer(api.POST('/api/exports', { body: { secret } })),
    enabled: secret !== '',
    retry: false,
    gcTime: 0,
  }))
