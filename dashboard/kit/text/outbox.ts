export const outbox = {
  title: 'Outbox',
  lead: 'This platform runs for development and sends no mail. What it would have sent lies here.',
  empty: 'No mail yet',
  emptyBody: 'Sign up, or ask for a new password, and it appears here by itself.',
  list: 'Mails',
  to: (address: string) => `to ${address}`,
  open: 'Open the link',
  openOf: (subject: string) => `Open the link of “${subject}”`,
  failed: 'The outbox could not be loaded',
  off: 'There is no outbox',
  offBody: 'This platform sends real mail, so look in your mailbox.',
}
