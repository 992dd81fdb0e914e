import type { Project } from '$api/control/client'
import type { Superuser } from './snippets'

/** What was made, with the one chance to read the superuser's password. */
export interface Outcome {
  project: Project
  superuser: Superuser
  /** Nobody knows a generated password yet, so it has to be shown. */
  isGenerated: boolean
}
