import { expect, it } from 'vitest'
import type { Limit, Plan } from '$api/control/client'
import { draftOf, draftOfPlan, isFine, isPlanName, overridesOf, planOf, wouldBeOver } from './figures'

const MB = 1024 ** 2

const plan: Plan = {
  name: 'standard',
  origin: 'settings',
  title: 'Standard',
  databaseMb: 500,
  storageMb: 0,
  egressGb: 50,
  requests: 0,
  requestsPerSecond: 0,
  realtimeConnections: 100,
  uploadMb: 100,
  backupsKept: 11,
  mailsPerDay: 200,
  awakeHours: 0,
}
const database: Limit = {
  limit: 'database',
  used: 212 * MB,
  max: 500 * MB,
  unit: 'bytes',
  period: 'now',
  state: 'ok',
}
const storage: Limit = { ...database, limit: 'storage', max: 0 }

it('keeps what was typed apart from what the plan says', () => {
  const draft = draftOf({ databaseMb: 0 })
  expect(draft.databaseMb).toBe('0')
  expect(draft.requests).toBe('')
  expect(overridesOf({ ...draft, requests: ' 7 ' })).toEqual({ databaseMb: 0, requests: 7 })
})

it('takes whole numbers and nothing else', () => {
  expect(['', '0', '500', ' 7 '].every(isFine)).toBe(true)
  expect(['-1', '1.5', '1e9', 'many', '1'.repeat(16)].some(isFine)).toBe(false)
})

it('says before saving what would be used up, and takes 0 for no limit', () => {
  expect(wouldBeOver([database, storage], plan, {})).toEqual([])
  expect(wouldBeOver([database, storage], plan, { databaseMb: 100 })).toEqual([
    { ...database, max: 100 * MB, state: 'over' },
  ])
  expect(wouldBeOver([database], plan, { databaseMb: 0 })).toEqual([])
})

it('takes a plan only when it is whole', () => {
  const draft = draftOfPlan(plan)
  expect(planOf(' Pro ', { ...draft, requests: ' 7 ' })).toMatchObject({
    title: 'Pro',
    requests: 7,
    storageMb: 0,
  })
  expect(planOf(' ', draft)).toBeUndefined()
  expect(planOf('Pro', { ...draft, requests: '' })).toBeUndefined()
  expect(planOf('Pro', { ...draft, requests: 'many' })).toBeUndefined()
})

it('knows what commands can call a plan', () => {
  expect(['pro', 'pro-2', 'x'.repeat(32)].every(isPlanName)).toBe(true)
  expect(['', 'Pro', 'pro plan', 'x'.repeat(33)].some(isPlanName)).toBe(false)
})
