// What a project's state looks like. Its words are in kit/text/states.ts; never colour alone.

import type { Project, ProjectState } from '$api/control/client'
import { daysLeft } from '$kit/i18n'
import { text } from '$kit/text'

export interface StateLook {
  sign: 'dot' | 'ring' | 'moon' | 'alert' | 'pause' | 'clock'
  /** Text colour of the sign alone. */
  colour: string
  /** Both colours of the chip. */
  chip: string
  moves?: boolean
}

const quiet = 'bg-hover text-muted'

export const stateLooks: Record<ProjectState, StateLook> = {
  creating: { sign: 'ring', colour: 'text-info-text', chip: 'bg-info-soft text-info-text', moves: true },
  awake: { sign: 'dot', colour: 'text-ok-text', chip: 'bg-ok-soft text-ok-text' },
  asleep: { sign: 'moon', colour: 'text-sleep', chip: 'bg-warn-soft text-warn-text' },
  waking: { sign: 'ring', colour: 'text-ok-text', chip: 'bg-ok-soft text-ok-text', moves: true },
  suspended: { sign: 'pause', colour: 'text-muted', chip: quiet },
  notStarting: { sign: 'alert', colour: 'text-danger-text', chip: 'bg-danger-soft text-danger-text' },
  damaged: { sign: 'alert', colour: 'text-danger-text', chip: 'bg-danger-soft text-danger-text' },
  deleted: { sign: 'clock', colour: 'text-muted', chip: quiet },
}

export function stateWord({ state, deletedUntilMs }: Project, now: number): string {
  return state === 'deleted' ? text.states.deleted(daysLeft(deletedUntilMs ?? now, now)) : text.states[state]
}

/** A request would be answered, at once or after waking. */
export const isReachable = ({ state }: Project) =>
  state === 'awake' || state === 'asleep' || state === 'waking'
