// What a first visit may cost, from tools/budgets.json. Sizes are gzipped, times a median of five.

import { readdir, readFile, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { text } from '$kit/text'
import type { Browser, Page, Response } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import budgets from '../../tools/budgets.json'
import { launch, openPage, signUp } from './browser'
import { backups, project, showBackups, showDomains, showProjects } from './fixtures'
import { actAsOperator, showOperator } from './operator-fixtures'

const dist = fileURLToPath(new URL('../../dist/console', import.meta.url))
const kilobytes = (bytes: number) => Math.round(bytes / 102.4) / 10

let browser: Browser
beforeAll(async () => void (browser = await launch()))
afterAll(() => browser.close())

interface Load {
  script: number
  style: number
  font: number
  requests: number
}

async function load(page: Page, path: string): Promise<Load> {
  const responses: Response[] = []
  page.on('response', (response) => responses.push(response))
  await page.goto(path)
  await page.locator('main h1').first().waitFor() // part of the area, so its scripts are there
  const sum = { script: 0, style: 0, font: 0, requests: responses.length }
  for (const response of responses) {
    const kind = { script: 'script', stylesheet: 'style', font: 'font' }[response.request().resourceType()]
    if (kind !== 'script' && kind !== 'style' && kind !== 'font') continue
    const body = await response.body()
    sum[kind] += kilobytes(kind === 'font' ? body.length : gzipSync(body).length)
  }
  return sum
}

const orchard = project('orchard', 'awake')
const ownTeam = (page: Page) =>
  page.evaluate(async () => ((await (await fetch('/api/teams')).json()) as TeamList).items[0]?.id ?? '')

interface TeamList {
  items: { id: string }[]
}

const areas = ['usage', 'logs', 'domains', 'backups', 'settings', 'audit'].map((area) => `/p/orchard/${area}`)
const pages = [
  '/login',
  '/projects',
  '/projects/new',
  '/p/orchard',
  ...areas,
  '/teams',
  '/team/:team',
  '/account',
  '/operator',
  '/operator/tenants',
  '/operator/tenants/idorchard000000',
  '/operator/plans/large',
  '/operator/jobs',
]

it.each(pages)('%s loads within its budgets', async (pattern) => {
  const { page } = await openPage(browser)
  if (pattern !== '/login') await signUp(page)
  const path = pattern.includes(':team') ? pattern.replace(':team', await ownTeam(page)) : pattern
  const { page: fresh } = await openPage(browser, { storageState: await page.context().storageState() })
  if (path.startsWith('/p/')) {
    await showProjects(fresh, [orchard])
    await showBackups(fresh, 'orchard', backups)
    await showDomains(fresh, 'orchard', [])
  }
  if (path.startsWith('/operator')) {
    await actAsOperator(fresh)
    await showOperator(fresh)
  }
  const sum = await load(fresh, path)
  console.log(path, sum)
  expect(sum.script).toBeLessThanOrEqual(budgets.scriptKilobytes)
  expect(sum.style).toBeLessThanOrEqual(budgets.styleKilobytes)
  expect(sum.font).toBeLessThanOrEqual(budgets.fontKilobytes)
})

it('paints early, after few requests, and then stands still', async () => {
  const paints: number[] = []
  for (let run = 0; run < 5; run += 1) {
    const { page, context } = await openPage(browser)
    await page.goto('/login')
    await page.getByText(text.accounts.signIn.title).waitFor()
    const seen = await page.evaluate(async () => {
      const shifts: PerformanceEntry[] = []
      new PerformanceObserver((list) => shifts.push(...list.getEntries())).observe({
        type: 'layout-shift',
        buffered: true,
      })
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
      const paint = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Infinity
      const before = performance.getEntriesByType('resource').filter((entry) => entry.startTime < paint)
      const shift = shifts.reduce(
        (sum, entry) => sum + (entry as PerformanceEntry & { value: number }).value,
        0,
      )
      return { paint, requests: before.length + 1, shift }
    })
    paints.push(seen.paint)
    expect(seen.requests).toBeLessThanOrEqual(budgets.requests)
    expect(seen.shift).toBeLessThanOrEqual(budgets.layoutShift)
    await context.close()
  }
  const median = paints.sort((a, b) => a - b)[2] ?? Infinity
  console.log('first contentful paint, ms:', Math.round(median))
  expect(median).toBeLessThanOrEqual(budgets.firstPaintMs)
})

it('does not grow with every change of page', async () => {
  const { page, context } = await openPage(browser)
  await signUp(page)
  await showProjects(page, [project('orchard', 'awake')])
  const devtools = await context.newCDPSession(page)
  const heap = async () => {
    await devtools.send('HeapProfiler.collectGarbage')
    return (await devtools.send('Runtime.getHeapUsage')).usedSize
  }
  const turn = async () => {
    await page.getByRole('table').getByRole('link', { name: 'Orchard' }).click()
    await page.getByText(text.overview.arrived).waitFor()
    await page.getByRole('link', { name: text.common.nav.projects, exact: true }).click()
    await page.getByRole('table').waitFor()
  }
  await page.goto('/projects')
  for (let round = 0; round < 5; round += 1) await turn() // everything lazy is loaded by then
  const before = await heap()
  for (let round = 0; round < 25; round += 1) await turn()
  const growth = (await heap()) / before - 1
  console.log('heap growth after 50 changes of page:', growth.toFixed(3))
  expect(growth).toBeLessThanOrEqual(budgets.heapGrowth)
})

it('keeps every chunk and the whole small', async () => {
  let total = 0
  for (const name of await readdir(dist, { recursive: true })) {
    const file = `${dist}/${name}`
    const { size, isFile } = await stat(file).then((found) => ({ size: found.size, isFile: found.isFile() }))
    if (!isFile) continue
    total += size
    if (!name.endsWith('.js')) continue
    expect(kilobytes(gzipSync(await readFile(file)).length), name).toBeLessThanOrEqual(budgets.chunkKilobytes)
  }
  expect(total / 1e6).toBeLessThanOrEqual(budgets.embeddedMegabytes)
})
