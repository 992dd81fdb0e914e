import type { Account } from '$api/control/client'
import { text } from '$kit/text/unverified'
import { screen } from '@testing-library/svelte'
import { expect, it } from 'vitest'
import { config, serve, stage } from '../testing/stage'
import Unverified from './Unverified.svelte'

const limits = {
  projects: 2,
  databaseMb: 500,
  storageMb: 0,
  egressGb: 1,
  mails: false,
  domains: false,
  teams: true,
}

const ana: Account = {
  id: 'ana000000000000',
  email: 'ana@example.com',
  name: 'Ana',
  verified: false,
  operator: false,
  secondFactor: false,
  hasPassword: true,
  createdMs: 0,
}

function show(account: Partial<Account>) {
  serve({ 'GET /api/config': { body: { ...config, unverified: limits } } })
  stage(Unverified, { account: { ...ana, ...account } })
}

it('says what waits for the address, and only that', async () => {
  show({})
  await screen.findByText(/you can have 2 projects/)
  const said = text.unverified.until(limits)
  expect(said).toContain('500 MB of records and 1 GB of answers a month')
  expect(said).toContain('domains of your own and mails of your projects to anybody but you')
  expect(said).not.toMatch(/files|teams/)
})

it('says nothing of limits to whoever has none', async () => {
  show({ operator: true })
  await screen.findByText(/open the link we mailed you/)
  expect(screen.queryByText(/Until then/)).toBeNull()
})
