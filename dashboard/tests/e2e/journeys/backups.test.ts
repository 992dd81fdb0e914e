// D4: back up, lose records, restore, have them back, undo. D15: a schedule backs up a project that sleeps on.

import type { Activity, Project } from '$api/control/client'
import { text } from '$kit/text/all'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { check, underDialog, withMenu } from '../axe'
import { ask, createProject, launch, openPage, signUp, superuser, uniqueSlug } from '../browser'
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
  const { page, complaints } = await openPage(browser, { reducedMotion: 'reduce' })
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
  for (let n = 0; n < 210; n += 1) await posts.create({ title: `Post ${n}` })

  // Back up
  await page.goto(`/p/${slug}/backups`)
  await page.getByText(words.lead.none).waitFor()
  await page.getByText(words.schedule.title, { exact: true }).waitFor()
  await check(page, 'no backup yet')
  await button(page, words.make).click()
  await proven(page, words.origins.hand).waitFor()
  await check(page, 'a proven backup')

  // Lose records
  for (const { id } of (await posts.getList(1, 200)).items) await posts.delete(id)
  expect(await count()).toBe(10)

  // Restore
  await proven(page, words.origins.hand).getByRole('button').click()
  const restore = page.getByRole('menuitem', { name: words.restoreHere })
  await restore.waitFor()
  await check(page, 'the actions of a backup', withMenu)
  await restore.click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('row', { name: /posts 210/ }).waitFor()
  await check(page, 'before a restore', underDialog)
  await dialog.getByRole('button', { name: words.restore.action }).click()
  await button(page, words.undo.action).waitFor({ timeout: 30_000 })
  await proven(page, words.origins.restore).waitFor()
  expect(await count()).toBe(210)
  await check(page, 'restored')

  // Undo
  await button(page, words.undo.action).click()
  await button(page, words.undo.action).waitFor({ state: 'detached' })
  await expect.poll(count, { timeout: 15_000 }).toBe(10)
  await check(page, 'undone')
  expect(complaints).toEqual([])
}, 90_000)

it('backs up a sleeping project by its schedule', async () => {
  const { page, complaints } = await openPage(browser, { reducedMotion: 'reduce' })
  await signUp(page)
  const slug = uniqueSlug('tide')
  await createProject(page, slug)
  const look = async () => {
    const project = await ask(page, 'GET', `/api/projects/${slug}`)
    const { state, stateSinceMs } = JSON.parse(project.body) as Project
    const activity = await ask(page, 'GET', `/api/projects/${slug}/activity`)
    const { items } = JSON.parse(activity.body) as { items: Activity[] }
    return { state, stateSinceMs, wakes: items.filter(({ kind }) => kind === 'woke').length }
  }
  const asleep = page.getByText(text.states.asleep, { exact: true }).first()

  // Asleep
  await page.goto(`/p/${slug}`)
  await asleep.waitFor()
  await check(page, 'asleep')
  const before = await look()
  expect(before).toMatchObject({ state: 'asleep', wakes: 0 })

  // Backed up
  await page.goto(`/p/${slug}/backups`)
  await page.getByText(words.schedule.custom, { exact: true }).click()
  await page.getByLabel(words.schedule.cron, { exact: true }).fill('* * * * *')
  await button(page, text.common.save).click()
  await page.getByText(text.common.saved, { exact: true }).waitFor()
  await check(page, 'a schedule of its own')
  await proven(page, words.origins.schedule).waitFor({ timeout: 80_000 })
  await check(page, 'backed up by the schedule')

  // Asleep as before, and all the while
  await page.getByRole('link', { name: text.common.nav.overview, exact: true }).click()
  await asleep.waitFor()
  expect(await look()).toEqual(before)
  expect(complaints).toEqual([])
}, 100_000)
