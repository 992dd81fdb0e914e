// All words at once: for tests, which look at every page.

import { text as backups } from './backups'
import { text as domains } from './domains'
import { text as people } from './people'
import { text as usage } from './usage'

export const text = { ...backups, ...domains, ...people, ...usage }
