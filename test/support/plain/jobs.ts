import path from 'node:path'
import { crc32 } from 'node:zlib'
import type { ParamGrid, ParamValue } from '../../../core/job/job-definition.ts'
import type { PlainMessage } from './archive.ts'
import type { PlainJob, PlainMoment } from './pass.ts'

type Params = Readonly<Record<string, ParamValue>>

/** A job, and the same once more as a plain program that knows no slices. */
export interface PlainCase {
  /** Built-in name, or path of the module. */
  readonly job: string
  readonly params: ParamGrid
  readonly streams: (stream: string) => boolean
  /** For one variant of one instrument. */
  plain(params: Params): PlainJob
}

const example = (name: string): string => path.resolve(import.meta.dirname, '../../../examples', `${name}.ts`)
const support = (name: string): string => path.resolve(import.meta.dirname, '../jobs', `${name}.ts`)
const only =
  (...names: string[]) =>
  (stream: string): boolean =>
    names.includes(stream)
const MINUTE_NS = 60_000_000_000n
const TICKER = 0x1001
const TRADE = 0x1002
/** `5m` */
const everyNs = ({ every }: Params): bigint => BigInt(Number.parseInt(String(every), 10)) * MINUTE_NS

export const PLAIN_CASES: Readonly<Record<string, PlainCase>> = {
  messages: { job: 'messages', params: {}, streams: () => true, plain: plainMessages },
  trades: { job: 'trades', params: {}, streams: only('trades'), plain: plainTrades },
  'bars by exchange time': { job: 'bars', params: { every: ['5m', '10m'] }, streams: only('trades'), plain: plainBars },
  'book features': { job: 'book-features', params: { every: '5m', depth: [1, 3] }, streams: only('book'), plain: plainBookFeatures },
  'state of the bucket': {
    job: example('flow-job'),
    params: { every: '5m', depth: [1, 3] },
    streams: only('book', 'trades'),
    plain: plainFlow,
  },
  'a window across midnight': { job: support('trailing-trades'), params: {}, streams: only('trades'), plain: plainTrailing },
  'every N events, and an end': {
    job: support('every-third'),
    params: { depth: [1, 2] },
    streams: only('book', 'trades'),
    plain: plainEveryThird,
  },
  'every handler': {
    job: support('every-handler'),
    params: { every: '5m' },
    streams: only('book', 'trades', 'ticker'),
    plain: plainEveryHandler,
  },
  'book by exchange time': {
    job: support('exchange-flow'),
    params: { depth: [1, 2] },
    streams: only('book', 'trades'),
    plain: plainExchangeFlow,
  },
  'filled bars': { job: support('filled-bars'), params: {}, streams: only('trades'), plain: plainFilledBars },
  'filled bars by exchange time': {
    job: support('filled-exchange-bars'),
    params: {},
    streams: only('trades'),
    plain: plainFilledExchangeBars,
  },
}

function plainMessages(): PlainJob {
  return {
    message({ stream, recordSeq, timeNs, typeId, payload }, moment) {
      const bytes = new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength)
      moment.emit({
        stream,
        record_seq: recordSeq,
        record_ts_ns: timeNs,
        type: typeId,
        length: payload.byteLength,
        crc32: BigInt(crc32(bytes)),
      })
    },
  }
}

interface Trade {
  readonly tsNs: bigint
  readonly price: number
  readonly quantity: number
  readonly id: bigint
  readonly isBuyerMaker: boolean
}

function tradeOf({ typeId, payload }: PlainMessage): Trade | null {
  if (typeId !== TRADE) return null
  return {
    tsNs: payload.getBigUint64(0, true),
    price: payload.getFloat64(8, true),
    quantity: payload.getFloat64(16, true),
    id: payload.getBigUint64(24, true),
    isBuyerMaker: payload.getUint8(48) === 1,
  }
}

function plainTrades(): PlainJob {
  return {
    message(message, moment) {
      const trade = tradeOf(message)
      if (trade === null) return
      const [buyer, seller] = [32, 40].map((at) => message.payload.getBigUint64(at, true))
      moment.emit({
        trade_ts_ns: trade.tsNs,
        price: trade.price,
        quantity: trade.quantity,
        trade_id: trade.id,
        buyer_order_id: buyer!,
        seller_order_id: seller!,
        is_buyer_maker: trade.isBuyerMaker,
      })
    },
  }
}

/** The decimal that a double was written from, in units of 10⁻¹⁸. */
function scaled(value: number): bigint {
  const [whole, fraction = ''] = String(value).split('.')
  return BigInt(whole + fraction.padEnd(18, '0'))
}

function unscaled(value: bigint, digits: number): number {
  const text = String(value).padStart(digits + 1, '0')
  return Number(`${text.slice(0, -digits)}.${text.slice(-digits)}`)
}

function plainBars(params: Params): PlainJob {
  let trades: Trade[] = []
  return {
    everyNs: everyNs(params),
    byExchange: true,
    message(message) {
      trades.push(tradeOf(message)!)
    },
    row() {
      const prices = trades.map(({ price }) => price)
      const volume = trades.reduce((sum, { quantity }) => sum + scaled(quantity), 0n)
      const notional = trades.reduce((sum, { price, quantity }) => sum + scaled(price) * scaled(quantity), 0n)
      const bought = trades.reduce((sum, { quantity, isBuyerMaker }) => sum + (isBuyerMaker ? 0n : scaled(quantity)), 0n)
      const row = {
        open: prices[0],
        high: Math.max(...prices),
        low: Math.min(...prices),
        close: prices.at(-1),
        volume: unscaled(volume, 18),
        vwap: unscaled(notional, 36) / unscaled(volume, 18),
        count: BigInt(trades.length),
        buy_volume: unscaled(bought, 18),
      }
      trades = []
      return row
    },
  }
}

function plainBookFeatures(params: Params): PlainJob {
  return {
    everyNs: everyNs(params),
    hasBook: true,
    row({ book }) {
      const [bidTicks, bidSize] = book.best('bids')
      const [askTicks, askSize] = book.best('asks')
      const [bid, ask] = [bidTicks / book.priceUnit, askTicks / book.priceUnit]
      return {
        bid_price: bid,
        bid_size: bidSize / book.sizeUnit,
        ask_price: ask,
        ask_size: askSize / book.sizeUnit,
        mid: book.mid,
        spread_bps: ((ask - bid) / ((bid + ask) * 0.5)) * 1e4,
        micro_price: (bid * askSize + ask * bidSize) / (bidSize + askSize),
        imbalance: book.imbalance(Number(params.depth)),
      }
    },
  }
}

function plainFlow(params: Params): PlainJob {
  let flow = 0
  return {
    everyNs: everyNs(params),
    hasBook: true,
    reset() {
      flow = 0
    },
    message(message) {
      const trade = tradeOf(message)
      if (trade !== null) flow += trade.isBuyerMaker ? -trade.quantity : trade.quantity
    },
    row({ book }) {
      const row = { imbalance: book.imbalance(Number(params.depth)), flow }
      flow = 0
      return row
    },
  }
}

function plainTrailing(): PlainJob {
  /** With the end of their bars. */
  const trades: { readonly bar: bigint; readonly quantity: number }[] = []
  const lengthNs = 5n * MINUTE_NS
  let latestNs = 0n
  return {
    everyNs: lengthNs,
    message(message) {
      if (message.timeNs > latestNs) latestNs = message.timeNs
      trades.push({ bar: latestNs / lengthNs, quantity: tradeOf(message)!.quantity })
    },
    row() {
      const bar = latestNs / lengthNs
      const recent = trades.filter((trade) => trade.bar > bar - 2n && trade.bar <= bar)
      return { trades: BigInt(recent.length), greatest: Math.max(...recent.map(({ quantity }) => quantity)) }
    },
  }
}

function plainEveryThird(params: Params): PlainJob {
  let [volume, events] = [0, 0]
  return {
    hasBook: true,
    reset() {
      volume = 0
    },
    message(message, moment) {
      const trade = tradeOf(message)
      if (trade !== null) volume += trade.quantity
      const isReset = message.typeId === 0x1000 && message.payload.getUint8(56) === 3
      if (trade === null && (!moment.isApplied || isReset)) return
      if (++events < 3) return
      events = 0
      moment.eventRow({ mid: moment.book.mid, imbalance: moment.book.imbalance(Number(params.depth)), volume })
      volume = 0
    },
    end() {
      const row = { volume, is_end: true }
      volume = 0
      events = 0
      return row
    },
  }
}

function plainEveryHandler(params: Params): PlainJob {
  let count = 0
  const clear = (): void => {
    count = 0
  }
  return {
    everyNs: everyNs(params),
    warmUpNs: MINUTE_NS,
    hasBook: true,
    reset: clear,
    gap: clear,
    message(message, moment) {
      const trade = tradeOf(message)
      if (trade !== null) {
        count++
        const row = { kind: 'trade', id: trade.id, is_open: trade.isBuyerMaker }
        moment.emit(row)
        // What an emitted row had is gone.
        if (trade.isBuyerMaker) moment.emit({})
      } else if (message.typeId === TICKER) {
        count++
        if (message.payload.getBigUint64(0, true) % 7n === 0n)
          moment.emit({ kind: 'ticker', value: message.payload.getFloat64(8, true) * Number(params.scale) })
      } else if (moment.isApplied) count++
    },
    row({ book }) {
      const row = { kind: 'bar', count, value: book.imbalance(3), mid: book.mid }
      count = 0
      return row
    },
    end: () => ({ kind: 'day' }),
  }
}

function plainExchangeFlow(params: Params): PlainJob {
  let [flow, trades, lastId] = [0, 0, 0n]
  const clear = (): void => {
    flow = 0
    trades = 0
    lastId = 0n
  }
  return {
    everyNs: everyNs(params),
    byExchange: true,
    hasBook: true,
    reset: clear,
    message(message, moment) {
      const trade = tradeOf(message)
      if (trade === null) return
      flow += trade.isBuyerMaker ? -trade.quantity : trade.quantity
      lastId = trade.id
      if (++trades % 2 === 0) moment.emit({ last_id: lastId })
    },
    row({ book }) {
      const row = { imbalance: book.imbalance(Number(params.depth)), flow, trades: BigInt(trades), last_id: lastId }
      clear()
      return row
    },
  }
}

function plainFilledBars(params: Params): PlainJob {
  let [count, close]: [bigint, number | null] = [0n, null]
  return {
    everyNs: everyNs(params),
    fill: true,
    message(message) {
      count++
      close = tradeOf(message)!.price
    },
    row() {
      const row = { count, close }
      count = 0n
      close = null
      return row
    },
  }
}

function plainFilledExchangeBars(params: Params): PlainJob {
  let count = 0n
  return {
    everyNs: everyNs(params),
    byExchange: true,
    fill: true,
    message() {
      count++
    },
    row() {
      const row = { count }
      count = 0n
      return row
    },
    end: (_moment: PlainMoment) => ({ is_end: true }),
  }
}
