// Punycode (RFC 3492), the way back only: the browser turns a name into ASCII but offers nothing to read it again.

const base = 36
const leastThreshold = 1
const mostThreshold = 26
const skew = 38
const damp = 700

/** The label behind `xn--`: `bcher-kva` gives `bücher`. What is not Punycode gives nothing. */
export function decodePunycode(encoded: string): string | undefined {
  const split = encoded.lastIndexOf('-')
  const points = [...encoded.slice(0, Math.max(0, split))].map((char) => char.charCodeAt(0))
  let position = 0
  let point = 128
  let bias = 72

  for (let next = split + 1; next < encoded.length;) {
    const before = position
    let weight = 1
    for (let place = base; ; place += base) {
      const digit = valueOf(encoded[next++])
      if (digit === undefined) return undefined
      position += digit * weight
      const threshold = Math.min(mostThreshold, Math.max(leastThreshold, place - bias))
      if (digit < threshold) break
      weight *= base - threshold
    }
    const length = points.length + 1
    bias = adapted(position - before, length, before === 0)
    point += Math.floor(position / length)
    if (point > 0x10ffff) return undefined
    position %= length
    points.splice(position++, 0, point)
  }
  return String.fromCodePoint(...points)
}

function valueOf(char: string | undefined): number | undefined {
  if (char === undefined || !/^[a-z0-9]$/.test(char)) return undefined
  return char <= '9' ? Number(char) + 26 : char.charCodeAt(0) - 97
}

function adapted(delta: number, length: number, isFirst: boolean): number {
  let rest = Math.floor(delta / (isFirst ? damp : 2))
  rest += Math.floor(rest / length)
  let bias = 0
  for (; rest > ((base - leastThreshold) * mostThreshold) / 2; bias += base) {
    rest = Math.floor(rest / (base - leastThreshold))
  }
  return bias + Math.floor(((base - leastThreshold + 1) * rest) / (rest + skew))
}
