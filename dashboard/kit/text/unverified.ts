// The words of the reminder to confirm a mail address.

import { text as shared } from '.'
import type { Unverified } from '../../api/control/client'
import { list, plural } from '../i18n'
import { marked } from './pseudo'

const unverified = {
  body: (email: string) => `Please confirm ${email}: open the link we mailed you.`,
  /** What is limited before; of numbers, 0 is no limit. */
  until: ({ projects, databaseMb, storageMb, egressGb, domains, teams, mails }: Unverified) => {
    const room = [
      databaseMb > 0 ? [`${databaseMb} MB of records`] : [],
      storageMb > 0 ? [`${storageMb} MB of files`] : [],
      egressGb > 0 ? [`${egressGb} GB of answers a month`] : [],
    ].flat()
    const waiting = [
      domains ? [] : ['domains of your own'],
      teams ? [] : ['invitations and further teams'],
      mails ? [] : ['mails of your projects to anybody but you'],
    ].flat()
    const sentences = [
      projects > 0
        ? [`Until then you can have ${plural(projects, { one: '# project', other: '# projects' })}.`]
        : [],
      room.length > 0 ? [`Each project has room for ${list(room)}.`] : [],
      waiting.length > 0 ? [`These wait until then: ${list(waiting)}.`] : [],
    ]
    return sentences.flat().join(' ')
  },
}

export const text = { ...shared, unverified: marked(unverified) }
