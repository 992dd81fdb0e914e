// Code to paste: complete, so that it runs as it stands.

export const languages = ['javascript', 'dart', 'curl'] as const
export type Language = (typeof languages)[number]

/** What has to be there first, if anything. */
export const install: { [language in Language]?: string } = {
  javascript: 'npm install pocketbase',
  dart: 'dart pub add pocketbase',
}

/** The one line of an app that knows where the project is. */
export const client = (endpoint: string) => `new PocketBase('${endpoint}')`

/** The smallest thing that shows the project answers; needs no account. */
export const hello: Record<Language, (endpoint: string) => string> = {
  javascript: (endpoint) => `import PocketBase from 'pocketbase'

const pb = new PocketBase('${endpoint}')

const health = await pb.health.check()
console.log(health.message)
`,
  dart: (endpoint) => `import 'package:pocketbase/pocketbase.dart';

void main() async {
  final pb = PocketBase('${endpoint}');

  final health = await pb.health.check();
  print(health.message);
}
`,
  curl: (endpoint) => `curl ${endpoint}/api/health
`,
}

export interface Superuser {
  email: string
  password: string
}

/** Sign in as the superuser, make a collection and write its first record. */
export const firstRecord: Record<Language, (endpoint: string, superuser: Superuser) => string> = {
  javascript: (endpoint, { email, password }) => `import PocketBase from 'pocketbase'

const pb = new PocketBase('${endpoint}')
await pb.collection('_superusers').authWithPassword('${escape(email)}', '${escape(password)}')

await pb.collections.create({
  name: 'posts',
  type: 'base',
  fields: [{ name: 'title', type: 'text' }],
})

const post = await pb.collection('posts').create({ title: 'Hello' })
console.log(post.id)
`,
  dart: (endpoint, { email, password }) => `import 'package:pocketbase/pocketbase.dart';

void main() async {
  final pb = PocketBase('${endpoint}');
  await pb.collection('_superusers').authWithPassword('${escapeDart(email)}', '${escapeDart(password)}');

  await pb.collections.create(body: {
    'name': 'posts',
    'type': 'base',
    'fields': [{'name': 'title', 'type': 'text'}],
  });

  final post = await pb.collection('posts').create(body: {'title': 'Hello'});
  print(post.id);
}
`,
  curl: (endpoint, { email, password }) => `curl ${endpoint}/api/collections/_superusers/auth-with-password \\
  --json '${shellQuoted(JSON.stringify({ identity: email, password }))}'
`,
}

const escape = (text: string) => text.replace(/[\\']/g, '\\$&')
const escapeDart = (text: string) => text.replace(/[\\'$]/g, '\\$&')
const shellQuoted = (text: string) => text.replaceAll("'", `'\\''`)
