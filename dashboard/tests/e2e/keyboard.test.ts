// Without a pointer: skip the navigation, create a project, leave a dialog.

import { text } from '$kit/text/all'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { launch, openPage, signUp, uniqueSlug } from './browser'
import { everyDomain, project, showProjects } from './fixtures'

let browser: Browser
beforeAll(async () => void (browser = await launch()))
afterAll(() => browser.close())

const focused = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement
    return element?.getAttribute('aria-label') ?? element?.textContent?.trim() ?? ''
  })

/** Tabs on until the named thing has the focus; far fewer presses than anyone would bear. */
async function tabTo(page: Page, name: string) {
  for (let press = 0; press < 30; press += 1) {
    if ((await focused(page)) === name) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`"${name}" cannot be reached with Tab; the focus is on "${await focused(page)}"`)
}

it('creates a project', async () => {
  const { page } = await openPage(browser)
  await signUp(page)
  await page.goto('/projects')
  await page.getByText(text.projects.empty.title).waitFor()
  await tabTo(page, text.projects.empty.action)
  await page.keyboard.press('Enter')

  const name = uniqueSlug('by keyboard').replace('-', ' ')
  await page.getByLabel(text.projects.create.name, { exact: true }).and(page.locator(':focus')).waitFor()
  await page.keyboard.type(name)
  await page.getByText(/ is free$/).waitFor()
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: text.projects.created.title(name) }).waitFor()
})

it('skips the navigation', async () => {
  const { page } = await openPage(browser)
  await signUp(page)
  await page.goto('/account')
  await page.getByRole('heading', { name: text.accounts.account.title, exact: true }).waitFor()
  await page.keyboard.press('Tab')
  expect(await focused(page)).toBe(text.common.skip)
  await page.keyboard.press('Enter')
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('MAIN')
})

it('gives the focus to the first field of a dialog and back to its opener', async () => {
  const { page } = await openPage(browser)
  await signUp(page)
  await showProjects(page, [project('orchard', 'awake')])
  await page.goto('/p/orchard/settings')
  const opener = page.getByRole('button', { name: text.settings.remove.open })
  await opener.focus()
  await page.keyboard.press('Enter')
  await page.getByLabel(text.settings.remove.confirm('orchard')).and(page.locator(':focus')).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await opener.and(page.locator(':focus')).waitFor()
})

it('adds a domain, leaves adding another, and keeps its place when one is removed', async () => {
  const words = text.domains
  const { page } = await openPage(browser)
  await signUp(page)
  await showProjects(page, [project('orchard', 'awake')])
  const { wrong, live } = everyDomain
  if (!wrong || !live) throw new Error('the fixtures have changed')
  await page.route('**/api/projects/orchard/domains', (route) =>
    route.request().method() === 'POST'
      ? route.fulfill({ status: 201, json: wrong })
      : route.fulfill({ json: { items: [live] } }),
  )
  await page.route('**/api/projects/orchard/domains/*', (route) => route.fulfill({ status: 204 }))
  await page.goto('/p/orchard/domains')
  await page.getByRole('article').waitFor()

  // Open, change one's mind, open again
  const field = page.getByLabel(words.add.label, { exact: true }).and(page.locator(':focus'))
  await tabTo(page, words.add.open)
  await page.keyboard.press('Enter')
  await field.waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: words.add.open }).and(page.locator(':focus')).waitFor()
  await page.keyboard.press('Enter')
  await field.waitFor()
  await page.keyboard.type(wrong.name)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: wrong.name }).and(page.locator(':focus')).waitFor()

  // Remove the other, first not, then yes
  const opener = page.getByRole('button', { name: words.remove.of(live.name) })
  await opener.focus()
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').waitFor()
  await page.keyboard.press('Escape')
  await opener.and(page.locator(':focus')).waitFor()
  await page.keyboard.press('Enter')
  await tabTo(page, words.remove.confirm(live.name))
  await page.keyboard.press('Enter')
  await page.getByText(words.remove.done(live.name)).and(page.locator(':focus')).waitFor()
})
