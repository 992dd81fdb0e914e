// The console API, typed by its own OpenAPI document. Answers are values, refusals are thrown as `ApiError`.

import createClient from 'openapi-fetch'
import type { components, paths } from './schema'

type Schemas = components['schemas']
export type Account = Schemas['Account']
export type Activity = Schemas['Activity']
export type AuditLine = Schemas['AuditLine']
export type AttentionItem = Schemas['AttentionItem']
export type Backup = Schemas['Backup']
export type BackupList = Schemas['BackupList']
export type Check = Schemas['Check']
export type Config = Schemas['Config']
export type CreatedProject = Schemas['CreatedProject']
export type DnsRecord = Schemas['DnsRecord']
export type Domain = Schemas['Domain']
export type DomainState = Domain['state']
export type Invitation = Schemas['Invitation']
export type Job = Schemas['Job']
export type Limit = Schemas['LimitUse']
export type LogEntry = Schemas['ProjectLogEntry']
export type Member = Schemas['Member']
export type Node = Schemas['NodeView']
export type OperatorJob = Schemas['OperatorJob']
export type OutboxMail = Schemas['OutboxMail']
export type Overrides = Schemas['Overrides']
export type Plan = Schemas['NamedPlan']
export type PlanDraft = Schemas['PlanDraft']
export type PlanPreview = Schemas['PlanPreview']
export type Project = Schemas['Project']
export type ProjectState = Project['state']
export type Restore = Schemas['Restore']
export type Role = Schemas['Role']
export type Schedule = Schemas['Schedule']
export type Scope = Schemas['Scope']
export type SlugCheck = Schemas['SlugCheck']
export type Team = Schemas['Team']
export type Tenant = Schemas['Tenant']
export type TenantDetails = Schemas['TenantDetails']
export type Token = Schemas['ApiToken']
export type Unverified = Schemas['UnverifiedLimits']
export type Usage = Schemas['Usage']
export type UsageHour = Schemas['UsageHour']

export interface FieldError {
  code: string
  message: string
}

/** A refusal in the API's envelope, or `unreachable` when there was no answer at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly fields: Record<string, FieldError> = {},
    readonly requestId?: string,
  ) {
    super(message)
  }

  static from(body: unknown, response: Response): ApiError {
    const envelope = isRecord(body) ? body : {}
    const data = isRecord(envelope.data) ? envelope.data : {}
    const code = typeof data.code === 'string' ? data.code : ''
    const message = typeof envelope.message === 'string' ? envelope.message : ''
    const fields = Object.entries(data).filter((entry): entry is [string, FieldError] =>
      isFieldError(entry[1]),
    )
    const requestId = response.headers.get('x-request-id') ?? undefined
    return new ApiError(response.status, code, message, Object.fromEntries(fields), requestId)
  }

  get isUnreachable(): boolean {
    return this.status === 0
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null
const isFieldError = (value: unknown) =>
  isRecord(value) && typeof value.code === 'string' && typeof value.message === 'string'

export const api = createClient<paths>({ fetch: reach })

async function reach(request: Request): Promise<Response> {
  try {
    return await fetch(request)
  } catch (cause) {
    if (request.signal.aborted) throw cause
    throw new ApiError(0, 'unreachable', '')
  }
}

interface Outcome<Data> {
  data?: Data
  error?: unknown
  response: Response
}

/** The data of an answer; a refusal is thrown. `answer(api.GET('/api/projects'))` */
export async function answer<Data>(outcome: Promise<Outcome<Data>>): Promise<Data> {
  const { data, error, response } = await outcome
  if (!response.ok) throw ApiError.from(error, response)
  return data as Data
}
