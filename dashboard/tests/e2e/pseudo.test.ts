// In the test language every word of kit/text is in brackets, so a bare word on a page stands in a component.

import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { launch, openPage, signUp } from './browser'
import { everyDomain, everyState, showDomains, showProjects } from './fixtures'
import { actAsOperator, showLogs, showOperator, showSupport } from './operator-fixtures'

let browser: Browser
beforeAll(async () => void (browser = await launch()))
afterAll(() => browser.close())

/** Words that are neither from kit/text nor somebody's data: code, times, numbers and addresses are not words. */
const bareWords = (page: Page) =>
  page.evaluate(() => {
    const exempt = 'pre, code, time, noscript, script, .font-mono, [data-own]'
    const found: string[] = []
    const consider = (words: string | null, element: Element | null) => {
      const bare = (words ?? '').replace(/⟦[^]*⟧/g, '')
      if (/\p{L}{3,}/u.test(bare) && !element?.closest(exempt)) found.push(bare.trim())
    }
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) consider(texts.currentNode.nodeValue, texts.currentNode.parentElement)
    for (const name of ['aria-label', 'title', 'placeholder']) {
      for (const element of document.querySelectorAll(`[${name}]`))
        consider(element.getAttribute(name), element)
    }
    return found
  })

it('has no word of its own on any page', async () => {
  const { page } = await openPage(browser)
  await signUp(page)
  await page.evaluate(() => localStorage.setItem('roost.locale', 'pseudo'))
  await showProjects(
    page,
    everyState.map((project) => ({ ...project, name: `⟦${project.name}⟧` })),
  )
  await showDomains(page, 'orchard', Object.values(everyDomain))
  const domains = ['/p/orchard/domains', '/p/tide/domains']
  await actAsOperator(page)
  await showOperator(page)
  await showLogs(page, 'orchard')
  await showSupport(page, 'tide', true)
  const inside = ['/p/orchard', '/p/orchard/usage', '/p/orchard/logs', '/p/tide/settings']
  const places = ['', '/tenants', '/jobs', '/plans', '/plans-new']
  const operator = places.map((place) => `/operator${place}`)
  const others = ['/projects', '/projects/new', '/account', '/erased', '/nowhere']
  for (const path of [...others, ...domains, ...inside, ...operator]) {
    await page.goto(path)
    await page.locator('main h1').waitFor()
    const own = (words: string) => /@example\.com|Ana Novak|^standard$|\d/.test(words)
    expect(
      (await bareWords(page)).filter((words) => !own(words)),
      path,
    ).toEqual([])
  }
})
