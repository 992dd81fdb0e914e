import { text } from '$kit/text'
import { describe, expect, it, vi } from 'vitest'
import { answer, api, ApiError } from './client'
import { fieldRefusal, refusal } from './refusal'

function serverSays(status: number, body: unknown, headers: Record<string, string> = {}) {
  vi.stubGlobal('fetch', async () => new Response(JSON.stringify(body), { status, headers }))
}

async function refused(): Promise<ApiError> {
  const error = await answer(api.GET('/api/account')).catch((cause: unknown) => cause)
  if (!(error instanceof ApiError)) throw new Error('was not refused')
  return error
}

describe('a refusal', () => {
  it('of a field has the sentence of its code, and none for the whole when the field is on the page', async () => {
    serverSays(400, {
      status: 400,
      message: 'Failed.',
      data: { slug: { code: 'slug_taken', message: 'Taken.' } },
    })
    const error = await refused()
    expect(fieldRefusal(error, 'slug')).toBe(text.errors.codes.slug_taken)
    expect(refusal(error, ['slug'])).toBeUndefined()
    expect(refusal(error, ['name'])).toBe('Failed.')
  })

  it('with a code this console does not know is shown in the words of the server', async () => {
    serverSays(400, { status: 400, message: 'The moon is full.', data: { code: 'moon' } })
    expect(refusal(await refused())).toBe('The moon is full.')
  })

  it('carries the number of the request', async () => {
    serverSays(500, {}, { 'x-request-id': 'abc' })
    const error = await refused()
    expect(error.requestId).toBe('abc')
    expect(refusal(error)).toBe(text.errors.broken)
  })

  it('that is no JSON at all is still a refusal', async () => {
    vi.stubGlobal('fetch', async () => new Response('<html>Bad gateway</html>', { status: 502 }))
    expect((await refused()).status).toBe(502)
  })

  it('is told from having reached nobody', async () => {
    vi.stubGlobal('fetch', async () => Promise.reject(new TypeError('Failed to fetch')))
    const error = await refused()
    expect(error.isUnreachable).toBe(true)
    expect(refusal(error)).toBe(text.errors.unreachable)
  })
})
