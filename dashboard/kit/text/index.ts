// Every word a person reads in the console. Components hold none, so that a word is changed, or translated, here.
//
// Here are the words of many pages. Areas with many words of their own have them in files beside this one, each with
// these words as well, so that a page loads only what it can show.

import { accounts } from './accounts'
import { common } from './common'
import { errors } from './errors'
import { outbox } from './outbox'
import { overview } from './overview'
import { projects } from './projects'
import { marked } from './pseudo'
import { states } from './states'

export const text = marked({
  common,
  accounts,
  projects,
  overview,
  states,
  outbox,
  errors,
})
