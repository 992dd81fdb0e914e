import { text } from '$kit/text/domains'
import { screen, within } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it, vi } from 'vitest'
import type { Domain } from '$api/control/client'
import { config, project, serve, stage } from '../../testing/stage'
import Domains from './Domains.svelte'
import './RemoveDomain.svelte' // opened by a press, which should not wait for its translation here

const words = text.domains
const list = 'GET /api/projects/orchard/domains'
const params = { slug: 'orchard' }

const domain = (more: Partial<Domain> = {}): Domain => ({
  name: 'api.orchard.shop',
  state: 'dnsWait',
  sinceMs: Date.now(),
  deadlineMs: Date.now() + 604_800_000,
  lookedMs: Date.now(),
  createdMs: Date.now(),
  records: [{ kind: 'CNAME', name: 'api.orchard.shop', wanted: 'orchard.roost.example' }],
  checks: [{ kind: 'a', state: 'missing', found: [], wanted: '203.0.113.7', message: 'There is none.' }],
  ...more,
})

const answers = (items: Domain[], project_ = project()) => ({
  'GET /api/config': { body: config },
  'GET /api/projects/orchard': { body: project_ },
  [list]: { body: { items } },
})

it('explains before the first domain, takes it however it was pasted, and shows its records', async () => {
  const calls = serve({
    ...answers([]),
    'POST /api/projects/orchard/domains': { status: 201, body: domain() },
  })
  stage(Domains, { params })
  await screen.findByText(words.empty.title)
  const field = screen.getByLabelText(words.add.label)
  await userEvent.type(field, 'https://API.orchard.shop/v1')
  screen.getByText(words.add.extras('https:// and /v1'))
  screen.getByText(words.add.below('api.orchard.shop', 'orchard.shop'))
  await userEvent.click(screen.getByRole('button', { name: words.add.action }))

  const card = within(await screen.findByRole('article', { name: 'api.orchard.shop' }))
  expect(calls.find(({ route }) => route.startsWith('POST'))?.body).toEqual({ name: 'api.orchard.shop' })
  card.getByRole('button', { name: text.common.copy(words.records.copyName('api')) })
  card.getByRole('button', { name: text.common.copy(words.records.copyName('api.orchard.shop')) })
  card.getByRole('button', { name: text.common.copy(words.records.copyValue('orchard.roost.example')) })
  expect(document.activeElement?.textContent).toBe('api.orchard.shop')
})

it('says what is wrong with a name while it is typed, but not that it is unfinished', async () => {
  const calls = serve(answers([]))
  stage(Domains, { params })
  const field = await screen.findByLabelText(words.add.label)
  await userEvent.type(field, 'orchard')
  expect(field.getAttribute('aria-invalid')).toBeNull()
  await userEvent.tab()
  await screen.findByText(words.add.problems.unfinished)
  await userEvent.clear(field)
  await userEvent.type(field, 'my_orchard.shop')
  await screen.findByText(words.add.problems.characters)
  await userEvent.clear(field)
  await userEvent.type(field, 'tide.localhost')
  await screen.findByText(words.add.platform('localhost'))
  await userEvent.clear(field)
  await userEvent.type(field, 'bücher.example')
  await screen.findByText(words.add.international('bücher.example', 'xn--bcher-kva.example'))
  expect(calls.filter(({ route }) => route.startsWith('POST'))).toEqual([])
})

it('shows beside the name why the server refused it, until it is another', async () => {
  const refused = { name: { code: 'domain_limit', message: 'No room.' } }
  serve({
    ...answers([]),
    'POST /api/projects/orchard/domains': { status: 400, body: { status: 400, message: '', data: refused } },
  })
  stage(Domains, { params })
  const field = await screen.findByLabelText(words.add.label)
  await userEvent.type(field, 'orchard.shop{Enter}')
  await screen.findByText(text.errors.codes.domain_limit ?? '')
  await userEvent.type(field, 'ping')
  expect(screen.queryByText(text.errors.codes.domain_limit ?? '')).toBeNull()
})

it('looks again on request and follows what is found', async () => {
  const found = ['198.51.100.4']
  serve({
    ...answers([domain()]),
    'POST /api/projects/orchard/domains/api.orchard.shop/look': {
      body: domain({
        checks: [{ kind: 'a', state: 'wrong', found, wanted: '203.0.113.7', message: 'Not this server.' }],
      }),
    },
  })
  stage(Domains, { params })
  await screen.findByText(words.states.dnsWait)
  await userEvent.click(screen.getByRole('button', { name: words.look.of('api.orchard.shop') }))
  await screen.findByText('1 problem')
  screen.getByText('198.51.100.4')
  screen.getByText('Not this server.')
})

it('says what a removal means, and removes', async () => {
  const live = domain({ state: 'live', checks: [] })
  const calls = serve({
    ...answers([live]),
    'DELETE /api/projects/orchard/domains/api.orchard.shop': { status: 204 },
  })
  stage(Domains, { params })
  await userEvent.click(await screen.findByRole('button', { name: words.remove.of('api.orchard.shop') }))
  const dialog = within(await screen.findByRole('dialog'))
  dialog.getByText(words.remove.stops)
  await dialog.findByText(words.remove.kept(90))
  await userEvent.click(dialog.getByRole('button', { name: words.remove.confirm('api.orchard.shop') }))
  await vi.waitFor(() => expect(calls.some(({ route }) => route.startsWith('DELETE'))).toBe(true))
  await screen.findByText(words.remove.done('api.orchard.shop'))
  await screen.findByText(words.empty.title)
})

it('gives a live domain to copy, with its certificate in words', async () => {
  const certificate = { issuer: 'test', expiresMs: Date.UTC(2027, 1, 12), renewMs: Date.UTC(2099, 0, 1) }
  const live = domain({ state: 'live', name: 'xn--bcher-kva.example', checks: [], certificate })
  serve(answers([live], project({ endpoint: 'https://orchard.roost.example' })))
  stage(Domains, { params })
  const card = within(await screen.findByRole('article', { name: 'bücher.example' }))
  card.getByText('xn--bcher-kva.example')
  card.getByText(words.states.live)
  card.getByText(`new PocketBase('https://xn--bcher-kva.example')`)
  card.getByText(/^Certificate until .*12 Feb 2027|^Certificate until Feb 12, 2027/)
})

it('has nothing to add for a deleted project', async () => {
  serve(answers([], project({ state: 'deleted', deletedUntilMs: Date.now() + 1e9 })))
  stage(Domains, { params })
  await screen.findByText(words.gone)
  expect(screen.queryByLabelText(words.add.label)).toBeNull()
})

it('shows everything and offers nothing to who may only look', async () => {
  serve(answers([domain()], project({ role: 'viewer' })))
  stage(Domains, { params })
  await screen.findByText('orchard.roost.example')
  expect(screen.queryByRole('button', { name: words.add.open })).toBeNull()
  expect(screen.queryByRole('button', { name: words.look.of('api.orchard.shop') })).toBeNull()
  expect(screen.queryByRole('button', { name: words.remove.of('api.orchard.shop') })).toBeNull()
})
