// A stock PocketBase with somebody in it, as a zip of its own making: what people bring along.

import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from './sdk'

export const stock = process.env.POCKETBASE_BIN

const superuser = { email: 'old-admin@example.com', password: 'an old password' }
export const oldUser = { email: 'old-user@example.com', password: 'her old password' }

/** Writes the zip and gives its path; it goes with its directory when `remove` is called. */
export async function stockZip(binary: string): Promise<{ path: string; remove: () => Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'stock-'))
  const data = `--dir=${join(dir, 'pb_data')}`
  await run(binary, ['superuser', 'upsert', superuser.email, superuser.password, data])
  const address = `127.0.0.1:${await freePort()}`
  const server = spawn(binary, ['serve', data, `--http=${address}`], { stdio: 'ignore' })
  try {
    const pocketbase = connect(`http://${address}`)
    await untilHealthy(() => pocketbase.health.check())
    await pocketbase.collection('_superusers').authWithPassword(superuser.email, superuser.password)
    await pocketbase.collections.create({
      name: 'plums',
      type: 'base',
      listRule: '',
      fields: [{ name: 'title', type: 'text' }],
    })
    await pocketbase.collection('plums').create({ title: 'Mirabelle' })
    await pocketbase.collection('users').create({ ...oldUser, passwordConfirm: oldUser.password })
    await pocketbase.backups.create('old.zip')
    const token = await pocketbase.files.getToken()
    const zip = await fetch(pocketbase.backups.getDownloadURL(token, 'old.zip'))
    const path = join(dir, 'old.zip')
    await writeFile(path, Buffer.from(await zip.arrayBuffer()))
    return { path, remove: () => rm(dir, { recursive: true, force: true }) }
  } finally {
    const ended = new Promise((resolve) => server.once('exit', resolve))
    server.kill('SIGTERM')
    await ended
  }
}

const run = (binary: string, options: string[]) =>
  new Promise<void>((resolve, reject) => {
    spawn(binary, options, { stdio: 'ignore' }).once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${options[0]} ended with ${code}`)),
    )
  })

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

async function untilHealthy(check: () => Promise<unknown>) {
  for (let look = 0; look < 100; look += 1) {
    if (await check().catch(() => undefined)) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the stock server does not come up')
}
