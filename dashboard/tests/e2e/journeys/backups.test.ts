// D4: back up, lose records, restore, have them back, undo. D15: a schedule backs up a project that sleeps on.

import { text } from '$kit/text/all'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createProject, launch, openPage, signUp, superuser, uniqueSlug } from '../browser'
import { connect } from '../sdk'

let browser: Browser
beforeAll(async () => void (browser = await launch()))
afterAll(() => browser.close())

const words = text.backups
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
const rows = (page: Page) => page.getByRole('table', { name: words.list }).locator('tbody tr')
const proven = (page: Page, origin: string) =>
  rows(page).filter({ hasText: origin }).filter({ hasText: words.states.proven }).first()

it('brings lost records back, and undoes that', async () => {
  const { page, complaints } = await openPage(browser)
  await signUp(page)
  const slug = uniqueSlug('orchard')
  const pocketbase = connect((await createProject(page, slug)).endpoint)
  await pocketbase.collection('_superusers').authWithPassword(superuser.email, superuser.password)
  await pocketbase.collections.create({
    name: 'posts',
    type: 'base',
    fields: [{ name: 'title', type: 'text' }],
  })
  const posts = pocketbase.collection('posts')
  const count = async () => (await posts.getList(1, 1)).totalItems
  for (let n = 0; n < 20; n += 1) await posts.create({ title: `Post ${n}` })

  // Back up
  await page.goto(`/p/${slug}/backups`)
  await page.getByText(words.lead.none).waitFor()
  await button(page, words.make).click()
  await proven(page, words.origins.hand).waitFor()

  // Lose records
  for (const { id } of (await posts.getList(1, 15)).items) await posts.delete(id)
  expect(await count()).toBe(5)

  // Restore
  await proven(page, words.origins.hand).getByRole('button').click()
  await page.getByRole('menuitem', { name: words.restoreHere }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('row', { name: /posts 20/ }).waitFor()
  await dialog.getByRole('button', { name: words.restore.action }).click()
  await button(page, words.undo.action).waitFor({ timeout: 30_000 })
  await proven(page, words.origins.restore).waitFor()
  expect(await count()).toBe(20)

  // Undo
  await button(page, words.undo.action).click()
  await button(page, words.undo.action).waitFor({ state: 'detached' })
  await expect.poll(count, { timeout: 15_000 }).toBe(5)
  expect(complaints).toEqual([])
}, 90_000)

it('backs up a sleeping project by its schedule', async () => {
  const { page, complaints } = await openPage(browser)
  await signUp(page)
  const slug = uniqueSlug('tide')
  await createProject(page, slug)
  await page.goto(`/p/${slug}/backups`)
  await page.getByText(words.schedule.custom, { exact: true }).click()
  await page.getByLabel(words.schedule.cron, { exact: true }).fill('* * * * *')
  await button(page, text.common.save).click()
  await page.getByText(text.common.saved, { exact: true }).waitFor()
  await proven(page, words.origins.schedule).waitFor({ timeout: 80_000 })
  await page.getByRole('link', { name: text.common.nav.overview, exact: true }).click()
  await page.getByText(text.states.asleep, { exact: true }).first().waitFor()
  expect(complaints).toEqual([])
}, 100_000)
