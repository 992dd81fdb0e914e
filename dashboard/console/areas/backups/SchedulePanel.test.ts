import { text } from '$kit/text/backups'
import { focusManager } from '@tanstack/svelte-query'
import { screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { moment } from '$kit/i18n'
import { serve, stage } from '../../testing/stage'
import SchedulePanel from './SchedulePanel.svelte'

const words = text.backups.schedule
const path = 'GET /api/projects/orchard/backup-schedule'

it('keeps what is being typed while runs pass', async () => {
  let nextRun = 1_700_000_000_000
  const schedule = {
    cron: '30 3 * * *',
    zone: 'UTC',
    keepLast: 0,
    keepDaily: 7,
    keepWeekly: 4,
    keepMonthly: 0,
  }
  serve({ [path]: () => ({ body: { ...schedule, nextRunsMs: [nextRun] } }) })
  stage(SchedulePanel, { role: 'admin', slug: 'orchard' })
  const zone = await screen.findByLabelText<HTMLInputElement>(words.zone)
  await userEvent.clear(zone)
  await userEvent.type(zone, 'Europe/Ber')
  nextRun += 86_400_000
  focusManager.setFocused(false)
  focusManager.setFocused(true)
  await screen.findByText(moment(nextRun))
  expect(zone.value).toBe('Europe/Ber')
})
