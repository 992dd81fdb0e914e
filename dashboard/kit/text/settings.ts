// The words of a project's settings.

import { text as shared } from '.'
import { marked } from './pseudo'

const settings = {
  title: 'Settings',
  name: {
    title: 'Name',
    lead: 'Only shown here. Changing it changes no address.',
    label: 'Name of the project',
  },
  address: {
    title: 'Address',
    lead: 'Where apps reach the project.',
    label: 'Address',
    consequence: (from: string, to: string) =>
      `From that moment apps have to use ${to}. Whatever still uses ${from} finds nothing there, and links in mails already sent stop working.`,
    action: 'Change the address',
    busy: 'Changing…',
    done: 'The address is changed.',
  },
  superuser: {
    title: 'Superusers',
    lead: 'Sets the password of a superuser of this project, or creates the superuser if there is none with this e-mail.',
    email: 'E-mail of the superuser',
    password: 'New password',
    hint: 'At least 8 characters. Signs that superuser out everywhere.',
    action: 'Set the password',
    busy: 'Setting…',
    done: (email: string) => `${email} can sign in with the new password.`,
  },
  remove: {
    title: 'Delete this project',
    lead: (days: number, until: string) =>
      `Apps lose it at once. For ${days} days, until ${until}, you can bring it back with everything in it; after that it is gone for good.`,
    open: 'Delete…',
    dialogTitle: (name: string) => `Delete ${name}?`,
    dialogLead: (address: string) => `${address} stops answering at once, for every app and every user.`,
    what: 'What goes',
    database: 'Database',
    files: 'Files',
    requests: 'Requests so far',
    confirm: (slug: string) => `Type ${slug} to confirm`,
    action: (size: string, until: string) => `Delete ${size}, undo until ${until}`,
    busy: 'Deleting…',
    mismatch: (slug: string) => `That is not ${slug}.`,
  },
  transfer: {
    title: 'Team',
    lead: 'Hands the project over to another of your teams. Its people lose it at once.',
    label: 'Team of the project',
    action: 'Hand it over',
    busy: 'Handing over…',
    done: 'The project belongs to that team now.',
  },
  readOnly: (role: string) => `You are ${role.toLowerCase()} here, so there is nothing for you to change.`,
  gone: 'A deleted project has no settings. Bring it back first.',
}

export const text = { ...shared, settings: marked(settings) }
