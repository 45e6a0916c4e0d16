import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Trigger } from '../../core/features/clocks/trigger.ts'
import { resolveColumns } from '../../core/features/columns/builtin-columns.ts'
import { FeatureEngine } from '../../core/features/feature-engine.ts'
import { batchOf, type TestMessage, tickerMessage, tradeMessage } from '../support/batches.ts'
import { type MemoryRow, MemoryRows } from '../support/memory-rows.ts'

const START_NS = 1_704_103_200_000_000_000n
const SECOND_NS = 1_000_000_000n
const COLUMNS = 'last_price:3s,last_size:3s,last_age_ns:3s,last_bid:2s,last_ask_size:2s,last_quote_age_ns:2s'

interface Seen {
  readonly isTrade: boolean
  /** What the clock came to. */
  readonly timeNs: bigint
  /** How far behind it the message's own time is. */
  readonly backNs: bigint
  readonly value: number
}

/** Trades and tickers with silences and times that step back; some trades have no price. */
const streams = fc
  .array(
    fc.record({
      isTrade: fc.boolean(),
      stepNs: fc.oneof(fc.bigInt(0n, 900_000_000n), fc.bigInt(0n, 6_000_000_000n)),
      backNs: fc.oneof(fc.constant(0n), fc.bigInt(0n, 900_000_000n)),
      value: fc.integer({ min: 0, max: 500 }),
    }),
    {
      minLength: 1,
      maxLength: 60,
    },
  )
  .map((steps) => {
    let timeNs = START_NS
    return steps.map(({ isTrade, stepNs, backNs, value }): Seen => {
      // Only what does not bring the clock on can lie behind it.
      const isBack = backNs > 0n && timeNs - backNs >= START_NS
      if (!isBack) timeNs += stepNs
      return { isTrade, timeNs, backNs: isBack ? backNs : 0n, value: isTrade && value === 0 ? Number.NaN : value }
    })
  })

function messageOf({ isTrade, timeNs: clockNs, backNs, value }: Seen, i: number): TestMessage {
  const timeNs = clockNs - backNs
  if (isTrade) return tradeMessage(BigInt(i), timeNs, { price: value, quantity: value + 0.5 })
  return tickerMessage(BigInt(i), timeNs, { bidPrice: value, askQuantity: value + 0.25 })
}

function rowsOf(stream: readonly Seen[], trigger: Trigger, bounds: { fromNs: bigint; startNs: bigint; toNs: bigint }): MemoryRow[] {
  let rows: MemoryRows | null = null
  const target = (specs: ConstructorParameters<typeof MemoryRows>[0]): MemoryRows => {
    rows = new MemoryRows(specs)
    return rows
  }
  const tables = [{ columns: resolveColumns(COLUMNS), target }]
  const engine = new FeatureEngine({
    trigger,
    fill: trigger.every !== undefined,
    hasBook: false,
    hasLeadIn: true,
    onGap: 'ignore',
    tables,
    ...bounds,
  })
  engine.write(batchOf(stream.map(messageOf)))
  engine.finish()
  return rows!.rows
}

/** The columns at a time, by looking through everything that was before. */
function expectedAt(stream: readonly Seen[], rowNs: bigint): Partial<MemoryRow> {
  const trade = stream.findLast(({ isTrade, value }) => isTrade && !Number.isNaN(value))
  const ticker = stream.findLast(({ isTrade }) => !isTrade)
  const isYoung = (seen: Seen | undefined, seconds: bigint): seen is Seen =>
    seen !== undefined && rowNs - seen.timeNs <= seconds * SECOND_NS
  return {
    last_price_3s: isYoung(trade, 3n) ? trade.value : null,
    last_size_3s: isYoung(trade, 3n) ? trade.value + 0.5 : null,
    last_age_ns_3s: isYoung(trade, 3n) ? rowNs - trade.timeNs : null,
    last_bid_2s: isYoung(ticker, 2n) ? ticker.value : null,
    last_ask_size_2s: isYoung(ticker, 2n) ? ticker.value + 0.25 : null,
    last_quote_age_ns_2s: isYoung(ticker, 2n) ? rowNs - ticker.timeNs : null,
  }
}

const seconds = fc.bigInt(0n, 40n)

it('bars have what a search through all messages finds, from any earlier start', () => {
  fc.assert(
    fc.property(streams, seconds, seconds, (stream, from, lead) => {
      const fromNs = START_NS + from * SECOND_NS
      const toNs = START_NS + 60n * SECOND_NS
      const startNs = fromNs - (3n + lead) * SECOND_NS
      const rows = rowsOf(stream, { every: '1s' }, { fromNs, toNs, startNs })
      expect(rows).toHaveLength(Number((toNs - fromNs) / SECOND_NS))
      for (const row of rows) {
        const endNs = row.bar_end_ns as bigint
        const before = stream.filter(({ timeNs }) => timeNs < endNs)
        expect(row).toMatchObject(expectedAt(before, endNs))
      }
    }),
    { numRuns: 60 },
  )
})

it('rows at trades count their own', () => {
  fc.assert(
    fc.property(streams, seconds, seconds, (stream, from, lead) => {
      const fromNs = START_NS + from * SECOND_NS
      const rows = rowsOf(
        stream,
        { event: 'trade' },
        { fromNs, toNs: START_NS + 600n * SECOND_NS, startNs: fromNs - (3n + lead) * SECOND_NS },
      )
      const trades = stream.flatMap(({ isTrade, timeNs }, i) => (isTrade && timeNs >= fromNs ? [i] : []))
      expect(rows).toHaveLength(trades.length)
      for (const [k, i] of trades.entries()) expect(rows[k]).toMatchObject(expectedAt(stream.slice(0, i + 1), stream[i]!.timeNs))
    }),
    { numRuns: 60 },
  )
})
