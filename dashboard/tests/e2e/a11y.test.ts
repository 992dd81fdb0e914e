// No accessibility violation on any page, in any theme, width and state; nothing scrolls sideways, and the console of
// the browser stays silent.

import { text } from '$kit/text/all'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { check } from './axe'
import { launch, openPage, signUp } from './browser'
import {
  backups,
  everyDomain,
  everyState,
  project,
  restoring,
  showBackups,
  showDomains,
  showProjects,
} from './fixtures'

let browser: Browser
beforeAll(async () => void (browser = await launch()))
afterAll(() => browser.close())

async function visit(page: Page, path: string) {
  await page.goto(path)
  await page.locator('main h1').first().waitFor()
  await page.evaluate(() =>
    Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {}))),
  )
}

const strangers = ['/login', '/signup', '/reset', '/reset#sometoken', '/verify', '/join', '/nowhere']
const accounts = ['/projects', '/projects/new', '/teams', '/account', '/account/audit', '/outbox', '/verify']
const looks = (['light', 'dark'] as const).flatMap((theme) =>
  [360, 768, 1440].map((width) => ({ theme, width })),
)

describe.each(looks)('$theme at $width', ({ theme, width }) => {
  const options = { colorScheme: theme, viewport: { width, height: 800 }, reducedMotion: 'reduce' as const }

  it('lets a stranger in', async () => {
    const { context, page, complaints } = await openPage(browser, options)
    for (const path of strangers) {
      await visit(page, path)
      await check(page, path)
    }
    expect(complaints).toEqual([])
    await context.close()
  })

  it('serves an account: full, empty, at the limit, and every state', async () => {
    const { context, page, complaints } = await openPage(browser, options)
    await signUp(page)
    for (const path of accounts) {
      await visit(page, path) // a new account, so the list is empty
      await check(page, path)
    }

    await visit(page, '/teams')
    await page.getByRole('list', { name: text.people.teams.list }).getByRole('link').click()
    await page.getByText(text.people.tokens.ofTeamEmpty).waitFor()
    await check(page, 'team')
    await visit(page, '/account')
    for (const name of [text.people.factor.begin, text.people.tokens.make]) {
      await page.getByRole('button', { name, exact: true }).click()
      await page.getByRole('dialog').waitFor()
      await check(page, name)
      await page.keyboard.press('Escape')
    }

    await showProjects(page, everyState, 7)
    await visit(page, '/projects')
    await page.getByText(text.projects.full.body).waitFor()
    await check(page, 'every state, at the limit')
    for (const { slug, state } of everyState) {
      await visit(page, `/p/${slug}`)
      await page.getByText('Woke up').waitFor()
      await check(page, `overview, ${state}`)
    }
    await showBackups(page, 'tide', restoring)
    await visit(page, '/p/tide/backups')
    await page.getByRole('progressbar').waitFor()
    await check(page, 'backups, restoring')
    await showBackups(page, 'orchard', backups)
    await visit(page, '/p/orchard/backups')
    await page.getByRole('button', { name: text.backups.undo.action }).waitFor()
    await check(page, 'backups')
    await page.getByRole('row').nth(3).getByRole('button').click()
    await page.getByRole('menuitem', { name: text.backups.restoreHere }).click()
    await page.getByRole('dialog').waitFor()
    await check(page, 'restore dialog')
    await visit(page, '/p/tide/settings')
    await check(page, 'settings')
    await page.getByRole('button', { name: text.settings.remove.open }).click()
    await page.getByRole('dialog').waitFor()
    await check(page, 'delete dialog')
    expect(complaints).toEqual([])
    await context.close()
  })

  it('serves domains: none, each by itself, all, and what opens', async () => {
    const { context, page, complaints } = await openPage(browser, options)
    const words = text.domains
    await signUp(page)
    await showProjects(page, [project('orchard', 'awake')])
    await showDomains(page, 'orchard', [])
    await visit(page, '/p/orchard/domains')
    const field = page.getByLabel(words.add.label, { exact: true })
    await field.fill('https://bücher.example/shop')
    await page.getByText(words.add.apex('bücher.example')).waitFor()
    await check(page, 'no domain, one typed')
    await field.fill('my_orchard.shop')
    await page.getByText(words.add.problems.characters).waitFor()
    await check(page, 'no domain, one mistyped')

    for (const [what, domain] of Object.entries(everyDomain)) {
      await showDomains(page, 'orchard', [domain])
      await visit(page, '/p/orchard/domains')
      await page.getByRole('article').waitFor()
      for (const closed of await page.locator('summary').all()) await closed.click()
      await check(page, `domain, ${what}`)
    }

    await showDomains(page, 'orchard', Object.values(everyDomain))
    await visit(page, '/p/orchard/domains')
    await page.getByRole('button', { name: words.add.open }).click()
    await check(page, 'every domain, adding')
    await page.getByRole('button', { name: words.remove.of('orchard.example') }).click()
    await page.getByRole('dialog').waitFor()
    // What lies half under the dialog counts as small, but is no target while the dialog is open.
    await check(page, 'remove dialog', { 'target-size': { enabled: false } })
    expect(complaints).toEqual([])
    await context.close()
  })

  it('stays accessible while something is open, loads or fails', async () => {
    const { context, page } = await openPage(browser, options)
    await signUp(page)
    await showProjects(page, [project('orchard', 'awake')])
    await visit(page, '/p/orchard')
    await page.getByRole('button', { name: text.common.accountMenu('AN', 'Ana Novak') }).click()
    await page.getByRole('menu').waitFor()
    await check(page, 'account menu', { region: { enabled: false } }) // a menu floats outside the landmarks
    if (width < 768) {
      await page.keyboard.press('Escape')
      await page.getByRole('button', { name: text.common.menu, exact: true }).click()
      await page.getByRole('dialog').waitFor()
      await check(page, 'drawer')
    }

    await page.unrouteAll()
    await page.route('**/api/projects', () => {}) // never answered
    await visit(page, '/projects')
    await page.getByText(text.common.loading(text.projects.list)).waitFor()
    await check(page, 'loading')

    await page.unrouteAll()
    await page.route('**/api/projects', (route) => route.fulfill({ status: 500, json: {} }))
    await visit(page, '/projects')
    await page.getByRole('alert').waitFor()
    await check(page, 'error')
    await context.close()
  })
})
