// A fresh Chromium, pages that write down every complaint, and people to use them as.

import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { inject } from 'vitest'

export const url = inject('url')

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })

/** A page of its own profile; `complaints` is everything that must not happen on a healthy one. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}) {
  const context = await browser.newContext({ baseURL: url, locale: 'en-GB', ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  return { context, page, complaints: watch(page) }
}

function watch(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', (message) => {
    // "Verbose" is Chromium's advice, not a message of the page.
    if ((message.type() as string) !== 'verbose')
      complaints.push(`console ${message.type()}: ${message.text()}`)
  })
  page.on('pageerror', (error) => complaints.push(`page error: ${error.message}`))
  page.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText ?? ''
    // A page that is left drops its stream, and a newer question drops the older one.
    if (reason !== 'net::ERR_ABORTED') complaints.push(`failed: ${request.url()} ${reason}`)
  })
  page.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url())
    if (protocol.startsWith('http') && hostname !== new URL(url).hostname) {
      complaints.push(`third party: ${request.url()}`)
    }
  })
  return complaints
}

export interface Person {
  name: string
  email: string
  password: string
}

let people = 0

export function newPerson(): Person {
  people += 1
  return {
    name: 'Ana Novak',
    email: `ana-${Date.now().toString(36)}-${people}@example.com`,
    password: 'seven wet herons on a wire',
  }
}

/** Signs a new person up over the API, with the page's own cookies and origin. */
export async function signUp(page: Page, person = newPerson()): Promise<Person> {
  await page.goto('/signup')
  const status = await page.evaluate(async (body) => {
    const answer = await fetch('/api/accounts', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    localStorage.setItem('roost.signed-in', 'yes')
    return answer.status
  }, person)
  if (status !== 201) throw new Error(`sign-up answered ${status}`)
  return person
}

export const uniqueSlug = (start: string) => `${start}-${Date.now().toString(36)}${(people += 1)}`
