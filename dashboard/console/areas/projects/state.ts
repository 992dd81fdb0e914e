// What a project's state looks like. Its words are in kit/text/states.ts; never colour alone.

import type { Project, ProjectState } from '$api/control/client'
import { daysLeft } from '$kit/i18n'
import { text } from '$kit/text'
import { amiss, bad, busy, good, quiet, type Look } from '$kit/ui/look'

export const stateLooks: Record<ProjectState, Look> = {
  creating: { ...busy, sign: 'ring', moves: true },
  awake: { ...good, sign: 'dot' },
  asleep: { ...amiss, colour: 'text-sleep', sign: 'moon' },
  waking: { ...good, sign: 'ring', moves: true },
  suspended: { ...quiet, sign: 'pause' },
  notStarting: { ...bad, sign: 'alert' },
  damaged: { ...bad, sign: 'alert' },
  deleted: { ...quiet, sign: 'clock' },
}

export function stateWord(
  { state, deletedUntilMs }: Pick<Project, 'state' | 'deletedUntilMs'>,
  now: number,
): string {
  return state === 'deleted' ? text.states.deleted(daysLeft(deletedUntilMs ?? now, now)) : text.states[state]
}

/** A request would be answered, at once or after waking. */
export const isReachable = ({ state }: Project) =>
  state === 'awake' || state === 'asleep' || state === 'waking'
