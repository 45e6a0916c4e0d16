import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { TYPE_BOOK_EVENT, TYPE_BOOK_TICKER, TYPE_TRADE } from '../../core/protocol/message-type.ts'
import { tickerMessage, tradeMessage } from './batches.ts'
import { diff, reset, snapshot } from './book-messages.ts'
import { type MadeMessage, makeLog } from './made-log.ts'

/** 2024-01-01 */
export const FIRST_DAY_NS = 1_704_067_200_000_000_000n
export const DAY_NS = 86_400_000_000_000n
const HOUR_NS = 3_600_000_000_000n
const MARKET = { symbolHash: 7n }

/** One message of an archive that is made to be awkward. */
export interface SmallMessage {
  readonly stream: 'book' | 'trades' | 'ticker'
  /** Nanoseconds since the first day. */
  readonly atNs: bigint
  /** How far behind that its record time steps back, nanoseconds. */
  readonly backNs: bigint
  /** Exchange time minus record time, nanoseconds. */
  readonly skewNs: bigint
  readonly kind: 'snapshot' | 'diff' | 'reset'
  /** Update ids are missing before it. */
  readonly isGap: boolean
  readonly values: readonly number[]
}

export interface SmallArchive {
  readonly messages: readonly SmallMessage[]
  /** Whether each day's book begins with a snapshot, or only the first one, or none. */
  readonly snapshots: 'daily' | 'first' | 'none'
  /** The second day is missing. */
  readonly hasHole: boolean
  /** Snapshots say up to which update they hold. */
  readonly hasSnapshotIds: boolean
  /** The snapshots job was run over it, with this interval. */
  readonly restartPoints: string | null
}

const MS_NS = 1_000_000n
const OFFSETS = [
  0n,
  1n,
  999n,
  1000n,
  MS_NS,
  400n * MS_NS,
  999n * MS_NS,
  3000n * MS_NS,
  240_000n * MS_NS,
  420_000n * MS_NS,
  1_800_000n * MS_NS,
]
const SKEWS = [0n, -700n * MS_NS, -1n, 1n, 400n * MS_NS, 1300n * MS_NS, 6000n * MS_NS]

const atNs = fc
  .tuple(fc.nat(2), fc.constantFrom(0n, 1n, 6n, 12n, 23n, 24n), fc.constantFrom(...OFFSETS), fc.boolean())
  .map(([day, hour, offset, isBefore]) => {
    const time = BigInt(day) * DAY_NS + hour * HOUR_NS + (isBefore ? -offset : offset)
    return time < 0n ? -time : time >= 3n * DAY_NS ? 3n * DAY_NS - 1n - offset : time
  })

const message: fc.Arbitrary<SmallMessage> = fc.record({
  stream: fc.constantFrom('book', 'trades', 'ticker'),
  atNs,
  backNs: fc.constantFrom(0n, 0n, 0n, 1n, 300n * MS_NS, 899n * MS_NS),
  skewNs: fc.constantFrom(...SKEWS),
  kind: fc.constantFrom('diff', 'diff', 'diff', 'diff', 'snapshot', 'reset'),
  isGap: fc.integer({ min: 0, max: 9 }).map((n) => n === 9),
  values: fc.array(fc.nat(12), { minLength: 4, maxLength: 4 }),
})

/** Three days of few messages, most of them where cells, bars and days meet. */
export function smallArchives(max = 60): fc.Arbitrary<SmallArchive> {
  return fc.record({
    messages: fc.array(message, { minLength: 1, maxLength: max }),
    snapshots: fc.constantFrom('daily', 'first', 'none'),
    hasHole: fc.boolean(),
    hasSnapshotIds: fc.boolean(),
    restartPoints: fc.constantFrom(null, '1h', '1m'),
  })
}

/** How much later than UTC midnight the folders of a stream begin, nanoseconds; negative: earlier. */
export type Rolls = Readonly<Partial<Record<SmallMessage['stream'], bigint>>>

/**
 * Writes an archive; segments and stretches of their indexes hold a few messages. False: nothing is left to write.
 * @param rolls when recorders begin new folders. @default at UTC midnight
 */
export function writeSmallArchive(
  root: string,
  { messages, snapshots, hasHole, hasSnapshotIds }: SmallArchive,
  rolls: Rolls = {},
): boolean {
  const logs = new Map<string, MadeMessage[]>()
  let id = 1000n
  const sorted = [...messages].sort((a, b) => (a.atNs < b.atNs ? -1 : a.atNs > b.atNs ? 1 : 0))
  for (const { stream, atNs: offsetNs, backNs, skewNs, kind, isGap, values } of sorted) {
    // As recorders do, a record whose time steps back over midnight goes where its time says.
    const timestampNs = FIRST_DAY_NS + (offsetNs < backNs ? 0n : offsetNs - backNs)
    const rolledNs = timestampNs - (rolls[stream] ?? 0n)
    const day = Math.floor(Number((rolledNs - FIRST_DAY_NS) / MS_NS) / Number(DAY_NS / MS_NS))
    const date = new Date(Number(rolledNs / MS_NS)).toISOString().slice(0, 10)
    const folder = `v1/test/a/${date}/${stream}`
    const log = logs.get(folder) ?? []
    const isFirst = log.length === 0
    const begins = stream === 'book' && isFirst && (snapshots === 'daily' || (snapshots === 'first' && id === 1000n))
    const exchangeNs = timestampNs + skewNs
    const seq = BigInt(log.length)
    let made: MadeMessage
    if (stream === 'book') {
      const event = begins ? 'snapshot' : kind
      if (isGap) id += 5n
      made = { seq, timestampNs, typeId: TYPE_BOOK_EVENT, payload: bookPayload(event, id, exchangeNs, timestampNs, values, hasSnapshotIds) }
      if (event === 'diff') id += 2n
    } else if (stream === 'trades') {
      const [price, quantity, isBuyerMaker] = values as [number, number, number]
      const fields = { timestampNs: exchangeNs, price: 100 + price / 4, quantity: (1 + quantity) / 8, isBuyerMaker: isBuyerMaker % 2 === 0 }
      made = { seq, timestampNs, typeId: TYPE_TRADE, payload: tradeMessage(seq, timestampNs, { ...MARKET, ...fields }).payload }
    } else {
      const fields = { timestampNs: exchangeNs, bidPrice: 100 + values[0]! / 4, askPrice: 101 }
      made = { seq, timestampNs, typeId: TYPE_BOOK_TICKER, payload: tickerMessage(seq, timestampNs, { ...MARKET, ...fields }).payload }
    }
    if (hasHole && day === 1) continue
    log.push(made)
    logs.set(folder, log)
  }
  for (const [folder, log] of logs) makeLog(path.join(root, folder), log, { segmentBytes: 2048, stride: 2 })
  fs.mkdirSync(root, { recursive: true })
  return logs.size > 0
}

/** A book event, as small as they come. @param id the last update id before it */
export function bookPayload(
  kind: SmallMessage['kind'],
  id: bigint,
  exchangeTsNs: bigint,
  ingestTsNs: bigint,
  values: readonly number[],
  hasSnapshotIds: boolean,
): Uint8Array {
  const times = { exchangeTsNs, ingestTsNs }
  const [a, b, c, d] = values as [number, number, number, number]
  const bids = [[99_00 - a, b] as const, [98_00 - a, c] as const]
  const asks = [[100_00 + c, d] as const, [101_00 + c, a] as const]
  if (kind === 'reset') return reset(times)
  if (kind === 'snapshot') return snapshot(bids, asks, { ...times, nativeSeq: hasSnapshotIds ? id : 0n })
  return diff([bids[a % 2]!], [asks[b % 2]!], {
    ...times,
    updateIdFirst: id + 1n,
    updateIdLast: id + 2n,
    updateIdPrev: id,
    nativeSeq: id + 2n,
  })
}
