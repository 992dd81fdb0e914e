// D11: an owner invites a viewer, who joins with the mail, sees everything, finds no button that changes anything, and is
// refused by the server, too. Then the owner makes a token and finds all of it in the audit.

import { text } from '$kit/text/all'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { check, underDialog } from '../axe'
import { ask, launch, newPerson, openPage, proveAddress, signUp, uniqueSlug, url } from '../browser'

let browser: Browser
beforeAll(async () => void (browser = await launch()))
afterAll(() => browser.close())

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
const link = (page: Page, name: string) => page.getByRole('link', { name, exact: true })

it('shows a viewer everything and lets them change nothing', async () => {
  const words = text.people
  const slug = uniqueSlug('shared')
  const { page: owner, complaints } = await openPage(browser, { reducedMotion: 'reduce' })
  await proveAddress(owner, await signUp(owner))
  expect((await ask(owner, 'POST', '/api/projects', { name: 'Shared', slug })).status).toBe(201)

  await owner.goto('/teams')
  const team = owner.getByRole('list', { name: words.teams.list }).getByRole('link').first()
  await team.waitFor()
  await check(owner, 'teams')
  await team.click()
  const guest = newPerson()
  await owner.getByLabel(words.teams.inviteEmail, { exact: true }).fill(guest.email)
  await owner.getByLabel(words.teams.role, { exact: true }).selectOption('viewer')
  await button(owner, words.teams.inviteAction).click()
  await owner.getByText(words.teams.invited(guest.email)).waitFor()
  await check(owner, 'a team with an invitation')

  const { page: viewer } = await openPage(browser, { reducedMotion: 'reduce' })
  await viewer.goto('/outbox')
  const mail = viewer.getByRole('article').filter({ hasText: guest.email }).first()
  await mail.waitFor()
  await check(viewer, 'the outbox')
  await mail.getByRole('link', { name: text.outbox.open }).click()
  await viewer.getByLabel(text.accounts.password, { exact: true }).fill(guest.password)
  expect(viewer.url()).not.toContain('#')
  await check(viewer, 'joining')
  await button(viewer, words.join.action).click()
  await viewer.getByRole('heading', { name: words.teams.members }).waitFor()
  await check(viewer, 'a team for a viewer')

  await viewer.goto(`/p/${slug}`)
  await viewer.getByText('Shared was created').waitFor()
  await check(viewer, 'overview for a viewer')
  expect(await button(viewer, text.projects.wake).count()).toBe(0)
  await link(viewer, text.common.nav.settings).click()
  await viewer.getByText(text.settings.readOnly(text.common.roles.viewer)).waitFor()
  await check(viewer, 'settings for a viewer')
  expect(await viewer.locator('main').getByRole('button').count()).toBe(0)
  await link(viewer, text.common.nav.audit).click()
  await viewer.getByRole('cell', { name: 'Shared was created' }).waitFor()
  await check(viewer, 'audit for a viewer')
  for (const name of ['usage', 'domains', 'backups', 'logs']) {
    await viewer.goto(`/p/${slug}/${name}`)
    await viewer.locator('main h1').waitFor()
    await viewer.locator('[role=status].late').waitFor({ state: 'detached' })
    expect(await viewer.locator('main').getByRole('button').count(), name).toBe(0)
    await check(viewer, `${name} for a viewer`)
  }
  for (const [method, path, body] of [
    ['PATCH', `/api/projects/${slug}`, { name: 'Mine' }],
    ['DELETE', `/api/projects/${slug}`, { slug }],
    ['PUT', `/api/projects/${slug}/superuser`, { email: 'a@example.com', password: 'correct horse' }],
    ['POST', `/api/projects/${slug}/wake`, {}],
    ['POST', `/api/projects/${slug}/backups`, {}],
    ['POST', `/api/projects/${slug}/support`, { hours: 1 }],
    ['GET', `/api/projects/${slug}/logs`, undefined],
  ] as const) {
    expect((await ask(viewer, method, path, body)).status, path).toBe(403)
  }
  expect(complaints).toEqual([])

  await owner.goto('/account')
  await button(owner, words.tokens.make).waitFor()
  await check(owner, 'account')
  await button(owner, words.tokens.make).click()
  await owner.getByLabel(words.tokens.name, { exact: true }).fill('deploy')
  await check(owner, 'making a token', underDialog)
  await button(owner, words.tokens.action).click()
  await owner.getByRole('heading', { name: words.tokens.madeTitle }).waitFor()
  await check(owner, 'a token, shown once', underDialog)
  const secret = await owner.getByText(/^roost_/).innerText()
  const answer = await fetch(`${url}/api/projects/${slug}`, {
    headers: { authorization: `Bearer ${secret}` },
  })
  expect(answer.status).toBe(200)
  await button(owner, words.tokens.done).click()
  await link(owner, words.audit.accountLink).click()
  await owner.getByRole('cell', { name: /^The token deploy was made/ }).waitFor()
  await owner.getByLabel(text.common.search, { exact: true }).fill('invited')
  await owner.getByRole('cell', { name: `${guest.email} was invited as viewer` }).waitFor()
  await check(owner, 'the audit of an account')
  expect(complaints).toEqual([])
}, 40_000)
