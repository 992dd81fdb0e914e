// Whether a page is accessible as it stands: no violation of any rule, and nothing scrolls sideways.

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What lies half under a dialog counts as small, but is no target while the dialog is open. */
export const underDialog = { 'target-size': { enabled: false } }
/** A menu floats outside the landmarks. */
export const withMenu = { region: { enabled: false } }

export async function check(page: Page, where: string, rules = {}) {
  // Evaluated rather than inserted: the page's own policy allows no foreign script.
  await page.evaluate(axe)
  const found = await page.evaluate(async (rules) => {
    const { axe } = window as unknown as { axe: { run(options: object): Promise<AxeResults> } }
    const results = await axe.run({
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
      rules,
    })
    return results.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`)
  }, rules)
  expect(found, where).toEqual([])
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  expect(sideways, `${where} scrolls sideways`).toBeLessThanOrEqual(0)
}
