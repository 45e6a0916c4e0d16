import { JSON_ARRAY, JSON_OBJECT, JSON_TEXT, JsonKey, JsonMembers, sameBytes } from '../../files/json-scan.ts'
import { wholeNumber } from '../../files/whole-number.ts'
import { Decimal } from '../../messages/decimal.ts'
import type { ImportOutput } from '../../messages/import-output.ts'
import { Instant } from '../../messages/instant.ts'
import type { InstrumentOutput } from '../../messages/instrument-output.ts'
import { BookLevels } from './book-levels.ts'
import { ByText } from './by-text.ts'
import { CheckedBook } from './checked-book.ts'
import type { RecordedRow } from './recorded-row.ts'

/** A channel by its name, e.g. `book-1000`. */
interface Channel {
  readonly kind: 'book' | 'trade' | 'ticker' | 'other'
  readonly name: string
  /** Levels of a side that the exchange keeps up to date. */
  readonly depth: number
}

/** The pair that a number of a channel stands for. */
interface Numbered {
  readonly name: Uint8Array
  /** That said so. */
  messages: number
}

interface Pair {
  readonly instrument: InstrumentOutput
  readonly book: CheckedBook
  snapshots: number
}

/** Messages of Kraken's first websocket interface: events, and arrays such as `[464,{"b":[…],"c":"974942666"},"book-10","XBT/CHF"]`. */
export class KrakenMessages {
  readonly #output: ImportOutput
  readonly #row: RecordedRow
  readonly #message = new JsonMembers()
  readonly #part = new JsonMembers()
  readonly #list = new JsonMembers()
  readonly #channels = new ByText<Channel>()
  readonly #pairs = new ByText<Pair>()
  /** Pairs by the numbers that the exchange has for channels of one connection. */
  #numbers = new ByText<Numbered>()
  readonly #levels = new BookLevels({ keepsZeros: true, hasTimes: true })
  readonly #number = new Decimal()
  readonly #time = new Instant()
  readonly #keys = {
    allAsks: new JsonKey('as'),
    allBids: new JsonKey('bs'),
    asks: new JsonKey('a'),
    bids: new JsonKey('b'),
    checksum: new JsonKey('c'),
    event: new JsonKey('event'),
    channelId: new JsonKey('channelID'),
    pair: new JsonKey('pair'),
  }
  /** Of the message; −1: it has none. */
  #checksum = -1

  constructor(output: ImportOutput, row: RecordedRow) {
    this.#output = output
    this.#row = row
  }

  /** The connection begins anew: books are unknown until their snapshots. */
  connect(): void {
    this.#numbers = new ByText()
    for (const { book } of this.#pairs.values()) book.isKnown = false
  }

  take(bytes: Uint8Array, start: number, end: number): void {
    const message = this.#message
    const row = this.#row
    if (bytes[start] === JSON_OBJECT) {
      this.#event(bytes, start, end)
      return
    }
    if (!message.scanArray(bytes, start, end)) {
      row.broken()
      return
    }
    const { count, kinds } = message
    if (count < 4 || kinds[count - 1] !== JSON_TEXT || kinds[count - 2] !== JSON_TEXT) {
      row.bad('message', 'expected an array of a number, data, channel and pair')
      return
    }
    const channel = this.#channelOf(count - 2)
    if (channel.kind === 'other') {
      row.tally.leave(channel.name)
      return
    }
    const pair = this.#pairOf(count - 1)
    if (pair === null) row.bad('symbol', 'expected the pair that the number of the channel had before')
    else if (channel.kind === 'book') this.#book(pair, channel)
    else if (count !== 4) row.bad('message', 'expected one part of data')
    else if (channel.kind === 'trade') this.#trades(pair)
    else this.#ticker(pair)
  }

  #event(bytes: Uint8Array, start: number, end: number): void {
    const event = this.#part
    const keys = this.#keys
    const row = this.#row
    const name = event.scanObject(bytes, start, end) ? event.findKind(keys.event, JSON_TEXT) : -1
    if (name < 0) row.broken()
    else if (event.is(name, HEARTBEAT)) row.tally.leave('heartbeats')
    else {
      // Subscriptions say which pairs the numbers are of.
      const [number, pair] = [event.find(keys.channelId), event.findKind(keys.pair, JSON_TEXT)]
      if (number >= 0 && pair >= 0) this.#isNumbered(event, number, pair)
      row.tally.leave('events')
    }
  }

  #book(pair: Pair, channel: Channel): void {
    const message = this.#message
    const row = this.#row
    const { instrument, book } = pair
    const output = instrument.book
    const parts = message.count - 3
    this.#levels.newest.setWords(0, 0)
    this.#checksum = -1
    let isSnapshot = false
    for (let i = 1; i <= parts; i++) {
      if (message.kinds[i] !== JSON_OBJECT || !this.#part.scanObjectIn(message, i)) {
        this.#lose(book)
        row.bad('message', 'expected asks and bids in objects')
        return
      }
      if (i === 1) {
        isSnapshot = this.#part.find(this.#keys.allAsks) >= 0 || this.#part.find(this.#keys.allBids) >= 0
        output.beginMessage(isSnapshot ? 'snapshot' : 'diff', row.received, row.received)
        if (isSnapshot) book.begin()
      }
      if (!this.#putPart(output, book, isSnapshot)) {
        this.#lose(book)
        return
      }
    }
    // An empty snapshot has no time of its own.
    if (!this.#levels.newest.isZero) output.setExchangeTime(this.#levels.newest)
    book.cutTo(channel.depth)
    const end = output.end()
    if (end === 'out-of-range') {
      this.#lose(book)
      row.tally.refuse(end)
      return
    }
    if (end === 'written') output.setDepthLimit(channel.depth)
    if (isSnapshot && pair.snapshots++ > 0) row.tally.note('further snapshots')
    this.#check(book)
    row.settle(end === 'written')
  }

  /** False: it is not as it must be, which was told. */
  #putPart(output: InstrumentOutput['book'], book: CheckedBook, isSnapshot: boolean): boolean {
    const part = this.#part
    const keys = this.#keys
    const row = this.#row
    const bids = part.findKind(isSnapshot ? keys.allBids : keys.bids, JSON_ARRAY)
    const asks = part.findKind(isSnapshot ? keys.allAsks : keys.asks, JSON_ARRAY)
    const checksum = part.find(keys.checksum)
    const known = Number(bids >= 0) + Number(asks >= 0) + Number(checksum >= 0)
    if (known !== part.count || (isSnapshot ? bids < 0 || asks < 0 : bids < 0 && asks < 0)) {
      row.lacks(isSnapshot ? 'as and bs' : 'a or b, with c')
      return false
    }
    const { bytes, starts, ends } = part
    if (checksum >= 0) {
      this.#checksum = wholeNumber(bytes, starts[checksum]!, ends[checksum]!)
      if (this.#checksum < 0 || starts[checksum] === ends[checksum]) {
        row.bad('checksum', 'the checksum is no number')
        return false
      }
    }
    const problem =
      (bids < 0 ? null : this.#levels.put(output, true, bytes, starts[bids]!, ends[bids]!, book)) ??
      (asks < 0 ? null : this.#levels.put(output, false, bytes, starts[asks]!, ends[asks]!, book))
    if (problem !== null) row.refuseLevels(problem)
    return problem === null
  }

  #check(book: CheckedBook): void {
    if (this.#checksum < 0) return
    if (book.isKnown) this.#row.checked(book.krakenChecksum() === this.#checksum)
    else this.#row.tally.note('checksums not checked')
  }

  /** A message of it was left out. */
  #lose(book: CheckedBook): void {
    book.isKnown = false
  }

  /** `[price, size, time, side, order type, miscellaneous]` each. */
  #trades(pair: Pair): void {
    const row = this.#row
    const list = this.#list
    if (!list.scanArrayIn(this.#message, 1)) {
      row.bad('message', 'expected a list of trades')
      return
    }
    let written = 0
    for (let i = 0; i < list.count; i++) {
      const trade = this.#part
      const isTrade = list.kinds[i] === JSON_ARRAY && trade.scanArrayIn(list, i) && trade.count >= 4
      const price = isTrade ? this.#double(trade, 0) : Number.NaN
      const size = isTrade ? this.#size(trade, 1) : Number.NaN
      const side = isTrade && trade.ends[3]! - trade.starts[3]! === 1 ? trade.bytes[trade.starts[3]!] : 0
      if (Number.isNaN(price) || Number.isNaN(size) || (side !== BUY && side !== SELL) || !this.#readTime(trade, 2)) {
        row.bad('trade', 'expected trades as [price, size, time, side, …]')
        return
      }
      row.tally.note('id-empty')
      if (pair.instrument.trades.put(row.received, this.#time, price, size, side === SELL)) written++
    }
    row.settleAll(list.count, written)
  }

  /** `a` and `b` are [price, whole lots, size] each; there is no time. */
  #ticker(pair: Pair): void {
    const row = this.#row
    const sides = this.#part
    const isTicker = this.#message.kinds[1] === JSON_OBJECT && sides.scanObjectIn(this.#message, 1)
    const bids = isTicker ? sides.findKind(this.#keys.bids, JSON_ARRAY) : -1
    const asks = isTicker ? sides.findKind(this.#keys.asks, JSON_ARRAY) : -1
    if (bids < 0 || asks < 0) {
      row.lacks('a and b')
      return
    }
    const side = this.#list
    const hasBid = side.scanArrayIn(sides, bids) && side.count === 3
    const [bid, bidSize] = hasBid ? [this.#double(side, 0), this.#size(side, 2)] : [Number.NaN, Number.NaN]
    const hasAsk = side.scanArrayIn(sides, asks) && side.count === 3
    const [ask, askSize] = hasAsk ? [this.#double(side, 0), this.#size(side, 2)] : [Number.NaN, Number.NaN]
    if (Number.isNaN(bid) || Number.isNaN(bidSize) || Number.isNaN(ask) || Number.isNaN(askSize))
      row.bad('number', 'price or size is no number')
    else row.settle(pair.instrument.ticker.put(row.received, row.received, bid, bidSize, ask, askSize))
  }

  #double(members: JsonMembers, index: number): number {
    return this.#number.double(members.bytes, members.starts[index]!, members.ends[index]!)
  }

  #size(members: JsonMembers, index: number): number {
    return this.#number.size(members.bytes, members.starts[index]!, members.ends[index]!)
  }

  #readTime(members: JsonMembers, index: number): boolean {
    return this.#time.parseSeconds(members.bytes, members.starts[index]!, members.ends[index]!)
  }

  #channelOf(index: number): Channel {
    const { bytes, starts, ends } = this.#message
    let channel = this.#channels.get(bytes, starts[index]!, ends[index]!)
    if (channel === undefined) {
      channel = channelNamed(this.#message.text(index))
      this.#channels.put(bytes, starts[index]!, ends[index]!, channel)
    }
    return channel
  }

  /** Null: the number of the channel is that of another pair. */
  #pairOf(index: number): Pair | null {
    const message = this.#message
    const { bytes, starts, ends } = message
    if (!this.#isNumbered(message, 0, index)) return null
    let pair = this.#pairs.get(bytes, starts[index]!, ends[index]!)
    if (pair === undefined) {
      pair = {
        instrument: this.#output.instrument('kraken', this.#message.text(index)),
        book: new CheckedBook(),
        snapshots: 0,
      }
      this.#pairs.put(bytes, starts[index]!, ends[index]!, pair)
    }
    return pair
  }

  /** False: several messages said another pair for the number; one alone may be damaged itself. */
  #isNumbered({ bytes, starts, ends }: JsonMembers, number: number, pair: number): boolean {
    const [start, end] = [starts[number]!, ends[number]!]
    const known = this.#numbers.get(bytes, start, end)
    if (known !== undefined && sameBytes(bytes, starts[pair]!, ends[pair]!, known.name)) known.messages++
    else if (known !== undefined && known.messages > 1) return false
    else this.#numbers.put(bytes, start, end, { name: bytes.slice(starts[pair]!, ends[pair]!), messages: 1 })
    return true
  }
}

function channelNamed(name: string): Channel {
  const depth = /^book-(10|25|100|500|1000)$/.exec(name)?.[1]
  if (depth !== undefined) return { kind: 'book', name, depth: Number(depth) }
  if (name === 'trade' || name === 'ticker') return { kind: name, name, depth: 0 }
  return { kind: 'other', name: /^(?:spread|ohlc-\d{1,5})$/.test(name) ? name : 'other channels', depth: 0 }
}

const BUY = 98
const SELL = 115
const HEARTBEAT = new TextEncoder().encode('heartbeat')
