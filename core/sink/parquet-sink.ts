import { ReplayError } from '../errors.ts'
import { type KnownOptions, requireOptions } from '../known-options.ts'
import type { MessageBatch } from '../message/batch.ts'
import { BookTickerView } from '../protocol/book-ticker.ts'
import { TYPE_BOOK_EVENT, TYPE_BOOK_TICKER, TYPE_TRADE } from '../protocol/message-type.ts'
import { TradeView } from '../protocol/trade.ts'
import type { ColumnBuffer, ColumnSpec } from '../table/column-buffer.ts'
import { ParquetFile } from '../table/parquet-writer.ts'
import { BookColumns } from './book-columns.ts'
import type { Sink } from './sink.ts'

/** What a row is: any message by its record header; a ticker; a trade; a level or order of a book event; or any of these. */
export type ParquetRows = 'messages' | 'tickers' | 'trades' | 'book' | 'decoded'

export interface ParquetSinkOptions {
  /** File to create or replace; it appears whole, when the run ends well. */
  readonly path: string
  /** @default 'messages' */
  readonly rows?: ParquetRows
  /** @default 'parquet' */
  readonly name?: string
}

const KNOWN: KnownOptions<ParquetSinkOptions> = { path: true, rows: true, name: true }

/**
 * Messages as a Parquet file (zstd, statistics, row groups of at most 65,536 rows).
 *
 * Every row has `seq`, `timestamp_ns` (record time, i64), `ts` (the same in microseconds, UTC, for people) and `symbol`.
 * `messages` adds `type`, `payload_length`; `tickers` `exchange_timestamp_ns, bid_price, bid_qty, ask_price, ask_qty`;
 * `trades` `exchange_timestamp_ns, price, qty, trade_id, buyer_order_id, seller_order_id, is_buyer_maker`;
 * `book` `exchange_timestamp_ns, event, side, level, price, qty, order_id, buyer_order_id, seller_order_id, feed_seq, update_id_first,
 * update_id_last`, with a row for each level of a snapshot or diff (docs/command-line.md, Decoded messages);
 * `decoded` all of them, NULL where a message has no such field. A message without a symbol has NULL there, and so have fields of
 * payloads that are 2⁶³ or more, which an i64 does not hold: these are counted in `noted`, and a CSV has all of their digits.
 */
export class ParquetSink implements Sink {
  readonly name: string
  readonly #rows: ParquetRows
  readonly #file: ParquetFile
  readonly #columns: Columns
  readonly #trade = new TradeView()
  readonly #ticker = new BookTickerView()
  readonly #noted: Record<string, number> = {}
  /** Where rows may be of book events. */
  readonly #book: BookColumns | null

  /** @throws ReplayError `output-failed`, `disk-full` */
  constructor(options: ParquetSinkOptions) {
    requireOptions('ParquetSink', options, KNOWN)
    this.name = options.name ?? 'parquet'
    this.#rows = options.rows ?? 'messages'
    this.#file = new ParquetFile({ path: options.path, columns: COLUMNS[this.#rows] })
    this.#columns = columnsOf(this.#file, this.#rows)
    const hasBook = this.#rows === 'book' || this.#rows === 'decoded'
    this.#book = hasBook ? new BookColumns(this.#file, SLICE_ROWS, (...value) => this.#putU64(...value)) : null
  }

  /** Rows so far; more than messages where book events are decoded. */
  get rows(): number {
    return this.#file.rows
  }

  /** Values that are NULL because no i64 holds them, as `<column>-beyond-i64`. */
  get noted(): Readonly<Record<string, number>> {
    return this.#noted
  }

  /**
   * @throws ReplayError input `message-type-unwanted` (tickers, trades), `u64-range` for a `seq` or record time that no i64 holds,
   * `disk-full`, `output-failed`; corrupt `payload-truncated`
   */
  write(batch: MessageBatch): void {
    const book = this.#book
    book?.begin()
    for (let from = 0; ; ) {
      const most = Math.min(this.#file.freeRows, SLICE_ROWS)
      const count = book === null ? Math.min(batch.length - from, most) : book.list(batch, most)
      if (count === 0) return
      // The rows of the slice begin at `from` of the selection, or are all of a selection of its own.
      const [selection, first] = book === null ? [batch.selection, from] : [book.rows, 0]
      this.#fillHeader(batch, selection, first, count)
      this.#fillSymbols(batch, selection, first, count)
      if (this.#rows !== 'messages') this.#fillPayload(batch, selection, first, count)
      this.#requireSigned(this.#columns.seq, count)
      this.#requireSigned(this.#columns.time, count)
      this.#file.endRows(count)
      from += count
    }
  }

  /** A Parquet file can be read only when it is finished, so there is nothing to do. */
  async flush(): Promise<void> {}

  async close(): Promise<void> {
    await this.#file.close()
  }

  async abandon(): Promise<void> {
    this.#file.abandon()
  }

  #fillHeader(batch: MessageBatch, selection: Selection, from: number, count: number): void {
    const { seqWords, timeWords, types, lengths } = batch
    const seq = this.#columns.seq.words
    const time = this.#columns.time.words
    const micros = this.#columns.ts.words
    const base = this.#file.row
    for (let i = 0; i < count; i++) {
      const row = selection === null ? from + i : selection[from + i]!
      const at = 2 * (base + i)
      const low = timeWords[2 * row]!
      const high = timeWords[2 * row + 1]!
      seq[at] = seqWords[2 * row]!
      seq[at + 1] = seqWords[2 * row + 1]!
      time[at] = low
      time[at + 1] = high
      putThousandth(micros, at, high, low)
    }
    const { type, payloadLength } = this.#columns
    if (type === null || payloadLength === null) return
    for (let i = 0; i < count; i++) {
      const row = selection === null ? from + i : selection[from + i]!
      type.i32[base + i] = types[row]!
      payloadLength.i32[base + i] = lengths[row]!
    }
  }

  #fillSymbols(batch: MessageBatch, selection: Selection, from: number, count: number): void {
    const { symbol: column } = this.#columns
    const base = this.#file.row
    const origin = batch.buffers.length === 1 ? batch.buffers[0]!.origin : null
    if (origin !== null && origin.symbol !== null) {
      column.i32.fill(column.code(origin.symbol), base, base + count)
      column.valid!.fill(1, base, base + count)
      return
    }
    let last: string | null = null
    let code = 0
    for (let i = 0; i < count; i++) {
      const symbol = batch.symbolAt(selection === null ? from + i : selection[from + i]!)
      if (symbol === null) continue
      if (symbol !== last) {
        code = column.code(symbol)
        last = symbol
      }
      column.i32[base + i] = code
      column.valid![base + i] = 1
    }
  }

  #fillPayload(batch: MessageBatch, selection: Selection, from: number, count: number): void {
    const { types } = batch
    const wanted = WANTED[this.#rows]
    const base = this.#file.row
    for (let i = 0; i < count; i++) {
      const row = selection === null ? from + i : selection[from + i]!
      const type = types[row]!
      if (wanted !== null && type !== wanted) throw unwantedType(this.#rows, wanted, type, batch, row)
      if (type === TYPE_BOOK_TICKER) this.#fillTicker(batch, row, base + i)
      else if (type === TYPE_TRADE) this.#fillTrade(batch, row, base + i)
      else if (type === TYPE_BOOK_EVENT) this.#book?.fill(batch, i, base + i)
    }
  }

  #fillTicker(batch: MessageBatch, row: number, at: number): void {
    const ticker = this.#ticker.wrapMessage(batch.at(row))
    const { exchangeTime, bidPrice, bidQuantity, askPrice, askQuantity } = this.#columns
    this.#putU64(exchangeTime!, at, ticker.timestampNsLow, ticker.timestampNsHigh)
    bidPrice!.setF64(at, ticker.bidPrice)
    bidQuantity!.setF64(at, ticker.bidQuantity)
    askPrice!.setF64(at, ticker.askPrice)
    askQuantity!.setF64(at, ticker.askQuantity)
  }

  #fillTrade(batch: MessageBatch, row: number, at: number): void {
    const trade = this.#trade.wrapMessage(batch.at(row))
    const { exchangeTime, price, quantity, tradeId, buyerOrderId, sellerOrderId, isBuyerMaker } = this.#columns
    this.#putU64(exchangeTime!, at, trade.timestampNsLow, trade.timestampNsHigh)
    price!.setF64(at, trade.price)
    quantity!.setF64(at, trade.quantity)
    this.#putU64(tradeId!, at, trade.tradeIdLow, trade.tradeIdHigh)
    this.#putU64(buyerOrderId!, at, trade.buyerOrderIdLow, trade.buyerOrderIdHigh)
    this.#putU64(sellerOrderId!, at, trade.sellerOrderIdLow, trade.sellerOrderIdHigh)
    isBuyerMaker!.setBool(at, trade.isBuyerMaker)
  }

  /** NULL, where an i64 would make something else of it. */
  #putU64(column: ColumnBuffer, row: number, low: number, high: number): void {
    if (high >= 2 ** 31) {
      const kind = `${column.name}-beyond-i64`
      this.#noted[kind] = (this.#noted[kind] ?? 0) + 1
      return
    }
    column.words[2 * row] = low
    column.words[2 * row + 1] = high
    column.valid![row] = 1
  }

  /** Refuses what was just filled when it is 2⁶³ or more: of the record's header, so that the row would have no place. */
  #requireSigned(column: ColumnBuffer, count: number): void {
    const { words, name } = column
    const base = this.#file.row
    let bits = 0
    for (let i = base; i < base + count; i++) bits |= words[2 * i + 1]!
    if (bits >= 0) return
    const row = column.i64.findIndex((value, i) => i >= base && value < 0n)
    const value = BigInt.asUintN(64, column.i64[row]!)
    const seq = BigInt.asUintN(64, this.#columns.seq.i64[row]!)
    const message = `${name}: expected at most 2^63 - 1, which is what a Parquet i64 holds, found ${value}; write such data as CSV`
    throw new ReplayError('u64-range', message, { category: 'input', seq })
  }
}

/** Rows of a batch; null: all of them. */
type Selection = Uint32Array | null

/** The columns of a file by what goes into them; null where the kind of rows has none. */
interface Columns {
  readonly seq: ColumnBuffer
  readonly time: ColumnBuffer
  readonly ts: ColumnBuffer
  readonly symbol: ColumnBuffer
  readonly type: ColumnBuffer | null
  readonly payloadLength: ColumnBuffer | null
  readonly exchangeTime: ColumnBuffer | null
  readonly bidPrice: ColumnBuffer | null
  readonly bidQuantity: ColumnBuffer | null
  readonly askPrice: ColumnBuffer | null
  readonly askQuantity: ColumnBuffer | null
  readonly price: ColumnBuffer | null
  readonly quantity: ColumnBuffer | null
  readonly tradeId: ColumnBuffer | null
  readonly buyerOrderId: ColumnBuffer | null
  readonly sellerOrderId: ColumnBuffer | null
  readonly isBuyerMaker: ColumnBuffer | null
}

function columnsOf(file: ParquetFile, rows: ParquetRows): Columns {
  const has = (name: string) => COLUMNS[rows].some((spec) => spec.name === name)
  const optional = (name: string) => (has(name) ? file.column(name) : null)
  return {
    seq: file.column('seq'),
    time: file.column('timestamp_ns'),
    ts: file.column('ts'),
    symbol: file.column('symbol'),
    type: optional('type'),
    payloadLength: optional('payload_length'),
    exchangeTime: optional('exchange_timestamp_ns'),
    bidPrice: optional('bid_price'),
    bidQuantity: optional('bid_qty'),
    askPrice: optional('ask_price'),
    askQuantity: optional('ask_qty'),
    price: optional('price'),
    quantity: optional('qty'),
    tradeId: optional('trade_id'),
    buyerOrderId: optional('buyer_order_id'),
    sellerOrderId: optional('seller_order_id'),
    isBuyerMaker: optional('is_buyer_maker'),
  }
}

/** Nanoseconds to whole microseconds, rounded down: a 64-bit division by 1000 in steps that fit 32 bits. */
function putThousandth(out: Uint32Array, at: number, high: number, low: number): void {
  const top = (high / 1000) >>> 0
  const middle = (high - 1000 * top) * 65_536 + (low >>> 16)
  const upper = (middle / 1000) | 0
  const bottom = (middle - 1000 * upper) * 65_536 + (low & 0xffff)
  out[at] = (upper << 16) | ((bottom / 1000) | 0)
  out[at + 1] = top
}

function unwantedType(rows: ParquetRows, wanted: number, found: number, batch: MessageBatch, row: number): ReplayError {
  const expected = `0x${wanted.toString(16)}`
  const message =
    `a Parquet file of ${rows} takes messages of type ${expected} only, found 0x${found.toString(16)}; ` +
    `filter the types (filterTypes([${expected}])), or write rows: 'decoded'`
  const { path } = batch.originAt(row)
  return new ReplayError('message-type-unwanted', message, {
    category: 'input',
    seq: BigInt.asUintN(64, batch.seqs[row]!),
    ...(path !== '' && { path }),
  })
}

const HEADER: readonly ColumnSpec[] = [
  { name: 'seq', type: 'i64' },
  { name: 'timestamp_ns', type: 'i64' },
  { name: 'ts', type: 'timestamp_us' },
]
const SYMBOL: ColumnSpec = { name: 'symbol', type: 'string', nullable: true }
const EXCHANGE_TIME: ColumnSpec = { name: 'exchange_timestamp_ns', type: 'i64', nullable: true }
const TICKER: readonly ColumnSpec[] = [
  { name: 'bid_price', type: 'f64' },
  { name: 'bid_qty', type: 'f64' },
  { name: 'ask_price', type: 'f64' },
  { name: 'ask_qty', type: 'f64' },
]
const TRADE: readonly ColumnSpec[] = [
  { name: 'price', type: 'f64' },
  { name: 'qty', type: 'f64' },
  { name: 'trade_id', type: 'i64', nullable: true },
  { name: 'buyer_order_id', type: 'i64', nullable: true },
  { name: 'seller_order_id', type: 'i64', nullable: true },
  { name: 'is_buyer_maker', type: 'bool' },
]
const BOOK: readonly ColumnSpec[] = [
  { name: 'event', type: 'string' },
  { name: 'side', type: 'string', nullable: true },
  { name: 'level', type: 'i32', nullable: true },
  { name: 'order_id', type: 'i64', nullable: true },
  { name: 'feed_seq', type: 'i64', nullable: true },
  { name: 'update_id_first', type: 'i64', nullable: true },
  { name: 'update_id_last', type: 'i64', nullable: true },
]
/** What trades and orders of a book have. */
const DEAL = TRADE.filter(({ name }) => ['price', 'qty', 'buyer_order_id', 'seller_order_id'].includes(name))
const MESSAGE: readonly ColumnSpec[] = [...HEADER, { name: 'type', type: 'i32' }, SYMBOL, { name: 'payload_length', type: 'i32' }]
const COLUMNS: Record<ParquetRows, readonly ColumnSpec[]> = {
  messages: MESSAGE,
  tickers: [...HEADER, SYMBOL, EXCHANGE_TIME, ...TICKER],
  trades: [...HEADER, SYMBOL, EXCHANGE_TIME, ...TRADE],
  book: [...HEADER, SYMBOL, EXCHANGE_TIME, ...BOOK, ...nullable(DEAL)],
  decoded: [...MESSAGE, ...nullable([...TICKER, ...TRADE, EXCHANGE_TIME, ...BOOK])],
}
const WANTED: Record<ParquetRows, number | null> = {
  ...{ messages: null, tickers: TYPE_BOOK_TICKER, trades: TYPE_TRADE, book: TYPE_BOOK_EVENT },
  decoded: null,
}

function nullable(columns: readonly ColumnSpec[]): ColumnSpec[] {
  return columns.map((spec) => ({ ...spec, nullable: true }))
}

/** Rows filled at a time: their payloads stay in the cache, and a batch full of new symbols cannot swell a row group by much. */
const SLICE_ROWS = 4096
