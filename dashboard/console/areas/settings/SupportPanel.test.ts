import { text } from '$kit/text/leaving'
import { screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { project, serve, stage } from '../../testing/stage'
import SupportPanel from './SupportPanel.svelte'

const words = text.leaving.support
const path = '/api/projects/orchard/support'

it('lets operators in and ends it', async () => {
  const grant = { givenBy: 'ana@example.com', givenMs: Date.now(), untilMs: Date.now() + 86_400_000 }
  const calls = serve({
    [`GET ${path}`]: { body: { grant: null } },
    [`POST ${path}`]: { body: { grant } },
    [`DELETE ${path}`]: { status: 204 },
  })
  stage(SupportPanel, { project: project() })
  await userEvent.click(await screen.findByRole('button', { name: words.action }))
  await screen.findByText(words.openBody('ana@example.com'))
  await userEvent.click(screen.getByRole('button', { name: words.end }))
  await screen.findByRole('button', { name: words.action })
  expect(calls.map(({ route }) => route)).toEqual([`GET ${path}`, `POST ${path}`, `DELETE ${path}`])
})

it('does not call a grant open whose time is over', async () => {
  const grant = { givenMs: 1, untilMs: Date.now() - 1 }
  serve({ [`GET ${path}`]: { body: { grant } } })
  stage(SupportPanel, { project: project() })
  await screen.findByRole('button', { name: words.action })
})
