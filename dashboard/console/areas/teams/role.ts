// Who is more than whom. What each may do, the server says; here only buttons that would be refused are left out.

import type { Role } from '$api/control/client'

export const roles: Role[] = ['viewer', 'developer', 'admin', 'owner']

export const isAtLeast = (role: Role, least: Role) => roles.indexOf(role) >= roles.indexOf(least)

/** The roles that somebody with this one may give. */
export const givenBy = (role: Role) => roles.filter((other) => isAtLeast(role, other))
