import type { ImportFile } from '../../importer.ts'
import { ADDED, DELETED, EXECUTED, type MessageRow } from './message-row.ts'
import { Rows } from './rows.ts'

/** An order that was placed where the file did not look, and is named by it later. */
export interface UnseenOrder {
  readonly id: number
  readonly price: number
  readonly isBuy: boolean
  /** It was placed at or soon behind this row, or before it: ids grow with time. 0: before all rows. */
  readonly placedRow: number
  /** Row of the first message that names it. */
  readonly firstRow: number
  /** What messages take off it in all: what it has at least. */
  size: number
}

/**
 * What a message file says of orders further on: those that are named without having been added, and when one whose end is never told
 * is named for the last time. Found in a pass of its own.
 */
export class NamedOrders {
  readonly #placing = new PlacingRows()
  readonly #unseen = new Map<number, UnseenOrder>()
  readonly #unseenAt = new Map<number, UnseenOrder[]>()
  /** Orders that were added, and neither deleted nor executed in full: what is left, and the last row that names them. */
  readonly #open = new Map<number, { left: number; lastRow: number }>()

  static async read(file: ImportFile, message: MessageRow): Promise<NamedOrders> {
    const named = new NamedOrders()
    const rows = await Rows.open(file)
    // What is wrong with rows is told by whoever imports them.
    while (await rows.block()) while (rows.next()) if (message.read(rows) === null) named.#take(message, rows.number)
    for (const order of named.#unseen.values()) {
      const key = levelKey(order.isBuy, order.price)
      const level = named.#unseenAt.get(key)
      if (level === undefined) named.#unseenAt.set(key, [order])
      else level.push(order)
    }
    return named
  }

  unseen(id: number): UnseenOrder | undefined {
    return this.#unseen.get(id)
  }

  /** Whether no row behind this one names an order, and its end is not told. */
  isForgotten(id: number, row: number): boolean {
    const order = this.#open.get(id)
    return order !== undefined && order.lastRow <= row
  }

  /** Takes out those of a level that are there at this row, by their ids. */
  takeUnseenAt(isBuy: boolean, price: number, row: number): UnseenOrder[] {
    const key = levelKey(isBuy, price)
    const level = this.#unseenAt.get(key)
    if (level === undefined) return []
    const later = level.filter(({ firstRow }) => firstRow > row)
    const there = later.filter(({ placedRow }) => placedRow <= row).sort((a, b) => a.id - b.id)
    if (there.length === later.length) this.#unseenAt.delete(key)
    else
      this.#unseenAt.set(
        key,
        later.filter(({ placedRow }) => placedRow > row),
      )
    return there
  }

  #take({ type, id, size, price, isBuy }: MessageRow, row: number): void {
    if (type > EXECUTED) return
    if (type === ADDED) {
      this.#placing.add(id, row)
      this.#open.set(id, { left: size, lastRow: row })
      return
    }
    const order = this.#open.get(id)
    if (order !== undefined) {
      order.left -= size
      order.lastRow = row
      if (type === DELETED || order.left <= 0) this.#open.delete(id)
      return
    }
    const unseen = this.#unseen.get(id)
    if (unseen !== undefined) unseen.size += size
    else this.#unseen.set(id, { id, price, isBuy, placedRow: this.#placing.rowBefore(id), firstRow: row, size })
  }
}

/** When orders were added, by their ids: the last ones. */
class PlacingRows {
  readonly #ids = new Float64Array(PLACINGS)
  readonly #rows = new Float64Array(PLACINGS)
  #count = 0

  /** Ids that do not grow say nothing. */
  add(id: number, row: number): void {
    if (this.#count > 0 && id <= this.#ids[(this.#count - 1) % PLACINGS]!) return
    this.#ids[this.#count % PLACINGS] = id
    this.#rows[this.#count++ % PLACINGS] = row
  }

  /** The last row that added a lesser id; 0: none did. */
  rowBefore(id: number): number {
    const oldest = Math.max(0, this.#count - PLACINGS)
    let [low, high] = [oldest, this.#count]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (this.#ids[middle % PLACINGS]! < id) low = middle + 1
      else high = middle
    }
    if (low > oldest) return this.#rows[(low - 1) % PLACINGS]!
    // Placed before those that are known.
    return oldest === 0 ? 0 : this.#rows[oldest % PLACINGS]!
  }
}

const PLACINGS = 2 ** 16

function levelKey(isBuy: boolean, price: number): number {
  return 2 * price + (isBuy ? 1 : 0)
}
