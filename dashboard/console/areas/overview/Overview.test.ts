import { text } from '$kit/text'
import { screen } from '@testing-library/svelte'
import { expect, it } from 'vitest'
import { config, project, serve, stage } from '../../testing/stage'
import Overview from './Overview.svelte'

const answers = (state: string) => ({
  'GET /api/config': { body: config },
  'GET /api/projects/orchard': { body: project({ endpoint: 'https://orchard.roost.example' }) },
  'GET /api/projects/orchard/activity': { body: { items: [] } },
  'GET /api/projects/orchard/domains': { body: { items: [{ name: 'orchard.shop', state, createdMs: 1 }] } },
})

it('gives apps the project’s own domain once it is live, and says where else it answers', async () => {
  serve(answers('live'))
  stage(Overview, { params: { slug: 'orchard' } })
  await screen.findByText('https://orchard.shop')
  screen.getByText('orchard.roost.example')
  expect(document.querySelector('pre')?.textContent).toContain(`new PocketBase('https://orchard.shop')`)
})

it('gives apps the platform’s address until then', async () => {
  serve(answers('issuing'))
  stage(Overview, { params: { slug: 'orchard' } })
  await screen.findByText('https://orchard.roost.example')
  expect(screen.queryByText(new RegExp(text.overview.alsoAt))).toBeNull()
})
