// Puts a component on a page of its own, with a server that answers as told.

import { QueryClient } from '@tanstack/svelte-query'
import { render } from '@testing-library/svelte'
import type { Component } from 'svelte'
import { vi } from 'vitest'
import type { Project } from '$api/control/client'
import Stage from './Stage.svelte'

type Answer = { status?: number; body?: unknown }
type Answers = Record<string, Answer | ((body: unknown) => Answer)>

export interface Call {
  route: string
  body: unknown
}

/** Answers by `METHOD /path`; what is not listed is a 404. Returns the calls as they come. */
export function serve(answers: Answers): Call[] {
  const calls: Call[] = []
  vi.stubGlobal('fetch', async (request: Request) => {
    const route = `${request.method} ${new URL(request.url).pathname}`
    const sent = await request.text()
    const body: unknown = sent ? JSON.parse(sent) : undefined
    calls.push({ route, body })
    const listed = answers[route] ?? { status: 404, body: { status: 404, message: 'Not found.', data: {} } }
    const { status = 200, body: answer } = typeof listed === 'function' ? listed(body) : listed
    return new Response(status === 204 ? null : JSON.stringify(answer), { status })
  })
  return calls
}

export function stage<Props extends Record<string, unknown>>(
  Subject: Component<Props>,
  props: NoInfer<Props>,
) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } })
  return render(Stage, {
    client,
    Subject: Subject as unknown as Component<Record<string, unknown>>,
    given: props,
  })
}

export const config = {
  domain: 'localhost',
  consoleUrl: 'http://localhost:8080',
  projectUrl: 'http://{slug}.localhost:8080',
  signUp: 'open',
  signIn: [],
  outbox: true,
  graceDays: 30,
  quarantineDays: 90,
  certificates: true,
  sleepAfterMs: 300_000,
  unverified: null,
}

export function project(more: Partial<Project> = {}): Project {
  return {
    id: 'orchard00000000',
    slug: 'orchard',
    name: 'Orchard',
    state: 'awake',
    stateSinceMs: Date.now(),
    endpoint: 'http://orchard.localhost:8080',
    createdMs: Date.now(),
    requests: 7,
    databaseBytes: 212 * 1024 ** 2,
    storageBytes: 0,
    teamId: 'team00000000000',
    role: 'owner',
    limits: [],
    ...more,
  }
}
