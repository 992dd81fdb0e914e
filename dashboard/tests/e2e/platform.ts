// The platform under test: one that runs already (ROOST_URL), or a fresh one with its own data (ROOST_BIN).

import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestProject } from 'vitest/node'

/** Who runs the platform under test. */
export interface Operator {
  email: string
  password: string
}

declare module 'vitest' {
  interface ProvidedContext {
    url: string
    operator: Operator | undefined
  }
}

export default async function setup(project: TestProject) {
  if (process.env.ROOST_URL) {
    project.provide('url', process.env.ROOST_URL.replace(/\/$/, ''))
    project.provide('operator', undefined)
    return
  }
  const binary = process.env.ROOST_BIN
  if (!binary) throw new Error('Set ROOST_URL to a running console, or ROOST_BIN to the roost binary.')

  const dir = await mkdtemp(join(tmpdir(), 'roost-e2e-'))
  const [data, config] = [join(dir, 'data'), join(dir, 'roost.toml')]
  // So that a journey can wait for a schedule.
  await writeFile(config, '[backups]\nleast_interval = 60\n')
  const serving = ['serve', '--dev', '--dir', data, '--config', config, '--http', '127.0.0.1:0']
  const roost = spawn(binary, serving, { stdio: ['ignore', 'pipe', 'inherit'] })
  const url = await addressOf(roost)
  project.provide('url', url)
  project.provide('operator', await signUpOperator(url))

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

/** In development the first account operates the platform. */
async function signUpOperator(url: string): Promise<Operator> {
  const operator = { email: 'operator@example.com', password: 'seven wet herons on a wire' }
  const headers = { 'content-type': 'application/json', origin: url }
  const body = JSON.stringify({ ...operator, name: 'Olga Operator' })
  const answer = await fetch(`${url}/api/accounts`, { method: 'POST', headers, body })
  if (answer.status !== 201) throw new Error(`the operator's sign-up answered ${answer.status}`)
  return operator
}
