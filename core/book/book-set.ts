import { ReplayError } from '../errors.ts'
import type { MessageCursor } from '../message/message.ts'
import {
  BOOK_EVENT_BYTES,
  BOOK_EVENT_MARKET_ID_OFFSET,
  BOOK_EVENT_RECORD_LENGTH_OFFSET,
  BOOK_EVENT_TYPE_OFFSET,
  MODE_L2,
  MODE_L3,
} from '../protocol/book-event.ts'
import { TYPE_BOOK_EVENT } from '../protocol/message-type.ts'
import {
  type ApplyResult,
  CORRUPT_EVENT,
  CORRUPT_LENGTH,
  explanationOf,
  FIRST_BAD_RESULT,
  newResultCounts,
  RESULT_NAMES,
  SKIPPED_TYPE,
  UNKNOWN_ORDER,
} from './apply-result.ts'
import { BookMemory } from './kernel/book-memory.ts'
import { L2Book } from './l2-book.ts'
import { L3Book } from './l3-book.ts'
import { PayloadWords } from './payload-words.ts'

export interface BookSetOptions {
  /** Depth limit of the L2 books; a function decides per market. @default no limit */
  readonly depthLimit?: number | ((marketId: number) => number | undefined) | undefined
  /** A damaged or impossible message: an error, or left out and counted. @default 'abort' */
  readonly onCorrupt?: 'abort' | 'skip' | undefined
  /** L3: an event for an order that is not in the book: an error, or left out and counted. @default 'abort' */
  readonly onUnknownOrder?: 'abort' | 'skip' | undefined
}

/** More markets than this in one log are taken for damage. */
export const MAX_MARKETS = 65_536
/** Books that share a memory: the markets of a log may be more than there can be memories. */
const BOOKS_OF_MEMORY = 64
/** A memory that large takes no more books. */
const LARGE_BYTES = 2 ** 28

/** The books of a log that may mix markets and modes: one L2 and one L3 book per `market_id`, made when first met. */
export class BookSet {
  readonly l2 = new Map<number, L2Book>()
  readonly l3 = new Map<number, L3Book>()
  /** Messages by ApplyResult, over all books. */
  readonly counts = newResultCounts()

  readonly #options: BookSetOptions
  readonly #payload = new PayloadWords()
  // The books of the last message: most logs hold one market.
  #l2Market = -1
  #l2Book: L2Book | null = null
  #l3Market = -1
  #l3Book: L3Book | null = null
  #memory: BookMemory | null = null

  constructor(options: BookSetOptions = {}) {
    this.#options = options
  }

  /**
   * Applies a message of any type to its market's book.
   * @throws ReplayError corrupt `book-<result>` (e.g. `book-corrupt-length`, `book-out-of-range`, `book-unknown-order`)
   * under `abort`. The book is then as before the message.
   */
  apply(message: MessageCursor): ApplyResult {
    const result = this.#apply(message)
    this.counts[result]!++
    if (result >= FIRST_BAD_RESULT) {
      if (this.#options.onCorrupt !== 'skip') throw bookError(result, message)
    } else if (result === UNKNOWN_ORDER && this.#options.onUnknownOrder !== 'skip') throw bookError(result, message)
    return result
  }

  l2Book(marketId: number): L2Book {
    let book = this.l2.get(marketId)
    if (book === undefined) {
      this.#requireRoom()
      const { depthLimit } = this.#options
      book = new L2Book({
        depthLimit: typeof depthLimit === 'function' ? depthLimit(marketId) : depthLimit,
        memory: this.#memoryOfNext(),
      })
      this.l2.set(marketId, book)
    }
    return book
  }

  l3Book(marketId: number): L3Book {
    let book = this.l3.get(marketId)
    if (book === undefined) {
      this.#requireRoom()
      book = new L3Book({ memory: this.#memoryOfNext() })
      this.l3.set(marketId, book)
    }
    return book
  }

  #apply(message: MessageCursor): ApplyResult {
    if (message.typeId !== TYPE_BOOK_EVENT) return SKIPPED_TYPE
    const { length } = message
    if (length < BOOK_EVENT_BYTES) return CORRUPT_LENGTH
    const at = this.#payload.locate(message.buffer, message.payloadOffset, length)
    const { words } = this.#payload
    const mode = (words[at + (BOOK_EVENT_TYPE_OFFSET >>> 2)]! >>> 8) & 0xff
    const marketId = words[at + (BOOK_EVENT_MARKET_ID_OFFSET >>> 2)]!
    if (mode === MODE_L2) {
      if (marketId !== this.#l2Market || this.#l2Book === null) {
        this.#l2Book = this.l2Book(marketId)
        this.#l2Market = marketId
      }
      return this.#l2Book.applyPayload(words, at, length)
    }
    if (mode !== MODE_L3) return CORRUPT_EVENT
    if (marketId !== this.#l3Market || this.#l3Book === null) {
      this.#l3Book = this.l3Book(marketId)
      this.#l3Market = marketId
    }
    return this.#l3Book.applyPayload(words, at, length)
  }

  #memoryOfNext(): BookMemory {
    const isFull = (this.l2.size + this.l3.size) % BOOKS_OF_MEMORY === 0 || (this.#memory?.takenBytes ?? 0) > LARGE_BYTES
    if (this.#memory === null || isFull) this.#memory = new BookMemory()
    return this.#memory
  }

  #requireRoom(): void {
    if (this.l2.size + this.l3.size < MAX_MARKETS) return
    throw new ReplayError('too-many-markets', `books of more than ${MAX_MARKETS} markets in one log; is market_id damaged?`, {
      category: 'corrupt',
    })
  }
}

/** The named error of a result that is not good, with the place of the message. */
export function bookError(result: ApplyResult, message: MessageCursor): ReplayError {
  const name = RESULT_NAMES[result] ?? 'unknown-result'
  const recordLength =
    message.length >= BOOK_EVENT_BYTES ? message.view.getUint32(message.payloadOffset + BOOK_EVENT_RECORD_LENGTH_OFFSET, true) : 'none'
  const { path } = message.batch.originAt(message.index)
  return new ReplayError(
    `book-${name}`,
    `book event: ${explanationOf(result)}; payload ${message.length} bytes, record length ${recordLength}`,
    {
      category: 'corrupt',
      ...(message.segment < 0 ? {} : { segment: message.segment, offset: message.segmentOffset }),
      ...(path === '' ? {} : { path }),
      seq: message.seq,
    },
  )
}
