// No accessibility violation on any page, in any theme, width and state; nothing scrolls sideways, and the console of
// the browser stays silent.

import { text } from '$kit/text/all'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { check, underDialog, withMenu } from './axe'
import { launch, openPage, signUp } from './browser'
import { actAsOperator, showLogs, showOperator, showSupport, tenants } from './operator-fixtures'
import {
  backups,
  everyDomain,
  everyState,
  limits,
  project,
  restoring,
  showBackups,
  showDomains,
  showProjects,
  showUsage,
  usage,
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
    await showSupport(page, 'tide', false)
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
    await check(page, 'remove dialog', underDialog)
    expect(complaints).toEqual([])
    await context.close()
  })

  it('serves usage, logs, support and leaving', async () => {
    const { context, page, complaints } = await openPage(browser, options)
    await signUp(page)
    const full = limits({
      database: { used: 500 * 1024 ** 2, state: 'over' },
      mails: { used: 500, state: 'over' },
    })
    const near = limits({ database: { used: 431 * 1024 ** 2, state: 'near' } })
    await showProjects(page, [
      project('orchard', 'awake'),
      project('lab', 'awake', { limits: full }),
      project('tide', 'asleep', { limits: near, firstRequestMs: null, lastRequestMs: null }),
    ])
    await showUsage(page, 'tide', { ...usage(near), hours: [] })
    for (const slug of ['orchard', 'lab', 'tide']) {
      await visit(page, `/p/${slug}/usage`)
      await page.getByRole('table').first().waitFor()
      await check(page, `usage of ${slug}`)
    }
    await visit(page, '/p/orchard/usage')
    await page.locator('summary').click()
    for (const span of [text.usage.ranges.week, text.usage.ranges.month]) {
      await page.getByText(span, { exact: true }).click()
      await page.getByRole('img').first().hover()
      await check(page, `usage over ${span}`)
    }
    await visit(page, '/p/lab')
    await page.getByText(/^The database is full: /).waitFor()
    await check(page, 'overview, full')

    await showLogs(page, 'orchard')
    await visit(page, '/p/orchard/logs')
    const list = page.getByRole('region', { name: text.logs.list })
    await list.getByRole('button').first().waitFor()
    await check(page, 'logs')
    await list.getByRole('button').nth(2).click()
    await page.getByRole('dialog').waitFor()
    await check(page, 'an entry', underDialog)
    await showLogs(page, 'tide', 0)
    await visit(page, '/p/tide/logs')
    await page.getByText(text.logs.empty).waitFor()
    await check(page, 'no logs')

    for (const isOpen of [false, true]) {
      await showSupport(page, 'orchard', isOpen)
      await visit(page, '/p/orchard/settings')
      await page.getByRole('heading', { name: text.leaving.support.title }).waitFor()
      await check(page, `support, ${isOpen ? 'open' : 'closed'}`)
    }
    await visit(page, '/account')
    await page.getByRole('button', { name: text.leaving.erase.open }).click()
    await page.getByRole('dialog').waitFor()
    await check(page, 'erase dialog', underDialog)
    await visit(page, '/erased')
    await check(page, 'erased')
    await visit(page, '/export#nothing')
    await check(page, 'an export that is over')
    expect(complaints.filter((line) => !line.includes('404'))).toEqual([])
    await context.close()
  })

  it('serves operators, and nobody else', async () => {
    const { context, page, complaints } = await openPage(browser, options)
    await signUp(page)
    await page.goto('/operator')
    await page.getByRole('heading', { name: text.common.notFound.title }).waitFor()

    await actAsOperator(page)
    await showOperator(page)
    const planned = ['/plans', '/plans/trial', '/plans/gone', '/plans-new']
    const places = ['', '/tenants', '/jobs', ...planned, ...tenants.map(({ id }) => `/tenants/${id}`)]
    for (const place of places) {
      await visit(page, `/operator${place}`)
      await page.locator('[role=status].late').waitFor({ state: 'detached' })
      await check(page, `operator${place}`)
    }
    await visit(page, '/operator')
    await page.getByRole('button', { name: text.operator.purges.action(2) }).click()
    await page.getByRole('dialog').waitFor()
    await check(page, 'held removals', underDialog)
    await visit(page, `/operator/tenants/${tenants[0]?.id}`)
    await page.getByLabel(text.operator.limits.figures.databaseMb, { exact: true }).fill('100')
    await page.getByText(text.operator.limits.wouldBeOver).waitFor()
    await check(page, 'a limit that would be over')
    await page.getByRole('button', { name: text.operator.tenant.suspend }).click()
    await page.getByRole('dialog').waitFor()
    await check(page, 'suspend dialog', underDialog)
    await visit(page, '/operator/plans/large')
    await page.getByText(text.operator.plan.preview.over(1, 60)).waitFor()
    await page.getByRole('button', { name: text.operator.plan.save }).click()
    await page.getByRole('dialog').waitFor()
    await check(page, 'a plan to be saved', underDialog)
    await page.getByRole('dialog').getByRole('button', { name: text.common.cancel }).click()
    await page.getByRole('button', { name: text.operator.plan.back }).click()
    await page.getByRole('dialog').getByText(text.operator.plan.preview.over(1, 60)).waitFor()
    await check(page, 'a plan to be taken back', underDialog)
    await visit(page, '/operator/plans-new')
    await page.getByLabel(text.operator.plan.name, { exact: true }).fill('Large')
    await page.getByLabel(text.operator.limits.figures.requests, { exact: true }).fill('many')
    await page.getByText(text.operator.plan.whole).waitFor()
    await check(page, 'a plan that makes no sense')
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
    await check(page, 'account menu', withMenu)
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
