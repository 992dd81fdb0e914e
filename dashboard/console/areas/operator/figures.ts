// A plan's figures as an operator edits them, and what they would mean for what is used already.

import type { Limit, Overrides, Plan, PlanDraft } from '$api/control/client'

const MB = 1024 ** 2
const GB = 1024 ** 3
const hourMs = 3_600_000

export const figures = [
  'databaseMb',
  'storageMb',
  'egressGb',
  'requests',
  'requestsPerSecond',
  'realtimeConnections',
  'uploadMb',
  'backupsKept',
  'mailsPerDay',
  'awakeHours',
] as const
export type Figure = (typeof figures)[number]

/** Each as it is typed; empty for the plan's. */
export type Draft = Record<Figure, string>

export function draftOf(overrides: Overrides): Draft {
  const text = (figure: Figure) => overrides[figure]?.toString() ?? ''
  return Object.fromEntries(figures.map((figure) => [figure, text(figure)])) as Draft
}

/** All of a plan's figures, as they are edited. */
export function draftOfPlan(plan: Plan): Draft {
  return Object.fromEntries(figures.map((figure) => [figure, String(plan[figure])])) as Draft
}

/** The plan that was typed; nothing while something is missing or no number. */
export function planOf(title: string, draft: Draft): PlanDraft | undefined {
  const isWhole = figures.every((figure) => isFine(draft[figure]) && draft[figure].trim() !== '')
  return title.trim() && isWhole ? { title: title.trim(), ...overridesOf(draft) } : undefined
}

/** What commands and the API may call a plan. */
export const isPlanName = (name: string) => /^[a-z0-9-]{1,32}$/.test(name)

/** A whole number or nothing, and not more than a number holds exactly. */
export const isFine = (typed: string) => /^\d{0,15}$/.test(typed.trim())

export function overridesOf(draft: Draft): Overrides {
  const own = figures.filter((figure) => draft[figure].trim() !== '')
  return Object.fromEntries(own.map((figure) => [figure, Number(draft[figure].trim())]))
}

const measured: Record<Limit['limit'], [Figure, number]> = {
  database: ['databaseMb', MB],
  storage: ['storageMb', MB],
  egress: ['egressGb', GB],
  requests: ['requests', 1],
  realtime: ['realtimeConnections', 1],
  mails: ['mailsPerDay', 1],
  awake: ['awakeHours', hourMs],
}

/** What would be used up at once, each limit with the figure it would have. */
export function wouldBeOver(limits: Limit[], plan: Plan, overrides: Overrides): Limit[] {
  return limits.flatMap((limit) => {
    const [figure, unit] = measured[limit.limit]
    const max = (overrides[figure] ?? plan[figure]) * unit
    return max > 0 && limit.used >= max ? [{ ...limit, max, state: 'over' as const }] : []
  })
}
