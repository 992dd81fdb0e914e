// The words of the page of a project's backups.

import { text as shared } from '.'
import { plural } from '../i18n'
import { marked } from './pseudo'

const backups = {
  title: 'Backups',
  list: 'Backups',
  lead: {
    proven: (ago: string) => `The newest proven backup is from ${ago}.`,
    none: 'There is no proven backup yet.',
  },
  make: 'Back up now',
  making: 'Beginning…',
  import: 'Import a zip',
  importing: 'Taking in…',
  importHint:
    'A zip of a PocketBase or of a project here. It is checked and listed; nothing changes before you restore it.',
  loadFailed: 'The backups could not be loaded',
  actionFailed: 'That could not be begun',
  empty: 'No backup yet. The first is made tonight, or now if you like.',
  columns: { made: 'Made', state: 'State', holds: 'Holds', size: 'Size', actions: 'Actions' },
  holds: (records: number, files: number) =>
    `${plural(records, { one: '# record', other: '# records' })}, ${plural(files, { one: '# file', other: '# files' })}`,
  unknown: 'not known yet',
  checked: 'restored aside and checked',
  states: { making: 'Being made', proven: 'Proven', failed: 'Failed' },
  origins: {
    schedule: 'Scheduled',
    hand: 'By hand',
    restore: 'Before a restore',
    delete: 'Before deleting',
    import: 'Imported',
  },
  actions: (when: string) => `Actions for the backup of ${when}`,
  restoreHere: 'Restore…',
  check: 'Check again',
  remove: 'Remove',
  kinds: {
    backup: 'Backing up',
    check_backup: 'Checking a backup',
    restore: 'Restoring',
    undo_restore: 'Going back',
    lock_out: 'Removing all superusers',
  } as Record<string, string>,
  job: {
    retry: (when: string) => `The last try failed; the next is at ${when}.`,
    progress: (percent: number) => `${percent} %`,
    cancelling: 'Cancelling…',
  },
  steps: {
    archive: 'Write the archive',
    store: 'Store it',
    prove: 'Restore it aside',
    tidy: 'Tidy up',
    prepare: 'Restore aside',
    switch: 'Switch',
  } as Record<string, string>,
  /** A restore keeps the present state first, with the steps of a backup. */
  restoreSteps: {
    archive: 'Keep the present state',
    store: 'Store that',
    prove: 'Prove that',
  } as Record<string, string>,
  stepStates: { waiting: 'waiting', running: 'under way', done: 'done' } as Record<string, string>,
  restore: {
    title: 'Restore this backup',
    lead: (when: string) => `Made ${when}.`,
    where: 'Where to',
    here: 'Here',
    hereHint: 'In the place of the present data',
    elsewhere: 'A new project',
    elsewhereHint: 'The present data stays as it is',
    consequences: [
      'The present state is backed up and proven first.',
      'The backup is restored aside and checked while the project serves on.',
      'One switch puts it in place: requests wait a moment, realtime connections reconnect.',
      'You can undo it for 7 days.',
    ],
    holds: 'What it holds',
    collection: 'Collection',
    records: 'Records',
    name: 'Name of the new project',
    action: 'Restore here',
    actionElsewhere: 'Make the project',
    busy: 'Beginning…',
  },
  undo: {
    title: (ago: string) => `A backup was restored ${ago}`,
    body: (until: string) =>
      `Until ${until} you can go back to the data before it. What was written since then is no longer served.`,
    action: 'Undo this restore',
    busy: 'Going back…',
  },
  schedule: {
    title: 'Schedule',
    lead: 'Sleeping projects are backed up without waking them.',
    when: 'When',
    daily: 'Every night',
    hourly: 'Every hour',
    never: 'Never',
    custom: 'Other',
    cron: 'Five fields',
    cronHint: 'Minute, hour, day of the month, month, day of the week: 30 3 * * 1-5',
    zone: 'Time zone',
    keep: 'What is kept',
    keepDaily: 'Days',
    keepWeekly: 'Weeks',
    keepMonthly: 'Months',
    keepLast: 'Latest',
    keepHint: 'The newest of each day, week and month. The last proven backup is never removed.',
    next: 'Next runs',
    none: 'No run is planned.',
    failed: 'The schedule could not be loaded',
  },
}

export const text = { ...shared, backups: marked(backups) }
