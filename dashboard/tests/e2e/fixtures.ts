// Projects in every state, put into the page's answers: some states cannot be had from a healthy platform.

import type { Page } from 'playwright-core'
import type { Activity, Project, ProjectState } from '$api/control/client'

const hour = 3_600_000

export function project(slug: string, state: ProjectState, more: Partial<Project> = {}): Project {
  const now = Date.now()
  return {
    id: `id${slug}`.padEnd(15, '0'),
    slug,
    name: slug.charAt(0).toUpperCase() + slug.slice(1),
    state,
    stateSinceMs: now - 3 * hour,
    endpoint: `http://${slug}.localhost:8080`,
    createdMs: now - 400 * hour,
    firstRequestMs: now - 399 * hour,
    lastRequestMs: now - 3 * hour,
    requests: 184_220,
    databaseBytes: 212_400_000,
    storageBytes: 1_900_000_000,
    teamId: 'team00000000000',
    role: 'owner',
    ...more,
  }
}

export const everyState: Project[] = [
  project('fresh', 'creating', { requests: 0, firstRequestMs: undefined, lastRequestMs: undefined }),
  project('orchard', 'awake'),
  project('tide', 'asleep'),
  project('kestrel', 'waking'),
  project('harbour', 'suspended', { reason: 'Unpaid since October' }),
  project('lab', 'notStarting', { reason: 'open database: disk I/O error' }),
  project('attic', 'damaged', { reason: 'database disk image is malformed' }),
  project('shop', 'deleted', { deletedUntilMs: Date.now() + 130 * hour }),
]

const activity: Activity[] = [
  { atMs: Date.now() - hour, kind: 'woke', text: 'Woke up' },
  { atMs: Date.now() - 3 * hour, kind: 'slept', text: 'Fell asleep' },
  { atMs: Date.now() - 400 * hour, kind: 'created', text: 'Created' },
]

/** From now on this page sees these projects, whatever the platform has. */
export async function showProjects(page: Page, items: Project[], limit = 10) {
  await page.route('**/api/projects', (route) => route.fulfill({ json: { items, limit } }))
  for (const item of items) {
    await page.route(`**/api/projects/${item.slug}`, (route) => route.fulfill({ json: item }))
    await page.route(`**/api/projects/${item.slug}/activity`, (route) =>
      route.fulfill({ json: { items: activity } }),
    )
  }
}
