// D5: a zip of a stock PocketBase is brought along: it is checked and listed before anything changes, then restored, and
// whoever had an account there signs in with the old password.

import { text } from '$kit/text/all'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { check, underDialog } from '../axe'
import { createProject, launch, openPage, signUp, uniqueSlug } from '../browser'
import { connect } from '../sdk'
import { oldUser, stock, stockZip } from '../stock'

if (!stock) console.warn('SKIPPED: the import journey needs POCKETBASE_BIN, a stock server')

let browser: Browser
beforeAll(async () => void (browser = await launch()))
afterAll(() => browser.close())

const words = text.backups

it.skipIf(!stock)(
  'takes in a zip of a stock server, and its users sign in as before',
  async () => {
    const zip = await stockZip(stock ?? '')
    const { page, complaints } = await openPage(browser, { reducedMotion: 'reduce' })
    await signUp(page)
    const slug = uniqueSlug('orchard')
    const { endpoint } = await createProject(page, slug)
    const users = connect(endpoint).collection('users')

    // Its report: what it holds, proven by restoring it aside; nothing has changed so far
    await page.goto(`/p/${slug}/backups`)
    await page.locator('input[type=file]').setInputFiles(zip.path)
    const row = page
      .getByRole('table', { name: words.list })
      .locator('tbody tr')
      .filter({ hasText: words.origins.import })
      .filter({ hasText: words.states.proven })
    await row.waitFor({ timeout: 30_000 })
    await expect(users.authWithPassword(oldUser.email, oldUser.password)).rejects.toThrow()
    await row.getByRole('button').click()
    await page.getByRole('menuitem', { name: words.restoreHere }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('row', { name: /plums 1/ }).waitFor()
    await check(page, 'the report of an import', underDialog)

    // Apply
    await dialog.getByRole('button', { name: words.restore.action }).click()
    await page.getByRole('button', { name: words.undo.action, exact: true }).waitFor({ timeout: 30_000 })
    const { record } = await users.authWithPassword(oldUser.email, oldUser.password)
    expect(record.email).toBe(oldUser.email)
    const plums = await connect(endpoint).collection('plums').getFullList()
    expect(plums.map(({ title }) => title)).toEqual(['Mirabelle'])
    await zip.remove()
    expect(complaints).toEqual([])
  },
  90_000,
)
