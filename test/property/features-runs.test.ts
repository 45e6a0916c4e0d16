import { afterAll, describe, expect, it } from 'vitest'
import { stateOf } from '../../core/book/book-state.ts'
import type { SequenceRule } from '../../core/book/sequence/sequence-rule.ts'
import { ReplayError } from '../../core/errors.ts'
import { resolveColumns } from '../../core/features/columns/builtin-columns.ts'
import { defineColumn } from '../../core/features/columns/column.ts'
import type { FeatureEngineOptions } from '../../core/features/engine-options.ts'
import { FeatureEngine } from '../../core/features/feature-engine.ts'
import type { MessageBatch } from '../../core/message/batch.ts'
import type { Level } from '../../core/protocol/level.ts'
import { batchOf, type TestMessage, tickerMessage, tradeMessage } from '../support/batches.ts'
import { diff, heartbeat, l3, reset, snapshot } from '../support/book-messages.ts'
import { START_NS } from '../support/feature-stream.ts'
import { MemoryRows } from '../support/memory-rows.ts'
import { drawer, mutated } from '../support/mutated-payloads.ts'

// Messages of the fuzz: a million and more with CHRONICLE_FUZZ_PAYLOADS=1000000.
const PAYLOADS = Number(process.env.CHRONICLE_FUZZ_PAYLOADS ?? 40_000)
const SEED = Number(process.env.CHRONICLE_FUZZ_SEED ?? Date.now() % 1_000_000_000)
afterAll(() => console.log(`runs of messages: CHRONICLE_FUZZ_SEED=${SEED}, ${PAYLOADS} messages`))

type Draw = (n: number) => number
type Shape = 'L2' | 'L3'

interface StreamMessage extends TestMessage {
  /** Log: 0 has the book, 1 trades and tickers. */
  readonly log: number
}

/** The messages of an instrument with the sequences of its logs, which mostly are in order. */
class MadeStream {
  readonly #draw: Draw
  readonly #shape: Shape
  readonly #odds: number
  readonly #records = [0n, 0n]
  #header = 1n
  #id = 1000n
  #timeNs = START_NS
  #isStarted = false

  /** @param odds one message in so many is odd in some way */
  constructor(draw: Draw, shape: Shape, odds: number) {
    this.#draw = draw
    this.#shape = shape
    this.#odds = odds
  }

  next(isDamaged: boolean): StreamMessage {
    const draw = this.#draw
    this.#timeNs += BigInt(draw(4) === 0 ? draw(400_000_000) : draw(3_000_000)) - (this.#isOdd() ? 30_000_000n : 0n)
    const log = draw(4) === 0 ? 1 : 0
    const message = log === 1 ? this.#other() : this.#bookEvent()
    const seq = this.#records[log]!
    this.#records[log] = this.#isOdd() ? (draw(6) === 0 ? 0n : seq + BigInt(draw(4))) : seq + 1n
    const payload = isDamaged && draw(8) === 0 ? mutated(message.payload, draw) : message.payload
    return { ...message, seq, timestampNs: this.#timeNs, payload, log }
  }

  #other(): Pick<TestMessage, 'typeId' | 'payload'> {
    const draw = this.#draw
    if (this.#isOdd()) return tickerMessage(0n, this.#timeNs)
    const price = draw(200) === 0 ? Number.NaN : draw(30) === 0 ? Math.sqrt(2 + draw(10)) : (9900 + draw(200)) / 10 ** draw(3)
    const fields = { price, quantity: (1 + draw(5000)) / 1000, isBuyerMaker: draw(2) === 0, symbolHash: this.#isOdd() ? 8n : 7n }
    return tradeMessage(0n, this.#timeNs, fields)
  }

  #bookEvent(): Pick<TestMessage, 'typeId' | 'payload'> {
    const draw = this.#draw
    const header = this.#isOdd() ? { seq: BigInt(draw(3)) } : { seq: this.#header }
    this.#header = header.seq + 1n + (this.#isOdd() ? BigInt(draw(3)) : 0n)
    const market = this.#isOdd() && draw(3) === 0 ? { marketId: 8 } : {}
    const fields = { ...header, ...market, exchangeTsNs: this.#timeNs + BigInt(draw(1000)) }
    const isFirst = !this.#isStarted
    this.#isStarted = true
    return { typeId: 0x1000, payload: this.#shape === 'L3' ? this.#order(fields, isFirst) : this.#levels(fields, isFirst) }
  }

  #levels(fields: object, isFirst: boolean): Uint8Array {
    const draw = this.#draw
    const scales = this.#isOdd() ? { priceScale: draw(5), sizeScale: draw(5) } : {}
    const kind = isFirst ? 0 : this.#isOdd() ? draw(4) : 4
    if (kind <= 1) return snapshot(side(draw, 990), side(draw, 1000), { ...fields, ...scales, nativeSeq: draw(2) === 0 ? this.#id : 0n })
    if (kind === 2) return reset(fields)
    if (kind === 3) return heartbeat()
    const updateIdFirst = this.#isOdd() ? this.#id + BigInt(draw(4)) : this.#id + 1n
    const updateIdPrev = this.#isOdd() ? 0n : this.#id
    const updateIdLast = updateIdFirst + BigInt(draw(5))
    this.#id = updateIdLast
    const ids = draw(100) === 0 ? {} : { updateIdFirst, updateIdLast, updateIdPrev, nativeSeq: this.#isOdd() ? 5n : updateIdLast }
    return diff(side(draw, 990), side(draw, 1000), { ...fields, ...scales, ...ids })
  }

  #order(fields: object, isFirst: boolean): Uint8Array {
    const draw = this.#draw
    const eventType = isFirst ? 5 : this.#isOdd() ? 2 + draw(5) : draw(3) === 0 ? 2 : 1
    const scales = this.#isOdd() ? { priceScale: draw(4), sizeScale: draw(3) } : {}
    const orderId = BigInt(1 + draw(60))
    return l3({ ...fields, ...scales, eventType, orderId, side: 1 + draw(2), price: price(draw, 990), quantity: BigInt(1 + draw(50)) })
  }

  #isOdd(): boolean {
    return this.#draw(this.#odds) === 0
  }
}

/** Around a touch, crossed now and then, far from it, more than 2^32 ticks apart. */
function price(draw: Draw, from: number): bigint {
  const kind = draw(40)
  if (kind < 38) return BigInt(from + draw(14))
  return kind === 38 ? BigInt(draw(3_000_000)) : (BigInt(draw(2 ** 20)) << 32n) + BigInt(draw(1000))
}

function side(draw: Draw, from: number): Level[] {
  return Array.from({ length: draw(6) }, () => [price(draw, from), draw(3) === 0 ? 0n : BigInt(1 + draw(1000))])
}

/** The messages in one buffer, or in two as a merge of two logs gives them, of which some may not be selected. */
function batchOfLogs(messages: readonly StreamMessage[], isMerged: boolean): MessageBatch {
  const batch = batchOf(messages, { path: '/logs/book' })
  if (!isMerged) return batch
  const [buffer] = batch.buffers
  batch.buffers = [buffer!, { ...buffer!, origin: { ...buffer!.origin, path: '/logs/trades', segment: 3 } }]
  batch.bufferIndex = Uint16Array.from(messages, ({ log }) => log)
  return batch
}

/** A column of JavaScript that hears of trades, and what it heard. */
const heard = defineColumn({
  name: 'heard',
  type: 'f64',
  create(_params, { moment }) {
    let [trades, resets] = [0, 0]
    return {
      reset: () => void resets++,
      trade: () => void trades++,
      value: () => trades + resets / 1000 + moment.number * 1e-9,
      nextRow() {
        trades = 0
      },
    }
  },
})

const COLUMNS = [
  'mid,spread_bps,imbalance:5,micro_price',
  'mid,top:3,depth_bps:25,imbalance:2',
  'bar,ofi,mid',
  'realised_vol:2s:1s,mid',
  'last_price:1s,ofi',
]
const TRIGGERS = [
  { event: 'any' },
  { event: 'book' },
  { event: 'trade' },
  { everyEvents: 3 },
  { bestPrice: true },
  { every: '1s' },
] as const
const RULES: readonly SequenceRule[] = [
  {},
  { updateIds: 'previous-equals-last' },
  { updateIds: 'first-follows-last', nativeSeq: 'none' },
  { updateIds: 'contiguous', nativeSeq: 'update-id' },
  { headerSeq: 'none', updateIds: 'none', recordSeq: false },
  { nativeSeq: 'contiguous', updateIds: 'none' },
]

type Options = Omit<FeatureEngineOptions, 'tables'>

function optionsOf(draw: Draw, isDamaged: boolean): Options {
  const every = TRIGGERS[draw(TRIGGERS.length)]!
  const trigger = draw(4) === 0 && !('every' in every) ? { ...every, every: '1s' } : every
  return {
    trigger,
    fill: draw(4) === 0,
    onGap: isDamaged ? (['quarantine', 'ignore'] as const)[draw(2)] : (['quarantine', 'ignore', 'abort'] as const)[draw(3)],
    onCorrupt: isDamaged || draw(3) > 0 ? 'skip' : 'abort',
    rule: RULES[draw(RULES.length)],
    hasBook: draw(8) > 0,
    marketId: draw(8) === 0 && !isDamaged ? undefined : 7,
    depthLimit: draw(4) === 0 ? 4 : undefined,
    ...(draw(2) === 0 && { fromNs: START_NS + 2_000_000_000n, toNs: START_NS + BigInt(3 + draw(60)) * 1_000_000_000n }),
    ...(draw(3) === 0 && {
      cells: [1, 9, 20].map((second) => ({ startMicros: microsAt(second), endMicros: microsAt(second + 6) })),
    }),
  }
}

const microsAt = (second: number): number => Number(START_NS / 1000n) + second * 1e6

interface Made {
  readonly rows: unknown
  readonly engine: unknown
  readonly error: string | null
}

/** What an engine makes of batches. @param isSingle each message is looked at by itself */
function make(batches: readonly MessageBatch[], options: Options, tables: readonly string[], hasHeard: boolean, isSingle: boolean): Made {
  const targets: MemoryRows[] = []
  const engine = new FeatureEngine({
    ...options,
    tables: tables.map((columns) => ({
      columns: resolveColumns([...columns.split(','), ...(hasHeard ? [heard] : [])]),
      target: (specs) => targets[targets.push(new MemoryRows(specs)) - 1]!,
    })),
  })
  let error: string | null = null
  try {
    for (const batch of batches) {
      // Batches with something to say of times are taken message by message.
      batch.timeFlags = isSingle ? new Uint8Array(batch.count) : null
      engine.write(batch)
      if (batch.length % 5 === 4) engine.lose('/logs/trades', { isBook: false, fromMicros: microsAt(4), untilMicros: microsAt(5) })
    }
    engine.finish()
  } catch (cause) {
    if (!(cause instanceof ReplayError)) throw cause
    error = `${cause.code} ${cause.message} ${JSON.stringify(cause, (_key, value) => (typeof value === 'bigint' ? String(value) : value))}`
  }
  const { stats, policy, tally, book, clockMicros } = engine
  const cells = (options.cells ?? [null]).map((_, index) => tally.of(index))
  const { findings, missing, unprovenBoundaries } = policy
  const [counts, state] = [[...book.source.counts], stateOf(book.source, 5)]
  const policyState = policy.state()
  return {
    rows: targets.map(({ rows }) => rows),
    engine: { stats, cells, findings, missing, unprovenBoundaries, counts, state, policyState, clockMicros },
    error,
  }
}

function batchesOf(draw: Draw, shape: Shape, count: number, isDamaged: boolean): MessageBatch[] {
  const stream = new MadeStream(draw, shape, [12, 60, 400][draw(3)]!)
  const isMerged = draw(2) === 0
  const isFiltered = draw(4) === 0
  const batches: MessageBatch[] = []
  for (let left = count; left > 0; ) {
    const size = Math.min(left, 1 + draw(draw(3) === 0 ? 3000 : 60))
    const batch = batchOfLogs(
      Array.from({ length: size }, () => stream.next(isDamaged)),
      isMerged,
    )
    if (isFiltered) batch.narrow(() => draw(40) > 0)
    batches.push(batch)
    left -= size
  }
  return batches
}

describe.each(['L2', 'L3'] as const)('runs of messages of %s books', (shape) => {
  it('give the rows, counts, findings and state that taking message by message gives', { timeout: 120_000 }, () => {
    const draw = drawer(SEED)
    for (let round = 0; round < 120; round++) {
      const options = optionsOf(draw, false)
      const tables = Array.from({ length: draw(3) === 0 ? 3 : 1 }, () => COLUMNS[draw(COLUMNS.length)]!)
      const hasHeard = draw(3) === 0
      const batches = batchesOf(draw, shape, 20 + draw(400), false)
      const [run, single] = [false, true].map((isSingle) => make(batches, options, tables, hasHeard, isSingle))
      expect(
        run,
        `round ${round}: ${JSON.stringify(options, (_key, value) => (typeof value === 'bigint' ? String(value) : value))}`,
      ).toEqual(single)
    }
  })

  it('take whatever payloads hold, as taking them one by one does', { timeout: 120_000 + PAYLOADS }, () => {
    const draw = drawer(SEED + 1)
    for (let left = PAYLOADS / 2; left > 0; left -= 2000) {
      const options = optionsOf(draw, true)
      const batches = batchesOf(draw, shape, 2000, true)
      const columns = COLUMNS[draw(3)]!
      const [run, single] = [false, true].map((isSingle) => make(batches, options, [columns], false, isSingle))
      expect(run).toEqual(single)
    }
  })
})
