import { JSON_ARRAY, JSON_OBJECT, JSON_TEXT, JsonKey, JsonMembers } from '../../files/json-scan.ts'
import { wholeNumber } from '../../files/whole-number.ts'
import { Decimal } from '../../messages/decimal.ts'
import type { ImportOutput } from '../../messages/import-output.ts'
import { Instant } from '../../messages/instant.ts'
import type { InstrumentOutput } from '../../messages/instrument-output.ts'
import { BookLevels } from './book-levels.ts'
import { ByText } from './by-text.ts'
import { CheckedBook } from './checked-book.ts'
import type { RecordedRow } from './recorded-row.ts'

type Channel = 'books' | 'trades' | 'tickers' | { readonly other: string }

interface OkxSymbol {
  readonly instrument: InstrumentOutput
  readonly book: CheckedBook
  snapshots: number
  /** `seqId` of the message before; −1: it had none. */
  sequence: number
}

/** What becomes of one element of a message's data. */
type Put = 'written' | 'unwanted' | 'told'

/** Messages of OKX's websocket interface v5: `{"arg":{"channel":…,"instId":…},"action":…,"data":[…]}`. */
export class OkxMessages {
  readonly #output: ImportOutput
  readonly #row: RecordedRow
  readonly #message = new JsonMembers()
  readonly #argument = new JsonMembers()
  readonly #list = new JsonMembers()
  readonly #data = new JsonMembers()
  readonly #channels = new ByText<Channel>()
  readonly #symbols = new ByText<OkxSymbol>()
  readonly #levels = new BookLevels()
  readonly #number = new Decimal()
  readonly #time = new Instant()
  readonly #keys = keysOf('event', 'op', 'arg', 'action', 'data', 'channel', 'instId')
  readonly #bookKeys = keysOf('asks', 'bids', 'ts', 'checksum', 'seqId', 'prevSeqId')
  readonly #tradeKeys = keysOf('instId', 'tradeId', 'px', 'sz', 'side', 'ts')
  readonly #tickerKeys = keysOf('instId', 'askPx', 'askSz', 'bidPx', 'bidSz', 'ts')

  /** The one element of the data is scanned already. */
  #isScanned = false

  constructor(output: ImportOutput, row: RecordedRow) {
    this.#output = output
    this.#row = row
  }

  /** The connection begins anew: books are unknown until their snapshots. */
  connect(): void {
    for (const symbol of this.#symbols.values()) {
      symbol.book.isKnown = false
      symbol.sequence = -1
    }
  }

  take(bytes: Uint8Array, start: number, end: number): void {
    const message = this.#message
    const row = this.#row
    if (bytes[start] !== JSON_OBJECT && isPong(bytes, start, end)) {
      row.tally.leave('heartbeats')
      return
    }
    // What is in the data is scanned once, where nothing follows it.
    this.#isScanned = message.scanObject(bytes, start, end, this.#keys.data) && this.#scanOnly()
    if (!this.#isScanned && !message.scanObject(bytes, start, end)) {
      row.broken()
      return
    }
    const argument = message.findKind(this.#keys.arg, JSON_OBJECT)
    const data = message.findKind(this.#keys.data, JSON_ARRAY)
    if (data < 0 || argument < 0) {
      if (message.find(this.#keys.event) >= 0 || message.find(this.#keys.op) >= 0) row.tally.leave('events')
      else row.lacks('arg and data')
      return
    }
    if (!this.#argument.scanObjectIn(message, argument) || (!this.#isScanned && !this.#list.scanArrayIn(message, data))) {
      row.broken()
      return
    }
    const name = this.#argument.findKind(this.#keys.channel, JSON_TEXT)
    if (name < 0) {
      row.lacks('channel')
      return
    }
    const channel = this.#channelOf(name)
    if (typeof channel === 'object') {
      row.tally.leave(channel.other)
      return
    }
    const instrument = this.#argument.findKind(this.#keys.instId, JSON_TEXT)
    const symbol = instrument < 0 ? null : this.#symbolOf(instrument)
    if (symbol === null) row.lacks('instId, in capitals,')
    else this.#takeData(channel, symbol, instrument)
  }

  /** Whether the data is a list of one object, which is scanned then. */
  #scanOnly(): boolean {
    const data = this.#message.findKind(this.#keys.data, JSON_ARRAY)
    if (data < 0) return false
    const { bytes, starts, ends } = this.#message
    return bytes[ends[data]! - 1] === LIST_END && this.#data.scanObject(bytes, starts[data]! + 1, ends[data]! - 1)
  }

  #takeData(channel: 'books' | 'trades' | 'tickers', symbol: OkxSymbol, instrument: number): void {
    const list = this.#list
    const row = this.#row
    const count = this.#isScanned ? 1 : list.count
    let written = 0
    for (let i = 0; i < count; i++) {
      if (!this.#isScanned && (list.kinds[i] !== JSON_OBJECT || !this.#data.scanObjectIn(list, i))) {
        symbol.book.isKnown = false
        row.bad('message', 'expected objects in data')
        return
      }
      const put =
        channel === 'books' ? this.#book(symbol) : channel === 'trades' ? this.#trade(symbol, instrument) : this.#ticker(symbol, instrument)
      if (put === 'told') {
        if (channel === 'books') symbol.book.isKnown = false
        return
      }
      if (put === 'written') written++
    }
    row.settleAll(count, written)
  }

  #book(symbol: OkxSymbol): Put {
    const data = this.#data
    const row = this.#row
    const keys = this.#bookKeys
    const { instrument, book } = symbol
    const action = this.#message.findKind(this.#keys.action, JSON_TEXT)
    const isSnapshot = action >= 0 && this.#message.is(action, SNAPSHOT)
    const bids = data.findKind(keys.bids, JSON_ARRAY)
    const asks = data.findKind(keys.asks, JSON_ARRAY)
    if (action < 0 || (!isSnapshot && !this.#message.is(action, UPDATE)) || bids < 0 || asks < 0 || !this.#readTime(keys.ts)) {
      row.lacks('action, asks, bids and ts')
      return 'told'
    }
    const checksum = this.#whole(keys.checksum)
    const sequence = this.#whole(keys.seqId)
    const previous = this.#whole(keys.prevSeqId)
    if (checksum === null || sequence === null || previous === null) {
      row.bad('number', 'checksum, seqId or prevSeqId is no whole number')
      return 'told'
    }
    const id = sequence ?? 0
    const output = instrument.book
    output.beginMessage(isSnapshot ? 'snapshot' : 'diff', row.received, this.#time, Math.max(0, id))
    if (isSnapshot) book.begin()
    else if (id > 0) output.setUpdateIds(id, id, Math.max(0, previous ?? 0))
    const { bytes, starts, ends } = data
    const problem =
      this.#levels.put(output, true, bytes, starts[bids]!, ends[bids]!, book) ??
      this.#levels.put(output, false, bytes, starts[asks]!, ends[asks]!, book)
    if (problem !== null) {
      row.refuseLevels(problem)
      return 'told'
    }
    const end = output.end()
    if (end === 'out-of-range') {
      row.tally.refuse(end)
      return 'told'
    }
    if (isSnapshot && symbol.snapshots++ > 0) row.tally.note('further snapshots')
    if (!isSnapshot && id > 0 && symbol.sequence >= 0 && previous !== symbol.sequence) row.tally.note('chain broken')
    symbol.sequence = id > 0 ? id : -1
    // The exchange has ceased to compute them: 0 is none.
    if (checksum !== undefined && checksum !== 0) {
      if (book.isKnown) row.checked(book.okxChecksum() === checksum)
      else row.tally.note('checksums not checked')
    }
    return end
  }

  #trade(symbol: OkxSymbol, instrument: number): Put {
    const data = this.#data
    const row = this.#row
    const keys = this.#tradeKeys
    const id = this.#whole(keys.tradeId)
    const price = this.#double(keys.px)
    const size = this.#size(keys.sz)
    const side = data.findKind(keys.side, JSON_TEXT)
    const isSell = side >= 0 && data.is(side, SELL)
    if (Number.isNaN(price) || Number.isNaN(size) || side < 0 || (!isSell && !data.is(side, BUY)) || !this.#readTime(keys.ts)) {
      row.lacks('px, sz, side and ts')
      return 'told'
    }
    if (!this.#isOf(keys.instId, instrument)) return 'told'
    const { trades } = symbol.instrument
    if (typeof id === 'number' && id >= 0) trades.setIdNumber(id)
    else row.tally.note('id-not-numeric')
    return trades.put(row.received, this.#time, price, size, isSell) ? 'written' : 'unwanted'
  }

  #ticker(symbol: OkxSymbol, instrument: number): Put {
    const row = this.#row
    const keys = this.#tickerKeys
    const bid = this.#isMissing(keys.bidPx) ? 0 : this.#double(keys.bidPx)
    const bidSize = this.#isMissing(keys.bidSz) ? 0 : this.#size(keys.bidSz)
    const ask = this.#isMissing(keys.askPx) ? 0 : this.#double(keys.askPx)
    const askSize = this.#isMissing(keys.askSz) ? 0 : this.#size(keys.askSz)
    if (Number.isNaN(bid) || Number.isNaN(bidSize) || Number.isNaN(ask) || Number.isNaN(askSize) || !this.#readTime(keys.ts)) {
      row.lacks('bidPx, bidSz, askPx, askSz and ts')
      return 'told'
    }
    if (!this.#isOf(keys.instId, instrument)) return 'told'
    if (bid === 0 || ask === 0) row.tally.note('side-missing')
    return symbol.instrument.ticker.put(row.received, this.#time, bid, bidSize, ask, askSize) ? 'written' : 'unwanted'
  }

  /** Whether the data is of the instrument that the message is of. */
  #isOf(key: JsonKey, instrument: number): boolean {
    const own = this.#data.find(key)
    if (own >= 0 && this.#data.isSame(own, this.#argument, instrument)) return true
    this.#row.bad('symbol', 'expected the instId of the message in its data')
    return false
  }

  #double(key: JsonKey): number {
    const { bytes, starts, ends } = this.#data
    const index = this.#data.find(key)
    return index < 0 ? Number.NaN : this.#number.double(bytes, starts[index]!, ends[index]!)
  }

  #size(key: JsonKey): number {
    const { bytes, starts, ends } = this.#data
    const index = this.#data.find(key)
    return index < 0 ? Number.NaN : this.#number.size(bytes, starts[index]!, ends[index]!)
  }

  /** Of a side of the book that is empty. */
  #isMissing(key: JsonKey): boolean {
    const index = this.#data.findKind(key, JSON_TEXT)
    return index >= 0 && this.#data.starts[index] === this.#data.ends[index]
  }

  #readTime(key: JsonKey): boolean {
    const { bytes, starts, ends } = this.#data
    const index = this.#data.find(key)
    return index >= 0 && this.#time.parseDigits(bytes, starts[index]!, ends[index]!)
  }

  /** A whole number with a sign; undefined: it is not there; null: it is none. */
  #whole(key: JsonKey): number | null | undefined {
    const { bytes, starts, ends } = this.#data
    const index = this.#data.find(key)
    if (index < 0) return undefined
    const [start, end] = [starts[index]!, ends[index]!]
    const isNegative = bytes[start] === MINUS
    const from = isNegative ? start + 1 : start
    const value = from === end ? -1 : wholeNumber(bytes, from, end)
    return value < 0 ? null : isNegative ? -value : value
  }

  #channelOf(index: number): Channel {
    const { bytes, starts, ends } = this.#argument
    let channel = this.#channels.get(bytes, starts[index]!, ends[index]!)
    if (channel === undefined) {
      channel = channelNamed(this.#argument.text(index))
      this.#channels.put(bytes, starts[index]!, ends[index]!, channel)
    }
    return channel
  }

  /** Null: there is none. */
  #symbolOf(index: number): OkxSymbol | null {
    const { bytes, starts, ends } = this.#argument
    let symbol = this.#symbols.get(bytes, starts[index]!, ends[index]!)
    if (symbol === undefined) {
      const name = this.#argument.text(index)
      if (!/^[^a-z]+$/.test(name)) return null
      symbol = { instrument: this.#output.instrument('okx', name), book: new CheckedBook(), snapshots: 0, sequence: -1 }
      this.#symbols.put(bytes, starts[index]!, ends[index]!, symbol)
    }
    return symbol
  }
}

function keysOf<K extends string>(...names: K[]): Record<K, JsonKey> {
  return Object.fromEntries(names.map((name) => [name, new JsonKey(name)])) as Record<K, JsonKey>
}

function channelNamed(name: string): Channel {
  if (name === 'books' || name === 'books-l2-tbt') return 'books'
  if (name === 'trades' || name === 'tickers') return name
  return { other: /^[a-z0-9-]{1,40}$/.test(name) ? name : 'other channels' }
}

function isPong(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === 4 && String.fromCharCode(...bytes.subarray(start, end)) === 'pong'
}

const MINUS = 45
const LIST_END = 93
const ENCODER = new TextEncoder()
const SNAPSHOT = ENCODER.encode('snapshot')
const UPDATE = ENCODER.encode('update')
const BUY = ENCODER.encode('buy')
const SELL = ENCODER.encode('sell')
