// D12: an operator sees beforehand what a limit, or a plan, would mean, puts a project to sleep, suspends it with a reason that
// its owner gets by mail, lifts it again, and all of it stands in the audit. And J13.3 from the console: nobody looks into a
// project uninvited.

import { text } from '$kit/text/all'
import PocketBase, { ClientResponseError } from 'pocketbase'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { check } from '../axe'
import {
  createProject,
  launch,
  openPage,
  operator,
  signInOperator,
  signUp,
  superuser,
  uniqueSlug,
} from '../browser'
import { connect } from '../sdk'

let browser: Browser
beforeAll(async () => void (browser = await launch()))
afterAll(() => browser.close())

const words = text.operator
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
const link = (page: Page, name: string) => page.getByRole('link', { name, exact: true })
const reason = 'Unpaid since October'

/** A project with 2 MB in its database. */
async function createFull(owner: Page, slug: string) {
  const { id, endpoint } = await createProject(owner, slug)
  const pocketbase = connect(endpoint)
  await pocketbase.collection('_superusers').authWithPassword(superuser.email, superuser.password)
  const fields = [{ name: 'title', type: 'text', max: 100_000 }]
  await pocketbase.collections.create({ name: 'posts', type: 'base', fields })
  for (let n = 0; n < 40; n += 1) await addPost(pocketbase)
  return { id, pocketbase }
}

const addPost = (pocketbase: PocketBase) =>
  pocketbase.collection('posts').create({ title: ''.padEnd(50_000, 'fig ') })

it.skipIf(!operator)(
  'limits, suspends and lifts, with a preview, a notice and a trace',
  async () => {
    const { page: owner } = await openPage(browser, { reducedMotion: 'reduce' })
    const person = await signUp(owner)
    const slug = uniqueSlug('harbour')
    const { pocketbase } = await createFull(owner, slug)

    // From the machine to the project
    const { page, complaints } = await openPage(browser, { reducedMotion: 'reduce' })
    await signInOperator(page)
    await page.goto('/projects')
    await link(page, text.common.nav.operator).click()
    await page.getByRole('heading', { name: words.node.title, exact: true }).waitFor()
    await page.getByText(words.node.disk, { exact: true }).first().waitFor()
    await check(page, 'the machine')
    await link(page, text.common.nav.tenants).click()
    await page.getByLabel(text.common.search, { exact: true }).fill(slug)
    await page
      .getByRole('row', { name: new RegExp(slug) })
      .getByRole('link')
      .click()
    await page.getByRole('heading', { name: 'Orchard', exact: true }).waitFor()

    // A limit says what it would mean before it is saved
    const limit = page.getByLabel(words.limits.figures.databaseMb, { exact: true })
    await limit.fill('1')
    await page.getByText(words.limits.wouldBeOver).waitFor()
    await check(page, 'a limit that would be over')
    await limit.fill('500')
    await page.getByText(words.limits.fits).waitFor()
    await button(page, words.limits.action).click()
    await page.getByText(words.limits.done).waitFor()
    await owner.goto(`/p/${slug}/usage`)
    await owner
      .getByText(/of 500 MB/)
      .first()
      .waitFor()

    // Suspend
    await button(page, words.tenant.suspend).click()
    const dialog = page.getByRole('dialog')
    await button(page, words.tenant.suspendAction).click()
    await dialog.getByText(text.errors.emptyField).waitFor()
    await dialog.getByLabel(words.tenant.reason, { exact: true }).fill(reason)
    await button(page, words.tenant.suspendAction).click()
    await dialog.waitFor({ state: 'detached' })
    await button(page, words.tenant.resume).waitFor()
    await check(page, 'suspended')

    const refused = await pocketbase.health.check().catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(ClientResponseError)
    const { status, response } = refused as ClientResponseError
    expect([status, (response.data as { code?: string }).code]).toEqual([403, 'suspended'])

    // The owner learns why, here and by mail
    await owner.goto(`/p/${slug}`)
    await owner.getByText(text.states.notice.suspended.title).waitFor()
    await owner.getByText(text.states.notice.reason(reason)).waitFor()
    await owner.goto('/outbox')
    await owner
      .getByRole('article')
      .filter({ hasText: person.email })
      .filter({ hasText: reason })
      .first()
      .waitFor()

    // Lift
    await button(page, words.tenant.resume).click()
    await button(page, words.tenant.suspend).waitFor()
    await expect
      .poll(() =>
        pocketbase.health.check().then(
          ({ code }) => code,
          () => 0,
        ),
      )
      .toBe(200)

    // Audit
    await link(page, text.common.nav.audit).click()
    await page.getByLabel(text.common.search, { exact: true }).fill(reason)
    await page
      .getByRole('cell', { name: new RegExp(`suspended: ${reason}`) })
      .first()
      .waitFor()
    expect(complaints).toEqual([])
  },
  40_000,
)

it.skipIf(!operator)(
  'puts a project to sleep from the list and from its page; its next request wakes it',
  async () => {
    const { page: owner } = await openPage(browser)
    await signUp(owner)
    const slug = uniqueSlug('drowsy')
    const { endpoint } = await createProject(owner, slug)
    const health = () => connect(endpoint).health.check()
    await health()

    const { page, complaints } = await openPage(browser, { reducedMotion: 'reduce' })
    await signInOperator(page)
    await page.goto('/operator/tenants')
    await page.getByLabel(text.common.search, { exact: true }).fill(slug)
    const row = page.getByRole('row', { name: new RegExp(slug) })
    await row.getByText(text.states.awake, { exact: true }).waitFor()
    await row.getByRole('button', { name: words.tenants.actions('Orchard'), exact: true }).click()
    await page.getByRole('menuitem', { name: words.tenant.sleep, exact: true }).click()
    await row.getByText(text.states.asleep, { exact: true }).waitFor()
    await check(page, 'asleep')

    expect((await health()).code).toBe(200)
    await row.getByRole('link').click()
    await button(page, words.tenant.sleep).click()
    await page.getByText(text.states.asleep, { exact: true }).waitFor()
    await button(page, words.tenant.sleep).waitFor({ state: 'detached' })
    await check(page, 'a project that sleeps')
    await page.goBack()
    await row.waitFor()
    expect(await page.getByLabel(text.common.search, { exact: true }).inputValue()).toBe(slug)

    // Whose it is sees by whom, and may do the same
    await owner.goto(`/p/${slug}`)
    await owner.getByText('Orchard was put to sleep').first().waitFor()
    expect((await health()).code).toBe(200)
    await button(owner, text.projects.sleep).click()
    await button(owner, text.projects.wake).waitFor()

    // How long waking took
    await link(page, text.common.nav.machine).click()
    await page.getByText(words.node.wakesRest('')).waitFor()
    await check(page, 'the machine with wakes')
    expect(complaints).toEqual([])
  },
)

it.skipIf(!operator)(
  'makes a plan, sees who would be over when it shrinks, changes it, and removes it',
  async () => {
    const { page: owner } = await openPage(browser, { reducedMotion: 'reduce' })
    await signUp(owner)
    const slug = uniqueSlug('quay')
    const { id, pocketbase } = await createFull(owner, slug)
    const { page, complaints } = await openPage(browser, { reducedMotion: 'reduce' })
    await signInOperator(page)
    const name = uniqueSlug('quayside')
    const database = page.getByLabel(words.limits.figures.databaseMb, { exact: true })

    // Make it
    await page.goto('/operator/plans')
    await link(page, words.plans.create).click()
    await button(page, words.plan.save).click()
    await page.getByText(text.errors.emptyField).first().waitFor()
    await page.getByLabel(words.plan.planTitle, { exact: true }).fill('Quayside')
    await page.getByLabel(words.plan.name, { exact: true }).fill(name)
    await database.fill('500')
    await check(page, 'a plan to be')
    await button(page, words.plan.save).click()
    await page.getByText(words.plan.preview.unused).waitFor()
    await page.goto(`/operator/tenants/${id}`)
    await page.getByLabel(words.limits.plan, { exact: true }).selectOption(name)
    await button(page, words.limits.action).click()
    await page.getByText(words.limits.done).waitFor()

    // Who would be over, before anything is saved
    await link(page, text.common.nav.plans).click()
    await link(page, words.plans.changeOf('Quayside')).first().click()
    await page.getByText(words.plan.preview.fits(1)).waitFor()
    await database.fill('1')
    await page.getByText(words.plan.preview.over(1, 1)).waitFor()
    await link(page, 'Orchard').waitFor()
    await check(page, 'a plan under which somebody would be over')
    expect(await addPost(pocketbase)).toHaveProperty('id')

    // Save, with what it means once more
    await button(page, words.plan.save).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText(words.plan.preview.over(1, 1)).waitFor()
    await check(page, 'what saving means')
    await dialog.getByRole('button', { name: words.plan.save, exact: true }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByText(words.plan.saved).waitFor()
    await expect
      .poll(() =>
        addPost(pocketbase).then(
          () => 200,
          (error: unknown) => (error as ClientResponseError).status,
        ),
      )
      .toBe(507)
    await owner.goto(`/p/${slug}/usage`)
    await owner
      .getByText(/of 1 MB/)
      .first()
      .waitFor()

    // It stays while somebody has it
    await button(page, words.plan.remove).click()
    await dialog.getByRole('button', { name: words.plan.removeAction, exact: true }).click()
    await dialog.getByText(/^Projects have this plan/).waitFor()
    await dialog.getByRole('button', { name: text.common.cancel, exact: true }).click()
    await page.goto(`/operator/tenants/${id}`)
    await page.getByLabel(words.limits.plan, { exact: true }).selectOption('standard')
    await button(page, words.limits.action).click()
    await page.getByText(words.limits.done).waitFor()
    await page.goto(`/operator/plans/${name}`)
    await button(page, words.plan.remove).click()
    await dialog.getByRole('button', { name: words.plan.removeAction, exact: true }).click()
    await page.getByRole('heading', { name: words.plans.title, exact: true }).waitFor()
    await page.getByText(name, { exact: true }).waitFor({ state: 'detached' })
    expect(await addPost(pocketbase)).toHaveProperty('id')
    expect(complaints.filter((line) => !line.includes('409'))).toEqual([])
  },
  60_000,
)

it.skipIf(!operator)('lets an operator see a log only while its people allow it', async () => {
  const { page: owner } = await openPage(browser)
  await signUp(owner)
  const slug = uniqueSlug('private')
  const { endpoint } = await createProject(owner, slug)
  await connect(endpoint).health.check()
  const { page } = await openPage(browser)
  await signInOperator(page)

  await page.goto(`/p/${slug}/logs`)
  await page.getByText(text.logs.locked.support).waitFor()

  await owner.goto(`/p/${slug}/settings`)
  await owner.getByLabel(text.leaving.support.hours, { exact: true }).selectOption('1')
  await button(owner, text.leaving.support.action).click()
  await button(owner, text.leaving.support.end).waitFor()

  await page.reload()
  await page.getByRole('region', { name: text.logs.list }).getByRole('button').first().waitFor()

  await button(owner, text.leaving.support.end).click()
  await button(owner, text.leaving.support.action).waitFor()
  await page.reload()
  await page.getByText(text.logs.locked.support).waitFor()
  await link(owner, text.common.nav.audit).click()
  await owner.getByRole('cell', { name: /^Operators may see what is in / }).waitFor()
})
