import { text } from '$kit/text/operator'
import { screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import type { Tenant } from '$api/control/client'
import { project, serve, stage } from '../../testing/stage'
import TenantTable from './TenantTable.svelte'

const words = text.operator

const tenant = (name: string, state: Tenant['state'], more: Partial<Tenant> = {}): Tenant => ({
  ...project({ id: name.toLowerCase(), slug: name.toLowerCase(), name, state }),
  teamName: 'ana@example.com',
  owners: ['ana@example.com'],
  plan: 'standard',
  requestsPerSecond: 0,
  realtimeConnections: 0,
  ...more,
})

const openMenu = (name: string) =>
  userEvent.click(screen.getByRole('button', { name: words.tenants.actions(name) }))
const offered = () => screen.getAllByRole('menuitem').map((item) => item.textContent.trim())

it('offers what makes sense in each state', async () => {
  serve({})
  const all = { Awake: 'awake', Asleep: 'asleep', Held: 'suspended', Gone: 'deleted' } as const
  stage(TenantTable, { tenants: Object.entries(all).map(([name, state]) => tenant(name, state)) })
  const { limits } = words.tenants
  const { sleep, suspend, resume } = words.tenant
  for (const [name, items] of [
    ['Awake', [sleep, limits, suspend]],
    ['Asleep', [limits, suspend]],
    ['Held', [limits, resume]],
    ['Gone', [limits]],
  ] as const) {
    await openMenu(name)
    expect(offered()).toEqual(items)
    await userEvent.keyboard('{Escape}')
  }
})

it('says which project is not asleep, and why', async () => {
  const message = 'A backup or a restore of this project is under way. Wait for its end.'
  const answer = { status: 409, body: { status: 409, message, data: { code: 'at_work' } } }
  const calls = serve({ 'POST /api/operator/tenants/orchard/sleep': answer })
  stage(TenantTable, { tenants: [tenant('Meadow', 'awake'), tenant('Orchard', 'awake')] })
  await openMenu('Orchard')
  await userEvent.click(screen.getByRole('menuitem', { name: words.tenant.sleep }))
  await screen.findByText(words.tenants.actionFailed('Orchard'))
  screen.getByText(message)
  expect(calls.map(({ route }) => route)).toEqual(['POST /api/operator/tenants/orchard/sleep'])
})

it('tells who is busy from who is not, and a team only if its name says more than its owners', () => {
  serve({})
  const busy = tenant('Orchard', 'awake', { requestsPerSecond: 0.44, requests: 7, teamName: 'Fruit' })
  stage(TenantTable, { tenants: [busy, tenant('Meadow', 'asleep', { requests: 0 })] })
  screen.getByText('0.4')
  screen.getByText(words.tenants.inAll('7'))
  screen.getByText('Fruit')
  expect(screen.queryByText(words.tenants.inAll('0'))).toBeNull()
  expect(screen.getAllByText('ana@example.com')).toHaveLength(2)
})
