/** What to say instead of a slice, or a length of bars, that does not fit into a day. All lengths in nanoseconds. */

const DAY_NS = 86_400_000_000_000n
const UNITS: readonly (readonly [string, bigint])[] = [
  ['d', DAY_NS],
  ['h', 3_600_000_000_000n],
  ['m', 60_000_000_000n],
  ['s', 1_000_000_000n],
  ['ms', 1_000_000n],
  ['us', 1000n],
]
/** Slices named on each side of the one asked for. */
const MAX_NAMED = 3

/** `5m`: as `parseDuration` reads it. */
export function durationText(ns: bigint): string {
  const [unit, unitNs] = UNITS.find(([, length]) => ns % length === 0n) ?? (['ns', 1n] as const)
  return `${ns / unitNs}${unit}`
}

/** Slices that hold whole units and divide a day, those next to the one asked for and a whole day; empty when there are none. */
export function slicesOf(unitNs: bigint, nearNs: bigint): string[] {
  if (DAY_NS % unitNs !== 0n) return []
  const fitting = divisorsOf(DAY_NS / unitNs).map((count) => count * unitNs)
  const after = fitting.findIndex((ns) => ns >= nearNs)
  const middle = after < 0 ? fitting.length : after
  const near = fitting.slice(Math.max(0, middle - MAX_NAMED), middle + MAX_NAMED)
  return [...new Set([...near, DAY_NS])].map(durationText)
}

/** The lengths next to one that divide a day. */
export function dayDivisorsNear(ns: bigint): string[] {
  const step = roundUnitOf(ns)
  const lengths = divisorsOf(DAY_NS / step).map((count) => count * step)
  const near = [lengths.findLast((length) => length < ns), lengths.find((length) => length > ns)]
  return near.flatMap((length) => (length === undefined ? [] : durationText(length)))
}

/** The unit, below a day, that the length is a whole number of: what is named instead should be as round. */
export function roundUnitOf(ns: bigint): bigint {
  return UNITS.find(([unit, length]) => unit !== 'd' && ns % length === 0n)?.[1] ?? 1000n
}

/** In ascending order. */
function divisorsOf(count: bigint): bigint[] {
  const [low, high]: [bigint[], bigint[]] = [[], []]
  for (let divisor = 1n; divisor * divisor <= count; divisor++) {
    if (count % divisor !== 0n) continue
    low.push(divisor)
    if (divisor * divisor !== count) high.push(count / divisor)
  }
  return [...low, ...high.reverse()]
}
