import { text } from '$kit/text/backups'
import { screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import type { Job } from '$api/control/client'
import { serve, stage } from '../../testing/stage'
import JobCard from './JobCard.svelte'

const words = text.backups

const job = (more: Partial<Job> = {}): Job => ({
  id: 'job000000000000',
  kind: 'restore',
  projectId: 'orchard00000000',
  step: 'prepare',
  state: 'running',
  attempt: 1,
  progress: 40,
  canCancel: true,
  createdMs: Date.now(),
  updatedMs: Date.now(),
  dueMs: Date.now(),
  deadlineMs: Date.now() + 3_600_000,
  steps: [
    { name: 'archive', state: 'done' },
    { name: 'prepare', state: 'running' },
    { name: 'switch', state: 'waiting' },
  ],
  ...more,
})

it('shows how far a job is and which step is under way, and ends it when asked', async () => {
  const calls = serve({ 'POST /api/jobs/job000000000000/cancel': { status: 204 } })
  stage(JobCard, { job: job(), role: 'owner', slug: 'orchard' })
  const bar = screen.getByRole<HTMLProgressElement>('progressbar', { name: words.kinds['restore'] })
  expect(bar.value).toBe(40)
  screen.getByText(words.job.progress(40))
  const running = screen
    .getAllByRole('listitem')
    .filter((item) => item.getAttribute('aria-current') === 'step')
  expect(running.map((item) => item.textContent?.trim())).toEqual([
    `${words.steps['prepare']}, ${words.stepStates['running']}`,
  ])
  screen.getByText(words.restoreSteps['archive'] ?? '', { exact: false })

  await userEvent.click(screen.getByRole('button', { name: text.common.cancel }))
  expect(calls.map(({ route }) => route)).toEqual(['POST /api/jobs/job000000000000/cancel'])
})

it('offers no end where there is none, and none to those who only look', () => {
  serve({})
  const { unmount } = stage(JobCard, { job: job({ canCancel: false }), role: 'owner', slug: 'orchard' })
  expect(screen.queryByRole('button')).toBeNull()
  unmount()
  stage(JobCard, { job: job(), role: 'viewer', slug: 'orchard' })
  expect(screen.queryByRole('button')).toBeNull()
})
