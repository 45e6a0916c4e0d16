import { ReplayError } from '../../errors.ts'

const UNIT_NS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
  w: 604_800_000_000_000n,
}
/** The longest duration that is counted with: 64 days, whose nanoseconds are exact in a double. */
const MAX_NS = 64n * UNIT_NS.d!

/**
 * A duration like `250ms`, `1s`, `5m`, `1h`, `1d` (or `PT5M`, as ISO 8601 writes it) in nanoseconds.
 * @throws ReplayError input `duration` unless it is a whole number of microseconds from 1 us to 64 d
 */
export function parseDuration(text: string): number {
  const durationNs = durationNsOf(text)
  if (durationNs !== null && durationNs >= 1000n && durationNs <= MAX_NS && durationNs % 1000n === 0n) return Number(durationNs)
  throw new ReplayError('duration', `expected a duration like 250ms, 1s, 5m, 1h (whole microseconds, at most 64d), found "${text}"`, {
    category: 'input',
  })
}

/** Nanoseconds of a duration of any length, 0 included; null when the text is none, or no whole number of nanoseconds. */
export function durationNsOf(text: string): bigint | null {
  const simple = /^(\d+)(?:\.(\d+))?(ns|us|µs|ms|s|m|h|d|w)$/.exec(text)
  if (simple !== null) return timesUnit(simple[1]!, simple[2], simple[3]!)
  // Years and months are of no fixed length.
  const iso = /^P(?=.*\d)(?:(\d+)W|(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,](\d+))?S)?)?)$/.exec(text)
  if (iso === null || text.endsWith('T')) return null
  const [, weeks = '0', days = '0', hours = '0', minutes = '0', seconds = '0', decimals] = iso
  const last = timesUnit(seconds, decimals, 's')
  const whole = [timesUnit(weeks, '', 'w'), timesUnit(days, '', 'd'), timesUnit(hours, '', 'h'), timesUnit(minutes, '', 'm')]
  return last === null ? null : whole.reduce<bigint>((sum, part) => sum + part!, last)
}

function timesUnit(digits: string, decimals = '', unit: string): bigint | null {
  const scale = 10n ** BigInt(decimals.length)
  const scaled = BigInt(digits + decimals) * UNIT_NS[unit]!
  return scaled % scale === 0n ? scaled / scale : null
}
