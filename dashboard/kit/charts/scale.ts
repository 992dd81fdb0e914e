// Where the lines of a chart stand: round numbers up the side, round moments along the foot.

import { day, hour } from '../i18n'

/** About this many lines up the side, at round numbers, the last at or above `most`. */
export function roundTicks(most: number, wanted = 3): number[] {
  const rough = most / wanted
  if (!(rough > 0)) return [0, 1]
  const power = 10 ** Math.floor(Math.log10(rough))
  // What is counted has no halves.
  const factors = power > 1 ? [1, 2, 2.5, 5] : [1, 2, 5]
  const step = Math.max(1, power * (factors.find((factor) => factor * power >= rough) ?? 10))
  return ladder(step, most)
}

/** The same for bytes, whose units are 1024 of the one below. */
export function sizeTicks(most: number, wanted = 3): number[] {
  const unit = 1024 ** Math.max(0, Math.floor(Math.log(Math.max(1, most)) / Math.log(1024)))
  return roundTicks(most / unit, wanted).map((tick) => tick * unit)
}

const spans = [
  5 * 60_000,
  10 * 60_000,
  15 * 60_000,
  30 * 60_000,
  hour,
  2 * hour,
  4 * hour,
  6 * hour,
  8 * hour,
  12 * hour,
]

/** The same for durations, which are round in minutes and hours. */
export function timeTicks(most: number, wanted = 3): number[] {
  const step = spans.find((span) => span * wanted >= most)
  if (step === undefined) return ladder(Math.ceil(most / wanted / day) * day, most)
  return ladder(step, most || step)
}

function ladder(step: number, most: number): number[] {
  const rungs = Math.max(1, Math.ceil(most / step - 1e-9))
  return Array.from({ length: rungs + 1 }, (_, rung) => rung * step)
}

/** Every n-th of so many places, so that no more labels stand there than fit. */
export function everyNth(places: number, fit: number): number {
  const steps = [1, 2, 3, 4, 6, 8, 12, 24]
  return (
    steps.find((step) => places / step <= Math.max(1, fit)) ?? Math.ceil(places / Math.max(1, fit) / 24) * 24
  )
}
