// What the screens about people ask for and change: sessions, tokens, second factor, teams, invitations, audit.

import { createInfiniteQuery, createMutation, createQuery, useQueryClient } from '@tanstack/svelte-query'
import { answer, api, type Role, type Scope } from './client'

/** A change after which these answers are asked for again. */
function useChange<Input, Output>(change: (input: Input) => Promise<Output>, ...stale: string[]) {
  const client = useQueryClient()
  return createMutation(() => ({
    mutationFn: change,
    onSuccess: () => {
      for (const key of stale) void client.invalidateQueries({ queryKey: [key] })
    },
  }))
}

// Account

export const useRequestEmail = () =>
  useChange((body: { email: string; currentPassword?: string; code?: string }) =>
    answer(api.POST('/api/account/email', { body })),
  )

export const useConfirmEmail = () =>
  useChange((token: string) => answer(api.POST('/api/account/email/confirm', { body: { token } })), 'account')

export const useSessions = () =>
  createQuery(() => ({ queryKey: ['sessions'], queryFn: () => answer(api.GET('/api/account/sessions')) }))

export const useEndSession = () =>
  useChange(
    (id: string) => answer(api.DELETE('/api/account/sessions/{id}', { params: { path: { id } } })),
    'sessions',
  )

export const useEndOtherSessions = () =>
  useChange(() => answer(api.DELETE('/api/account/sessions')), 'sessions')

export const useSecondFactor = () =>
  createQuery(() => ({
    queryKey: ['second-factor'],
    queryFn: () => answer(api.GET('/api/account/second-factor')),
  }))

export const useBeginSecondFactor = () =>
  useChange((currentPassword: string) =>
    answer(api.POST('/api/account/second-factor', { body: { currentPassword } })),
  )

export const useConfirmSecondFactor = () =>
  useChange(
    (code: string) => answer(api.POST('/api/account/second-factor/confirm', { body: { code } })),
    'second-factor',
    'account',
  )

export const useRenewRecoveryCodes = () =>
  useChange(
    (code: string) => answer(api.POST('/api/account/second-factor/recovery-codes', { body: { code } })),
    'second-factor',
  )

export const useEndSecondFactor = () =>
  useChange(
    (code: string) => answer(api.DELETE('/api/account/second-factor', { body: { code } })),
    'second-factor',
    'account',
  )

// Tokens

export const useTokens = () =>
  createQuery(() => ({ queryKey: ['tokens'], queryFn: () => answer(api.GET('/api/account/tokens')) }))

export const useTeamTokens = (team: () => string) =>
  createQuery(() => ({
    queryKey: ['tokens', team()],
    queryFn: () => answer(api.GET('/api/teams/{team}/tokens', { params: { path: { team: team() } } })),
  }))

export const useCreateToken = () =>
  useChange(
    (body: { name: string; scope: Scope; team: string; project?: string; expiresDays: number }) =>
      answer(api.POST('/api/account/tokens', { body })),
    'tokens',
  )

export const useRevokeToken = () =>
  useChange(
    (id: string) => answer(api.DELETE('/api/account/tokens/{id}', { params: { path: { id } } })),
    'tokens',
  )

export const useRevokeTeamToken = (team: () => string) =>
  useChange(
    (id: string) =>
      answer(api.DELETE('/api/teams/{team}/tokens/{id}', { params: { path: { team: team(), id } } })),
    'tokens',
  )

// Teams

export const useTeams = () =>
  createQuery(() => ({ queryKey: ['teams'], queryFn: () => answer(api.GET('/api/teams')) }))

export const useTeam = (team: () => string) =>
  createQuery(() => ({
    queryKey: ['team', team()],
    queryFn: () => answer(api.GET('/api/teams/{team}', { params: { path: { team: team() } } })),
  }))

export const useCreateTeam = () =>
  useChange((name: string) => answer(api.POST('/api/teams', { body: { name } })), 'teams')

export const useRenameTeam = (team: () => string) =>
  useChange(
    (name: string) =>
      answer(api.PATCH('/api/teams/{team}', { params: { path: { team: team() } }, body: { name } })),
    'teams',
    'team',
  )

export const useDeleteTeam = (team: () => string) =>
  useChange(() => answer(api.DELETE('/api/teams/{team}', { params: { path: { team: team() } } })), 'teams')

export const useLeaveTeam = (team: () => string) =>
  useChange(
    () => answer(api.POST('/api/teams/{team}/leave', { params: { path: { team: team() } } })),
    'teams',
    'projects',
  )

export const useChangeMember = (team: () => string) =>
  useChange(
    ({ account, role }: { account: string; role: Role }) =>
      answer(
        api.PATCH('/api/teams/{team}/members/{account}', {
          params: { path: { team: team(), account } },
          body: { role },
        }),
      ),
    'team',
    'teams',
  )

export const useRemoveMember = (team: () => string) =>
  useChange(
    (account: string) =>
      answer(
        api.DELETE('/api/teams/{team}/members/{account}', { params: { path: { team: team(), account } } }),
      ),
    'team',
    'teams',
  )

// Invitations

export const useInvitations = (team: () => string) =>
  createQuery(() => ({
    queryKey: ['invitations', team()],
    queryFn: () => answer(api.GET('/api/teams/{team}/invitations', { params: { path: { team: team() } } })),
  }))

export const useInvite = (team: () => string) =>
  useChange(
    (body: { email: string; role: Role }) =>
      answer(api.POST('/api/teams/{team}/invitations', { params: { path: { team: team() } }, body })),
    'invitations',
  )

export const useResendInvitation = (team: () => string) =>
  useChange(
    (id: string) =>
      answer(
        api.POST('/api/teams/{team}/invitations/{id}/resend', { params: { path: { team: team(), id } } }),
      ),
    'invitations',
  )

export const useWithdrawInvitation = (team: () => string) =>
  useChange(
    (id: string) =>
      answer(api.DELETE('/api/teams/{team}/invitations/{id}', { params: { path: { team: team(), id } } })),
    'invitations',
  )

/** What the secret of an invitation is for; the secret stays out of addresses and logs. */
export const useInvitation = (token: () => string) =>
  createQuery(() => ({
    queryKey: ['invitation', token()],
    queryFn: () => answer(api.POST('/api/invitations/show', { body: { token: token() } })),
    enabled: token() !== '',
    retry: false,
  }))

export const useAcceptInvitation = () =>
  useChange(
    (token: string) => answer(api.POST('/api/invitations/accept', { body: { token } })),
    'teams',
    'projects',
    'account',
  )

// Audit

/** Of what the audit is shown. */
export type AuditOf =
  { of: 'account' } | { of: 'operator' } | { of: 'project'; slug: string } | { of: 'team'; team: string }

export const useAudit = (of: () => AuditOf, search: () => string) =>
  createInfiniteQuery(() => ({
    queryKey: ['audit', of(), search()],
    queryFn: ({ pageParam }) => auditPage(of(), { search: search(), before: pageParam }),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
    staleTime: 0,
  }))

function auditPage(of: AuditOf, query: { search: string; before: string }) {
  switch (of.of) {
    case 'account':
      return answer(api.GET('/api/account/audit', { params: { query } }))
    case 'operator':
      return answer(api.GET('/api/operator/audit', { params: { query } }))
    case 'project':
      return answer(api.GET('/api/projects/{slug}/audit', { params: { path: { slug: of.slug }, query } }))
    case 'team':
      return answer(api.GET('/api/teams/{team}/audit', { params: { path: { team: of.team }, query } }))
  }
}
