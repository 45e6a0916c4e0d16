import { ReplayError } from '../errors.ts'
import { type KnownOptions, requireOptions } from '../known-options.ts'
import type { MessageBatch } from '../message/batch.ts'
import { BookTickerView } from '../protocol/book-ticker.ts'
import { TYPE_BOOK_EVENT, TYPE_BOOK_TICKER, TYPE_TRADE } from '../protocol/message-type.ts'
import { TradeView } from '../protocol/trade.ts'
import { OutputFile } from '../store/output-file.ts'
import { quoteCsv } from '../table/csv-text.ts'
import { BOOK_COLUMNS, BookRows } from './book-rows.ts'
import { copyText, putAscii, putDouble, putNine, putScaled, putU64, putWhole } from './decimal-text.ts'
import type { Sink } from './sink.ts'

export interface CsvSinkOptions {
  /** File to create or replace. Either this or `fd`. */
  readonly path?: string
  /** Open descriptor to write to; it stays open. */
  readonly fd?: number
  /** Adds the columns of tickers, trades and book events. @default false */
  readonly decode?: boolean
  /** @default 'csv' */
  readonly name?: string
}

const KNOWN: KnownOptions<CsvSinkOptions> = { path: true, fd: true, decode: true, name: true }
const RAW_COLUMNS = 'seq,timestamp_ns,type,symbol,payload_length'
const DECODED_COLUMNS = [
  ...['bid_price', 'bid_qty', 'ask_price', 'ask_qty', 'price', 'qty', 'trade_id', 'buyer_order_id', 'seller_order_id', 'is_buyer_maker'],
  ...['exchange_timestamp_ns', ...BOOK_COLUMNS],
]

/**
 * Messages as CSV (RFC 4180, newline "\n", a header line, UTF-8).
 *
 * Columns: `seq,timestamp_ns,type,symbol,payload_length`, `type` as a decimal number; with `decode` also those of tickers,
 * trades and book events, empty where a message has no such field; a book event is a line for each of its levels
 * (docs/command-line.md, Decoded messages).
 * 64-bit numbers, and prices and sizes of books, are exact; floats are the shortest decimal that reads back as the same float;
 * booleans `true` and `false`.
 * A file appears under its name when all is written: a run that fails leaves none. A pipe or device has the whole lines so far.
 */
export class CsvSink implements Sink {
  readonly name: string
  readonly #file: OutputFile
  readonly #decode: boolean
  readonly #trade = new TradeView()
  readonly #ticker = new BookTickerView()
  readonly #book = new BookRows()
  #rows = 0
  #out: Uint8Array = new Uint8Array(CHUNK_BYTES)
  #view = new DataView(this.#out.buffer)
  /** Bytes in `#out`. */
  #at = 0
  readonly #seq = new Counter()
  readonly #time = new Clock()
  readonly #tail = new Tail()

  /** @throws ReplayError `csv-target`, `output-failed`, `disk-full` */
  constructor(options: CsvSinkOptions) {
    requireOptions('CsvSink', options, KNOWN)
    const { path, fd } = options
    if ((path === undefined) === (fd === undefined)) {
      throw new ReplayError('csv-target', 'a CSV sink needs either a path or a file descriptor', { category: 'input' })
    }
    this.name = options.name ?? 'csv'
    this.#decode = options.decode ?? false
    this.#file = new OutputFile(path === undefined ? { fd: fd! } : { path }, { whole: true })
    this.#at = putAscii(this.#view, 0, this.#decode ? `${RAW_COLUMNS},${DECODED_COLUMNS.join(',')}\n` : `${RAW_COLUMNS}\n`)
  }

  /** Lines so far, without the header; more than messages where book events are decoded. */
  get rows(): number {
    return this.#rows
  }

  /** @throws ReplayError `disk-full`, `output-closed`, `output-failed`; with `decode` also what payloads are damaged by */
  write(batch: MessageBatch): void {
    const { selection, types, lengths, seqWords, timeWords, buffers } = batch
    const tail = this.#tail
    const origin = buffers.length === 1 ? buffers[0]!.origin : null
    const fixedSymbol = origin !== null && origin.resolveSymbol === null ? origin.symbol : undefined
    const decode = this.#decode
    let view = this.#view
    let at = this.#at
    for (let k = 0; k < batch.length; k++) {
      const row = selection === null ? k : selection[k]!
      tail.set(types[row]!, fixedSymbol === undefined ? batch.symbolAt(row) : fixedSymbol, lengths[row]!)
      const lines = decode && types[row] === TYPE_BOOK_EVENT ? this.#book.wrapMessage(batch.at(row)).count : 1
      for (let line = 0; line < lines; line++) {
        if (at + tail.length + LINE_BYTES > view.byteLength) {
          this.#at = at
          this.#makeRoom(tail.length + LINE_BYTES)
          view = this.#view
          at = this.#at
        }
        at = this.#seq.put(view, at, seqWords[2 * row + 1]!, seqWords[2 * row]!)
        view.setUint8(at++, COMMA)
        at = this.#time.put(view, at, timeWords[2 * row + 1]!, timeWords[2 * row]!)
        at = copyText(view, at, tail.view, 0, tail.length)
        if (decode) at = this.#putDecoded(batch, row, line, view, at)
        view.setUint8(at++, NEWLINE)
        // Lines are kept whole: what an error leaves behind is readable.
        this.#at = at
      }
      this.#rows += lines
    }
  }

  async flush(): Promise<void> {
    const bytes = this.#out.subarray(0, this.#at)
    this.#at = 0
    this.#file.write(bytes)
  }

  async close(): Promise<void> {
    try {
      await this.flush()
    } catch (error) {
      this.#file.abandon()
      throw error
    }
    this.#file.close()
  }

  async abandon(): Promise<void> {
    this.#file.abandon()
  }

  /** Sends what there is to the file, and grows the buffer when a single line is larger. */
  #makeRoom(bytes: number): void {
    this.#file.write(this.#out.subarray(0, this.#at))
    this.#at = 0
    if (bytes <= this.#out.length) return
    this.#out = new Uint8Array(2 * bytes)
    this.#view = new DataView(this.#out.buffer)
  }

  /** The decoded columns, each with the comma before it. */
  #putDecoded(batch: MessageBatch, row: number, line: number, out: DataView, start: number): number {
    const type = batch.types[row]!
    if (type === TYPE_BOOK_EVENT) return this.#putBook(line, out, start)
    if (type === TYPE_BOOK_TICKER) {
      const ticker = this.#ticker.wrapMessage(batch.at(row))
      let at = putField(out, start, ticker.bidPrice)
      at = putField(out, at, ticker.bidQuantity)
      at = putField(out, at, ticker.askPrice)
      at = putField(out, at, ticker.askQuantity)
      at = putAscii(out, at, ',,,,,,,')
      at = putU64(out, at, ticker.timestampNsHigh, ticker.timestampNsLow)
      return putAscii(out, at, NO_BOOK)
    }
    if (type !== TYPE_TRADE) return putAscii(out, start, NOTHING)
    const trade = this.#trade.wrapMessage(batch.at(row))
    let at = putAscii(out, start, ',,,,')
    at = putField(out, at, trade.price)
    at = putField(out, at, trade.quantity)
    at = putId(out, at, trade.tradeIdHigh, trade.tradeIdLow)
    at = putId(out, at, trade.buyerOrderIdHigh, trade.buyerOrderIdLow)
    at = putId(out, at, trade.sellerOrderIdHigh, trade.sellerOrderIdLow)
    at = putAscii(out, at, trade.isBuyerMaker ? ',true,' : ',false,')
    at = putU64(out, at, trade.timestampNsHigh, trade.timestampNsLow)
    return putAscii(out, at, NO_BOOK)
  }

  /** The same of a row of the book event that is looked at. */
  #putBook(line: number, out: DataView, start: number): number {
    const book = this.#book
    book.moveTo(line)
    const { header, order, diff, level } = book
    let at = putAscii(out, start, ',,,,')
    at = putExact(out, at, header.view, book.priceAt, book.priceScale)
    at = putExact(out, at, header.view, book.sizeAt, book.sizeScale)
    at = putAscii(out, at, ',')
    at = putGiven(out, at, order?.bidOrderIdHigh, order?.bidOrderIdLow)
    at = putGiven(out, at, order?.askOrderIdHigh, order?.askOrderIdLow)
    at = putAscii(out, at, ',')
    at = putId(out, at, header.exchangeTsNsHigh, header.exchangeTsNsLow)
    at = putAscii(out, at, `,${book.event},${book.side ?? ''},`)
    if (level >= 0) at = putWhole(out, at, level)
    at = putGiven(out, at, order?.orderIdHigh, order?.orderIdLow)
    at = putGiven(out, at, header.seqHigh, header.seqLow)
    at = putGiven(out, at, diff?.updateIdFirstHigh, diff?.updateIdFirstLow)
    return putGiven(out, at, diff?.updateIdLastHigh, diff?.updateIdLastLow)
  }
}

function putField(out: DataView, at: number, value: number): number {
  out.setUint8(at, COMMA)
  return putDouble(out, at + 1, value)
}

function putId(out: DataView, at: number, high: number, low: number): number {
  out.setUint8(at, COMMA)
  return putU64(out, at + 1, high, low)
}

/** Nothing for 0, which says that the feed has none. */
function putGiven(out: DataView, at: number, high = 0, low = 0): number {
  if (high !== 0 || low !== 0) return putId(out, at, high, low)
  out.setUint8(at, COMMA)
  return at + 1
}

/** An integer with a scale; nothing where there is none. */
function putExact(out: DataView, at: number, view: DataView, from: number, scale: number): number {
  out.setUint8(at, COMMA)
  return from < 0 ? at + 1 : putScaled(out, at + 1, view.getUint32(from + 4, true), view.getUint32(from, true), scale)
}

/** Sequences as text. The next is usually the last plus a little, which is a sum in decimal digits, no division. */
class Counter {
  readonly #digits = new DataView(new ArrayBuffer(MAX_DIGITS + 4))
  /** Where the digits start; they end at MAX_DIGITS. */
  #start = MAX_DIGITS
  #high = -1
  #low = 0

  put(out: DataView, at: number, high: number, low: number): number {
    const step = low - this.#low
    if (high === this.#high && step >= 0 && step < 100_000) this.#add(step)
    else this.#restart(high, low)
    this.#high = high
    this.#low = low
    return copyText(out, at, this.#digits, this.#start, MAX_DIGITS - this.#start)
  }

  #add(step: number): void {
    const digits = this.#digits
    let carry = step
    for (let i = MAX_DIGITS - 1; carry > 0; i--) {
      if (i < this.#start) {
        this.#start = i
        digits.setUint8(i, ZERO)
      }
      const sum = digits.getUint8(i) - ZERO + carry
      carry = (sum / 10) | 0
      digits.setUint8(i, ZERO + sum - 10 * carry)
    }
  }

  #restart(high: number, low: number): void {
    const length = putU64(SCRATCH, 0, high, low)
    this.#start = MAX_DIGITS - length
    for (let i = 0; i < length; i++) this.#digits.setUint8(this.#start + i, SCRATCH.getUint8(i))
  }
}

/** Times as text. Neighbours are less than a second apart: then the seconds' digits stay, and no 64-bit division is needed. */
class Clock {
  readonly #digits = new DataView(new ArrayBuffer(MAX_DIGITS + 4))
  /** Digits of the seconds; 0 below one second. */
  #length = 0
  /** Nanoseconds within the second. */
  #rest = 0
  #high = 0
  #low = 0

  put(out: DataView, at: number, high: number, low: number): number {
    const rest = this.#rest + (high - this.#high) * TWO32 + (low - this.#low)
    if (rest >= 0 && rest < SECOND) this.#rest = rest
    else this.#restart(high, low)
    this.#high = high
    this.#low = low
    if (this.#length === 0) return putWhole(out, at, this.#rest)
    return putNine(out, copyText(out, at, this.#digits, 0, this.#length), this.#rest)
  }

  #restart(high: number, low: number): void {
    const length = putU64(SCRATCH, 0, high, low)
    this.#length = Math.max(0, length - 9)
    copyText(this.#digits, 0, SCRATCH, 0, this.#length)
    this.#rest = 0
    for (let i = this.#length; i < length; i++) this.#rest = 10 * this.#rest + SCRATCH.getUint8(i) - ZERO
  }
}

/** `,type,symbol,payload_length`, made anew only when one of them changes. */
class Tail {
  view = new DataView(new ArrayBuffer(256))
  length = 0
  #type = -1
  #payloadLength = -1
  #symbol: string | null = null
  #symbolBytes: Uint8Array = new Uint8Array(0)

  set(type: number, symbol: string | null, payloadLength: number): void {
    if (type === this.#type && payloadLength === this.#payloadLength && symbol === this.#symbol) return
    if (symbol !== this.#symbol) this.#setSymbol(symbol)
    this.#type = type
    this.#payloadLength = payloadLength
    const { view } = this
    view.setUint8(0, COMMA)
    let at = putWhole(view, 1, type)
    view.setUint8(at++, COMMA)
    for (let i = 0; i < this.#symbolBytes.length; i++) view.setUint8(at + i, this.#symbolBytes[i]!)
    at += this.#symbolBytes.length
    view.setUint8(at, COMMA)
    this.length = putWhole(view, at + 1, payloadLength)
  }

  #setSymbol(symbol: string | null): void {
    this.#symbol = symbol
    this.#symbolBytes = encoder.encode(quoteCsv(symbol ?? ''))
    const needed = this.#symbolBytes.length + 64
    if (needed > this.view.byteLength) this.view = new DataView(new ArrayBuffer(2 * needed))
  }
}

const CHUNK_BYTES = 1 << 20
/** More than a line takes without its tail: two u64; decoded at most 10 numbers of 25 bytes, or two of 258, and two words. */
const LINE_BYTES = 1024
const NO_BOOK = ','.repeat(BOOK_COLUMNS.length)
const NOTHING = ','.repeat(DECODED_COLUMNS.length)
const COMMA = 0x2c
const NEWLINE = 0x0a
const ZERO = 0x30
const MAX_DIGITS = 20
const SECOND = 1_000_000_000
const TWO32 = 2 ** 32
const SCRATCH = new DataView(new ArrayBuffer(MAX_DIGITS + 12))
const encoder = new TextEncoder()
