// What operators see and do: the machine, everybody's projects from outside, jobs.

import { createInfiniteQuery, createMutation, createQuery, useQueryClient } from '@tanstack/svelte-query'
import { answer, api, type Overrides, type PlanDraft, type PlanPreview } from './client'
import { useAccount } from './queries'

const fresh = 10_000

/** Others would only be refused, so for them nothing is asked. */
function useIsOperator() {
  const account = useAccount()
  return () => account.data?.operator === true
}

/** A change after which everything an operator sees is asked for again. */
function useChange<Input, Output>(change: (input: Input) => Promise<Output>) {
  const client = useQueryClient()
  return createMutation(() => ({
    mutationFn: change,
    onSettled: () => client.invalidateQueries({ queryKey: ['operator'] }),
  }))
}

export const useNode = () => {
  const isOperator = useIsOperator()
  return createQuery(() => ({
    queryKey: ['operator', 'node'],
    queryFn: () => answer(api.GET('/api/operator/node')),
    staleTime: fresh,
    refetchInterval: fresh,
    enabled: isOperator(),
  }))
}

export const useAttention = () =>
  createQuery(() => ({
    queryKey: ['operator', 'attention'],
    queryFn: () => answer(api.GET('/api/operator/attention')),
    staleTime: fresh,
    refetchInterval: 3 * fresh,
  }))

// Tenants

export interface TenantFilter {
  query: string
  state: string
  sort: string
  page: number
}

export const useTenants = (filter: () => TenantFilter) => {
  const isOperator = useIsOperator()
  return createQuery(() => ({
    queryKey: ['operator', 'tenants', filter()],
    queryFn: () => answer(api.GET('/api/operator/tenants', { params: { query: filter() } })),
    staleTime: 0,
    refetchInterval: fresh,
    placeholderData: (previous) => previous,
    enabled: isOperator(),
  }))
}

export const useTenant = (id: () => string) => {
  const isOperator = useIsOperator()
  return createQuery(() => ({
    queryKey: ['operator', 'tenant', id()],
    queryFn: () => answer(api.GET('/api/operator/tenants/{id}', { params: { path: { id: id() } } })),
    staleTime: 0,
    refetchInterval: fresh,
    enabled: isOperator(),
  }))
}

export const useSuspend = (id: () => string) =>
  useChange((body: { reason: string; notice: boolean }) =>
    answer(api.POST('/api/operator/tenants/{id}/suspend', { params: { path: { id: id() } }, body })),
  )

export const useResume = () =>
  useChange((id: string) =>
    answer(api.POST('/api/operator/tenants/{id}/resume', { params: { path: { id } } })),
  )

export const useSleep = () =>
  useChange((id: string) =>
    answer(api.POST('/api/operator/tenants/{id}/sleep', { params: { path: { id } } })),
  )

export const useSetLimits = (id: () => string) =>
  useChange((body: { plan: string; overrides: Overrides }) =>
    answer(api.PATCH('/api/operator/tenants/{id}/limits', { params: { path: { id: id() } }, body })),
  )

// Plans

export const usePlans = () =>
  createQuery(() => ({ queryKey: ['operator', 'plans'], queryFn: () => answer(api.GET('/api/plans')) }))

/** What a plan would mean; nothing is asked while there is no whole draft. */
export const usePlanPreview = (name: () => string, draft: () => PlanDraft | undefined) =>
  createQuery(() => {
    const [path, body] = [{ name: name() }, draft()]
    return {
      queryKey: ['operator', 'plan preview', path.name, body],
      queryFn: () =>
        answer(
          api.POST('/api/operator/plans/{name}/preview', {
            params: { path },
            body: body ?? { title: '' },
          }),
        ),
      staleTime: 0,
      retry: false,
      placeholderData: (previous: PlanPreview | undefined) => previous,
      enabled: path.name !== '' && body !== undefined,
    }
  })

export const useSavePlan = () =>
  useChange(({ name, draft }: { name: string; draft: PlanDraft }) =>
    answer(api.PUT('/api/operator/plans/{name}', { params: { path: { name } }, body: draft })),
  )

export const useTakePlanBack = (name: () => string) =>
  useChange(() => answer(api.DELETE('/api/operator/plans/{name}', { params: { path: { name: name() } } })))

// Projects that are to be removed for good

export const usePurges = () =>
  createQuery(() => ({
    queryKey: ['operator', 'purges'],
    queryFn: () => answer(api.GET('/api/operator/purges')),
  }))

export const useConfirmPurges = () =>
  useChange((projects: number) => answer(api.POST('/api/operator/purges', { body: { projects } })))

// Jobs

export const useJobs = (state: () => string) => {
  const isOperator = useIsOperator()
  return createInfiniteQuery(() => ({
    queryKey: ['operator', 'jobs', state()],
    queryFn: ({ pageParam }) =>
      answer(api.GET('/api/operator/jobs', { params: { query: { state: state(), before: pageParam } } })),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
    staleTime: 0,
    refetchInterval: fresh,
    enabled: isOperator(),
  }))
}

export const useJob = (id: () => string) =>
  createQuery(() => ({
    queryKey: ['operator', 'job', id()],
    queryFn: () => answer(api.GET('/api/operator/jobs/{id}', { params: { path: { id: id() } } })),
    staleTime: 0,
  }))

export const useCancelAnyJob = () =>
  useChange((id: string) => answer(api.POST('/api/operator/jobs/{id}/cancel', { params: { path: { id } } })))

export const useRetryJob = () =>
  useChange((id: string) => answer(api.POST('/api/operator/jobs/{id}/retry', { params: { path: { id } } })))
