// The words of what a project uses and may use.

import { text as shared } from '.'
import { plural } from '../i18n'
import { marked } from './pseudo'

const usage = {
  title: 'Usage',
  plan: (title: string) => `Plan ${title}.`,
  resets: (date: string) => `Counts of the month start anew on ${date}.`,
  see: 'See usage',
  failed: 'What this project used could not be loaded',
  range: 'Span',
  ranges: { day: '24 hours', week: '7 days', month: '30 days' },
  limits: {
    title: 'Limits',
    columns: { what: 'What', used: 'Used', outlook: 'At this pace' },
    of: (max: string) => `of ${max}`,
    share: (percent: string) => `${percent} used`,
    names: {
      database: 'Database',
      storage: 'Files',
      requests: 'Requests',
      egress: 'Egress',
      realtime: 'Realtime connections',
      mails: 'Mails',
      awake: 'Awake',
    },
    periods: { now: '', day: 'today', month: 'this month' },
    perPeriod: { now: '', day: '/ day', month: '/ month' },
    states: { near: 'Nearly used up', over: 'Used up' },
  },
  outlook: {
    full: 'full: nothing can be added',
    anew: (date: string) => `used up, starts anew on ${date}`,
    taken: 'all taken',
    passes: (date: string) => `may pass the limit about ${date}`,
    fills: (time: string) => `full in about ${time}`,
    onCourse: (amount: string) => `on course for ${amount}`,
    steady: 'not growing',
    far: 'no limit near',
    unknown: 'too early to say',
    momentary: '–',
    weeks: (count: number) => plural(count, { one: '# week', other: '# weeks' }),
    months: (count: number) => plural(count, { one: '# month', other: '# months' }),
  },
  charts: {
    requests: 'Requests',
    egress: 'Egress',
    database: 'Database',
    files: 'Files',
    awake: 'Awake',
    mails: 'Mails',
    total: (amount: string) => `${amount} in all`,
    latest: (amount: string) => `${amount} now`,
    unknown: 'not measured yet',
    summary: (what: string, span: string, total: string) => `${what}, ${span}: ${total}`,
    table: 'The numbers behind the charts',
    when: 'Since',
  },
  empty: {
    title: 'Nothing used yet',
    body: 'What this project does is counted here within seconds of its first request.',
    action: 'Connect an app',
  },
  strip: {
    title: 'Last 48 hours',
    requests: 'requests',
    asleep: 'asleep',
    at: (requests: number) => plural(requests, { one: '# request', other: '# requests' }),
    summary: (requests: number, asleep: number) =>
      `${plural(requests, { one: '# request', other: '# requests' })} in 48 hours, asleep in ${asleep} of them`,
    last: 'Last request',
    never: 'No request yet',
  },
  banner: {
    near: (name: string, percent: string) => `${name}: ${percent} used`,
    nearBody: (used: string, outlook: string) => `${used}, ${outlook}.`,
    more: (names: string) => `Also used up: ${names}.`,
    over: {
      database: (used: string) => `The database is full: ${used}`,
      storage: (used: string) => `The room for files is full: ${used}`,
      requests: (used: string) => `The requests of this month are used up: ${used}`,
      egress: (used: string) => `What may be sent this month is used up: ${used}`,
      realtime: (used: string) => `All realtime connections are taken: ${used}`,
      mails: (used: string) => `The mails of today are used up: ${used}`,
      awake: (used: string) => `The awake hours of this month are used up: ${used}`,
    },
    overBody: {
      database:
        'Reading, signing in and deleting go on. What would add to it is refused with 507 until you free space or get a larger plan.',
      storage:
        'Reading, signing in and deleting go on. New files are refused with 507 until you delete some or get a larger plan.',
      requests: 'Requests are refused with 429 until the month ends or you get a larger plan.',
      egress: 'Answers are held back or refused with 429 until the month ends or you get a larger plan.',
      realtime: 'Those that are open go on. Further ones are refused until one closes.',
      mails: 'No further mail is sent today, neither for sign-up nor for a lost password.',
      awake: 'Requests are refused with 429 until the month ends or you get a larger plan.',
    },
  },
}

export const text = { ...shared, usage: marked(usage) }
