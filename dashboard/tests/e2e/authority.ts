// A platform of its own that gets certificates from a test authority, Debian's `pebble`, and believes a name server whose
// answers the test sets, `pebble-challtestsrv`. Everything ends with `stop`.

import { execFile, spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request, type RequestOptions } from 'node:https'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { addressOf } from './platform'

const run = promisify(execFile)

/** What is needed and not here; empty if all is. */
export function missingParts(): string[] {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const isHere = (program: string) =>
    folders.some((folder) => {
      try {
        accessSync(join(folder, program), constants.X_OK)
        return true
      } catch {
        return false
      }
    })
  const missing = ['pebble', 'pebble-challtestsrv', 'openssl'].filter((program) => !isHere(program))
  return process.env.ROOST_BIN ? missing : ['ROOST_BIN', ...missing]
}

export class Authority {
  private constructor(
    /** The console. */
    readonly url: string,
    /** Where names are to point; on this machine everything does. */
    readonly address: string,
    private readonly ports: Ports,
    private readonly dir: string,
    private readonly processes: ChildProcess[],
  ) {}

  static async start(): Promise<Authority> {
    const dir = await mkdtemp(join(tmpdir(), 'roost-e2e-authority-'))
    const ports = await freePorts()
    const address = '127.0.0.1'
    await makeKeys(dir)
    await writeFile(join(dir, 'pebble.json'), pebbleSettings(dir, ports))
    await writeFile(join(dir, 'roost.toml'), roostSettings(dir, ports, address))

    const silent = ['-http01', '', '-https01', '', '-tlsalpn01', '', '-defaultIPv4', '', '-defaultIPv6', '']
    const naming = ['-management', local(ports.names), '-dns01', local(ports.dns), ...silent]
    const issuing = ['-config', join(dir, 'pebble.json'), '-dnsserver', local(ports.dns), '-strict']
    const serving = ['serve', '--dev', '--dir', join(dir, 'data'), '--config', join(dir, 'roost.toml')]
    const roost = start(process.env.ROOST_BIN ?? 'roost', serving, ['ignore', 'pipe', 'inherit'])
    const processes = [roost, start('pebble', issuing), start('pebble-challtestsrv', naming)]
    try {
      return new Authority(await addressOf(roost), address, ports, dir, processes)
    } catch (error) {
      await end(processes)
      throw error
    }
  }

  /** From now on the name server answers so for a name; nothing for what is not given. */
  async point(name: string, { a = [], aaaa = [] }: { a?: string[]; aaaa?: string[] }) {
    for (const [kind, addresses] of Object.entries({ a, aaaa })) {
      const path = addresses.length > 0 ? `add-${kind}` : `clear-${kind}`
      if (path.startsWith('add')) await this.tell(`clear-${kind}`, { host: name })
      await this.tell(path, { host: name, addresses })
    }
  }

  private async tell(path: string, body: object) {
    const answer = await fetch(`http://${local(this.ports.names)}/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
    })
    if (!answer.ok) throw new Error(`the name server answers ${answer.status} to ${path}`)
  }

  /** A request over HTTPS to a name, believing only certificates of the test authority. */
  async get(name: string, path: string): Promise<{ status: number; body: string }> {
    const own = await readFile(join(this.dir, 'ca.pem'))
    const roots = await ask({ host: 'localhost', port: this.ports.management, path: '/roots/0', ca: own })
    const { https: port } = this.ports
    const headers = { host: `${name}:${port}` }
    return ask({ host: this.address, port, path, servername: name, ca: roots.body, headers })
  }

  async stop() {
    await end(this.processes)
    await rm(this.dir, { recursive: true, force: true })
  }
}

interface Ports {
  acme: number
  management: number
  names: number
  dns: number
  http: number
  https: number
}

async function freePorts(): Promise<Ports> {
  const servers = await Promise.all(
    Array.from({ length: 6 }, async () => {
      const server = createServer()
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  const [acme = 0, management = 0, names = 0, dns = 0, http = 0, https = 0] = ports
  return { acme, management, names, dns, http, https }
}

const local = (port: number) => `127.0.0.1:${port}`

function start(program: string, options: string[], stdio: StdioOptions = 'ignore'): ChildProcess {
  // Pebble waits up to 15 s before it validates unless told not to.
  const env = { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_AUTHZREUSE: '0' }
  return spawn(program, options, { env, stdio })
}

async function end(processes: ChildProcess[]) {
  for (const child of processes) {
    if (child.exitCode !== null) continue
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await ended
  }
}

/** An authority for what runs on `localhost`, Pebble and the console, and a certificate of it. */
async function makeKeys(dir: string) {
  const settings = [
    ...['[req]', 'distinguished_name = name', '[name]', '[ca]', 'basicConstraints = critical, CA:TRUE'],
    ...['[leaf]', 'basicConstraints = CA:FALSE', 'subjectAltName = DNS:localhost, DNS:*.localhost'],
  ]
  await writeFile(join(dir, 'openssl.cnf'), settings.join('\n'))
  const certify = (name: string, ...more: string[]) =>
    run(
      'openssl',
      [
        ...[
          'req',
          '-x509',
          '-config',
          'openssl.cnf',
          '-extensions',
          name,
          '-days',
          '2',
          '-subj',
          `/CN=${name}`,
        ],
        ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
        ...['-keyout', `${name}.key`, '-out', `${name}.pem`, ...more],
      ],
      { cwd: dir },
    )
  await certify('ca')
  await certify('leaf', '-CA', 'ca.pem', '-CAkey', 'ca.key')
}

const pebbleSettings = (dir: string, ports: Ports) =>
  JSON.stringify({
    pebble: {
      listenAddress: local(ports.acme),
      managementListenAddress: local(ports.management),
      certificate: join(dir, 'leaf.pem'),
      privateKey: join(dir, 'leaf.key'),
      httpPort: ports.http,
      tlsPort: ports.https,
      ocspResponderURL: '',
      externalAccountBindingRequired: false,
      retryAfter: { authz: 1, order: 1 },
    },
  })

const roostSettings = (dir: string, ports: Ports, address: string) => `
[listen]
http = ["${local(ports.http)}"]
https = ["${local(ports.https)}"]

[tls]
certificate = "${join(dir, 'leaf.pem')}"
key = "${join(dir, 'leaf.key')}"

[acme]
email = "ops@example.com"
directory = "https://localhost:${ports.acme}/dir"
root = "${join(dir, 'ca.pem')}"
wildcard = false

[domains]
addresses = ["${address}"]
resolvers = ["${local(ports.dns)}"]
http_port = ${ports.http}
`

function ask(options: RequestOptions): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(options, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => (body += part))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    asked.once('error', reject)
    asked.end()
  })
}
