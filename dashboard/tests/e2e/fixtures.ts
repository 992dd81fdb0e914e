// Projects, domains and backups in every state, put into the page's answers: some states cannot be had from a healthy platform.

import type { Page } from 'playwright-core'
import type {
  Activity,
  BackupList,
  Check,
  Domain,
  DomainState,
  Project,
  ProjectState,
  Schedule,
} from '$api/control/client'

const hour = 3_600_000
const day = 24 * hour

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
  nextRunsMs: [1, 2, 3, 4, 5].map((days) => Date.now() + days * day),
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
  await page.route('**/api/projects', (route) =>
    route.fulfill({ json: { items, limit, team: items[0]?.teamId } }),
  )
  for (const item of items) {
    await page.route(`**/api/projects/${item.slug}`, (route) => route.fulfill({ json: item }))
    await page.route(`**/api/projects/${item.slug}/activity`, (route) =>
      route.fulfill({ json: { items: activity } }),
    )
    await showDomains(page, item.slug, [])
  }
}

/** From now on this page sees these domains of a project. */
export async function showDomains(page: Page, slug: string, items: Domain[]) {
  await page.route(`**/api/projects/${slug}/domains`, (route) => route.fulfill({ json: { items } }))
}

const here = { a: '203.0.113.7', aaaa: '2001:db8:7::1' }

export function domain(name: string, state: DomainState, more: Partial<Domain> = {}): Domain {
  const now = Date.now()
  const isApex = name.split('.').length === 2
  return {
    name,
    state,
    sinceMs: now - 2 * hour,
    deadlineMs: now + 6.5 * day,
    lookedMs: now - 3 * 60_000,
    createdMs: now - day,
    records: [
      { kind: 'A', name, wanted: here.a },
      { kind: 'AAAA', name, wanted: here.aaaa },
      ...(isApex ? [] : [{ kind: 'CNAME' as const, name, wanted: 'orchard.roost.example' }]),
    ],
    checks: [...leadingHere, free, check('http', 'ok', 'Port 80 answers.')],
    ...more,
  }
}

function check(
  kind: Check['kind'],
  state: Check['state'],
  message: string,
  found: string[] = [],
  wanted?: string,
): Check {
  return { kind, state, found, wanted, message }
}

const leadingHere = [
  check('a', 'ok', 'The A record leads here.', [here.a], here.a),
  check('aaaa', 'ok', 'The AAAA record leads here.', [here.aaaa], here.aaaa),
]
const free = check('caa', 'ok', 'Every authority may issue certificates.', [], 'letsencrypt.org')
const held = check('http', 'waiting', 'Waits for the records above.')
const token = 'k2v9x0q4m7b1c8z3n6p5t2w9y4r7d1f0'

/** Each by the state it shows, from just added to live and back. */
export const everyDomain: Record<string, Domain> = {
  added: domain('shop.orchard.example', 'dnsWait', {
    lookedMs: null,
    checks: [check('a', 'waiting', 'Not looked at yet.'), check('aaaa', 'waiting', 'Not looked at yet.')],
  }),
  missing: domain('orchard.shop', 'dnsWait', {
    checks: [
      check('a', 'missing', `There is no A record: set it to ${here.a}.`, [], here.a),
      check('aaaa', 'ok', 'There is no AAAA record, and none is needed.', [], here.aaaa),
      free,
      held,
    ],
  }),
  wrong: domain('api.orchard.shop', 'dnsWait', {
    checks: [
      check('a', 'ok', 'The A record leads here.', [here.a], here.a),
      check(
        'aaaa',
        'wrong',
        `2001:db8::9 is not this server: set it to ${here.aaaa}.`,
        ['2001:db8::9'],
        here.aaaa,
      ),
      free,
      held,
    ],
  }),
  proof: domain('tide.example', 'dnsWait', {
    reason: 'quarantined',
    message: 'Another project used this name lately. Prove by DNS that it is yours.',
    records: [
      { kind: 'A', name: 'tide.example', wanted: here.a },
      { kind: 'AAAA', name: 'tide.example', wanted: here.aaaa },
      { kind: 'TXT', name: '_roost.tide.example', wanted: token },
    ],
    checks: [
      ...leadingHere,
      check(
        'txt',
        'wrong',
        `The TXT record at _roost.tide.example is another: set it to ${token}.`,
        ['v=spf1 -all'],
        token,
      ),
      free,
      held,
    ],
  }),
  verifying: domain('www.orchard.shop', 'verifying', {
    deadlineMs: Date.now() + 22 * hour,
    checks: [
      ...leadingHere,
      check(
        'caa',
        'wrong',
        'The CAA records permit other authorities only: add issue "letsencrypt.org".',
        ['issue "pki.goog"'],
        'letsencrypt.org',
      ),
      check(
        'http',
        'wrong',
        'http://www.orchard.shop/ does not reach this server: open port 80 for everybody.',
        [`${here.a}: connection refused`],
      ),
    ],
  }),
  issuing: domain('xn--bcher-kva.example', 'issuing', {
    deadlineMs: Date.now() + 23.9 * hour,
    sinceMs: Date.now() - 8_000,
    lookedMs: Date.now() - 8_000,
  }),
  live: domain('orchard.example', 'live', {
    deadlineMs: Date.now() + 83 * day,
    certificate: {
      issuer: 'letsencrypt',
      expiresMs: Date.now() + 83 * day,
      renewMs: Date.now() + 53 * day,
    },
  }),
  strayed: domain('old.orchard.example', 'live', {
    reason: 'renewal_failed',
    message:
      '203.0.113.99: Invalid response from http://old.orchard.example/.well-known/acme-challenge/hJ3: 404',
    deadlineMs: Date.now() + 12 * day,
    certificate: { issuer: 'letsencrypt', expiresMs: Date.now() + 12 * day, renewMs: Date.now() - day },
    checks: [
      check('a', 'wrong', `203.0.113.99 is not this server: set it to ${here.a}.`, ['203.0.113.99'], here.a),
      free,
      held,
    ],
  }),
  failed: domain('forgotten.example', 'failed', {
    reason: 'order_failed',
    message:
      'CAA record for forgotten.example prevents issuance: the record forbids letsencrypt.org (urn:ietf:params:acme:error:caa)',
    deadlineMs: Date.now() + 29.5 * day,
    checks: [
      ...leadingHere,
      check('caa', 'waiting', 'The name servers do not answer.', [], 'letsencrypt.org'),
      check('http', 'ok', 'Port 80 answers.'),
    ],
  }),
}
