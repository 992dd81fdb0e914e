// Every page of the console on one screen. What is not built has no line here, and so no link and no address.

import { matchPath, type Params } from '$kit/router.svelte'
import type { Component } from 'svelte'

/** Who a page is for: strangers only, the signed-in only, or both. */
type Audience = 'stranger' | 'account' | 'anyone'

interface Page {
  path: string
  audience: Audience
  /**
   * A door stands alone in the middle; the shell has the navigation. `either` is the shell for who is signed in and a
   * door for who is not.
   */
  frame: 'door' | 'shell' | 'either'
  /** Every page is given the parameters of its path; most need none. */
  load: () => Promise<{ default: Component<never> }>
}

const pages: Page[] = [
  {
    path: '/signup',
    audience: 'stranger',
    frame: 'door',
    load: () => import('./areas/accounts/SignUp.svelte'),
  },
  {
    path: '/login',
    audience: 'stranger',
    frame: 'door',
    load: () => import('./areas/accounts/SignIn.svelte'),
  },
  {
    path: '/verify',
    audience: 'anyone',
    frame: 'door',
    load: () => import('./areas/accounts/Verify.svelte'),
  },
  { path: '/reset', audience: 'anyone', frame: 'door', load: () => import('./areas/accounts/Reset.svelte') },
  {
    path: '/verify-address',
    audience: 'anyone',
    frame: 'door',
    load: () => import('./areas/accounts/ConfirmAddress.svelte'),
  },
  { path: '/join', audience: 'anyone', frame: 'door', load: () => import('./areas/teams/Join.svelte') },
  {
    path: '/erased',
    audience: 'anyone',
    frame: 'door',
    load: () => import('./areas/leaving/Erased.svelte'),
  },
  {
    path: '/export',
    audience: 'anyone',
    frame: 'door',
    load: () => import('./areas/leaving/Export.svelte'),
  },
  {
    path: '/outbox',
    audience: 'anyone',
    frame: 'either',
    load: () => import('./areas/outbox/Outbox.svelte'),
  },
  {
    path: '/projects',
    audience: 'account',
    frame: 'shell',
    load: () => import('./areas/projects/Projects.svelte'),
  },
  {
    path: '/projects/new',
    audience: 'account',
    frame: 'shell',
    load: () => import('./areas/projects/NewProject.svelte'),
  },
  {
    path: '/p/:slug',
    audience: 'account',
    frame: 'shell',
    load: () => import('./areas/overview/Overview.svelte'),
  },
  {
    path: '/p/:slug/usage',
    audience: 'account',
    frame: 'shell',
    load: () => import('./areas/usage/Usage.svelte'),
  },
  {
    path: '/p/:slug/logs',
    audience: 'account',
    frame: 'shell',
    load: () => import('./areas/logs/Logs.svelte'),
  },
  {
    path: '/p/:slug/domains',
    audience: 'account',
    frame: 'shell',
    load: () => import('./areas/domains/Domains.svelte'),
  },
  {
    path: '/p/:slug/backups',
    audience: 'account',
    frame: 'shell',
    load: () => import('./areas/backups/Backups.svelte'),
  },
  {
    path: '/p/:slug/settings',
    audience: 'account',
    frame: 'shell',
    load: () => import('./areas/settings/Settings.svelte'),
  },
  {
    path: '/p/:slug/audit',
    audience: 'account',
    frame: 'shell',
    load: () => import('./areas/audit/ProjectAudit.svelte'),
  },
  {
    path: '/teams',
    audience: 'account',
    frame: 'shell',
    load: () => import('./areas/teams/Teams.svelte'),
  },
  {
    path: '/team/:team',
    audience: 'account',
    frame: 'shell',
    load: () => import('./areas/teams/Team.svelte'),
  },
  {
    path: '/account',
    audience: 'account',
    frame: 'shell',
    load: () => import('./areas/accounts/Account.svelte'),
  },
  {
    path: '/account/audit',
    audience: 'account',
    frame: 'shell',
    load: () => import('./areas/audit/AccountAudit.svelte'),
  },
  {
    path: '/operator',
    audience: 'account',
    frame: 'shell',
    load: () => import('./areas/operator/NodePage.svelte'),
  },
  {
    path: '/operator/tenants',
    audience: 'account',
    frame: 'shell',
    load: () => import('./areas/operator/Tenants.svelte'),
  },
  {
    path: '/operator/tenants/:id',
    audience: 'account',
    frame: 'shell',
    load: () => import('./areas/operator/TenantPage.svelte'),
  },
  {
    path: '/operator/plans',
    audience: 'account',
    frame: 'shell',
    load: () => import('./areas/operator/Plans.svelte'),
  },
  {
    path: '/operator/plans/:name',
    audience: 'account',
    frame: 'shell',
    load: () => import('./areas/operator/PlanPage.svelte'),
  },
  {
    path: '/operator/plans-new',
    audience: 'account',
    frame: 'shell',
    load: () => import('./areas/operator/NewPlan.svelte'),
  },
  {
    path: '/operator/jobs',
    audience: 'account',
    frame: 'shell',
    load: () => import('./areas/operator/Jobs.svelte'),
  },
  {
    path: '/operator/audit',
    audience: 'account',
    frame: 'shell',
    load: () => import('./areas/audit/OperatorAudit.svelte'),
  },
]

const notFound: Page = {
  path: '*',
  audience: 'anyone',
  frame: 'door',
  load: () => import('./shell/NotFound.svelte'),
}

export interface Match {
  page: Page
  params: Params
}

export function findPage(path: string): Match {
  for (const page of pages) {
    const params = matchPath(page.path, path)
    if (params) return { page, params }
  }
  return { page: notFound, params: {} }
}

export const teamPath = (id: string) => `/team/${encodeURIComponent(id)}`
export const tenantPath = (id: string) => `/operator/tenants/${encodeURIComponent(id)}`
export const planPath = (name: string) => `/operator/plans/${encodeURIComponent(name)}`
export const projectPath = (slug: string) => `/p/${encodeURIComponent(slug)}`
