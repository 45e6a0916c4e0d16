import { afterAll, expect, it } from 'vitest'
import { BacktestMarket } from '../../core/backtest/backtest-market.ts'
import type { StrategyContext } from '../../core/backtest/strategy.ts'
import { ReplayError } from '../../core/errors.ts'
import { FeatureEngine } from '../../core/features/feature-engine.ts'
import { defineBacktest } from '../../core/job/define-backtest.ts'
import type { MessageBatch } from '../../core/message/batch.ts'
import { backtestColumn } from '../../core/task/backtest-column.ts'
import { MemoryRows } from '../support/memory-rows.ts'
import { drawer } from '../support/mutated-payloads.ts'
import { type Draw, oddBatches } from '../support/odd-stream.ts'

const SEED = Number(process.env.CHRONICLE_FUZZ_SEED ?? Date.now() % 1_000_000_000)
afterAll(() => console.log(`messages fed to markets: CHRONICLE_FUZZ_SEED=${SEED}`))

const MARKET = { tick: 0.0001, lot: 0.001, fees: { maker: 0.001, taker: 0.002 }, latency: '3ms', queue: 'power:2', localShift: '50ms' }

/** Quotes at the touch, which see the local book at each step, fill and trade. */
const job = defineBacktest({
  name: 'touch',
  market: { ...MARKET, onGap: 'hold' } as never,
  every: '200ms',
  orderRows: true,
  columns: { bid: 'f64', ask: 'f64', heard: 'f64', sum: 'f64' },
  create(_params, { book, orders }: StrategyContext) {
    let heard = 0
    return {
      step() {
        if (orders.openCount > 6) for (const { id, isCancellable } of orders) if (isCancellable) orders.cancel(id)
        if (orders.openCount > 6) return
        orders.buy(book.bidPrice, 0.01)
        orders.sell(book.askPrice, 0.01)
      },
      trade({ price, quantity }) {
        heard += Number.isFinite(price) ? price * quantity : 1
      },
      row(out) {
        out.bid = book.bidPrice
        out.ask = book.askPrice
        out.heard = heard
        out.sum = book.imbalance(1000)
      },
    }
  },
})

interface Made {
  readonly rows: readonly unknown[]
  readonly counts: unknown
  readonly error: string | null
}

/** @param isFed the market takes messages many in a call @param isSingle each is put aside by itself */
function make(batches: readonly MessageBatch[], options: object, isFed: boolean, isSingle: boolean): Made {
  const market = new BacktestMarket({
    tick: MARKET.tick,
    lot: MARKET.lot,
    localShiftNs: 50e6,
    session: 'day',
    startMicros: 0,
    barMicros: 0,
    fromMicros: 0,
  })
  const given = { job, params: {}, venue: 'made', symbol: 'up', variant: 'one', warmUpNs: 0, isSkipping: true }
  const { column, values } = backtestColumn(given, market)
  const rows: unknown[] = []
  class Rows extends MemoryRows {
    override endRow(): void {
      super.endRow()
      rows.push({ ...this.rows.pop(), ...values.out, emit: null })
    }
  }
  const engine = new FeatureEngine({
    ...{ trigger: { every: '200ms' }, clock: 'exchange', fill: true, marketId: 7, onCorrupt: 'skip', maxSkew: '1s' },
    ...options,
    tables: [{ columns: [column], target: (specs) => new Rows(specs) }],
    feed: isFed ? market : undefined,
  })
  let error: string | null = null
  try {
    for (const batch of batches) {
      batch.timeFlags = isSingle ? new Uint8Array(batch.count) : null
      engine.write(batch)
    }
    engine.finish()
  } catch (cause) {
    if (!(cause instanceof ReplayError)) throw cause
    error = `${cause.message} ${JSON.stringify(engine.place)}`
  }
  return { rows, counts: { stats: engine.stats, tally: engine.tally.of(0), clock: engine.clockMicros }, error }
}

function optionsOf(draw: Draw): object {
  return { depthLimit: draw(4) === 0 ? 4 : undefined, rule: draw(3) === 0 ? { recordSeq: false, headerSeq: 'none' } : {} }
}

it('messages fed to a market give the rows, counts and errors that handing them over one by one gives', { timeout: 120_000 }, () => {
  const draw = drawer(SEED)
  for (let round = 0; round < 60; round++) {
    const options = optionsOf(draw)
    const batches = oddBatches(draw, draw(8) === 0 ? 'L3' : 'L2', 20 + draw(1500), draw(4) === 0)
    const [fed, handed] = [make(batches, options, true, false), make(batches, options, false, true)]
    expect(fed, `round ${round}`).toEqual(handed)
  }
})
