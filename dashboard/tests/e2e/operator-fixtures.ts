// A machine with something wrong in every way, and a log, put into the page's answers.

import type { Page } from 'playwright-core'
import type {
  AttentionItem,
  LogEntry,
  Node,
  OperatorJob,
  Plan,
  PlanPreview,
  ProjectState,
  Tenant,
  TenantDetails,
} from '$api/control/client'
import { limits } from './fixtures'

const hour = 3_600_000
const day = 24 * hour
const MB = 1024 ** 2
const GB = 1024 ** 3

export const node = (): Node => ({
  version: '0.1.0',
  startedMs: Date.now() - 3 * day,
  memory: { totalBytes: 4 * GB, availableBytes: 1.9 * GB, residentBytes: 412 * MB },
  load: { one: 0.7, five: 0.62, fifteen: 0.55, cores: 2 },
  files: { open: 812, limit: 65_536 },
  disk: {
    totalBytes: 80 * GB,
    freeBytes: 19 * GB,
    totalFiles: 5_242_880,
    freeFiles: 4_718_592,
    room: 'ample',
    stopProjectsBelowBytes: 8 * GB,
    stopWritesBelowBytes: 4 * GB,
    fullInDays: 36,
    samples: Array.from({ length: 21 }, (_, index) => ({
      dayMs: Math.floor(Date.now() / day) * day - (20 - index) * day,
      totalBytes: 80 * GB,
      freeBytes: (30 - index * 0.55) * GB,
    })),
  },
  wake: { count: 312, p50Ms: 1.9, p95Ms: 4.35 },
  projects: { registered: 212, awake: 38, asleep: 171, suspended: 2, notStarting: 1, damaged: 0, deleted: 4 },
  jobs: { waiting: 3, running: 1, failed: 2 },
  certificates: [
    { name: 'api.orchard.shop', expiresMs: Date.now() + 6 * day, error: 'CAA record prevents issuance' },
  ],
})

const attention: AttentionItem[] = [
  {
    kind: 'notStarting',
    urgency: 'now',
    text: 'open database: disk I/O error',
    sinceMs: Date.now() - 3 * hour,
    project: { id: 'idlab0000000000', slug: 'lab', name: 'Lab' },
  },
  {
    kind: 'backupFailed',
    urgency: 'now',
    text: 'The stored archive is not the one that was made.',
    sinceMs: Date.now() - 7 * hour,
    project: { id: 'idtide000000000', slug: 'tide', name: 'Tide' },
  },
  {
    kind: 'mailNotSent',
    urgency: 'now',
    text: '3 mails of the last week were not sent.',
    sinceMs: Date.now() - day,
  },
  {
    kind: 'certificateFailing',
    urgency: 'soon',
    text: 'No certificate for api.orchard.shop: CAA record prevents issuance',
  },
]

export function tenant(slug: string, state: ProjectState, more: Partial<Tenant> = {}): Tenant {
  return {
    id: `id${slug}`.padEnd(15, '0'),
    slug,
    name: slug.charAt(0).toUpperCase() + slug.slice(1),
    endpoint: `http://${slug}.localhost:8080`,
    teamId: 'team00000000000',
    teamName: 'Ana’s team',
    owners: ['ana@example.com'],
    plan: 'standard',
    state,
    stateSinceMs: Date.now() - 3 * hour,
    databaseBytes: 212 * MB,
    storageBytes: 1.9 * GB,
    requests: 184_220,
    requestsPerSecond: state === 'awake' ? 12.4 : 0,
    realtimeConnections: state === 'awake' ? 3 : 0,
    lastRequestMs: Date.now() - 3 * hour,
    createdMs: Date.now() - 40 * day,
    ...more,
  }
}

export const tenants: Tenant[] = [
  tenant('orchard', 'awake'),
  tenant('tide', 'asleep', { owners: ['ben.longname@some-company.example', 'ana@example.com'] }),
  tenant('harbour', 'suspended', { reason: 'Unpaid since October' }),
  tenant('lab', 'notStarting', { reason: 'open database: disk I/O error', requests: 3 }),
  tenant('shop', 'deleted', { deletedUntilMs: Date.now() + 5.5 * day, lastRequestMs: null }),
]

export function job(state: string, kind: string, more: Partial<OperatorJob> = {}): OperatorJob {
  return {
    id: `job${state}${kind}`.padEnd(15, '0'),
    projectId: 'idorchard000000',
    kind,
    state,
    step: 'store',
    steps: [],
    progress: 62,
    canCancel: state === 'running' || state === 'queued',
    canRetry: state === 'failed',
    attempt: state === 'failed' ? 5 : 1,
    createdMs: Date.now() - hour,
    updatedMs: Date.now() - hour / 2,
    dueMs: Date.now(),
    deadlineMs: Date.now() + hour,
    project: { id: 'idorchard000000', slug: 'orchard', name: 'Orchard' },
    ...more,
  }
}

export const jobs: OperatorJob[] = [
  job('running', 'backup'),
  job('queued', 'restore'),
  job('failed', 'check_backup', { error: 'The bucket answered 403 AccessDenied.' }),
  job('failed', 'send_mail', { error: 'connection refused', project: null, projectId: '' }),
  job('done', 'backup', { id: 'job000000000009' }),
  job('cancelled', 'restore', { id: 'job000000000010' }),
]

const standard: Plan = {
  name: 'standard',
  origin: 'settings',
  title: 'Standard',
  databaseMb: 500,
  storageMb: 10_240,
  egressGb: 50,
  requests: 5_000_000,
  requestsPerSecond: 0,
  realtimeConnections: 1000,
  uploadMb: 100,
  backupsKept: 11,
  mailsPerDay: 500,
  awakeHours: 0,
}
export const plans: Plan[] = [
  standard,
  {
    ...standard,
    name: 'large',
    title: 'Large',
    databaseMb: 8192,
    storageMb: 102_400,
    egressGb: 500,
    requests: 0,
    origin: 'changed',
    settings: standard,
  },
  { ...standard, name: 'trial', title: 'Trial', databaseMb: 100, origin: 'console' },
]

/** What a smaller plan would mean. */
const preview: PlanPreview = {
  projects: 60,
  concerned: 52,
  over: 1,
  items: [
    {
      id: 'idorchard000000',
      slug: 'orchard',
      name: 'Orchard',
      limits: [
        {
          limit: 'database',
          used: 212 * MB,
          max: 100 * MB,
          unit: 'bytes',
          period: 'now',
          state: 'over',
          now: 'ok',
        },
        { limit: 'mails', used: 41, max: 50, unit: 'count', period: 'day', state: 'near', now: 'ok' },
      ],
    },
  ],
}

export const details = (of: Tenant): TenantDetails => ({
  tenant: of,
  members: [
    {
      id: 'acc1',
      email: 'ana@example.com',
      name: 'Ana Novak',
      role: 'owner',
      secondFactor: true,
    },
    { id: 'acc2', email: 'ben@example.com', name: '', role: 'developer', secondFactor: false },
  ],
  jobs: jobs.slice(0, 3),
  support: null,
  limits: standard,
  overrides: { databaseMb: 1024 },
  lastBackupMs: Date.now() - 9 * hour,
  usage: limits({ database: { max: 1024 * MB } }),
})

/** From now on this page's account operates the platform. */
export async function actAsOperator(page: Page) {
  await page.route('**/api/account', async (route) => {
    const answer = await route.fetch()
    const account = (await answer.json()) as object
    await route.fulfill({ response: answer, json: { ...account, operator: true } })
  })
}

/** From now on this page sees whether operators were let into a project. */
export async function showSupport(page: Page, slug: string, isOpen: boolean) {
  const grant = { givenBy: 'ana@example.com', givenMs: Date.now(), untilMs: Date.now() + hour }
  await page.route(`**/api/projects/${slug}/support`, (route) =>
    route.fulfill({ json: { grant: isOpen ? grant : null } }),
  )
}

/** From now on this page sees this machine, with these projects. */
export async function showOperator(page: Page, shown = tenants) {
  const answers: Record<string, unknown> = {
    '/node': node(),
    '/attention': { items: attention },
    '/purges': {
      held: shown
        .slice(0, 2)
        .map(({ id, slug, name }) => ({ project: { id, slug, name }, dueMs: Date.now() - day })),
      most: 10,
    },
    '/tenants': { items: shown, total: 212, page: 1, perPage: 50 },
    '/jobs': { items: jobs, next: 'older' },
  }
  for (const { name } of plans) answers[`/plans/${name}/preview`] = preview
  for (const one of shown) answers[`/tenants/${one.id}`] = details(one)
  for (const one of jobs)
    answers[`/jobs/${one.id}`] = {
      ...one,
      lines: [{ atMs: Date.now() - hour, text: 'The archive is written.' }],
    }
  await page.route('**/api/operator/**', (route) => {
    const path = new URL(route.request().url()).pathname.replace('/api/operator', '')
    return answers[path] ? route.fulfill({ json: answers[path] }) : route.fallback()
  })
  await page.route('**/api/plans', (route) => route.fulfill({ json: { items: plans, default: 'standard' } }))
}

/** The n-th entry from the end. */
export function logEntry(position: number, now = Date.now()): LogEntry {
  const kinds: [string, number, number][] = [
    ['GET /api/collections/posts/records?page=1', 200, 0],
    ['POST /api/collections/users/auth-with-password', 400, 4],
    ['PATCH /api/collections/orders/records/r3onjjw630c1x7a', 500, 8],
    ['GET /api/files/posts/r3onjjw630c1x7a/cover.png', 200, 0],
  ]
  const [message, status, level] = kinds[position % 7] ?? kinds[0] ?? ['', 200, 0]
  return {
    position,
    id: `log${position}`.padEnd(15, '0'),
    atMs: now - (100_000 - position) * 7_300,
    level,
    message,
    data: {
      type: 'request',
      method: message.split(' ')[0],
      url: message.split(' ')[1],
      status,
      execTime: (position % 40) / 3 + 0.4,
      userIP: '203.0.113.9',
      userAgent: 'Mozilla/5.0',
      ...(status >= 400 ? { error: 'Failed to authenticate.' } : {}),
    },
  }
}

/** From now on this page sees so many entries in the log of a project. */
export async function showLogs(page: Page, slug: string, entries = 1_000) {
  const newest = 100_000
  await page.route(`**/api/projects/${slug}/logs?*`, (route) => {
    const query = new URL(route.request().url()).searchParams
    const before = Number(query.get('before') ?? newest + 1)
    const count = Math.max(0, Math.min(Number(query.get('limit') ?? 50), before - 1 - (newest - entries)))
    const items = Array.from({ length: count }, (_, index) => logEntry(before - 1 - index))
    const isLast = before - 1 - count <= newest - entries
    return route.fulfill({ json: { items, next: isLast ? null : before - count } })
  })
  await page.route(`**/api/projects/${slug}/logs/tail?*`, (route) => {
    const positions = entries > 0 ? [newest + 1, newest + 2] : []
    const written = positions.map(
      (position) => `event: entry\ndata: ${JSON.stringify(logEntry(position))}\n\n`,
    )
    return route.fulfill({ contentType: 'text/event-stream', body: written.join('') })
  })
}
