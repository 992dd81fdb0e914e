import { text } from '$kit/text/usage'
import { screen, within } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import type { Limit, UsageHour } from '$api/control/client'
import { project, serve, stage } from '../../testing/stage'
import QuotaBanner from './QuotaBanner.svelte'
import Usage from './Usage.svelte'

const words = text.usage
const MB = 1024 ** 2

const database = (more: Partial<Limit> = {}): Limit => ({
  limit: 'database',
  used: 212 * MB,
  max: 500 * MB,
  unit: 'bytes',
  period: 'now',
  state: 'ok',
  forecast: null,
  ...more,
})
const hour = (requests: number): UsageHour => ({
  hour: Math.floor(Date.now() / 3_600_000) * 3_600_000,
  requests,
  egress: 0,
  databaseBytes: 212 * MB,
  storageBytes: 0,
  awakeMs: 0,
  mails: 0,
})

function show(limits: Limit[], hours: UsageHour[], more: Parameters<typeof project>[0] = {}) {
  const plan = { name: 'standard', title: 'Standard' }
  serve({
    'GET /api/projects/orchard': { body: project(more) },
    'GET /api/projects/orchard/usage': { body: { plan, limits, hours, resets: Date.now() + 1e9 } },
  })
  stage(Usage, { params: { slug: 'orchard' } })
}

it('says how much of a limit is used, and does not guess what is not known', async () => {
  show([database()], [hour(7)])
  const row = within(await screen.findByRole('row', { name: new RegExp(words.limits.names.database) }))
  row.getByText('212 of 500 MB')
  row.getByText('42%')
  row.getByText(words.outlook.unknown)
})

it('gives the charts as numbers, too', async () => {
  show([database()], [hour(7)])
  await screen.findByRole('img', { name: /^Requests, 24 hours: 7 in all$/ })
  await userEvent.click(screen.getByText(words.charts.table))
  const table = within(await screen.findByRole('table', { name: words.charts.table }))
  expect(table.getAllByRole('row')).toHaveLength(25)
  table.getByRole('cell', { name: '7' })
})

it('invites to a first request where nothing was used', async () => {
  show([database({ used: 0 })], [], { firstRequestMs: null })
  await screen.findByText(words.empty.title)
  expect(screen.queryByRole('img')).toBeNull()
})

it('puts what is full before what is nearly so, and names the rest', () => {
  const near = database({ limit: 'storage', used: 450 * MB, state: 'near' })
  const mails = database({ limit: 'mails', used: 500, max: 500, unit: 'count', state: 'over' })
  const full = database({ used: 500 * MB, state: 'over' })
  stage(QuotaBanner, { project: project({ limits: [near, full, mails] }) })
  screen.getByText(words.banner.over.database('500 of 500 MB'))
  screen.getByText(new RegExp(words.banner.more(words.limits.names.mails)))
  expect(screen.getByRole('link', { name: words.see }).getAttribute('href')).toBe('/p/orchard/usage')
})

it('warns before it is full', () => {
  const near = database({ used: 431 * MB, state: 'near' })
  stage(QuotaBanner, { project: project({ limits: [near] }) })
  screen.getByText(words.banner.near(words.limits.names.database, '86%'))
})
