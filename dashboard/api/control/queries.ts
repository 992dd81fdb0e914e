// What the screens ask for and what they change, by name. Every answer about a project goes through `absorb`, so the
// list, the single project and the event stream never disagree.

import { QueryClient, createMutation, createQuery, useQueryClient } from '@tanstack/svelte-query'
import { answer, api, ApiError, type Account, type Project } from './client'
import * as signedIn from './signed-in'

interface ProjectList {
  items: Project[]
  limit: number
  team?: string
}

export function newQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 30_000,
        refetchOnWindowFocus: false, // the event stream keeps projects fresh
        retry: (failures, error) => failures < 1 && isPassing(error),
        retryDelay: 400,
      },
    },
  })
}

const isPassing = (error: Error) => error instanceof ApiError && (error.isUnreachable || error.status >= 502)

// Platform and account

export const useConfig = () =>
  createQuery(() => ({
    queryKey: ['config'],
    queryFn: () => answer(api.GET('/api/config')),
    staleTime: Infinity,
  }))

/** The signed-in account, or `null`. */
export const useAccount = (enabled: () => boolean = () => true) =>
  createQuery(() => ({
    queryKey: ['account'],
    queryFn: whoAmI,
    enabled: enabled(),
    staleTime: Infinity,
    // The link in the mail usually opens in another tab.
    refetchOnWindowFocus: ({ state }) => (state.data?.verified === false ? 'always' : false),
  }))

async function whoAmI(): Promise<Account | null> {
  try {
    const account = await answer(api.GET('/api/account'))
    signedIn.remember()
    return account
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 401)) throw error
    signedIn.forget()
    return null
  }
}

/** Somebody else's answers must not outlive their session, so everything but the platform's own is dropped. */
export function enter(client: QueryClient, account: Account) {
  forgetAll(client)
  signedIn.remember()
  client.setQueryData(['account'], account)
}

export function leave(client: QueryClient) {
  signedIn.forget()
  client.setQueryData(['account'], null)
  forgetAll(client)
}

/** What is not an answer to somebody in particular. */
const stays = new Set<unknown>(['config', 'account', 'invitation'])

function forgetAll(client: QueryClient) {
  client.removeQueries({ predicate: ({ queryKey }) => !stays.has(queryKey[0]) })
}

export const useSignUp = () => {
  const client = useQueryClient()
  return createMutation(() => ({
    mutationFn: (body: { email: string; password: string; name?: string; invitation?: string }) =>
      answer(api.POST('/api/accounts', { body })),
    onSuccess: (account) => enter(client, account),
  }))
}

export const useSignIn = () => {
  const client = useQueryClient()
  return createMutation(() => ({
    mutationFn: (body: { email: string; password: string; code?: string }) =>
      answer(api.POST('/api/session', { body })),
    onSuccess: (account) => enter(client, account),
  }))
}

/** After a provider said who it is, a code from the device completes it. */
export const useFinishSignIn = () => {
  const client = useQueryClient()
  return createMutation(() => ({
    mutationFn: (body: { token: string; code: string }) =>
      answer(api.POST('/api/session/second-factor', { body })),
    onSuccess: (account) => enter(client, account),
  }))
}

export const useSignOut = () => {
  const client = useQueryClient()
  return createMutation(() => ({
    mutationFn: () => answer(api.DELETE('/api/session')),
    onSuccess: () => leave(client),
  }))
}

export const useUpdateAccount = () => {
  const client = useQueryClient()
  return createMutation(() => ({
    mutationFn: (body: { name?: string; password?: string; currentPassword?: string; code?: string }) =>
      answer(api.PATCH('/api/account', { body })),
    onSuccess: (account) => client.setQueryData(['account'], account),
  }))
}

export const useSendVerification = () =>
  createMutation(() => ({ mutationFn: () => answer(api.POST('/api/verification')) }))

export const useConfirmVerification = () => {
  const client = useQueryClient()
  return createMutation(() => ({
    mutationFn: (token: string) => answer(api.POST('/api/verification/confirm', { body: { token } })),
    onSuccess: (account) => {
      const current = client.getQueryData<Account | null>(['account'])
      if (current?.id === account.id) client.setQueryData(['account'], account)
    },
  }))
}

export const useRequestReset = () =>
  createMutation(() => ({
    mutationFn: (email: string) => answer(api.POST('/api/password-reset', { body: { email } })),
  }))

export const useConfirmReset = () => {
  const client = useQueryClient()
  return createMutation(() => ({
    mutationFn: (body: { token: string; password: string }) =>
      answer(api.POST('/api/password-reset/confirm', { body })),
    onSuccess: () => leave(client), // every session has ended, this one too
  }))
}

export const useOutbox = () =>
  createQuery(() => ({
    queryKey: ['outbox'],
    queryFn: () => answer(api.GET('/api/outbox')),
    staleTime: 0,
    refetchInterval: 3_000,
  }))

// Projects

export const useProjects = () =>
  createQuery(() => ({ queryKey: ['projects'], queryFn: () => answer(api.GET('/api/projects')) }))

export const useProject = (slug: () => string) => {
  const client = useQueryClient()
  return createQuery(() => ({
    queryKey: ['project', slug()],
    queryFn: () => answer(api.GET('/api/projects/{slug}', { params: { path: { slug: slug() } } })),
    placeholderData: () =>
      client.getQueryData<ProjectList>(['projects'])?.items.find((p) => p.slug === slug()),
  }))
}

export const useActivity = (slug: () => string) =>
  createQuery(() => ({
    queryKey: ['activity', slug()],
    queryFn: () => answer(api.GET('/api/projects/{slug}/activity', { params: { path: { slug: slug() } } })),
  }))

/** Whether an address can be had; asks only for what could be one. */
export const useSlugCheck = (slug: () => string, enabled: () => boolean) =>
  createQuery(() => ({
    queryKey: ['slug', slug()],
    queryFn: ({ signal }) =>
      answer(api.GET('/api/slugs/{slug}', { params: { path: { slug: slug() } }, signal })),
    enabled: enabled(),
    staleTime: 5_000,
  }))

export const useCreateProject = () => {
  const client = useQueryClient()
  return createMutation(() => ({
    mutationFn: (body: { name: string; slug?: string; superuser?: { email: string; password: string } }) =>
      answer(api.POST('/api/projects', { body })),
    onSuccess: ({ project }) => absorb(client, project),
  }))
}

// `done` is called even when the page that asked is gone by then: the event stream may be faster than the answer.

export const useUpdateProject = (slug: () => string, done?: (project: Project) => void) =>
  useProjectChange(
    (body: { name?: string; slug?: string }) =>
      answer(api.PATCH('/api/projects/{slug}', { params: { path: { slug: slug() } }, body })),
    done,
  )

/** The confirmation is what was typed; the server compares. */
export const useDeleteProject = (slug: () => string, done: () => void) =>
  useProjectChange(
    (body: { slug: string; code?: string }) =>
      answer(api.DELETE('/api/projects/{slug}', { params: { path: { slug: slug() } }, body })),
    done,
  )

export const useTransferProject = (slug: () => string) =>
  useProjectChange((body: { team: string; code?: string }) =>
    answer(api.POST('/api/projects/{slug}/transfer', { params: { path: { slug: slug() } }, body })),
  )

export const useUndeleteProject = () =>
  useProjectChange((slug: string) =>
    answer(api.POST('/api/projects/{slug}/undelete', { params: { path: { slug } } })),
  )

export const useWakeProject = () =>
  useProjectChange((slug: string) =>
    answer(api.POST('/api/projects/{slug}/wake', { params: { path: { slug } } })),
  )

export const useSleepProject = () =>
  useProjectChange((slug: string) =>
    answer(api.POST('/api/projects/{slug}/sleep', { params: { path: { slug } } })),
  )

export const usePutSuperuser = (slug: () => string) =>
  createMutation(() => ({
    mutationFn: (body: { email: string; password: string }) =>
      answer(api.PUT('/api/projects/{slug}/superuser', { params: { path: { slug: slug() } }, body })),
  }))

function useProjectChange<Input>(
  change: (input: Input) => Promise<Project>,
  done?: (project: Project) => void,
) {
  const client = useQueryClient()
  return createMutation(() => ({
    mutationFn: change,
    onSuccess: (project: Project) => {
      absorb(client, project)
      done?.(project)
    },
  }))
}

/** Puts what the server said about a project everywhere it is shown. */
export function absorb(client: QueryClient, project: Project) {
  client.setQueryData<ProjectList>(['projects'], (list) => {
    if (!list) return list
    const known = list.items.some((item) => item.id === project.id)
    const items = list.items.map((item) => (item.id === project.id ? project : item))
    return { ...list, items: known ? items : [project, ...items] }
  })
  client.setQueryData<Project>(['project', project.slug], project)
  void client.invalidateQueries({ queryKey: ['activity', project.slug] })
}

/** The last day of a deleted project has passed: nothing of it is left to show. */
export function dropProject(client: QueryClient, id: string) {
  client.setQueryData<ProjectList>(['projects'], (list) =>
    list ? { ...list, items: list.items.filter((item) => item.id !== id) } : list,
  )
  client.removeQueries({
    predicate: ({ queryKey, state }) =>
      queryKey[0] === 'project' && (state.data as Project | undefined)?.id === id,
  })
}
