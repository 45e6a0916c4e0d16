import { ReplayError } from '../errors.ts'
import { type KnownOptions, requireOptions } from '../known-options.ts'
import type { MessageBatch } from '../message/batch.ts'
import { BookTickerView } from '../protocol/book-ticker.ts'
import { TYPE_BOOK_TICKER, TYPE_TRADE } from '../protocol/message-type.ts'
import { TradeView } from '../protocol/trade.ts'
import { OutputFile } from '../store/output-file.ts'
import { quoteCsv } from '../table/csv-text.ts'
import { copyText, putAscii, putDouble, putNine, putU64, putWhole } from './decimal-text.ts'
import type { Sink } from './sink.ts'

export interface CsvSinkOptions {
  /** File to create or replace. Either this or `fd`. */
  readonly path?: string
  /** Open descriptor to write to; it stays open. */
  readonly fd?: number
  /** Adds the columns of tickers and trades. @default false */
  readonly decode?: boolean
  /** @default 'csv' */
  readonly name?: string
}

const KNOWN: KnownOptions<CsvSinkOptions> = { path: true, fd: true, decode: true, name: true }
const RAW_COLUMNS = 'seq,timestamp_ns,type,symbol,payload_length'
const DECODED_COLUMNS =
  'bid_price,bid_qty,ask_price,ask_qty,price,qty,trade_id,buyer_order_id,seller_order_id,is_buyer_maker,exchange_timestamp_ns'

/**
 * Messages as CSV (RFC 4180, newline "\n", a header line, UTF-8).
 *
 * Columns: `seq,timestamp_ns,type,symbol,payload_length`, `type` as a decimal number; with `decode` also those of tickers
 * and trades, empty where a message has no such field. 64-bit numbers are exact; floats are the shortest decimal that
 * reads back as the same float; booleans `true` and `false`.
 * A file appears under its name when all is written: a run that fails leaves none. A pipe or device has the whole lines so far.
 */
export class CsvSink implements Sink {
  readonly name: string
  readonly #file: OutputFile
  readonly #decode: boolean
  readonly #trade = new TradeView()
  readonly #ticker = new BookTickerView()
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
    this.#at = putAscii(this.#view, 0, this.#decode ? `${RAW_COLUMNS},${DECODED_COLUMNS}\n` : `${RAW_COLUMNS}\n`)
  }

  /** @throws ReplayError `disk-full`, `output-closed`, `output-failed`; with `decode` also `payload-truncated` */
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
      if (decode) at = this.#putDecoded(batch, row, view, at)
      view.setUint8(at++, NEWLINE)
      // Lines are kept whole: what an error leaves behind is readable.
      this.#at = at
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
  #putDecoded(batch: MessageBatch, row: number, out: DataView, start: number): number {
    const type = batch.types[row]!
    if (type === TYPE_BOOK_TICKER) {
      const ticker = this.#ticker.wrapMessage(batch.at(row))
      let at = putField(out, start, ticker.bidPrice)
      at = putField(out, at, ticker.bidQuantity)
      at = putField(out, at, ticker.askPrice)
      at = putField(out, at, ticker.askQuantity)
      at = putAscii(out, at, ',,,,,,,')
      return putU64(out, at, ticker.timestampNsHigh, ticker.timestampNsLow)
    }
    if (type !== TYPE_TRADE) return putAscii(out, start, ',,,,,,,,,,,')
    const trade = this.#trade.wrapMessage(batch.at(row))
    let at = putAscii(out, start, ',,,,')
    at = putField(out, at, trade.price)
    at = putField(out, at, trade.quantity)
    out.setUint8(at, COMMA)
    at = putU64(out, at + 1, trade.tradeIdHigh, trade.tradeIdLow)
    out.setUint8(at, COMMA)
    at = putU64(out, at + 1, trade.buyerOrderIdHigh, trade.buyerOrderIdLow)
    out.setUint8(at, COMMA)
    at = putU64(out, at + 1, trade.sellerOrderIdHigh, trade.sellerOrderIdLow)
    at = putAscii(out, at, trade.isBuyerMaker ? ',true,' : ',false,')
    return putU64(out, at, trade.timestampNsHigh, trade.timestampNsLow)
  }
}

function putField(out: DataView, at: number, value: number): number {
  out.setUint8(at, COMMA)
  return putDouble(out, at + 1, value)
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
/** More than a line takes without its tail: two u64, and decoded 4 floats and 4 u64 of at most 25 bytes. */
const LINE_BYTES = 512
const COMMA = 0x2c
const NEWLINE = 0x0a
const ZERO = 0x30
const MAX_DIGITS = 20
const SECOND = 1_000_000_000
const TWO32 = 2 ** 32
const SCRATCH = new DataView(new ArrayBuffer(MAX_DIGITS + 12))
const encoder = new TextEncoder()
