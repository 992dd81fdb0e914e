// D7: a database reaches its limit, the page says so, the refused write says why, what needs no room goes on; space is
// freed, and the banner is gone and writes are taken again.

import { text } from '$kit/text/all'
import { ClientResponseError } from 'pocketbase'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { check } from '../axe'
import {
  ask,
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

const words = text.usage
const limitMb = 2
const mostWrites = 2_000

it.skipIf(!operator)(
  'says that a database is full, what still works, and that it is not full any more',
  async () => {
    const { page, complaints } = await openPage(browser, { reducedMotion: 'reduce' })
    await signUp(page)
    const slug = uniqueSlug('orchard')
    const { id, endpoint } = await createProject(page, slug)
    const { page: operatorPage } = await openPage(browser)
    await signInOperator(operatorPage)
    const limits = { overrides: { databaseMb: limitMb } }
    expect((await ask(operatorPage, 'PATCH', `/api/operator/tenants/${id}/limits`, limits)).status).toBe(200)

    const pocketbase = connect(endpoint)
    await pocketbase.collection('_superusers').authWithPassword(superuser.email, superuser.password)
    const fields = [{ name: 'title', type: 'text', max: 10_000 }]
    await pocketbase.collections.create({ name: 'posts', type: 'base', fields })
    const posts = pocketbase.collection('posts')

    await page.goto(`/p/${slug}`)
    await page.getByText(words.limits.of('2 MB')).waitFor()
    await check(page, 'limit cards')

    // Write until it is refused, and the refusal says why
    const write = (n: number) => posts.create({ title: `${n} `.padEnd(4_000, 'plum ') })
    const refusal = await (async () => {
      for (let n = 0; n < mostWrites; n += 1) {
        const refused = await write(n).then(
          () => undefined,
          (error: unknown) => error,
        )
        if (refused) return refused
      }
      return undefined
    })()
    expect(refusal).toBeInstanceOf(ClientResponseError)
    const { status, response } = refusal as ClientResponseError
    expect([status, (response.data as { code?: string }).code]).toEqual([507, 'quota_database'])

    // The page notices by itself, on every page of the project
    const banner = page.getByText(/^The database is full: /)
    await banner.waitFor()
    await page.getByText(words.banner.overBody.database).waitFor()
    await check(page, 'the banner')
    await page.getByRole('link', { name: words.see, exact: true }).click()
    await page.getByRole('heading', { name: words.title, exact: true }).waitFor()
    await page
      .getByRole('row', { name: new RegExp(words.limits.names.database) })
      .getByText(words.outlook.full)
      .waitFor()
    await banner.waitFor()
    await check(page, 'usage')

    // Reading, signing in and deleting go on
    await pocketbase.collection('_superusers').authWithPassword(superuser.email, superuser.password)
    const all = await posts.getFullList({ fields: 'id' })
    expect(all.length).toBeGreaterThan(10)
    for (const { id } of all) await posts.delete(id)

    await banner.waitFor({ state: 'detached' })
    await write(0)
    expect(complaints).toEqual([])
  },
  40_000,
)
