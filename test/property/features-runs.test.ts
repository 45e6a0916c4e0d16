import { afterAll, describe, expect, it } from 'vitest'
import { stateOf } from '../../core/book/book-state.ts'
import type { SequenceRule } from '../../core/book/sequence/sequence-rule.ts'
import { ReplayError } from '../../core/errors.ts'
import { resolveColumns } from '../../core/features/columns/builtin-columns.ts'
import { defineColumn } from '../../core/features/columns/column.ts'
import type { FeatureEngineOptions } from '../../core/features/engine-options.ts'
import { FeatureEngine } from '../../core/features/feature-engine.ts'
import type { MessageBatch } from '../../core/message/batch.ts'
import { START_NS } from '../support/feature-stream.ts'
import { MemoryRows } from '../support/memory-rows.ts'
import { drawer } from '../support/mutated-payloads.ts'
import { type Draw, oddBatches } from '../support/odd-stream.ts'

// Messages of the fuzz: a million and more with CHRONICLE_FUZZ_PAYLOADS=1000000.
const PAYLOADS = Number(process.env.CHRONICLE_FUZZ_PAYLOADS ?? 40_000)
const SEED = Number(process.env.CHRONICLE_FUZZ_SEED ?? Date.now() % 1_000_000_000)
afterAll(() => console.log(`runs of messages: CHRONICLE_FUZZ_SEED=${SEED}, ${PAYLOADS} messages`))

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
  const isByExchange = draw(4) === 0
  const trigger = (isByExchange || draw(4) === 0) && !('every' in every) ? { ...every, every: '1s' } : every
  return {
    trigger,
    fill: draw(4) === 0,
    ...(isByExchange && { clock: 'exchange', maxSkew: draw(3) === 0 ? '20ms' : '2s' }),
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

describe.each(['L2', 'L3'] as const)('runs of messages of %s books', (shape) => {
  it('give the rows, counts, findings and state that taking message by message gives', { timeout: 120_000 }, () => {
    const draw = drawer(SEED)
    for (let round = 0; round < 120; round++) {
      const options = optionsOf(draw, false)
      const tables = Array.from({ length: draw(3) === 0 ? 3 : 1 }, () => COLUMNS[draw(COLUMNS.length)]!)
      const hasHeard = draw(3) === 0
      const batches = oddBatches(draw, shape, 20 + draw(400), false)
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
      const batches = oddBatches(draw, shape, 2000, true)
      const columns = COLUMNS[draw(3)]!
      const [run, single] = [false, true].map((isSingle) => make(batches, options, [columns], false, isSingle))
      expect(run).toEqual(single)
    }
  })
})
