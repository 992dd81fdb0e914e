// D1: a stranger signs up, creates a project, and the stock SDK talks to it; then the project is renamed, deleted and
// brought back with its data.

import { text } from '$kit/text/all'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { launch, newPerson, openPage, uniqueSlug } from '../browser'
import { connect } from '../sdk'

let browser: Browser
beforeAll(async () => void (browser = await launch()))
afterAll(() => browser.close())

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
const link = (page: Page, name: string) => page.getByRole('link', { name, exact: true })
const copied = (page: Page, label: string) =>
  page.locator('dl > div').filter({ hasText: label }).locator('dd').first()

it('leads from sign-up to the first record, and a deleted project comes back whole', async () => {
  const { page, complaints } = await openPage(browser)
  const person = newPerson()
  const slug = uniqueSlug('orchard')

  // Sign up
  await page.goto('/')
  await link(page, text.accounts.signIn.insteadLink).click()
  await page.getByLabel(text.accounts.name).fill(person.name)
  await page.getByLabel(text.accounts.email, { exact: true }).fill(person.email)
  await page.getByLabel(text.accounts.password, { exact: true }).fill(person.password)
  await button(page, text.accounts.signUp.action).click()

  // Confirm the address with the mail in the outbox
  await page.getByRole('heading', { name: text.accounts.verify.sentTitle }).waitFor()
  await page.getByRole('link', { name: text.accounts.outboxLink }).click()
  const mail = page.getByRole('article').filter({ hasText: person.email }).first()
  await mail.getByRole('link', { name: text.outbox.open }).click()
  await page.getByRole('heading', { name: text.accounts.verify.doneTitle }).waitFor()
  expect(page.url()).not.toContain('#')
  await link(page, text.accounts.verify.toProjects).click()

  // Create a project
  await link(page, text.projects.empty.action).click()
  await page.getByLabel(text.projects.create.name, { exact: true }).fill('Orchard')
  await page.getByLabel(text.projects.create.slug, { exact: true }).fill(slug)
  await page.getByText(/ is free$/).waitFor()
  await button(page, text.projects.create.action).click()
  await page.getByRole('heading', { name: text.projects.created.title('Orchard') }).waitFor()
  const endpoint = await copied(page, text.projects.created.endpoint).innerText()
  const password = await copied(page, text.projects.created.password).innerText()
  expect(endpoint).toContain(`//${slug}.`)

  await link(page, text.projects.created.open).click()
  await page.getByText(text.overview.waiting).waitFor()

  // The stock SDK
  const pocketbase = connect(endpoint)
  await pocketbase.collection('_superusers').authWithPassword(person.email, password)
  await pocketbase.collections.create({
    name: 'posts',
    type: 'base',
    fields: [{ name: 'title', type: 'text' }],
  })
  const post = await pocketbase.collection('posts').create({ title: 'Hello' })
  expect(post.id).toBeTruthy()

  await page.getByText(text.overview.arrived).waitFor()

  // Rename
  const moved = `${slug}-two`
  await link(page, text.common.nav.settings).click()
  await page.getByLabel(text.settings.name.label).fill('Orchard two')
  await button(page, text.common.save).click()
  await page.getByText(text.common.saved, { exact: true }).waitFor()
  await page.getByRole('textbox', { name: text.settings.address.label }).fill(moved)
  await button(page, text.settings.address.action).click()
  await page.waitForURL(`**/p/${moved}/settings`)
  await page.getByText(text.settings.address.done).waitFor()

  // Delete, by typing the address
  await button(page, text.settings.remove.open).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel(text.settings.remove.confirm(moved)).fill(moved)
  await dialog.getByRole('button', { name: /^Delete .*undo until/ }).click()
  await page.waitForURL('**/projects')

  // Bring back
  await page.getByRole('button', { name: text.projects.deleted.bringBackOf('Orchard two') }).click()
  await page.getByRole('table').getByRole('link', { name: 'Orchard two' }).waitFor()

  const again = connect(endpoint.replace(slug, moved))
  await again.collection('_superusers').authWithPassword(person.email, password)
  const posts = await again.collection('posts').getFullList()
  expect(posts.map(({ title }) => title)).toEqual(['Hello'])

  expect(complaints).toEqual([])
}, 20_000)
