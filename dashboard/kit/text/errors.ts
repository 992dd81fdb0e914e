export const errors = {
  unreachable:
    'The server cannot be reached. Your projects may well be running; check your connection and try again.',
  broken: 'The server could not answer. Nothing was changed.',
  tooMany: 'Too many tries. Wait a minute, then try again.',
  unknown: 'That did not work.',
  requestId: (id: string) => `Request ${id}`,
  page: 'This page could not be loaded',
  pageBody:
    'A part of the console is missing, most likely because a newer version was installed. Loading it again helps.',
  reload: 'Load again',
  start: 'The console cannot reach its server',
  /** By code. A code that is not here is shown in the server's own words. */
  codes: {
    invalid_email: 'This is not an e-mail address.',
    email_taken: 'There is an account with this address already. Sign in instead.',
    password_too_common: 'This password is on the lists attackers try first. Choose another.',
    invalid_slug: 'Use 3 to 40 small letters, digits and hyphens, with a letter or digit at both ends.',
    reserved_slug: 'This address is reserved for the platform. Choose another.',
    slug_taken: 'This address is taken. Choose another.',
    required: 'This is needed.',
    too_long: 'This is too long.',
    wrong_credentials: 'E-mail or password is wrong.',
    project_limit: 'Your account has no room for another project.',
    not_signed_in: 'Your session has ended. Sign in again.',
    cross_site: 'The server refused this because it did not come from the console itself.',
    too_many_requests: 'Too many tries. Wait a minute, then try again.',
    sign_up_closed: 'Sign-up is closed on this platform.',
    invalid_token: 'This link was used already, or it is too old.',
  } as Record<string, string>,
  emptyField: 'This is needed.',
  shortPassword: 'Use at least 8 characters.',
}
