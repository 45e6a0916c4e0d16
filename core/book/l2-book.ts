import { ReplayError } from '../errors.ts'
import type { ApplyResult } from './apply-result.ts'
import { BookMemory } from './kernel/book-memory.ts'
import { L2Side } from './l2-side.ts'
import { MessageBook } from './message-book.ts'

export interface L2BookOptions {
  /** After every applied message each side is cut to its best this many levels (`depth_limit` of a stream). @default no limit */
  readonly depthLimit?: number | undefined
  /** Shared with other books. @default one of its own */
  readonly memory?: BookMemory | undefined
}

/** Words of the kernel's `L2Book`, and of its doubles. */
const BIDS = 0
const ASKS = 1
const PRICE_SCALE = 2
const SIZE_SCALE = 3
const LEVELS_CUT = 3

/**
 * An L2 book of one market (docs/format.md, L2 books): snapshot, absolute diff, reset (clears, unlike the peer) and heartbeat.
 *
 * Prices and sizes are exact integers with a scale: real value = n / 10^scale. A message with a finer scale
 * rescales the levels that stay; one with a coarser scale is brought to the book's. So the book's scale is the
 * finest since the last snapshot or reset, and a snapshot brings its own. What a double would not hold exactly
 * (see exact.ts) is refused as OUT_OF_RANGE, what is above 2^63 as UNREPRESENTABLE_PRICE or _SIZE. A message is judged before anything changes: one that is refused changes nothing.
 * Market, venue and stream of the header are not looked at: see BookSet for logs that mix markets. What it does is in kernel/l2-book.as.
 */
export class L2Book extends MessageBook {
  readonly bids: L2Side
  readonly asks: L2Side
  readonly depthLimit: number
  readonly #at: number

  /** @throws ReplayError input `depth-limit`, `book-memory` */
  constructor({ depthLimit = Number.POSITIVE_INFINITY, memory = new BookMemory() }: L2BookOptions = {}) {
    super(memory)
    if (!(depthLimit >= 1) || (depthLimit !== Number.POSITIVE_INFINITY && !Number.isSafeInteger(depthLimit))) {
      throw new ReplayError('depth-limit', `depth limit: expected a whole number of levels ≥ 1, found ${depthLimit}`, { category: 'input' })
    }
    this.depthLimit = depthLimit
    try {
      this.#at = memory.kernel.newL2Book(depthLimit) >>> 0
    } catch (cause) {
      throw memory.trapped(cause)
    }
    this.bids = new L2Side(1, memory, memory.words[(this.#at >>> 2) + BIDS]!)
    this.asks = new L2Side(-1, memory, memory.words[(this.#at >>> 2) + ASKS]!)
  }

  /** Of the kernel's `L2Book` in the memory. */
  get address(): number {
    return this.#at
  }

  /** Decimals of prices; −1 before the first snapshot or diff, and after a reset. */
  get priceScale(): number {
    return this.memory.ints[(this.#at >>> 2) + PRICE_SCALE]!
  }

  /** Decimals of sizes; −1 as above. */
  get sizeScale(): number {
    return this.memory.ints[(this.#at >>> 2) + SIZE_SCALE]!
  }

  /** Levels dropped by the depth limit. */
  get levelsCut(): number {
    return this.memory.doubles[(this.#at >>> 3) + LEVELS_CUT]!
  }

  /** Empties the book; its scale is that of the next message. Counters stay. */
  clear(): void {
    this.memory.kernel.clearL2(this.#at)
  }

  /** From here on messages are judged as ever, but the book has no levels: whoever asks for this keeps them. */
  leaveLevels(): void {
    this.memory.kernel.leaveLevels(this.#at)
  }

  /** Replaces the book by the body of an L2 snapshot (its bytes from 64 on) at `words[at]`. APPLIED, or nothing changed. */
  loadBody(words: Uint32Array, at: number, length: number): ApplyResult {
    return this.memory.kernel.loadL2Body(this.#at, this.memory.put(words, at, length), length)
  }

  protected override applyAt(payload: number, length: number): number {
    return this.memory.kernel.applyL2(this.#at, payload, length)
  }

  protected override applyRows(input: number): void {
    this.memory.kernel.applyL2Rows(this.#at, input)
  }
}
