// Projects in every state, put into the page's answers: some states cannot be had from a healthy platform.

import type { Page } from 'playwright-core'
import type { Activity, BackupList, Project, ProjectState, Schedule } from '$api/control/client'

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

/** Backups in every state, a restore that can be undone, and a restore under way. */
export const backups: BackupList = {
  items: [
    backup('making', 'restore', 0, { canRemove: false }),
    backup('failed', 'schedule', 1, { reason: 'The stored archive is not the one that was made.' }),
    backup('proven', 'hand', 20),
    backup('proven', 'import', 500),
  ],
  restores: [
    {
      id: 'restore00000001',
      backupId: 'backup000000020',
      atMs: Date.now() - hour,
      undoUntilMs: Date.now() + 160 * hour,
    },
  ],
  jobs: [],
  keptIn: 'bucket',
}

export const restoring: BackupList = {
  ...backups,
  jobs: [
    {
      id: 'job000000000001',
      projectId: 'idorchard000000',
      kind: 'restore',
      state: 'running',
      step: 'prepare',
      steps: ['archive', 'store', 'prove', 'prepare', 'switch', 'tidy'].map((name, n) => ({
        name,
        state: n < 3 ? 'done' : n === 3 ? 'running' : 'waiting',
      })),
      progress: 62,
      canCancel: true,
      attempt: 1,
      createdMs: Date.now(),
      updatedMs: Date.now(),
      dueMs: Date.now(),
      deadlineMs: Date.now() + hour,
    },
  ],
}

const schedule: Schedule & { nextRunsMs: number[] } = {
  cron: '12 3 * * *',
  zone: 'Europe/Berlin',
  keepLast: 0,
  keepDaily: 7,
  keepWeekly: 4,
  keepMonthly: 0,
  nextRunsMs: [1, 2, 3, 4, 5].map((day) => Date.now() + day * 24 * hour),
}

function backup(
  state: 'making' | 'proven' | 'failed',
  origin: 'hand' | 'schedule' | 'restore' | 'import',
  hours: number,
  more: object = {},
) {
  const createdMs = Date.now() - hours * hour
  const known = {
    bytes: 41_200_000,
    records: 20_418,
    files: 311,
    collections: [
      { name: 'posts', records: 20_400 },
      { name: 'users', records: 18 },
    ],
    checkedMs: createdMs,
  }
  const id = `backup${String(hours).padStart(9, '0')}`
  const base = { id, origin, state, createdMs, canRemove: true, collections: [] }
  return { ...base, ...(state === 'making' ? {} : known), ...more }
}

/** From now on this page sees these backups of a project. */
export async function showBackups(page: Page, slug: string, list: BackupList) {
  await page.route(`**/api/projects/${slug}/backups`, (route) => route.fulfill({ json: list }))
  await page.route(`**/api/projects/${slug}/backup-schedule`, (route) => route.fulfill({ json: schedule }))
}

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
