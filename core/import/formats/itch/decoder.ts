import { L3_ADD, L3_CANCEL, SIDE_BUY, SIDE_SELL, SIDE_UNKNOWN } from '../../../protocol/l3-event.ts'
import type { ImportOutput } from '../../messages/import-output.ts'
import type { ImportPlace, ImportTally } from '../../messages/import-tally.ts'
import { Instant } from '../../messages/instant.ts'
import type { MessageTaker } from './framing.ts'
import * as layout from './layout.ts'
import { OrderTable } from './order-table.ts'
import { RecentMatches } from './recent-matches.ts'
import { nameAt, type Stock, StockTable } from './stock-table.ts'

const PRICES_PER_DOLLAR = 10_000

/** Makes of the messages of a day what they say of orders and trades. */
export class ItchDecoder implements MessageTaker {
  /** Where the bytes that are taken begin in the file. */
  base = 0
  readonly #path: string
  readonly #midnight: Instant
  readonly #tally: ImportTally
  readonly #orders = new OrderTable()
  readonly #matches = new RecentMatches()
  readonly #stocks: StockTable
  readonly #time = new Instant()
  #bytes: Uint8Array = new Uint8Array(0)
  #view = new DataView(this.#bytes.buffer)
  /** Of the message in the file, from 1 on. */
  #number = 0
  #isEnded = false

  constructor(path: string, venue: string, midnight: Instant, output: ImportOutput) {
    this.#path = path
    this.#midnight = midnight
    this.#stocks = new StockTable(venue, output)
    this.#tally = output.tally
  }

  take(bytes: Uint8Array, at: number, length: number): boolean {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    }
    this.#number++
    const type = length < layout.HEADER_BYTES ? 0 : bytes[at]!
    const expected = layout.MESSAGE_BYTES[type]!
    if (expected === 0 || length !== expected) {
      if (expected === 0 || !layout.fits(expected, length)) return this.#takeOdd(type, at, length)
      this.#tally.note('longer messages')
    }
    const view = this.#view
    const high = view.getUint16(at + layout.TIME_HIGH)
    if (high > layout.MAX_TIME_HIGH) {
      this.#tally.bad('time', 'the time is not one of a day', this.#place(at))
      return false
    }
    const low = this.#midnight.low + view.getUint32(at + layout.TIME_LOW)
    this.#time.low = low >>> 0
    this.#time.high = this.#midnight.high + high + (low >= WORD ? 1 : 0)
    const locate = view.getUint16(at + layout.LOCATE)
    switch (type) {
      case 0x41: // A
      case 0x46: // F
        this.#add(at, locate)
        break
      case 0x44: // D
      case 0x58: // X
        this.#cancel(at, locate, type === 0x58)
        break
      case 0x45: // E
      case 0x43: // C
        this.#execute(at, locate, type === 0x43)
        break
      case 0x55: // U
        this.#replace(at, locate)
        break
      case 0x50: // P
        this.#hiddenTrade(at, locate)
        break
      case 0x51: // Q
        this.#cross(at, locate)
        break
      case 0x42: // B
        this.#broken(at, locate)
        break
      default:
        this.#leave(type, at, locate)
    }
    return true
  }

  repeated(): void {
    this.#number++
    this.#tally.leave('repeated')
  }

  missing(messages: number): void {
    if (messages > 0) this.#tally.note('messages missing', messages)
  }

  /** No message follows. */
  finish(): void {
    if (!this.#isEnded) this.#tally.note('files without an end of messages')
  }

  #add(at: number, locate: number): void {
    const view = this.#view
    const stock = this.#stockOf(locate, at + layout.ADD_STOCK)
    if (stock === null || !this.#isWanted(stock)) return
    const letter = view.getUint8(at + layout.ADD_SIDE)
    const isSell = letter === LETTER_S
    const shares = view.getUint32(at + layout.ADD_SHARES)
    if (!isSell && letter !== LETTER_B) this.#tally.bad('side', 'the side of an order is neither B nor S', this.#place(at))
    else if (shares === 0) this.#badShares(at)
    else {
      const low = view.getUint32(at + layout.ORDER + 4)
      const high = view.getUint32(at + layout.ORDER)
      const price = view.getUint32(at + layout.ADD_PRICE)
      this.#settle(this.#addOrder(stock, locate, isSell, low, high, price, shares))
    }
  }

  #cancel(at: number, locate: number, isPart: boolean): void {
    const order = this.#orderOf(at, locate)
    if (order < 0) return
    const orders = this.#orders
    const shares = isPart ? this.#view.getUint32(at + layout.REDUCE_SHARES) : orders.shares(order)
    if (shares === 0) this.#badShares(at)
    else this.#settle(this.#cancelOrder(at, locate, order, shares))
  }

  /** The order of a message gives up shares. */
  #cancelOrder(at: number, locate: number, order: number, shares: number): boolean {
    const orders = this.#orders
    const low = this.#view.getUint32(at + layout.ORDER + 4)
    const high = this.#view.getUint32(at + layout.ORDER)
    const side = orders.isSell(order) ? SIDE_SELL : SIDE_BUY
    const { l3 } = this.#stocks.at(locate)!
    const isWritten = l3.event(L3_CANCEL, this.#time, this.#time, this.#number, side, low, high, orders.price(order), shares)
    if (!orders.reduce(order, shares)) this.#tally.note('more shares than the order had')
    return isWritten
  }

  #addOrder(stock: Stock, locate: number, isSell: boolean, low: number, high: number, price: number, shares: number): boolean {
    if (!this.#orders.add(low, high, locate, isSell, price, shares)) this.#tally.note('orders added again')
    const side = isSell ? SIDE_SELL : SIDE_BUY
    return stock.l3.event(L3_ADD, this.#time, this.#time, this.#number, side, low, high, price, shares)
  }

  /** The new order goes to the end of its queue. */
  #replace(at: number, locate: number): void {
    const order = this.#orderOf(at, locate)
    if (order < 0) return
    const view = this.#view
    const orders = this.#orders
    const shares = view.getUint32(at + layout.REPLACE_SHARES)
    if (shares === 0) {
      this.#badShares(at)
      return
    }
    const isSell = orders.isSell(order)
    const isWritten = this.#cancelOrder(at, locate, order, orders.shares(order))
    const low = view.getUint32(at + layout.REPLACE_NEW_ORDER + 4)
    const high = view.getUint32(at + layout.REPLACE_NEW_ORDER)
    const price = view.getUint32(at + layout.REPLACE_PRICE)
    this.#settle(this.#addOrder(this.#stocks.at(locate)!, locate, isSell, low, high, price, shares) || isWritten)
  }

  /** @param hasPrice the price is not that of the order, and what a cross reports in bulk is not printable */
  #execute(at: number, locate: number, hasPrice: boolean): void {
    const order = this.#orderOf(at, locate)
    if (order < 0) return
    const view = this.#view
    const orders = this.#orders
    const shares = view.getUint32(at + layout.REDUCE_SHARES)
    if (shares === 0) {
      this.#badShares(at)
      return
    }
    const isPrinted = !hasPrice || view.getUint8(at + layout.EXECUTION_PRINTABLE) === LETTER_Y
    if (!isPrinted && view.getUint8(at + layout.EXECUTION_PRINTABLE) !== LETTER_N) {
      this.#tally.bad('printable', 'an execution is marked with neither Y nor N', this.#place(at))
      return
    }
    const low = view.getUint32(at + layout.ORDER + 4)
    const high = view.getUint32(at + layout.ORDER)
    const isSell = orders.isSell(order)
    const price = hasPrice ? view.getUint32(at + layout.EXECUTION_PRICE) : orders.price(order)
    const { l3, trades } = this.#stocks.at(locate)!
    const time = this.#time
    let isWritten = isSell
      ? l3.trade(time, time, this.#number, SIDE_SELL, 0, 0, low, high, price, shares)
      : l3.trade(time, time, this.#number, SIDE_BUY, low, high, 0, 0, price, shares)
    const matchLow = this.#remember(at + layout.EXECUTION_MATCH, shares)
    if (isPrinted) {
      trades.setId(matchLow, view.getUint32(at + layout.EXECUTION_MATCH))
      if (isSell) trades.setOrders(0, 0, low, high)
      else trades.setOrders(low, high, 0, 0)
      if (trades.put(time, time, price / PRICES_PER_DOLLAR, shares, !isSell)) isWritten = true
    } else this.#tally.note('executions of crosses')
    if (!orders.reduce(order, shares)) this.#tally.note('more shares than the order had')
    this.#settle(isWritten)
  }

  /** Of an order that nobody saw: the book does not change. */
  #hiddenTrade(at: number, locate: number): void {
    const view = this.#view
    const stock = this.#stockOf(locate, at + layout.TRADE_STOCK)
    if (stock === null || !this.#isWanted(stock)) return
    const shares = view.getUint32(at + layout.TRADE_SHARES)
    if (shares === 0) {
      this.#badShares(at)
      return
    }
    const price = view.getUint32(at + layout.TRADE_PRICE)
    const time = this.#time
    const isWritten = stock.l3.trade(time, time, this.#number, SIDE_UNKNOWN, 0, 0, 0, 0, price, shares)
    const matchLow = this.#remember(at + layout.TRADE_MATCH, shares)
    stock.trades.setId(matchLow, view.getUint32(at + layout.TRADE_MATCH))
    this.#settle(stock.trades.put(time, time, price / PRICES_PER_DOLLAR, shares, false) || isWritten)
    this.#tally.note('side-unknown')
  }

  #cross(at: number, locate: number): void {
    const view = this.#view
    const stock = this.#stockOf(locate, at + layout.CROSS_STOCK)
    if (stock === null || !this.#isWanted(stock)) return
    const shares = view.getUint32(at + layout.CROSS_SHARES) * WORD + view.getUint32(at + layout.CROSS_SHARES + 4)
    if (shares === 0) {
      this.#tally.leave('cross without shares')
      return
    }
    const price = view.getUint32(at + layout.CROSS_PRICE)
    const matchLow = this.#remember(at + layout.CROSS_MATCH, shares)
    stock.trades.setId(matchLow, view.getUint32(at + layout.CROSS_MATCH))
    this.#settle(stock.trades.put(this.#time, this.#time, price / PRICES_PER_DOLLAR, shares, false))
    this.#tally.note('side-unknown')
  }

  /** A trade is void; what was written of it stays. */
  #broken(at: number, locate: number): void {
    const stock = this.#stocks.at(locate)
    if (stock !== null && !this.#isWanted(stock)) return
    const view = this.#view
    const shares = this.#matches.sharesOf(view.getUint32(at + layout.BROKEN_MATCH + 4), view.getUint32(at + layout.BROKEN_MATCH))
    if (shares < 0) this.#tally.note('broken, of unknown shares')
    else this.#tally.note('broken shares', shares)
    this.#tally.leave('broken')
  }

  #leave(type: number, at: number, locate: number): void {
    if (type === LETTER_R && !this.#directory(at, locate)) return
    if (type === LETTER_S && this.#view.getUint8(at + layout.EVENT_CODE) === END_OF_MESSAGES) this.#isEnded = true
    this.#tally.leave(layout.OTHERS[String.fromCharCode(type)]!)
  }

  /** False: it is bad, which was told. */
  #directory(at: number, locate: number): boolean {
    const isNew = this.#stocks.at(locate) === null
    const stock = this.#stockOf(locate, at + layout.DIRECTORY_STOCK)
    if (stock === null) return false
    const isTest = this.#view.getUint8(at + layout.DIRECTORY_AUTHENTICITY) === LETTER_T
    if (isNew && isTest && stock.isWanted) this.#tally.note(`test stock ${stock.symbol}`)
    return true
  }

  /** A message of a type that is not known, or with fewer bytes than it has. */
  #takeOdd(type: number, at: number, length: number): boolean {
    const letter = String.fromCharCode(type)
    const isType = /[A-Za-z]/.test(letter) && layout.MESSAGE_BYTES[type] === 0
    if (isType && layout.timeHigh(this.#bytes, at) <= layout.MAX_TIME_HIGH) {
      this.#tally.leave(`unknown type ${letter}`)
      return true
    }
    const expected = layout.MESSAGE_BYTES[type]!
    if (expected === 0) this.#tally.bad('type', `no message begins with byte ${type}`, this.#place(at))
    else this.#tally.bad('length', `message ${letter}: expected ${expected} bytes, found ${length}`, this.#place(at))
    return false
  }

  /** By its locate; a name that is not known yet makes it known. Null: the message does not fit to it, which was told. */
  #stockOf(locate: number, at: number): Stock | null {
    const view = this.#view
    const known = this.#stocks.at(locate)
    if (known !== null && known.first === view.getInt32(at) && known.last === view.getInt32(at + 4)) return known
    const stock = known === null ? this.#stocks.add(locate, view, at) : null
    if (stock !== null) return stock
    const found = JSON.stringify(nameAt(view, at))
    const why = known === null ? `no stock is called ${found}` : `stock locate ${locate} is ${known.symbol}, but the message says ${found}`
    this.#tally.bad('stock', why, this.#place(at))
    return null
  }

  /** The order of a message; −1: there is none, which was told. */
  #orderOf(at: number, locate: number): number {
    const stock = this.#stocks.at(locate)
    if (stock !== null && !this.#isWanted(stock)) return -1
    const order = this.#orders.find(this.#view.getUint32(at + layout.ORDER + 4), this.#view.getUint32(at + layout.ORDER))
    if (order < 0) {
      this.#tally.refuse('unknown-order')
      return -1
    }
    const found = this.#orders.locate(order)
    if (found === locate) return order
    this.#tally.bad('stock', `the order is of stock locate ${found}, but the message says ${locate}`, this.#place(at))
    return -1
  }

  #isWanted({ isWanted }: Stock): boolean {
    if (!isWanted) this.#tally.leave('not asked for')
    return isWanted
  }

  /** @returns the lower word of the match's number */
  #remember(at: number, shares: number): number {
    const low = this.#view.getUint32(at + 4)
    this.#matches.add(low, this.#view.getUint32(at), shares)
    return low
  }

  #settle(isWritten: boolean): void {
    if (isWritten) this.#tally.wrote()
    else this.#tally.leave('not asked for')
  }

  #badShares(at: number): void {
    this.#tally.bad('shares', 'a message has 0 shares', this.#place(at))
  }

  #place(at: number): ImportPlace {
    return { path: this.#path, offset: this.base + at }
  }
}

const WORD = 2 ** 32
const LETTER_B = 0x42
const LETTER_N = 0x4e
const LETTER_R = 0x52
const LETTER_S = 0x53
const LETTER_T = 0x54
const LETTER_Y = 0x59
const END_OF_MESSAGES = 0x43
