import { text } from '$kit/text/settings'
import { screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { config, project, serve, stage } from '../../testing/stage'
import './DeleteDialog.svelte' // opened by a press, which should not wait for its translation here
import DeletePanel from './DeletePanel.svelte'

const words = text.settings.remove

it('deletes only what was typed, and says how much and until when it can be undone', async () => {
  const calls = serve({
    'GET /api/config': { body: config },
    'GET /api/account': { body: { secondFactor: false } },
    'DELETE /api/projects/orchard': { body: project({ state: 'deleted' }) },
  })
  stage(DeletePanel, { project: project() })
  await userEvent.click(await screen.findByRole('button', { name: words.open }))
  const confirm = await screen.findByRole('button', { name: /^Delete 212 MB, undo until / })
  const field = screen.getByLabelText(words.confirm('orchard'))

  await userEvent.type(field, 'orchid')
  await userEvent.click(confirm)
  await screen.findByText(words.mismatch('orchard'))
  expect(calls.some(({ route }) => route.startsWith('DELETE'))).toBe(false)

  await userEvent.clear(field)
  await userEvent.type(field, 'orchard')
  await userEvent.click(confirm)
  await expect
    .poll(() => calls.at(-1))
    .toEqual({ route: 'DELETE /api/projects/orchard', body: { slug: 'orchard' } })
})
