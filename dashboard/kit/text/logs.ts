// The words of the page of a project's log.

import { text as shared } from '.'
import { plural } from '../i18n'
import { marked } from './pseudo'

const logs = {
  title: 'Logs',
  lead: 'What the project itself wrote down. Looking at it wakes nothing.',
  searchHint: 'A word, a path, an address',
  level: 'Level',
  levels: { all: 'All', info: 'Info', warn: 'Warnings', error: 'Errors' },
  names: { debug: 'debug', info: 'info', warn: 'warning', error: 'error' },
  live: 'Live',
  liveHint: 'Shows entries as they are written',
  list: 'Entries, newest first',
  entries: (count: number) => plural(count, { one: '# entry', other: '# entries' }),
  fresh: (count: number) => plural(count, { one: '# new entry', other: '# new entries' }),
  took: (ms: string) => `${ms} ms`,
  empty: 'Nothing was written yet. Every request to the project leaves a line here.',
  noMatch: 'No entry matches.',
  clear: 'Show all',
  older: 'Loading older entries…',
  failed: 'The log could not be loaded',
  locked: {
    title: 'The log is closed to you',
    role: 'Entries can tell who did what, so they are for developers and up. Somebody who manages the team can change your role.',
    support:
      'It belongs to the people of this project. They can let you in for some hours, from its settings.',
  },
  entry: {
    title: 'Entry',
    when: 'When',
    level: 'Level',
    message: 'Message',
    data: 'Everything that is known of it',
    copy: 'the entry',
  },
}

export const text = { ...shared, logs: marked(logs) }
