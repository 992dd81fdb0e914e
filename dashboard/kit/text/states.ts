// The words of a project’s state.

import { plural } from '../i18n'

export const states = {
  creating: 'Setting up',
  awake: 'Awake',
  asleep: 'Asleep',
  waking: 'Waking, about 1 s',
  suspended: 'Suspended',
  notStarting: 'Not starting',
  damaged: 'Damaged',
  deleted: (days: number) => plural(days, { one: '# day left', other: '# days left' }),
  notice: {
    creating: {
      title: 'The database is being set up',
      body: 'This takes about a second. The page follows by itself.',
    },
    asleep: {
      title: (since: string) => `Asleep since ${since}`,
      body: 'The next request wakes it in a moment. Looking at this page does not.',
    },
    suspended: {
      title: 'This project is suspended',
      body: 'It answers nobody until the suspension is lifted. Your data is kept. Ask whoever runs this platform.',
    },
    notStarting: {
      title: 'This project does not start',
      body: 'Requests get a 503 for now. Its data is untouched, and every request tries again.',
    },
    damaged: {
      title: 'The data of this project is damaged',
      body: 'Requests get a 503, so that nothing more is lost. Other projects are not affected. Ask whoever runs this platform to restore it.',
    },
    deleted: {
      title: (date: string) => `Deleted, and gone for good on ${date}`,
      body: 'Nobody can reach it. Until that day you can bring it back with everything in it, at the same address.',
    },
    reason: (reason: string) => `Reason: ${reason}`,
  },
}
