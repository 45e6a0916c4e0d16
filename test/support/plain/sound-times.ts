/** A record of a stream-day folder, in file order. */
export interface TimedRecord {
  readonly timestampNs: bigint
  readonly seq: bigint
  readonly segment: number
}

/** What the seek index of a segment says of the records that it saw. */
export interface IndexedTimes {
  readonly minSeq: bigint
  readonly maxSeq: bigint
  readonly maxNs: bigint
}

/** What is made of a record's time. */
export interface SoundTime {
  /** Its own, or that of the record before it. */
  readonly timeNs: bigint
  readonly isWild: boolean
  /** So many wild ones in a row that a book cannot use it either. */
  readonly isUnusable: boolean
  /** Believed, and more than a minute behind the one before. */
  readonly isStepBack: boolean
}

const DAY_NS = 86_400_000_000_000n
const JUMP_NS = 60_000_000_000n
const AHEAD = 8
const AHEAD_DOWN = 2
const MAX_RUN = 8

/** The rules on record times over a whole folder at once. @param indexes by segment */
export function soundTimes(
  records: readonly TimedRecord[],
  date: string,
  indexes: ReadonlyMap<number, IndexedTimes> = new Map(),
): SoundTime[] {
  const startNs = BigInt(Date.parse(`${date}T00:00:00Z`)) * 1_000_000n
  const isPossible = (timeNs: bigint): boolean => timeNs >= startNs - DAY_NS && timeNs < startNs + 2n * DAY_NS
  let beforeNs: bigint | null = null
  let run = 0
  const believed = records.map((record, i) => {
    const isBelieved: boolean = isPossible(record.timestampNs) && !isSpike(record, records.slice(i + 1), beforeNs)
    const isStepBack = isBelieved && beforeNs !== null && record.timestampNs < beforeNs - JUMP_NS
    if (isBelieved) beforeNs = record.timestampNs
    return { isBelieved, isStepBack }
  })
  let lastNs: bigint | null = null
  return records.map(({ timestampNs }, i) => {
    const { isBelieved, isStepBack } = believed[i]!
    run = isBelieved ? 0 : run + 1
    if (isBelieved) lastNs = timestampNs
    const behind = believed.slice(i + 1, i + 1 + AHEAD).findIndex((next) => next.isBelieved)
    const timeNs: bigint = lastNs ?? (behind < 0 ? startNs : records[i + 1 + behind]!.timestampNs)
    return { timeNs, isWild: !isBelieved, isUnusable: run > MAX_RUN, isStepBack }
  })

  function isSpike({ timestampNs, segment, seq }: TimedRecord, following: readonly TimedRecord[], lastBelievedNs: bigint | null): boolean {
    const next = following.slice(0, AHEAD).map((record) => record.timestampNs)
    if (lastBelievedNs !== null && timestampNs < lastBelievedNs - JUMP_NS) {
      return next.slice(0, AHEAD_DOWN).some((timeNs) => isPossible(timeNs) && timeNs >= lastBelievedNs - JUMP_NS)
    }
    const isLower = (timeNs: bigint): boolean => timeNs < timestampNs - JUMP_NS
    const possible = next.filter(isPossible)
    if (lastBelievedNs === null) return possible.filter(isLower).length > possible.length / 2
    if (timestampNs <= lastBelievedNs + JUMP_NS) return false
    const lower = possible.find(isLower)
    if (lower !== undefined) return lower >= lastBelievedNs - JUMP_NS
    const index = indexes.get(segment)
    if (following.length >= AHEAD || index === undefined) return false
    return seq >= index.minSeq && seq <= index.maxSeq && timestampNs > index.maxNs
  }
}
