// The words of a project’s first page.

export const overview = {
  title: 'Overview',
  alsoAt: 'also at',
  connect: 'Connect',
  waiting: 'Waiting for the first request',
  waitingLead: 'Paste this anywhere and run it. This page notices.',
  arrived: 'First request arrived',
  install: 'Install',
  happened: 'What happened',
  nothing: 'Nothing yet. What the project does is written here.',
  activityFailed: 'The history could not be loaded',
  loadFailed: 'This project could not be loaded',
  stillWorks: 'The project itself answers as before; only this page is affected.',
  missing: {
    title: 'There is no such project',
    body: 'It may have another address now, or it belongs to somebody else.',
  },
  wakeFailed: 'The project could not be woken',
  sleepFailed: 'The project is not asleep',
}
