import { JSON_ARRAY, JSON_FALSE, JSON_TEXT, JSON_TRUE, JsonKey, JsonMembers, sameBytes } from '../../files/json-scan.ts'
import { Decimal } from '../../messages/decimal.ts'
import type { ImportOutput } from '../../messages/import-output.ts'
import { Instant } from '../../messages/instant.ts'
import type { InstrumentOutput } from '../../messages/instrument-output.ts'
import { BinanceBook } from './binance-book.ts'
import { BinanceDiff, idOf } from './binance-diff.ts'
import { BinanceSnapshot } from './binance-snapshot.ts'
import { ByText } from './by-text.ts'
import type { RecordedRow } from './recorded-row.ts'

/** What becomes of a message: settled, or it has to be known first whether the recording has trades one by one. */
export type Taken = 'settled' | 'has-trades?'

/** Messages of Binance as they come over a websocket, alone or in combined streams, and snapshots of the REST interface. */
export class BinanceMessages {
  /** Trades by the taker's order are taken where there are none one by one. */
  hasTrades: boolean | null = null
  readonly #venue: string
  readonly #isFutures: boolean
  readonly #output: ImportOutput
  readonly #row: RecordedRow
  readonly #outer = new JsonMembers()
  readonly #inner = new JsonMembers()
  readonly #diff = new BinanceDiff()
  readonly #now = new BinanceSnapshot()
  #laterBytes = 0
  readonly #symbols = new ByText<BinanceSymbol>()
  readonly #bySymbol = new Map<string, BinanceSymbol>()
  readonly #waiting = { bytes: 0 }
  readonly #time = new Instant()
  readonly #price = new Decimal()
  readonly #keys = {
    stream: new JsonKey('stream'),
    data: new JsonKey('data'),
    event: new JsonKey('e'),
    snapshotId: new JsonKey('lastUpdateId'),
    snapshotSymbol: new JsonKey('symbol'),
    result: new JsonKey('result'),
    code: new JsonKey('code'),
    diffSymbol: new JsonKey('s'),
  }
  readonly #trade = keysOf('s', 't', 'p', 'q', 'T', 'm', 'X')
  readonly #aggregate = keysOf('s', 'a', 'p', 'q', 'T', 'm')
  readonly #ticker = keysOf('s', 'b', 'B', 'a', 'A', 'E')

  /** @param isFutures ids have a previous one, and all messages a time */
  constructor(venue: string, isFutures: boolean, output: ImportOutput, row: RecordedRow) {
    this.#venue = venue
    this.#isFutures = isFutures
    this.#output = output
    this.#row = row
  }

  /** Takes a message. @param snapshotSymbol of the snapshots in the file, in the exchange's spelling */
  take(bytes: Uint8Array, start: number, end: number, snapshotSymbol: string | null): Taken {
    // What is in the data is scanned once, where nothing follows it.
    if (this.#outer.scanObject(bytes, start, end, this.#keys.data)) {
      const stream = this.#outer.find(this.#keys.stream)
      const data = this.#outer.find(this.#keys.data)
      if (stream >= 0 && data >= 0 && this.#outer.kinds[stream] === JSON_TEXT && this.#inner.scanObjectIn(this.#outer, data))
        return this.#combined(stream, data)
    }
    return this.#takeWhole(bytes, start, end, snapshotSymbol)
  }

  #takeWhole(bytes: Uint8Array, start: number, end: number, snapshotSymbol: string | null): Taken {
    const outer = this.#outer
    const row = this.#row
    if (!outer.scanObject(bytes, start, end)) {
      row.broken()
      return 'settled'
    }
    const stream = outer.find(this.#keys.stream)
    if (stream < 0) return this.#message(outer, start, end, -1, 0, snapshotSymbol)
    const data = outer.find(this.#keys.data)
    if (data < 0 || outer.kinds[stream] !== JSON_TEXT) row.lacks('stream and data')
    else if (outer.kinds[data] === JSON_ARRAY) row.tally.leave('lists of all symbols')
    else if (!this.#inner.scanObjectIn(outer, data)) row.broken()
    else return this.#combined(stream, data)
    return 'settled'
  }

  #combined(stream: number, data: number): Taken {
    const { starts, ends } = this.#outer
    return this.#message(this.#inner, starts[data]!, ends[data]!, starts[stream]!, ends[stream]!, null)
  }

  /** Takes a snapshot that is not recorded with the diffs: it is put where it belongs by its time of receipt. */
  takeLater(bytes: Uint8Array, start: number, end: number, symbol: string | null): void {
    const message = bytes.slice(start, end)
    this.#laterBytes += message.length
    if (!this.#inner.scanObject(message, 0, message.length)) this.#row.broken()
    else if (this.#inner.find(this.#keys.snapshotId) < 0) this.#other(this.#inner)
    else if (this.#laterBytes > MAX_LATER_BYTES) this.#row.tally.leave('snapshots beyond what waits in memory')
    else this.#snapshot(this.#inner, symbol, true)
  }

  /** Nothing more is to come. */
  finish(): void {
    for (const { book } of this.#bySymbol.values()) book?.finish()
  }

  /** @param stream where its name starts; −1: it has none */
  #message(members: JsonMembers, start: number, end: number, stream: number, streamEnd: number, snapshotSymbol: string | null): Taken {
    const { bytes } = members
    const { tally } = this.#row
    const at = stream < 0 ? -1 : indexOf(bytes, stream, streamEnd, AT)
    const event = members.findKind(this.#keys.event, JSON_TEXT)
    if (event < 0) {
      if (members.find(this.#keys.snapshotId) >= 0) {
        if (stream >= 0) tally.leave('partial depth')
        else this.#snapshot(members, snapshotSymbol)
      } else if (members.find(this.#ticker.B) >= 0 && members.find(this.#ticker.A) >= 0) this.#putTicker(members, stream, at)
      else this.#other(members)
      return 'settled'
    }
    const [from, to] = [members.starts[event]!, members.ends[event]!]
    if (sameBytes(bytes, from, to, DEPTH)) {
      // Such a stream has the best levels each time, in the shape of a diff.
      if (at >= 0 && isPartial(bytes, at + 1, streamEnd)) tally.leave('partial depth')
      else this.#putDiff(members, start, end, stream, at)
    } else if (sameBytes(bytes, from, to, BOOK_TICKER)) this.#putTicker(members, stream, at)
    else if (sameBytes(bytes, from, to, TRADE)) this.#putTrade(members, stream, at)
    else if (sameBytes(bytes, from, to, AGGREGATE)) {
      if (this.hasTrades === null) return 'has-trades?'
      if (this.hasTrades) tally.leave('aggTrade')
      else this.#putAggregate(members, stream, at)
    } else this.#otherEvent(members.text(event), bytes, at, streamEnd)
    return 'settled'
  }

  #putDiff(members: JsonMembers, start: number, end: number, stream: number, at: number): void {
    if (!this.#diff.read(members, this.#isFutures)) {
      this.#row.lacks(`E, U, u, ${this.#isFutures ? 'pu, ' : ''}b and a`)
      return
    }
    const symbol = this.#symbolOf(members, this.#keys.diffSymbol, stream, at)
    if (symbol !== null) this.#bookOf(symbol).diff(this.#diff, start, end)
  }

  #snapshot(members: JsonMembers, fileSymbol: string | null, isLater = false): void {
    const row = this.#row
    const snapshot = isLater ? new BinanceSnapshot() : this.#now
    if (!snapshot.read(members)) {
      row.lacks('lastUpdateId, bids and asks')
      return
    }
    const own = members.findKind(this.#keys.snapshotSymbol, JSON_TEXT)
    const [only] = this.#bySymbol.size === 1 ? this.#bySymbol.keys() : []
    const name = own >= 0 ? members.text(own) : (fileSymbol ?? only)
    if (name === undefined) {
      row.tally.leave('snapshot without a symbol')
      return
    }
    const book = this.#bookOf(this.#symbolNamed(name))
    if (isLater) book.snapshotLater(snapshot)
    else book.snapshot(snapshot)
  }

  #putTrade(members: JsonMembers, stream: number, at: number): void {
    const keys = this.#trade
    const type = members.findKind(keys.X, JSON_TEXT)
    this.hasTrades = true
    this.#putPrint(members, keys, idOf(members, keys.t), type >= 0 && !members.is(type, MARKET), stream, at)
  }

  #putAggregate(members: JsonMembers, stream: number, at: number): void {
    this.#putPrint(members, this.#aggregate, idOf(members, this.#aggregate.a), false, stream, at)
  }

  #putPrint(
    members: JsonMembers,
    keys: Record<'s' | 'p' | 'q' | 'T' | 'm', JsonKey>,
    id: number,
    isOther: boolean,
    stream: number,
    at: number,
  ): void {
    const { bytes, starts, ends } = members
    const row = this.#row
    const time = members.find(keys.T)
    const maker = members.find(keys.m)
    const price = this.#number(members, keys.p)
    const quantity = this.#size(members, keys.q)
    const isBuyerMaker = maker >= 0 && members.kinds[maker] === JSON_TRUE
    const isMakerSaid = isBuyerMaker || (maker >= 0 && members.kinds[maker] === JSON_FALSE)
    if (id < 0 || time < 0 || !isMakerSaid || Number.isNaN(price) || Number.isNaN(quantity)) {
      row.lacks('id, p, q, T and m')
      return
    }
    if (!this.#time.parseDigits(bytes, starts[time]!, ends[time]!)) {
      row.bad('time', 'expected T in milliseconds')
      return
    }
    const symbol = this.#symbolOf(members, keys.s, stream, at)
    if (symbol === null) return
    if (isOther) row.tally.leave('not of the market')
    else if (price === 0 || quantity === 0) row.tally.leave('price or quantity 0')
    else row.settle(symbol.instrument.trades.setIdNumber(id).put(row.received, this.#time, price, quantity, isBuyerMaker))
  }

  #putTicker(members: JsonMembers, stream: number, at: number): void {
    const keys = this.#ticker
    const row = this.#row
    const bid = this.#number(members, keys.b)
    const bidSize = this.#size(members, keys.B)
    const ask = this.#number(members, keys.a)
    const askSize = this.#size(members, keys.A)
    if (Number.isNaN(bid) || Number.isNaN(bidSize) || Number.isNaN(ask) || Number.isNaN(askSize)) {
      row.lacks('b, B, a and A')
      return
    }
    const event = members.find(keys.E)
    if (event >= 0 && !this.#time.parseDigits(members.bytes, members.starts[event]!, members.ends[event]!)) {
      row.bad('time', 'expected E in milliseconds')
      return
    }
    // Futures say when it was, and a message that does not is damaged.
    if (event < 0 && this.#isFutures) {
      row.lacks('E')
      return
    }
    const symbol = this.#symbolOf(members, keys.s, stream, at)
    if (symbol === null) return
    row.settle(symbol.instrument.ticker.put(row.received, event < 0 ? row.received : this.#time, bid, bidSize, ask, askSize))
  }

  #number(members: JsonMembers, key: JsonKey): number {
    const index = members.find(key)
    return index < 0 ? Number.NaN : this.#price.double(members.bytes, members.starts[index]!, members.ends[index]!)
  }

  #size(members: JsonMembers, key: JsonKey): number {
    const index = members.find(key)
    return index < 0 ? Number.NaN : this.#price.size(members.bytes, members.starts[index]!, members.ends[index]!)
  }

  /** Null: there is none, or the stream is of another, which was told. */
  #symbolOf(members: JsonMembers, key: JsonKey, stream: number, at: number): BinanceSymbol | null {
    const index = members.findKind(key, JSON_TEXT)
    const { bytes } = members
    const [start, end] = index < 0 ? [0, 0] : [members.starts[index]!, members.ends[index]!]
    if (start === end) {
      this.#row.lacks('s')
      return null
    }
    if (at >= 0 && !isSameSymbol(bytes, start, end, stream, at)) {
      this.#row.bad('symbol', 'expected the symbol of the stream in s')
      return null
    }
    let symbol = this.#symbols.get(bytes, start, end)
    if (symbol === undefined) {
      if (bytes.subarray(start, end).some(isSmall)) {
        this.#row.bad('symbol', 'expected a symbol in capitals in s')
        return null
      }
      symbol = this.#symbolNamed(members.text(index))
      this.#symbols.put(bytes, start, end, symbol)
    }
    return symbol
  }

  #symbolNamed(name: string): BinanceSymbol {
    let symbol = this.#bySymbol.get(name)
    if (symbol === undefined) {
      symbol = { instrument: this.#output.instrument(this.#venue, name), book: null }
      this.#bySymbol.set(name, symbol)
    }
    return symbol
  }

  #bookOf(symbol: BinanceSymbol): BinanceBook {
    symbol.book ??= new BinanceBook(symbol.instrument, this.#isFutures, this.#row, this.#waiting)
    return symbol.book
  }

  #otherEvent(name: string, bytes: Uint8Array, at: number, streamEnd: number): void {
    // A stream that is known has events of one name.
    const stream = at < 0 ? '' : String.fromCharCode(...bytes.subarray(at + 1, Math.min(streamEnd, at + 20)))
    if (/^(?:depth(?:@|$)|trade$|aggTrade$|bookTicker$)/.test(stream)) this.#row.bad('event', `expected the event of ${stream}`)
    else this.#row.tally.leave(KNOWN_EVENTS.has(name) ? name : 'other events')
  }

  #other(members: JsonMembers): void {
    const { tally } = this.#row
    if (members.find(this.#keys.result) >= 0) tally.leave('responses')
    else if (members.find(this.#keys.code) >= 0) tally.leave('errors of the exchange')
    else this.#row.lacks('an event that is known')
  }
}

interface BinanceSymbol {
  readonly instrument: InstrumentOutput
  book: BinanceBook | null
}

function keysOf<K extends string>(...names: K[]): Record<K, JsonKey> {
  return Object.fromEntries(names.map((name) => [name, new JsonKey(name)])) as Record<K, JsonKey>
}

function indexOf(bytes: Uint8Array, start: number, end: number, byte: number): number {
  for (let at = start; at < end; at++) if (bytes[at] === byte) return at
  return -1
}

/** Whether a stream is called e.g. `depth20@100ms`. */
function isPartial(bytes: Uint8Array, start: number, end: number): boolean {
  const digit = start + DEPTH_STREAM.length
  return digit < end && bytes[digit]! >= 49 && bytes[digit]! <= 57 && sameBytes(bytes, start, digit, DEPTH_STREAM)
}

/** Symbols are in capitals, streams in small letters. */
function isSameSymbol(bytes: Uint8Array, start: number, end: number, stream: number, streamEnd: number): boolean {
  if (end - start !== streamEnd - stream) return false
  for (let i = 0; i < end - start; i++) {
    const byte = bytes[stream + i]!
    if (bytes[start + i] !== (isSmall(byte) ? byte - 32 : byte)) return false
  }
  return true
}

function isSmall(byte: number): boolean {
  return byte >= 97 && byte <= 122
}

/** Of snapshots that wait for their turn. */
const MAX_LATER_BYTES = 192 << 20
const AT = 64
const ENCODER = new TextEncoder()
const DEPTH = ENCODER.encode('depthUpdate')
const DEPTH_STREAM = ENCODER.encode('depth')
const BOOK_TICKER = ENCODER.encode('bookTicker')
const TRADE = ENCODER.encode('trade')
const AGGREGATE = ENCODER.encode('aggTrade')
const MARKET = ENCODER.encode('MARKET')
/** What there is no message for, by name. */
const KNOWN_EVENTS = new Set([
  'markPriceUpdate',
  'indexPriceUpdate',
  'forceOrder',
  'kline',
  'continuous_kline',
  'indexPrice_kline',
  'markPrice_kline',
  '24hrTicker',
  '24hrMiniTicker',
  '1hTicker',
  '4hTicker',
  '1dTicker',
  'avgPrice',
  'compositeIndex',
  'contractInfo',
  'assetIndexUpdate',
])
