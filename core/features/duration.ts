import { ReplayError } from '../errors.ts'

const UNIT_NS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9, d: 86_400e9 }
/** The longest duration: 64 days, whose nanoseconds are exact in a double. */
const MAX_NS = 64 * 86_400e9

/**
 * A duration like `250ms`, `1s`, `5m`, `1h`, `1d` in nanoseconds.
 * @throws ReplayError input `duration` unless it is a whole number of microseconds from 1 us to 64 d
 */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ns|us|ms|s|m|h|d)$/.exec(text)
  const durationNs = match === null ? Number.NaN : Number((Number(match[1]) * UNIT_NS[match[2]!]!).toPrecision(15))
  if (durationNs >= 1000 && durationNs <= MAX_NS && durationNs % 1000 === 0) return durationNs
  throw new ReplayError('duration', `expected a duration like 250ms, 1s, 5m, 1h (whole microseconds, at most 64d), found "${text}"`, {
    category: 'input',
  })
}
