import { ReplayError } from '../errors.ts'
import type { MessageCursor } from '../message/message.ts'
import { BookEventView, EVENT_DIFF, EVENT_HEARTBEAT, EVENT_RESET, EVENT_SNAPSHOT, MODE_L2, MODE_L3 } from '../protocol/book-event.ts'
import { L2DiffView } from '../protocol/l2-diff.ts'
import type { L2LevelsView } from '../protocol/l2-levels.ts'
import { L2SnapshotView } from '../protocol/l2-snapshot.ts'
import {
  L3_ADD,
  L3_CANCEL,
  L3_EVENT_PRICE_OFFSET,
  L3_EVENT_QUANTITY_OFFSET,
  L3_HEARTBEAT,
  L3_MODIFY,
  L3_RESET,
  L3_TRADE,
  L3EventView,
  SIDE_BUY,
  SIDE_SELL,
} from '../protocol/l3-event.ts'
import { LEVEL_BYTES, LEVEL_SIZE_OFFSET } from '../protocol/level.ts'
import { locateError } from '../protocol/payload.ts'

/** What a row of a book event says; columns of text are written in the words of `event` and `side`. */
export const BOOK_COLUMNS = ['event', 'side', 'level', 'order_id', 'feed_seq', 'update_id_first', 'update_id_last'] as const

/**
 * A book event as rows: one for each level of an L2 snapshot or diff, bids first, in the order of the message; one for every other
 * event, and for a snapshot or diff without levels. A flyweight on one message at a time, and on one of its rows.
 */
export class BookRows {
  /** Of the message; at least 1. */
  count = 0
  /** Of L2 `snapshot`, `diff`, `reset`, `heartbeat`; of L3 `add`, `cancel`, `modify`, `trade`, `reset`, `heartbeat`. */
  event = ''
  readonly header = new BookEventView()
  /** The event, where it is of L3. */
  order: L3EventView | null = null
  /** The event, where it is an L2 diff. */
  diff: L2DiffView | null = null
  /** Decimals of price and size. */
  priceScale = 0
  sizeScale = 0
  /** Of the row: which level of its side it is, from 0; −1: it is none. */
  level = -1
  /** Of the row; null: it has none, or the feed does not say. */
  side: 'bid' | 'ask' | null = null
  /** Where the row's price and size lie in the header's view, u64 each; −1: it has none. */
  priceAt = -1
  sizeAt = -1
  readonly #snapshot = new L2SnapshotView()
  readonly #diff = new L2DiffView()
  readonly #order = new L3EventView()
  #levels: L2LevelsView | null = null

  /** Moves to the first row of a book event. @throws ReplayError corrupt: those of the event's view, `event-type` */
  wrapMessage(message: MessageCursor): this {
    const { eventType, bookMode } = this.header.wrapMessage(message)
    this.order = null
    this.diff = null
    this.#levels = null
    if (bookMode === MODE_L3 && eventType === EVENT_DIFF) this.#wrapOrder(message)
    else if (bookMode === MODE_L2 && eventType === EVENT_DIFF) {
      this.diff = this.#diff.wrapMessage(message)
      this.#levels = this.diff
    } else if (bookMode === MODE_L2 && eventType === EVENT_SNAPSHOT) this.#levels = this.#snapshot.wrapMessage(message)
    else if (eventType !== EVENT_RESET && eventType !== EVENT_HEARTBEAT) {
      throw locateError(unknownEvent(`book event: event type ${eventType}, book mode ${bookMode}`), message)
    }
    if (this.order === null) this.event = L2_EVENTS[eventType]!
    this.count = this.#levels === null ? 1 : Math.max(1, this.#levels.bidCount + this.#levels.askCount)
    this.moveTo(0)
    return this
  }

  /** Moves to a row, 0 ≤ row < count. */
  moveTo(row: number): void {
    const levels = this.#levels
    if (levels === null || levels.bidCount + levels.askCount === 0) {
      this.level = -1
      if (this.order === null) this.#setNothing()
      return
    }
    const isBid = row < levels.bidCount
    this.level = isBid ? row : row - levels.bidCount
    this.side = isBid ? 'bid' : 'ask'
    this.priceScale = levels.priceScale
    this.sizeScale = levels.sizeScale
    this.priceAt = levels.levelsOffset + row * LEVEL_BYTES
    this.sizeAt = this.priceAt + LEVEL_SIZE_OFFSET
  }

  #setNothing(): void {
    this.side = null
    this.priceAt = -1
    this.sizeAt = -1
  }

  #wrapOrder(message: MessageCursor): void {
    const order = this.#order.wrapMessage(message)
    const event = L3_EVENTS[order.eventType]
    if (event === undefined) throw locateError(unknownEvent(`L3 event: kind ${order.eventType}`), message)
    this.order = order
    this.event = event
    this.side = order.side === SIDE_BUY ? 'bid' : order.side === SIDE_SELL ? 'ask' : null
    this.priceScale = order.priceScale
    this.sizeScale = order.sizeScale
    // 0 is no price, and no quantity: all of it, or as before.
    this.priceAt = placeOf(order, L3_EVENT_PRICE_OFFSET)
    this.sizeAt = placeOf(order, L3_EVENT_QUANTITY_OFFSET)
  }
}

function placeOf({ view, offset }: L3EventView, field: number): number {
  const at = offset + field
  return view.getUint32(at, true) === 0 && view.getUint32(at + 4, true) === 0 ? -1 : at
}

function unknownEvent(found: string): ReplayError {
  return new ReplayError('event-type', `expected an event that docs/format.md tells of, found ${found}`, { category: 'corrupt' })
}

const L2_EVENTS: Readonly<Record<number, string>> = {
  [EVENT_SNAPSHOT]: 'snapshot',
  [EVENT_DIFF]: 'diff',
  [EVENT_RESET]: 'reset',
  [EVENT_HEARTBEAT]: 'heartbeat',
}
const L3_EVENTS: Readonly<Record<number, string>> = {
  [L3_ADD]: 'add',
  [L3_CANCEL]: 'cancel',
  [L3_MODIFY]: 'modify',
  [L3_TRADE]: 'trade',
  [L3_RESET]: 'reset',
  [L3_HEARTBEAT]: 'heartbeat',
}
