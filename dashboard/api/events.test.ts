import { QueryClient } from '@tanstack/svelte-query'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Project } from './control/client'
import { EventStream, pauseBefore } from './events.svelte'

/** The browser's own, driven by hand. */
class FakeSource extends EventTarget {
  static opened: FakeSource[] = []
  onopen: () => void = () => {}
  onerror: () => void = () => {}
  close = vi.fn()
  constructor(readonly url: string) {
    super()
    FakeSource.opened.push(this)
  }
  send(kind: string, data: unknown) {
    this.dispatchEvent(new MessageEvent(kind, { data: JSON.stringify(data) }))
  }
}

const latest = () => FakeSource.opened.at(-1) ?? expect.fail('no stream was opened')

describe('the event stream', () => {
  let client: QueryClient
  let stream: EventStream

  beforeEach(() => {
    vi.useFakeTimers()
    vi.stubGlobal('EventSource', FakeSource)
    FakeSource.opened = []
    client = new QueryClient()
    stream = new EventStream(client)
    stream.open()
    latest().onopen()
  })
  afterEach(() => {
    stream.close()
    vi.useRealTimers()
  })

  it('puts a project into the list and under its own name', () => {
    const project = { id: 'a', slug: 'orchard', state: 'asleep' } as Project
    client.setQueryData(['projects'], { items: [project], limit: 5 })
    latest().send('project', { ...project, state: 'awake' })
    expect(client.getQueryData(['projects'])).toMatchObject({ items: [{ state: 'awake' }], limit: 5 })
    expect(client.getQueryData(['project', 'orchard'])).toMatchObject({ state: 'awake' })
  })

  it('takes away what is gone', () => {
    client.setQueryData(['projects'], { items: [{ id: 'a' }, { id: 'b' }], limit: 5 })
    latest().send('projectGone', { id: 'a' })
    expect(client.getQueryData(['projects'])).toMatchObject({ items: [{ id: 'b' }] })
  })

  it('puts a domain into its project’s list, new or known, and takes it away', () => {
    client.setQueryData(['projects'], { items: [{ id: 'a', slug: 'orchard' }], limit: 5 })
    client.setQueryData(['domains', 'orchard'], { items: [{ name: 'orchard.shop', state: 'dnsWait' }] })
    const names = () => client.getQueryData(['domains', 'orchard'])
    latest().send('domain', { projectId: 'a', domain: { name: 'orchard.shop', state: 'live' } })
    latest().send('domain', { projectId: 'a', domain: { name: 'api.orchard.shop', state: 'dnsWait' } })
    latest().send('domain', { projectId: 'somebody else’s', domain: { name: 'tide.shop' } })
    expect(names()).toEqual({
      items: [
        { name: 'orchard.shop', state: 'live' },
        { name: 'api.orchard.shop', state: 'dnsWait' },
      ],
    })
    latest().send('domainGone', { projectId: 'a', name: 'orchard.shop' })
    expect(names()).toEqual({ items: [{ name: 'api.orchard.shop', state: 'dnsWait' }] })
  })

  it('comes back after a loss and asks again for what it may have missed', () => {
    const asked = vi.spyOn(client, 'invalidateQueries')
    latest().onerror()
    expect(stream.wasLost).toBe(true)
    vi.advanceTimersByTime(500)
    expect(FakeSource.opened).toHaveLength(2)
    latest().onopen()
    expect(stream.wasLost).toBe(false)
    expect(asked).toHaveBeenCalled()
  })

  it('does not wait when the network comes back', () => {
    latest().onerror()
    window.dispatchEvent(new Event('online'))
    expect(FakeSource.opened).toHaveLength(2)
  })

  it('stays closed once closed', () => {
    latest().onerror()
    stream.close()
    vi.advanceTimersByTime(60_000)
    expect(FakeSource.opened).toHaveLength(1)
  })
})

it('waits longer after every failure, up to half a minute, and never for exactly as long as others', () => {
  expect([0, 1, 2, 10].map((attempt) => pauseBefore(attempt, 1))).toEqual([500, 1000, 2000, 30_000])
  expect(pauseBefore(0, 0)).toBe(250)
})
