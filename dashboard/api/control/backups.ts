// What the backups page asks for and changes. Jobs come over the event stream; whenever one ends, the list is asked for
// again, because more than the job has changed by then.

import { createMutation, createQuery, useQueryClient, type QueryClient } from '@tanstack/svelte-query'
import { answer, api, ApiError, type Job, type Schedule } from './client'

const key = (slug: string) => ['backups', slug]

export const useBackups = (slug: () => string) =>
  createQuery(() => ({
    queryKey: key(slug()),
    queryFn: () => answer(api.GET('/api/projects/{slug}/backups', { params: { path: { slug: slug() } } })),
    staleTime: 5_000,
  }))

export const useSchedule = (slug: () => string) =>
  createQuery(() => ({
    queryKey: ['schedule', slug()],
    queryFn: () =>
      answer(api.GET('/api/projects/{slug}/backup-schedule', { params: { path: { slug: slug() } } })),
  }))

export const useSetSchedule = (slug: () => string) => {
  const client = useQueryClient()
  return createMutation(() => ({
    mutationFn: (body: Schedule) =>
      answer(api.PUT('/api/projects/{slug}/backup-schedule', { params: { path: { slug: slug() } }, body })),
    onSuccess: (schedule) => client.setQueryData(['schedule', slug()], schedule),
  }))
}

export const useBackUp = (slug: () => string) =>
  useChange(slug, () =>
    answer(api.POST('/api/projects/{slug}/backups', { params: { path: { slug: slug() } } })),
  )

export const useCheckBackup = (slug: () => string) =>
  useChange(slug, (id: string) =>
    answer(api.POST('/api/projects/{slug}/backups/{id}/check', { params: { path: { slug: slug(), id } } })),
  )

export const useRemoveBackup = (slug: () => string) =>
  useChange(slug, (id: string) =>
    answer(api.DELETE('/api/projects/{slug}/backups/{id}', { params: { path: { slug: slug(), id } } })),
  )

/** Restores in place, or into a project that is made for it. */
export const useRestoreBackup = (slug: () => string) =>
  useChange(slug, ({ id, into }: { id: string; into?: { name: string; slug?: string } }) =>
    answer(
      api.POST('/api/projects/{slug}/backups/{id}/restore', {
        params: { path: { slug: slug(), id } },
        body: { into },
      }),
    ),
  )

export const useUndoRestore = (slug: () => string) =>
  useChange(slug, (id: string) =>
    answer(api.POST('/api/projects/{slug}/restores/{id}/undo', { params: { path: { slug: slug(), id } } })),
  )

export const useCancelJob = (slug: () => string) =>
  useChange(slug, (id: string) => answer(api.POST('/api/jobs/{id}/cancel', { params: { path: { id } } })))

/** Sent by hand: the typed client reads bodies, and a zip must only pass through. */
export const useImport = (slug: () => string) =>
  useChange(slug, async (zip: File) => {
    const path = `/api/projects/${encodeURIComponent(slug())}/imports`
    const headers = { 'content-type': 'application/zip' }
    const response = await fetch(path, { method: 'POST', body: zip, headers }).catch(() => {
      throw new ApiError(0, 'unreachable', '')
    })
    if (!response.ok) throw ApiError.from(await response.json().catch(() => undefined), response)
  })

export const downloadPath = (slug: string, id: string) =>
  `/api/projects/${encodeURIComponent(slug)}/backups/${encodeURIComponent(id)}/zip`

function useChange<Input, Output>(slug: () => string, change: (input: Input) => Promise<Output>) {
  const client = useQueryClient()
  return createMutation(() => ({
    mutationFn: change,
    onSettled: () => client.invalidateQueries({ queryKey: key(slug()) }),
  }))
}

interface BackupsOfAProject {
  jobs: Job[]
}

const isUnderWay = (job: Job) => job.state === 'queued' || job.state === 'running'

/** Puts what the server said about a job where it is shown. */
export function absorbJob(client: QueryClient, job: Job) {
  for (const [shown, data] of client.getQueriesData<BackupsOfAProject>({ queryKey: ['backups'] })) {
    const known = data?.jobs.some(({ id }) => id === job.id)
    if (data && known && isUnderWay(job))
      client.setQueryData(shown, { ...data, jobs: data.jobs.map((old) => (old.id === job.id ? job : old)) })
    else void client.invalidateQueries({ queryKey: shown })
  }
}
