// What went wrong, in words for the person: per field where it belongs, and one sentence for the whole.

import { ApiError } from './client'
import { text } from '$kit/text'

/** The sentence beside a field, if the server had something to say about it. */
export function fieldRefusal(error: unknown, field: string): string | undefined {
  const found = error instanceof ApiError ? error.fields[field] : undefined
  return found && (text.errors.codes[found.code] ?? found.message)
}

/** The sentence for the whole request; nothing when the fields say it all (`shown` are the fields on the page). */
export function refusal(error: unknown, shown: string[] = []): string | undefined {
  if (!error) return undefined
  if (!(error instanceof ApiError)) return text.errors.unknown
  if (error.isUnreachable) return text.errors.unreachable
  const fields = Object.keys(error.fields)
  if (fields.length > 0 && fields.every((field) => shown.includes(field))) return undefined
  if (text.errors.codes[error.code]) return text.errors.codes[error.code]
  if (error.status === 429) return text.errors.tooMany
  if (error.status >= 500) return text.errors.broken
  return error.message || text.errors.unknown
}
