import { text } from '$kit/text/people'
import { screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { serve, stage } from '../../testing/stage'
import AuditList from './AuditList.svelte'

const words = text.people.audit

it('searches a moment after the last key, and shows everything again', async () => {
  const calls = serve({ 'GET /api/account/audit': { body: { items: [], next: null } } })
  stage(AuditList, { of: { of: 'account' } })
  await screen.findByText(words.empty)
  const field = screen.getByLabelText<HTMLInputElement>(text.common.search)
  await userEvent.type(field, 'pear ')
  await screen.findByText(words.noMatch)
  expect(field.value).toBe('pear ')
  expect(calls).toHaveLength(2)
  await userEvent.click(screen.getByRole('button', { name: words.clear }))
  await screen.findByText(words.empty)
  expect(field.value).toBe('')
})
