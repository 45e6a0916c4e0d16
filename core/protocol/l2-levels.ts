import type { MessageCursor } from '../message/message.ts'
import { BookEventView } from './book-event.ts'
import { encodeLevels, LEVEL_BYTES, LEVEL_SIZE_OFFSET, type Level, requireLevels } from './level.ts'
import { TYPE_BOOK_EVENT } from './message-type.ts'
import { locateError, requireType, u64ToNumber } from './payload.ts'

/** Where an L2 diff or snapshot has what both have, bytes from the payload's start. */
export interface L2Layout {
  /** In errors, e.g. `L2 diff`. */
  readonly name: string
  readonly priceScale: number
  readonly sizeScale: number
  readonly levels: number
}

/** What L2 diffs and snapshots have in common: a book event header, two scales, and levels in the order of the message. */
export abstract class L2LevelsView {
  /** The header of the same payload. */
  readonly header = new BookEventView()
  view: DataView = this.header.view
  /** Where the payload starts in `view`. */
  offset = 0
  bidCount = 0
  askCount = 0
  readonly #layout: L2Layout
  #bids = 0
  #asks = 0

  constructor(layout: L2Layout) {
    this.#layout = layout
  }

  /**
   * Moves to the payload of `length` bytes at `offset`.
   * @throws ReplayError corrupt: `payload-truncated`, `schema-version`, `endianness`, `event-type`, `level-count`
   */
  abstract wrap(view: DataView, offset: number, length: number): this

  /** As `wrap`; @throws also ReplayError bug `message-type` when the message is no book event. */
  wrapMessage(message: MessageCursor): this {
    requireType(this.#layout.name, TYPE_BOOK_EVENT, message)
    try {
      return this.wrap(message.view, message.payloadOffset, message.length)
    } catch (error) {
      throw locateError(error, message)
    }
  }

  get priceScale(): number {
    return this.view.getUint8(this.offset + this.#layout.priceScale)
  }

  get sizeScale(): number {
    return this.view.getUint8(this.offset + this.#layout.sizeScale)
  }

  /** Where the levels start in `view`: bids, then asks. */
  get levelsOffset(): number {
    return this.#bids
  }

  /** Price integer of bid `i` (0 ≤ i < bidCount, not checked). @throws ReplayError input `number-range` from 2^53 on. */
  bidPrice(i: number): number {
    return u64ToNumber(this.view, this.#bids + i * LEVEL_BYTES, 'bid price')
  }

  /** Size integer of bid `i`; in a diff 0 = delete. */
  bidSize(i: number): number {
    return u64ToNumber(this.view, this.#bids + i * LEVEL_BYTES + LEVEL_SIZE_OFFSET, 'bid size')
  }

  /** Price integer of ask `i` (0 ≤ i < askCount, not checked). @throws ReplayError input `number-range` from 2^53 on. */
  askPrice(i: number): number {
    return u64ToNumber(this.view, this.#asks + i * LEVEL_BYTES, 'ask price')
  }

  /** Size integer of ask `i`; in a diff 0 = delete. */
  askSize(i: number): number {
    return u64ToNumber(this.view, this.#asks + i * LEVEL_BYTES + LEVEL_SIZE_OFFSET, 'ask size')
  }

  /** Moves to a payload whose header was checked. @throws ReplayError corrupt `level-count` */
  protected moveTo(view: DataView, offset: number, length: number, bidCount: number, askCount: number): this {
    const { name, levels } = this.#layout
    this.view = view
    this.offset = offset
    this.bidCount = bidCount
    this.askCount = askCount
    this.#bids = offset + levels
    this.#asks = this.#bids + bidCount * LEVEL_BYTES
    requireLevels(name, levels, bidCount, askCount, length)
    return this
  }
}

/** The scales and levels of an L2 diff or snapshot; u64 as bigint, or as a number below 2^53. */
export interface L2LevelsFields {
  readonly priceScale: number
  readonly sizeScale: number
  readonly bids: readonly Level[]
  readonly asks: readonly Level[]
}

/** Writes bids, then asks. @param what names the record in errors @throws ReplayError input `number-range` */
export function encodeBothSides(view: DataView, offset: number, { bids, asks }: L2LevelsFields, what: string): void {
  encodeLevels(view, offset + encodeLevels(view, offset, bids, `${what}: bids`), asks, `${what}: asks`)
}
