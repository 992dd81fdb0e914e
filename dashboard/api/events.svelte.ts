// One stream of server-sent events for everything live. Looking never wakes a project: the stream comes from the
// control plane, which knows every state without asking the project.

import type { QueryClient } from '@tanstack/svelte-query'
import { absorbJob } from './control/backups'
import type { Domain, Job, Project } from './control/client'
import { absorbDomain, dropDomain, slugOf } from './control/domains'
import { absorb, dropProject } from './control/queries'

const firstPause = 500
const longestPause = 30_000

/** How long to wait before the n-th try: doubling, capped, and spread so that a crowd does not return at once. */
export function pauseBefore(attempt: number, random = Math.random()): number {
  const pause = Math.min(longestPause, firstPause * 2 ** attempt)
  return pause * (0.5 + random / 2)
}

interface DomainEvent {
  projectId: string
}

function hear<Data>(source: EventSource, kind: string, take: (data: Data) => void) {
  source.addEventListener(kind, (event) => take(JSON.parse(event.data) as Data))
}

export class EventStream {
  isLive = $state(false)
  wasLost = $state(false)
  #client: QueryClient
  #source: EventSource | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #attempt = 0

  constructor(client: QueryClient) {
    this.#client = client
  }

  open() {
    this.#connect()
    window.addEventListener('online', this.#retryNow)
  }

  close() {
    window.removeEventListener('online', this.#retryNow)
    clearTimeout(this.#timer)
    this.#source?.close()
  }

  #connect() {
    clearTimeout(this.#timer)
    this.#source?.close()
    const source = new EventSource('/api/events')
    source.onopen = () => this.#opened()
    source.onerror = () => this.#lost()
    hear<Project>(source, 'project', (project) => absorb(this.#client, project))
    hear<{ id: string }>(source, 'projectGone', ({ id }) => dropProject(this.#client, id))
    hear<DomainEvent & { domain: Domain }>(source, 'domain', ({ projectId, domain }) => {
      const slug = slugOf(this.#client, projectId)
      if (slug) absorbDomain(this.#client, slug, domain)
    })
    hear<DomainEvent & { name: string }>(source, 'domainGone', ({ projectId, name }) => {
      const slug = slugOf(this.#client, projectId)
      if (slug) dropDomain(this.#client, slug, name)
    })
    hear<Job>(source, 'job', (job) => absorbJob(this.#client, job))
    this.#source = source
  }

  #opened() {
    // What happened while nobody listened is not repeated, so everything shown is asked for again.
    if (this.wasLost)
      void this.#client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'slug' })
    this.isLive = true
    this.wasLost = false
    this.#attempt = 0
  }

  #lost() {
    this.#source?.close()
    this.isLive = false
    this.wasLost = true
    // A refused stream looks like a broken one; only the account's own answer tells that the session has ended.
    if (this.#attempt > 0) void this.#client.invalidateQueries({ queryKey: ['account'] })
    this.#timer = setTimeout(() => this.#connect(), pauseBefore(this.#attempt))
    this.#attempt += 1
  }

  #retryNow = () => {
    if (!this.isLive) this.#connect()
  }
}
