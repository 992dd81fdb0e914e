import { text } from '$kit/text'
import { screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { config, project, serve, stage } from '../../testing/stage'
import Projects from './Projects.svelte'

const day = 86_400_000
const { teamId: team } = project()

it('invites to the first project', async () => {
  serve({ 'GET /api/projects': { body: { items: [], limit: 5, team } } })
  stage(Projects, {})
  const link = await screen.findByRole('link', { name: text.projects.empty.action })
  expect(link.getAttribute('href')).toBe('/projects/new')
})

it('says that there is no room instead of offering what would be refused', async () => {
  serve({ 'GET /api/projects': { body: { items: [project()], limit: 1, team } } })
  stage(Projects, {})
  await screen.findByText(text.projects.full.title(1, 1))
  expect(screen.queryByRole('link', { name: text.projects.new })).toBeNull()
})

it('tells whoever has to confirm an address that there is room after it', async () => {
  const unverified = { projects: 1 }
  serve({
    'GET /api/projects': { body: { items: [project()], limit: 1, team } },
    'GET /api/account': { body: { email: 'ana@example.com', verified: false, operator: false } },
    'GET /api/config': { body: { ...config, unverified } },
  })
  stage(Projects, {})
  await screen.findByText(text.projects.full.unconfirmed)
})

it('does not count the projects of other teams', async () => {
  const foreign = project({ id: 'project00000009', slug: 'tide', name: 'Tide', teamId: 'team00000000009' })
  serve({ 'GET /api/projects': { body: { items: [foreign], limit: 1, team } } })
  stage(Projects, {})
  await screen.findByText(text.projects.used(0, 1))
  expect(screen.getByRole('link', { name: text.projects.new })).toBeTruthy()
})

it('does not count what is deleted, and brings it back on request', async () => {
  const gone = project({ state: 'deleted', deletedUntilMs: Date.now() + 5.5 * day })
  const calls = serve({
    'GET /api/projects': { body: { items: [gone], limit: 1, team } },
    'POST /api/projects/orchard/undelete': { body: project({ state: 'asleep' }) },
  })
  stage(Projects, {})
  await screen.findByText(text.states.deleted(6))
  await userEvent.click(screen.getByRole('button', { name: text.projects.deleted.bringBackOf('Orchard') }))
  await screen.findByText(text.states.asleep)
  expect(calls.map(({ route }) => route)).toContain('POST /api/projects/orchard/undelete')
})

it('wakes only when told to', async () => {
  const calls = serve({
    'GET /api/projects': { body: { items: [project({ state: 'asleep' })], limit: 5, team } },
    'POST /api/projects/orchard/wake': { body: project({ state: 'waking' }) },
  })
  stage(Projects, {})
  const wake = await screen.findByRole('button', { name: text.projects.wakeOf('Orchard') })
  expect(calls.map(({ route }) => route)).toEqual(['GET /api/projects'])
  await userEvent.click(wake)
  await screen.findByText(text.states.waking)
})

it('says what failed and tries again', async () => {
  let isBroken = true
  serve({
    'GET /api/projects': () =>
      isBroken ? { status: 500, body: {} } : { body: { items: [project()], limit: 5, team } },
  })
  stage(Projects, {})
  expect((await screen.findByRole('alert')).textContent).toContain(text.errors.broken)
  isBroken = false
  await userEvent.click(screen.getByRole('button', { name: text.common.tryAgain }))
  await screen.findByRole('link', { name: 'Orchard' })
})
