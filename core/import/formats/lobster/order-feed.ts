import { L3_ADD, L3_CANCEL, SIDE_BUY, SIDE_SELL } from '../../../protocol/l3-event.ts'
import type { L3Output } from '../../messages/book-outputs.ts'
import type { ImportTally } from '../../messages/import-tally.ts'
import type { Instant } from '../../messages/instant.ts'
import { type LevelRow, SideLevels } from './level-row.ts'
import { ADDED, CANCELLED, CROSSED, DELETED, EXECUTED, EXECUTED_HIDDEN, type MessageRow } from './message-row.ts'
import type { NamedOrders } from './named-orders.ts'
import { type OrderLevel, OrderSide, type RestingOrder } from './order-levels.ts'

/** Ids of orders that the file does not name are above it. */
const NAMELESS = 2 ** 40
const WORD = 2 ** 32

/**
 * Makes of messages events of a book by order. With an orderbook file the book is what its rows show: files tell only of orders at the
 * best levels, so that what was placed or ended elsewhere is supplied, in events whose native sequence is 0.
 */
export class OrderFeed {
  readonly #l3: L3Output
  readonly #tally: ImportTally
  /** Null: there is no orderbook file. */
  readonly #named: NamedOrders | null
  readonly #bids = new OrderSide(true)
  readonly #asks = new OrderSide(false)
  readonly #orders = new Map<number, RestingOrder>()
  #time: Instant
  /** Native sequence of what is written: the row of a message, or 0. */
  #native = 0
  #isWritten = false
  #nameless = 0

  constructor(l3: L3Output, tally: ImportTally, named: NamedOrders | null, time: Instant) {
    this.#l3 = l3
    this.#tally = tally
    this.#named = named
    this.#time = time
    l3.setScales(4, 0)
  }

  /** What was there before the first message: what the first row shows, without what the message did. */
  seed(message: MessageRow, row: LevelRow): void {
    this.#begin(message.time)
    for (const isBuy of [true, false]) {
      const levels = isBuy ? row.bids : row.asks
      const change = message.isBuy !== isBuy || message.type > EXECUTED ? 0 : message.type === ADDED ? -message.size : message.size
      this.#showSide(isBuy, change === 0 ? levels : changed(levels, isBuy, message.price, change), row.levels, 0)
    }
  }

  /** @param row number of the message @returns whether it is written; null: its order is not known */
  message(message: MessageRow, row: number): boolean | null {
    const { type, id, size, price, isBuy } = message
    this.#begin(message.time)
    if (type >= CROSSED) return false
    if (type === EXECUTED_HIDDEN) return this.#l3.trade(this.#time, this.#time, row, sideOf(isBuy), 0, 0, 0, 0, price, size)
    if (type === ADDED) {
      const old = this.#orders.get(id)
      if (old !== undefined) this.#cancel(old, old.size)
      const level = this.#side(isBuy).at(price)
      // A level that begins here comes into view with this order alone.
      if (level.orders.size === 0) level.shownAt = row - 1
      this.#native = row
      this.#add(level, id, size)
      if (old?.level !== level) this.#clean(old?.level)
      return this.#isWritten
    }
    const order = this.#named === null ? this.#orders.get(id) : this.#ensure(message, row)
    if (order === undefined) return null
    if (type === DELETED && order.size > size) this.#cancel(order, order.size - size)
    this.#native = row
    if (type === EXECUTED) this.#trade(order, size, price)
    else if (type === CANCELLED || type === DELETED) this.#cancel(order, size)
    this.#clean(order.level)
    return this.#isWritten
  }

  /** The book becomes what a row shows. @returns whether something is written */
  show(row: LevelRow, number: number, time: Instant): boolean {
    this.#begin(time)
    if (!row.isSorted) {
      this.#tally.note('orderbook rows out of order')
      return false
    }
    this.#showSide(true, row.bids, row.levels, number)
    this.#showSide(false, row.asks, row.levels, number)
    return this.#isWritten
  }

  #begin(time: Instant): void {
    this.#time = time
    this.#native = 0
    this.#isWritten = false
  }

  /** @param depth levels that a row has: where fewer are filled there are no others */
  #showSide(isBuy: boolean, shown: SideLevels, depth: number, row: number): void {
    const side = this.#side(isBuy)
    const { levels } = side
    let at = levels.length - 1
    for (let i = 0; i < shown.count; i++) {
      const price = shown.prices[i]!
      for (; at >= 0 && side.isBetter(levels[at]!.price, price); at--) this.#drop(side, levels[at]!)
      if (at >= 0 && levels[at]!.price === price) this.#showLevel(levels[at--]!, shown.sizes[i]!, row)
      else this.#showLevel(side.insert(at + 1, price), shown.sizes[i]!, row)
    }
    if (shown.count < depth) for (; at >= 0; at--) this.#drop(side, levels[at]!)
  }

  #showLevel(level: OrderLevel, size: number, row: number): void {
    // Where it was in view before, nothing happened to it that was not told.
    if (level.shownAt !== row - 1 || row === 0) this.#reveal(level, size, row)
    level.shownAt = row
    if (level.total > size) this.#shrink(level, level.total - size, row)
    if (level.total < size) this.#addNameless(level, size - level.total)
  }

  /** A level comes into view: orders that are named later are in it. */
  #reveal(level: OrderLevel, size: number, row: number): void {
    const unseen = this.#named?.takeUnseenAt(level.isBuy, level.price, row) ?? []
    const found = unseen.filter(({ id }) => !this.#orders.has(id))
    if (found.length === 0) return
    const excess = level.total + found.reduce((sum, order) => sum + order.size, 0) - size
    if (excess > 0) this.#shrink(level, excess, row)
    // Ids grow with time: orders behind them in time are behind them in the queue.
    const behind = [...level.orders.values()].filter(({ id }) => id > found[0]!.id).map(({ id, size }) => ({ id, size }))
    for (const { id, size } of behind) this.#cancel(this.#orders.get(id)!, size)
    for (const { id, size } of [...found, ...behind].sort((a, b) => a.id - b.id)) this.#add(level, id, size)
    if (behind.length > 0) this.#tally.note('orders queued again behind older ones', behind.length)
  }

  /** Takes shares out of a level: first of orders that have no name, or are not named any more, then of the last ones. */
  #shrink(level: OrderLevel, shares: number, row: number): void {
    let left = shares
    const orders = [...level.orders.values()]
    for (const order of orders) {
      if (left > 0 && order.id < NAMELESS && this.#named!.isForgotten(order.id, row)) left -= this.#cancel(order, order.size)
    }
    for (const order of orders.reverse()) if (left > 0 && order.id > NAMELESS) left -= this.#cancel(order, Math.min(left, order.size))
    for (const order of orders) if (left > 0 && order.id < NAMELESS) left -= this.#cancel(order, Math.min(left, order.size))
  }

  /** The order that a message names, with the shares that it takes at least. */
  #ensure({ id, size, price, isBuy }: MessageRow, row: number): RestingOrder {
    const level = this.#side(isBuy).at(price)
    const known = this.#orders.get(id)
    if (known?.level === level && known.size >= size) return known
    // It was taken for a part of the others: the level stays what it is.
    this.#tally.note('orders known late')
    const { total } = level
    if (known !== undefined) {
      this.#cancel(known, known.size)
      if (known.level !== level) this.#clean(known.level)
    }
    const told = known === undefined ? (this.#named!.unseen(id)?.size ?? 0) : 0
    const wanted = Math.max(size, Math.min(told, total))
    if (level.total > total - wanted) this.#shrink(level, Math.min(level.total, level.total + wanted - total), row)
    this.#add(level, id, wanted)
    if (level.total < total) this.#addNameless(level, total - level.total)
    return this.#orders.get(id)!
  }

  #drop(side: OrderSide, level: OrderLevel): void {
    for (const order of level.orders.values()) this.#cancel(order, order.size)
    side.remove(level)
  }

  #clean(level: OrderLevel | undefined): void {
    if (level !== undefined && level.orders.size === 0) this.#side(level.isBuy).remove(level)
  }

  #side(isBuy: boolean): OrderSide {
    return isBuy ? this.#bids : this.#asks
  }

  #add(level: OrderLevel, id: number, size: number): void {
    const order: RestingOrder = { id, level, size }
    level.orders.set(id, order)
    level.total += size
    this.#orders.set(id, order)
    this.#event(L3_ADD, order, size)
  }

  #addNameless(level: OrderLevel, size: number): void {
    this.#add(level, NAMELESS + ++this.#nameless, size)
  }

  /** @returns shares that are gone */
  #cancel(order: RestingOrder, size: number): number {
    this.#event(L3_CANCEL, order, size)
    return this.#reduce(order, size)
  }

  #trade(order: RestingOrder, size: number, price: number): void {
    const [low, high] = [order.id >>> 0, Math.floor(order.id / WORD)]
    const time = this.#time
    const isWritten = order.level.isBuy
      ? this.#l3.trade(time, time, this.#native, SIDE_BUY, low, high, 0, 0, price, size)
      : this.#l3.trade(time, time, this.#native, SIDE_SELL, 0, 0, low, high, price, size)
    if (isWritten) this.#isWritten = true
    this.#reduce(order, size)
  }

  #reduce(order: RestingOrder, size: number): number {
    const { level } = order
    const gone = Math.min(size, order.size)
    order.size -= gone
    level.total -= gone
    if (order.size === 0) {
      level.orders.delete(order.id)
      this.#orders.delete(order.id)
    }
    return gone
  }

  #event(type: number, { id, level }: RestingOrder, size: number): void {
    const { price, isBuy } = level
    const isWritten = this.#l3.event(
      type,
      this.#time,
      this.#time,
      this.#native,
      sideOf(isBuy),
      id >>> 0,
      Math.floor(id / WORD),
      price,
      size,
    )
    if (!isWritten) return
    this.#isWritten = true
    if (this.#native === 0) this.#tally.note(type === L3_ADD ? 'supplied adds' : 'supplied cancels')
  }
}

function sideOf(isBuy: boolean): number {
  return isBuy ? SIDE_BUY : SIDE_SELL
}

/** Levels with a size at a price changed. */
function changed(levels: SideLevels, isBid: boolean, price: number, change: number): SideLevels {
  const sign = isBid ? 1 : -1
  const result = new SideLevels(levels.count + 1, isBid)
  let isDone = false
  for (let at = 0; at < levels.count; at++) {
    const here = levels.prices[at]!
    if (!isDone && (price - here) * sign > 0) {
      if (change > 0) result.push(price, change)
      isDone = true
    }
    const size = levels.sizes[at]! + (here === price ? change : 0)
    if (here === price) isDone = true
    if (size > 0) result.push(here, size)
  }
  if (!isDone && change > 0) result.push(price, change)
  return result
}
