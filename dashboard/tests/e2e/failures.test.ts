// A server that fails, vanishes or dawdles: every page says so, says what to do, and recovers by itself or by a press.

import { text } from '$kit/text/all'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { launch, openPage, signUp } from './browser'
import { project, showProjects } from './fixtures'
import { actAsOperator, showLogs, showOperator, showSupport } from './operator-fixtures'

let browser: Browser
beforeAll(async () => void (browser = await launch()))
afterAll(() => browser.close())

async function signedIn(): Promise<Page> {
  const { page } = await openPage(browser)
  await signUp(page)
  return page
}

const tryAgain = (page: Page) => page.getByRole('button', { name: text.common.tryAgain }).first()

it.each([
  ['/projects', '**/api/projects', text.projects.loadFailed],
  ['/p/orchard', '**/api/projects/orchard', text.overview.loadFailed],
  ['/p/orchard', '**/api/projects/orchard/activity', text.overview.activityFailed],
  ['/p/orchard/domains', '**/api/projects/orchard/domains', text.domains.loadFailed],
  ['/p/orchard/settings', '**/api/projects/orchard', text.overview.loadFailed],
  ['/p/orchard/usage', '**/api/projects/orchard/usage?*', text.usage.failed],
  ['/p/orchard/logs', '**/api/projects/orchard/logs?*', text.logs.failed],
  ['/p/orchard/settings', '**/api/projects/orchard/support', text.leaving.support.failed],
  ['/operator', '**/api/operator/node', text.operator.node.failed],
  ['/operator', '**/api/operator/attention', text.operator.attention.failed],
  ['/operator/tenants', '**/api/operator/tenants?*', text.operator.tenants.failed],
  ['/operator/jobs', '**/api/operator/jobs?*', text.operator.jobs.failed],
  ['/operator/plans', '**/api/plans', text.operator.plans.failed],
  ['/operator/plans/large', '**/api/operator/plans/large/preview', text.operator.plan.preview.failed],
  ['/outbox', '**/api/outbox', text.outbox.failed],
  ['/projects', '**/api/account', text.errors.start],
])('%s recovers from a 500 and from a dropped connection of %s', async (path, asked, message) => {
  const page = await signedIn()
  const show = async () => {
    if (path.startsWith('/operator')) await actAsOperator(page)
    await showProjects(page, [project('orchard', 'awake')])
    await showOperator(page)
    await showLogs(page, 'orchard')
    await showSupport(page, 'orchard', false)
  }
  await show()
  for (const failure of ['500', 'dropped']) {
    await page.route(asked, (route) =>
      failure === '500' ? route.fulfill({ status: 500, json: {} }) : route.abort(),
    )
    if (path.startsWith('/p/')) await page.route('**/api/projects', (route) => route.abort())
    await page.goto(path)
    await page.getByRole('alert').filter({ hasText: message }).waitFor()
    await page.unrouteAll()
    await show()
    await tryAgain(page).click()
    await page.getByText(message).waitFor({ state: 'detached' })
    await page.locator('main h1').waitFor()
  }
})

it('keeps what was typed when signing up fails, and a second try works', async () => {
  const { page } = await openPage(browser)
  await page.route('**/api/accounts', (route) => route.abort())
  await page.goto('/signup')
  const email = page.getByLabel(text.accounts.email, { exact: true })
  await email.fill('ana@example.com')
  await page.getByLabel(text.accounts.password, { exact: true }).fill('seven wet herons')
  await page.getByRole('button', { name: text.accounts.signUp.action }).click()
  await page.getByRole('alert').filter({ hasText: text.errors.unreachable }).waitFor()
  expect(await email.inputValue()).toBe('ana@example.com')
})

it('shows the shape of the list while the server dawdles, never a blank page', async () => {
  const page = await signedIn()
  await page.route('**/api/projects', () => {}) // never answered
  await page.goto('/projects')
  await page.getByRole('heading', { name: text.projects.title }).waitFor()
  await page.getByText(text.common.loading(text.projects.list)).waitFor()
})

it('says quietly that the event stream is lost, and that it is back by saying nothing', async () => {
  const page = await signedIn()
  await page.route('**/api/events', (route) => route.abort())
  await page.goto('/projects')
  await page.getByText(text.common.reconnecting).waitFor()
  await page.unrouteAll()
  await page.getByText(text.common.reconnecting).waitFor({ state: 'detached' })
})

it('leads to sign-in when the session has ended, and back afterwards', async () => {
  const { page, context } = await openPage(browser)
  const person = await signUp(page)
  await context.clearCookies()
  await page.goto('/account')
  await page.waitForURL('**/login?next=*')
  await page.getByLabel(text.accounts.email, { exact: true }).fill(person.email)
  await page.getByLabel(text.accounts.password, { exact: true }).fill(person.password)
  await page.getByRole('button', { name: text.accounts.signIn.action }).click()
  await page.waitForURL('**/account')
})
