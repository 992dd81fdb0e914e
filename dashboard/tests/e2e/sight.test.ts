// For who needs other colours or larger type: with the system's own colours, at twice and at four times the size, every
// page keeps to its width, and every control can be seen and is covered by nothing.

import { text } from '$kit/text/all'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launch, openPage, signUp } from './browser'
import { everyDomain, project, showDomains, showProjects } from './fixtures'
import { actAsOperator, showOperator, showSupport } from './operator-fixtures'

let browser: Browser
beforeAll(async () => void (browser = await launch()))
afterAll(() => browser.close())

const leastContrast = 3

/** What is wrong with the controls of a page as it is drawn, each with its name. */
async function hardToSee(page: Page): Promise<string[]> {
  const picture = (await page.screenshot({ fullPage: true })).toString('base64')
  return page.evaluate(
    async ({ picture, leastContrast }) => {
      const bytes = Uint8Array.from(atob(picture), (char) => char.charCodeAt(0))
      const bitmap = await createImageBitmap(new Blob([bytes]))
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d', {
        willReadFrequently: true,
      })
      if (!canvas) throw new Error('no canvas to look at the picture')
      canvas.drawImage(bitmap, 0, 0)
      const scale = bitmap.width / document.documentElement.clientWidth

      const channel = (value: number) =>
        value <= 0.04045 * 255 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4
      const contrastIn = ({ x, y, width, height }: DOMRect) => {
        const left = Math.max(0, Math.floor((x + scrollX) * scale))
        const top = Math.max(0, Math.floor((y + scrollY) * scale))
        const { data } = canvas.getImageData(left, top, Math.ceil(width * scale), Math.ceil(height * scale))
        let [darkest, lightest] = [1, 0]
        for (let at = 0; at < data.length; at += 4) {
          const [red = 0, green = 0, blue = 0] = data.subarray(at, at + 3)
          const luminance = 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue)
          darkest = Math.min(darkest, luminance)
          lightest = Math.max(lightest, luminance)
        }
        return (lightest + 0.05) / (darkest + 0.05)
      }

      const controls = [...document.querySelectorAll('a[href], button, input, select, summary, textarea')]
        .filter((control) => control.checkVisibility({ visibilityProperty: true }))
        .filter((control) => !control.matches('.sr-only')) // seen once it has the focus
      const name = (control: Element) =>
        control.getAttribute('aria-label') ?? (control.textContent?.trim() || control.outerHTML.slice(0, 80))

      const faint = controls.filter((control) => contrastIn(control.getBoundingClientRect()) < leastContrast)
      const hidden = controls.filter((control) => {
        control.scrollIntoView({ block: 'center', behavior: 'instant' })
        const [{ x, y, width, height } = new DOMRect()] = control.getClientRects() // its first line, if it wraps
        const top = document.elementFromPoint(x + width / 2, y + height / 2)
        return !top || !(control.contains(top) || top.closest('label')?.contains(control))
      })
      scrollTo(0, 0)
      return [
        ...faint.map((control) => `faint: ${name(control)}`),
        ...hidden.map((control) => `covered or outside: ${name(control)}`),
      ]
    },
    { picture, leastContrast },
  )
}

async function inspect(page: Page, where: string) {
  await page.evaluate(() =>
    Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {}))),
  )
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  expect(sideways, `${where} scrolls sideways`).toBeLessThanOrEqual(0)
  expect(await hardToSee(page), where).toEqual([])
}

async function visit(page: Page, path: string) {
  await page.goto(path)
  await page.locator('main h1').first().waitFor()
  await expect.poll(() => page.locator('[role=status].late').count(), { timeout: 10_000 }).toBe(0)
  await inspect(page, path)
}

const ways: [string, BrowserContextOptions][] = [
  ['forced colours on light', { forcedColors: 'active', colorScheme: 'light' }],
  ['forced colours on dark', { forcedColors: 'active', colorScheme: 'dark' }],
  // What a window of 1280 by 800 has left at this zoom.
  ['200 % zoom', { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 }],
  ['400 % zoom', { viewport: { width: 320, height: 200 }, deviceScaleFactor: 2 }],
]

describe.each(ways)('%s', (_, options) => {
  it('keeps every page usable', async () => {
    const { page, context, complaints } = await openPage(browser, { reducedMotion: 'reduce', ...options })
    for (const path of ['/login', '/signup', '/reset', '/nowhere']) await visit(page, path)

    await signUp(page)
    await showProjects(page, [project('orchard', 'awake'), project('tide', 'asleep')])
    await showDomains(page, 'orchard', Object.values(everyDomain))
    await showDomains(page, 'tide', [])
    await actAsOperator(page)
    await showOperator(page)
    await showSupport(page, 'tide', true)
    const planned = ['/plans', '/plans/large', '/plans-new']
    const operator = ['', '/tenants', '/jobs', ...planned].map((place) => `/operator${place}`)
    for (const path of operator) await visit(page, path)
    const places = [
      '/p/orchard',
      '/p/orchard/usage',
      '/p/orchard/domains',
      '/p/tide',
      '/p/tide/domains',
      '/p/tide/settings',
    ]
    for (const path of ['/projects', '/projects/new', '/account', '/outbox', ...places])
      await visit(page, path)

    await page.getByRole('button', { name: text.settings.remove.open }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: text.common.cancel }).scrollIntoViewIfNeeded()
    await dialog.getByRole('button', { name: text.common.cancel }).click()
    await dialog.waitFor({ state: 'detached' })
    expect(complaints).toEqual([])
    await context.close()
  })
})

it('marks with a line what backgrounds alone would mark, when colours are forced', async () => {
  const { page, context } = await openPage(browser, { forcedColors: 'active' })
  await signUp(page)
  await showProjects(page, [project('orchard', 'awake')])
  await page.goto('/p/orchard')
  const outline = (selector: string) =>
    page.locator(selector).evaluate((element) => getComputedStyle(element).outlineStyle)
  await page.getByRole('tab', { selected: true }).waitFor()
  expect(await outline('[role=tab][data-state=active]')).toBe('solid')
  expect(await outline('aside [aria-current=page]')).toBe('solid')
  await page.getByRole('button', { name: text.common.accountMenu('AN', 'Ana Novak') }).press('Enter')
  await page.getByRole('menuitem').first().waitFor()
  expect(await outline('[data-highlighted]')).toBe('solid')
  await context.close()
})
