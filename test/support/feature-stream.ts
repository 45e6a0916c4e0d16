import { resolveColumns } from '../../core/features/columns/builtin-columns.ts'
import type { FeatureEngineOptions } from '../../core/features/engine-options.ts'
import { FeatureEngine } from '../../core/features/feature-engine.ts'
import type { MessageBatch } from '../../core/message/batch.ts'
import { recordBytes } from '../../core/message/record.ts'
import type { Level } from '../../core/protocol/level.ts'
import { batchOf, type TestMessage, tradeMessage } from './batches.ts'
import { diff, reset, snapshot } from './book-messages.ts'
import { type MemoryRow, MemoryRows } from './memory-rows.ts'

/** 2024-01-01T10:00:00Z in nanoseconds. */
export const START_NS = 1_704_103_200_000_000_000n
export const SECOND_NS = 1_000_000_000n
const MARKET = { symbolHash: 7n }

/** A message with what it was made of. */
export interface StreamMessage {
  readonly kind: 'snapshot' | 'diff' | 'reset' | 'trade'
  /** Record time. */
  readonly timeNs: bigint
  readonly exchangeNs: bigint
  readonly seq: bigint
  /** Byte offset ÷ 64 in the segment. */
  readonly position: number
  readonly bids: readonly Level[]
  readonly asks: readonly Level[]
  readonly price: number
  readonly quantity: number
  readonly isBuyerMaker: boolean
}

export interface StreamOptions {
  readonly messages?: number
  /** Exchange times differ from record times by −700 … 1300 ms. @default false */
  readonly skew?: boolean
  /** Record sequences skip now and then. @default false */
  readonly gaps?: boolean
  /** Mean time between messages, milliseconds. @default 200 */
  readonly meanMs?: number
}

/** A seeded stream of one market: snapshots now and then, diffs, resets followed by a snapshot, trades, silences. */
export function randomStream(seed: number, options: StreamOptions = {}): StreamMessage[] {
  const random = generator(seed)
  const int = (from: number, to: number): number => from + Math.floor(random() * (to - from + 1))
  const levels = (count: number, from: number, least: number): Level[] =>
    Array.from({ length: count }, () => [BigInt(from + int(0, 12)), BigInt(int(least, 40))] as const)
  const { messages = 200, skew = false, gaps = false, meanMs = 200 } = options
  const stream: StreamMessage[] = []
  let timeNs = START_NS + BigInt(int(0, 900)) * 1_000_000n
  let seq = 0n
  let position = 1
  for (let i = 0; i < messages; i++) {
    const roll = random()
    const kind =
      i === 0 || i % 37 === 0 || stream[i - 1]!.kind === 'reset' ? 'snapshot' : roll < 0.02 ? 'reset' : roll < 0.35 ? 'trade' : 'diff'
    const isBig = kind === 'snapshot'
    const sided = isBig ? 8 : int(0, 3)
    const bids = levels(sided, 990, isBig ? 1 : 0)
    const asks = levels(isBig ? 8 : int(0, 3), 1000 - int(0, 1) * 4, isBig ? 1 : 0)
    const away = skew ? BigInt(int(-700_000, 1_300_000)) * 1000n : 0n
    const message: StreamMessage = {
      kind,
      timeNs,
      exchangeNs: timeNs + away,
      seq,
      position,
      bids,
      asks,
      price: int(9900, 10_100) / 10,
      quantity: int(1, 5000) / 1000,
      isBuyerMaker: random() < 0.5,
    }
    stream.push(message)
    position += recordBytes(toMessage(message).payload.length) / 64
    seq += gaps && random() < 0.02 ? 3n : 1n
    const silence = random() < 0.03 ? int(2000, 9000) : int(0, 2 * meanMs)
    timeNs += BigInt(silence) * 1_000_000n + BigInt(int(0, 999_999))
  }
  return stream
}

/** The messages as they would lie in a log. */
export function toBatch(stream: readonly StreamMessage[]): MessageBatch {
  return batchOf(stream.map(toMessage), { bufferStart: 64 * (stream[0]?.position ?? 1) })
}

export function toMessage(message: StreamMessage): TestMessage {
  const { kind, timeNs, exchangeNs, seq, bids, asks, price, quantity, isBuyerMaker } = message
  if (kind === 'trade') return tradeMessage(seq, timeNs, { ...MARKET, timestampNs: exchangeNs, price, quantity, isBuyerMaker })
  const fields = { exchangeTsNs: exchangeNs, ingestTsNs: timeNs }
  const payload = kind === 'snapshot' ? snapshot(bids, asks, fields) : kind === 'diff' ? diff(bids, asks, fields) : reset(fields)
  return { seq, timestampNs: timeNs, typeId: 0x1000, payload }
}

export interface FeatureRun {
  readonly engine: FeatureEngine
  readonly rows: MemoryRow[]
}

/** Rows of a stream, in batches of different sizes: nothing may depend on where they end. */
export function runFeatures(stream: readonly StreamMessage[], columns: string, options: Omit<FeatureEngineOptions, 'tables'>): FeatureRun {
  let rows: MemoryRows | null = null
  const target = (specs: ConstructorParameters<typeof MemoryRows>[0]): MemoryRows => {
    rows = new MemoryRows(specs)
    return rows
  }
  const engine = new FeatureEngine({ ...options, tables: [{ columns: resolveColumns(columns), target }] })
  for (let at = 0, size = 1; at < stream.length; at += size, size = (size * 7) % 31) engine.write(toBatch(stream.slice(at, at + size)))
  engine.finish()
  return { engine, rows: rows!.rows }
}

/** A small linear congruential generator: 0 ≤ x < 1. */
function generator(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (((state >>> 8) ^ (state >>> 3)) / 2 ** 29) % 1
  }
}
