import type { Account } from '$api/control/client'

/** `AN` for Ana Novak and for ana@example.com. */
export function initials({ name, email }: Pick<Account, 'name' | 'email'>): string {
  const words = name.trim().split(/\s+/)
  const letters = words.length > 1 ? words.map((word) => [...word][0]) : [...(words[0] || email)]
  return letters.slice(0, 2).join('').toUpperCase()
}
