// D8: a domain is added, its stale AAAA is shown beside what is wanted, and once that is mended it gets a certificate
// from a test authority, goes live, and answers; then it is removed. All against a real platform.

import { text } from '$kit/text/all'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Authority, missingParts } from '../authority'
import { check } from '../axe'
import { launch, openPage, signUp, uniqueSlug } from '../browser'

const words = text.domains
const missing = missingParts()
if (missing.length > 0 && process.env.CI) throw new Error(`the domain journey needs ${missing.join(', ')}`)
if (missing.length > 0) console.warn(`SKIPPED: the domain journey needs ${missing.join(', ')}`)

let browser: Browser
let authority: Authority
beforeAll(async () => {
  if (missing.length > 0) return
  browser = await launch()
  authority = await Authority.start()
})
afterAll(async () => {
  await browser?.close()
  await authority?.stop()
})

async function createProject(page: Page, slug: string) {
  const body = {
    name: 'Orchard',
    slug,
    superuser: { email: 'ana@example.com', password: 'seven wet herons' },
  }
  const status = await page.evaluate(async (body) => {
    const headers = { 'content-type': 'application/json' }
    return (await fetch('/api/projects', { method: 'POST', headers, body: JSON.stringify(body) })).status
  }, body)
  expect(status).toBe(201)
}

it.skipIf(missing.length > 0)(
  'goes from a wrong record to an answer over HTTPS, and away again',
  async () => {
    const { page, complaints } = await openPage(browser, {
      baseURL: authority.url,
      ignoreHTTPSErrors: true,
      reducedMotion: 'reduce',
    })
    const slug = uniqueSlug('orchard')
    const name = `api.${slug}.example`
    await signUp(page)
    await createProject(page, slug)
    const card = page.getByRole('article', { name })

    // Add it as it stands in the address bar
    await page.goto(`/p/${slug}`)
    await page.getByRole('link', { name: text.common.nav.domains, exact: true }).click()
    await page.getByLabel(words.add.label, { exact: true }).fill(`https://${name.toUpperCase()}/welcome`)
    await page.getByText(words.add.extras('https:// and /welcome')).waitFor()
    await page.getByText(words.add.below(name, `${slug}.example`)).waitFor()
    await page.getByRole('button', { name: words.add.action }).click()
    const record = card.getByRole('row').filter({ hasText: 'CNAME' })
    await record.getByText(`${slug}.localhost`, { exact: true }).waitFor()
    await record.getByText('api', { exact: true }).waitFor()
    await card.getByText(words.states.dnsWait).waitFor()
    await check(page, 'waiting for DNS')

    // One record right, one wrong: it is found without a press
    await authority.point(name, { a: [authority.address], aaaa: ['2001:db8::9'] })
    await card.getByText(words.problems(1)).waitFor()
    const wrong = card.getByRole('listitem').filter({ hasText: words.checks.states.wrong })
    expect(await wrong.locator('dd').first().innerText()).toBe('2001:db8::9')
    await check(page, 'a wrong AAAA')

    // Mended, it goes live by itself from there
    await authority.point(name, { a: [authority.address] })
    await card.getByRole('button', { name: words.look.of(name) }).click()
    await card.getByText(words.states.live, { exact: true }).first().waitFor({ timeout: 40_000 })
    await card.getByText(/^Certificate until /).waitFor()
    await check(page, 'live')

    const health = await authority.get(name, '/api/health')
    expect(health.status).toBe(200)
    await page.getByRole('link', { name: text.common.nav.overview, exact: true }).click()
    await page.getByText(`https://${name}:`).first().waitFor()

    // Remove it
    await page.getByRole('link', { name: text.common.nav.domains, exact: true }).click()
    await page.getByRole('button', { name: words.remove.of(name) }).click()
    await page.getByRole('dialog').getByText(words.remove.kept(90)).waitFor()
    await page.getByRole('button', { name: words.remove.confirm(name) }).click()
    await page.getByText(words.remove.done(name)).waitFor()
    await page.getByText(words.empty.title).waitFor()
    const afterwards = await authority.get(name, '/api/health').catch(() => undefined)
    expect(afterwards?.status).not.toBe(200)

    expect(complaints).toEqual([])
  },
  60_000,
)
