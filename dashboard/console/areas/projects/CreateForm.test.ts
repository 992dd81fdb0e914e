import { text } from '$kit/text'
import { screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it, vi } from 'vitest'
import { config, project, serve, stage } from '../../testing/stage'
import CreateForm from './CreateForm.svelte'

const words = text.projects.create

it('makes the address from the name, asks whether it is free, and creates', async () => {
  const calls = serve({
    'GET /api/config': { body: config },
    'GET /api/slugs/anas-orchard': { body: { slug: 'anas-orchard', available: true } },
    'POST /api/projects': {
      status: 201,
      body: { project: project(), superuser: { email: 'ana@example.com' } },
    },
  })
  const oncreated = vi.fn()
  stage(CreateForm, { email: 'ana@example.com', oncreated })

  await userEvent.type(screen.getByLabelText(words.name), 'Ana’s Orchard')
  await screen.findByText(words.slugFree('anas-orchard.localhost:8080'))
  await userEvent.click(screen.getByRole('button', { name: words.action }))

  await vi.waitFor(() => expect(oncreated).toHaveBeenCalled())
  const sent = calls.find(({ route }) => route === 'POST /api/projects')?.body
  expect(sent).toMatchObject({
    name: 'Ana’s Orchard',
    slug: 'anas-orchard',
    superuser: { email: 'ana@example.com' },
  })
  const [{ superuser, isGenerated }] = oncreated.mock.calls[0] as [
    { superuser: unknown; isGenerated: boolean },
  ]
  expect(sent).toMatchObject({ superuser }) // what is shown is what was sent
  expect(isGenerated).toBe(true)
})

it('says beside the address why it cannot be had', async () => {
  serve({
    'GET /api/config': { body: config },
    'GET /api/slugs/admin': { body: { slug: 'admin', available: false, code: 'reserved_slug' } },
  })
  stage(CreateForm, { email: '', oncreated: () => {} })
  await userEvent.type(screen.getByLabelText(words.slug), 'admin')
  await screen.findByText(text.errors.codes.reserved_slug ?? '')
})

it('sends nothing while something is missing', async () => {
  const calls = serve({ 'GET /api/config': { body: config } })
  stage(CreateForm, { email: 'ana@example.com', oncreated: () => {} })
  await userEvent.click(screen.getByRole('button', { name: words.action }))
  expect(screen.getByLabelText(words.name).getAttribute('aria-invalid')).toBe('true')
  expect(calls.filter(({ route }) => route.startsWith('POST'))).toEqual([])
})
