// Every word a person reads in the console. Components hold none, so that a word is changed, or translated, here.

import { accounts } from './accounts'
import { backups } from './backups'
import { common } from './common'
import { errors } from './errors'
import { outbox } from './outbox'
import { overview } from './overview'
import { projects } from './projects'
import { marked } from './pseudo'
import { settings } from './settings'
import { states } from './states'

export const text = marked({
  common,
  accounts,
  projects,
  overview,
  backups,
  settings,
  states,
  outbox,
  errors,
})
