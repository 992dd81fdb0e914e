// What a state looks like wherever one stands: a sign, a colour, and beside them always a word.

export interface Look {
  sign: 'dot' | 'ring' | 'moon' | 'alert' | 'pause' | 'clock' | 'check'
  /** Text colour of the sign alone. */
  colour: string
  /** Both colours of the chip. */
  chip: string
  moves?: boolean
}

export const quiet = { colour: 'text-muted', chip: 'bg-hover text-muted' }
export const good = { colour: 'text-ok-text', chip: 'bg-ok-soft text-ok-text' }
export const busy = { colour: 'text-info-text', chip: 'bg-info-soft text-info-text' }
export const amiss = { colour: 'text-warn-text', chip: 'bg-warn-soft text-warn-text' }
export const bad = { colour: 'text-danger-text', chip: 'bg-danger-soft text-danger-text' }
