// All words at once: for tests, which look at every page.

import { text as backups } from './backups'
import { text as domains } from './domains'
import { text as leaving } from './leaving'
import { text as logs } from './logs'
import { text as operator } from './operator'
import { text as people } from './people'
import { text as settings } from './settings'
import { text as unverified } from './unverified'
import { text as usage } from './usage'

export const text = {
  ...backups,
  ...domains,
  ...leaving,
  ...logs,
  ...operator,
  ...people,
  ...settings,
  ...unverified,
  ...usage,
}
