// The words of letting operators in, and of leaving for good.

import { text as shared } from '.'
import { plural } from '../i18n'
import { marked } from './pseudo'

const leaving = {
  support: {
    title: 'Support access',
    lead: 'Whoever runs this installation cannot see what is in this project, unless you let them in. What they do then stands in its audit.',
    hours: 'For how long',
    spans: (hours: number) =>
      hours < 48
        ? plural(hours, { one: '# hour', other: '# hours' })
        : plural(hours / 24, { one: '# day', other: '# days' }),
    action: 'Let them in',
    busy: 'Letting them in…',
    openTitle: (until: string) => `Operators can see what is in it until ${until}`,
    openBody: (by: string) => `${by} let them in.`,
    end: 'End it now',
    ending: 'Ending…',
    failed: 'Whether operators can see it could not be loaded',
  },
  erase: {
    title: 'Erase this account',
    lead: 'Removes everything that tells who you are. What you did to projects of others stays told, by nobody in particular.',
    open: 'Erase…',
    dialogTitle: 'Erase your account?',
    dialogLead: 'It cannot be brought back.',
    consequences: [
      'First a mail leaves with a link to the data of your projects.',
      'Every session and every token of yours ends at once.',
      'Your name, address and sign-in are removed.',
    ],
    projects: (count: number) =>
      plural(count, { one: 'Delete my # project, too', other: 'Delete my # projects, too' }),
    projectsHint: (days: number) =>
      `Those of teams that have nobody but you. For ${days} days their data can be fetched with the link in the mail.`,
    password: 'Your password',
    action: 'Erase my account',
    busy: 'Erasing…',
  },
  erased: {
    title: 'Your account is erased',
    body: 'A last mail is on its way to you. If you had projects, it has a link to their data.',
    action: 'Open another account',
  },
  export: {
    title: 'Your data',
    lead: (until: string) =>
      `The newest proven backup of each of your projects, as a zip that a PocketBase opens. It can be fetched until ${until}.`,
    made: (date: string) => `made ${date}`,
    notYet: 'The last backup is still being made. Come back in a few minutes.',
    downloadOf: (name: string) => `Download ${name}`,
    badTitle: 'This link does not work',
    badBody: 'It is too old, or nothing is left that could be fetched with it.',
  },
}

export const text = { ...shared, leaving: marked(leaving) }
