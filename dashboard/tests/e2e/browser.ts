// A fresh Chromium, pages that write down every complaint, and people to use them as.

import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import type { OutboxMail } from '$api/control/client'
import { expect, inject } from 'vitest'

export const url = inject('url')
/** Known only where the tests started the platform themselves. */
export const operator = inject('operator')

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
      complaints.push(`console ${message.type()}: ${message.text()} ${message.location().url}`)
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

/** Confirms a person's mail address with the link in their first mail: before that nobody invites others. */
export async function proveAddress(page: Page, person: Person) {
  const confirm = async () => {
    const { items } = JSON.parse((await ask(page, 'GET', '/api/outbox')).body) as OutboxList
    const token = items.find((mail) => mail.to === person.email)?.link?.split('/verify#')[1]
    return token && (await ask(page, 'POST', '/api/verification/confirm', { token })).status
  }
  await expect.poll(confirm).toBe(200)
}

interface OutboxList {
  items: OutboxMail[]
}

/** Signs the operator of the platform in, over the API like `signUp`. */
export async function signInOperator(page: Page) {
  await page.goto('/login')
  const answer = await ask(page, 'POST', '/api/session', operator)
  if (answer.status !== 200) throw new Error(`the operator's sign-in answered ${answer.status}`)
  await page.evaluate(() => localStorage.setItem('roost.signed-in', 'yes'))
}

/** Asks the API with the page's own session and origin. */
export const ask = (page: Page, method: string, path: string, body?: unknown) =>
  page.evaluate(
    async ({ method, path, body }) => {
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(path, { method, headers, body: body ? JSON.stringify(body) : undefined })
      return { status: answer.status, body: await answer.text() }
    },
    { method, path, body },
  )

export const superuser = { email: 'admin@example.com', password: 'correct horse' }

/** A project made with the page's own session; where it is. */
export async function createProject(page: Page, slug: string): Promise<{ id: string; endpoint: string }> {
  const answer = await ask(page, 'POST', '/api/projects', { name: 'Orchard', slug, superuser })
  if (answer.status !== 201) throw new Error(`creating a project answered ${answer.status}: ${answer.body}`)
  return (JSON.parse(answer.body) as { project: { id: string; endpoint: string } }).project
}

export const uniqueSlug = (start: string) => `${start}-${Date.now().toString(36)}${(people += 1)}`
