import type { BacktestMarket } from '../backtest/backtest-market.ts'
import type { FillView } from '../backtest/fill-view.ts'
import { marketTerms } from '../backtest/market-terms.ts'
import type { OrderNoticeView } from '../backtest/order-notice.ts'
import type { StrategyRun } from '../backtest/strategy-run.ts'
import { ReplayError } from '../errors.ts'
import type { ColumnContext, FeatureColumn, FeatureState } from '../features/columns/column.ts'
import type { BACKTEST_COLUMNS, ORDER_COLUMNS } from '../job/backtest-columns.ts'
import { jobTiming } from '../job/define-job.ts'
import type { RowOut } from '../job/job-definition.ts'
import { JOB_COLUMN, type JobColumn, type JobColumnOptions } from './job-column.ts'
import { RowValues } from './row-values.ts'

type BacktestOut = RowOut<typeof BACKTEST_COLUMNS & typeof ORDER_COLUMNS>

/**
 * A backtest at work for one variant, as a column of the features engine. The market is that of all variants of the engine; the first
 * of its columns tells it of messages and lets it come to the end of each bar, in which all strategies take their step.
 */
export function backtestColumn(options: JobColumnOptions, market: BacktestMarket): JobColumn {
  const { job, params, venue, symbol, variant } = options
  let context: ColumnContext | null = null
  const emit = (): void => {
    throw new ReplayError('emit-in-row', `job ${job.name}: out.emit(): the rows of a backtest are its samples and fills`, {
      category: 'input',
    })
  }
  const values = new RowValues(job.name, job.columns, emit)
  const out = values.out as unknown as BacktestOut
  const terms = marketTerms(job.backtest!.market(params, { venue, symbol }))
  const emitAt = (timeNs: bigint): void => {
    context!.emitAt(Number(timeNs & 0xffffffffn), Number(timeNs >> 32n), market.isAtBarEnd)
    values.clear()
  }
  const number: number = market.join({
    ...{ job: job.name, terms, venue, symbol, variant },
    create: (given) => job.backtest!.create(params, given),
    fillRow(fill) {
      putAccount(out, 'fill', market, number)
      putFill(out, fill)
      emitAt(fill.localNs)
    },
    ...(job.backtest!.orderRows && {
      orderRow(notice: OrderNoticeView) {
        putAccount(out, 'order', market, number)
        putNotice(out, notice)
        emitAt(notice.localNs)
      },
    }),
    gapRow(timeNs) {
      if (market.isClosed) return
      putAccount(out, 'gap', market, number)
      out.reason = terms.onGap
      out.exchange_ns = market.originNs + BigInt(timeNs)
      emitAt(market.originNs + BigInt(timeNs))
    },
  })
  const column: FeatureColumn = {
    name: JOB_COLUMN,
    type: 'f64',
    warmUpNs: 0,
    create(given) {
      context = given
      return stateOf(options, number, given, market, values)
    },
  }
  return { column, values, moment: () => context!.moment }
}

function stateOf(
  { job, params }: JobColumnOptions,
  number: number,
  context: ColumnContext,
  market: BacktestMarket,
  values: RowValues,
): FeatureState {
  const out = values.out as unknown as BacktestOut
  let hasStarted = false
  const row = (): void => {
    const run = market.runOf(number)
    if (run === null || !market.isInSession) {
      out.kind = 'sample'
      return
    }
    putAccount(out, 'sample', market, number)
    putCounts(out, run)
    run.row(values.out)
  }
  return {
    value: () => Number.NaN,
    row,
    // Before the market opens there is nothing to keep up with.
    muted: () => {
      if (market.isInSession && market.runOf(number) !== null) row()
    },
    nextRow: () => values.clear(),
    sleeps: () => market.runOf(number) === null,
    ...(number === 0 && {
      reset(micros) {
        if (hasStarted) market.gap(context.book, micros)
        else market.start(context.book, micros)
        hasStarted = true
      },
      book: (event) => market.book(event, context.moment),
      trade: (trade) => market.trade(trade, context.moment),
      dayEnds: () => market.dayEnds(),
      sampleEveryNs: Number(jobTiming(job, params).everyNs),
      sample: (_, endMicros) => market.advance(endMicros),
    }),
  }
}

function putAccount(out: BacktestOut, kind: string, market: BacktestMarket, number: number): void {
  const { account, orders } = market.runOf(number)!
  out.kind = kind
  out.session_ns = market.sessionNs
  out.position = account.position
  out.cash = account.cash
  out.equity = account.equity
  out.fees = account.fees
  out.turnover = account.turnover
  out.volume = account.volume
  out.fills = account.fills
  out.open_orders = orders.openCount
  out.mid = account.mid
}

function putCounts(out: BacktestOut, { participant }: StrategyRun): void {
  out.orders_sent = participant.ordersSent
  out.quantity_sent = participant.lotsSent * participant.terms.lot
  out.beyond_depth = participant.exchange.counts.beyondDepth
  out.on_old_book = participant.exchange.counts.onOldBook
  out.fills_in_flight = participant.fillsInFlight
  out.position_in_flight = participant.lotsInFlight * participant.terms.lot
}

function putFill(out: BacktestOut, fill: FillView): void {
  out.order_id = fill.orderId
  out.side = fill.side === 1 ? 'buy' : 'sell'
  out.price = fill.price
  out.quantity = fill.quantity
  out.is_maker = fill.isMaker
  out.fee = fill.fee
  out.reason = fill.reason
  out.exchange_ns = fill.exchangeNs
  out.local_ns = fill.localNs
}

function putNotice(out: BacktestOut, notice: OrderNoticeView): void {
  out.event = notice.event
  out.order_id = notice.orderId
  out.side = notice.side === 1 ? 'buy' : 'sell'
  out.price = notice.price
  out.quantity = notice.quantity
  out.leaves = notice.leaves
  out.reason = notice.reason
  out.exchange_ns = notice.exchangeNs
  out.local_ns = notice.localNs
}
