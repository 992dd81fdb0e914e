// The platform under test: one that runs already (ROOST_URL), or a fresh one with its own data (ROOST_BIN).

import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    url: string
  }
}

export default async function setup(project: TestProject) {
  if (process.env.ROOST_URL) {
    project.provide('url', process.env.ROOST_URL.replace(/\/$/, ''))
    return
  }
  const binary = process.env.ROOST_BIN
  if (!binary) throw new Error('Set ROOST_URL to a running console, or ROOST_BIN to the roost binary.')

  const dir = await mkdtemp(join(tmpdir(), 'roost-e2e-'))
  const roost = spawn(binary, ['serve', '--dev', '--dir', dir, '--http', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  project.provide('url', await addressOf(roost))

  return async () => {
    const ended = new Promise((resolve) => roost.once('exit', resolve))
    roost.kill('SIGTERM')
    await ended
    await rm(dir, { recursive: true, force: true })
  }
}

export function addressOf(roost: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    roost.once('error', reject)
    roost.once('exit', (code) => reject(new Error(`roost ended with ${code} before it was ready`)))
    if (!roost.stdout) return
    createInterface({ input: roost.stdout }).on('line', (line) => {
      const address = /Console ready at (\S+)/.exec(line)?.[1]
      if (address) resolve(address.replace(/\/$/, ''))
    })
  })
}
