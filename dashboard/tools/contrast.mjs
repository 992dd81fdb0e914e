// Checks every pair of colours that carries text, in both themes, against WCAG: 4.5 for text, 3 for input borders.

import { readFileSync } from 'node:fs'

const css = readFileSync(new URL('../kit/tokens.css', import.meta.url), 'utf8')

const grounds = ['canvas', 'surface', 'sunken', 'hover']
const onGrounds = ['text', 'muted', 'subtle', 'accent-text', 'danger-text']
const pairs = [
  ...onGrounds.flatMap((text) => grounds.map((ground) => [text, ground])),
  ['on-accent', 'accent'],
  ['on-accent', 'accent-hover'],
  ['on-danger', 'danger'],
  ['on-yolk', 'yolk'],
  ...['accent', 'ok', 'warn', 'danger', 'info'].map((tone) => [`${tone}-text`, `${tone}-soft`]),
  ...['warn', 'danger', 'info', 'ok', 'accent'].map((tone) => ['muted', `${tone}-soft`]),
]

/** @param {string} block */
function colours(block) {
  const found = [...block.matchAll(/--([a-z0-9-]+):\s*#([0-9a-f]{6})/gi)]
  return new Map(found.map(([, name, hex]) => [name, luminance(hex ?? '')]))
}

/** @param {string} hex */
function luminance(hex) {
  const channel = (/** @type {number} */ start) => {
    const value = parseInt(hex.slice(start, start + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return 0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
}

const [light = '', dark = ''] = css.split('[data-theme=')
let failures = 0

for (const [theme, tokens] of /** @type {const} */ ([
  ['light', colours(light)],
  ['dark', colours(dark)],
])) {
  /** @param {string} one @param {string} other @param {number} least */
  const check = (one, other, least) => {
    const [a, b] = [tokens.get(one), tokens.get(other)]
    if (a === undefined || b === undefined)
      throw new Error(`no colour ${one} or ${other} in the ${theme} theme`)
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    if (contrast >= least) return
    failures += 1
    console.error(`${theme}: ${one} on ${other} has ${contrast.toFixed(2)}, needs ${least}`)
  }
  for (const [text = '', ground = ''] of pairs) check(text, ground, 4.5)
  for (const ground of grounds.slice(0, 2)) check('control', ground, 3)
}

if (failures > 0) process.exit(1)
console.log(`contrast: ${pairs.length} pairs hold in both themes`)
