import { SameText } from '../../files/csv-fields.ts'
import type { L2Output } from '../../messages/book-outputs.ts'
import type { Decimal } from '../../messages/decimal.ts'
import type { ImportOutput } from '../../messages/import-output.ts'
import { Instant } from '../../messages/instant.ts'

/** Rows of an instrument that become one message of its book. */
export class LevelGroup {
  readonly #book: L2Output
  readonly #output: ImportOutput
  readonly #depth: number
  readonly #key = new SameText()
  readonly #latest = new Instant()
  readonly #ids: [first: number, last: number, previous: number] = [0, 0, 0]
  #hasNoKey = false
  #isOpen = false
  #isSnapshot = false
  #rows = 0

  /** @param depth levels a side, 0: not limited */
  constructor(book: L2Output, output: ImportOutput, depth: number) {
    this.#book = book
    this.#output = output
    this.#depth = depth
  }

  /** A row with these bytes as its key, which may be none: of the message that is open, or of the next one. */
  begin(bytes: Uint8Array, start: number, end: number, isSnapshot: boolean, received: Instant, exchange: Instant, updateId: number): void {
    const isSame = this.#isOpen && isSnapshot === this.#isSnapshot && (start === end ? this.#hasNoKey : this.#key.is(bytes, start, end))
    if (isSame) {
      if (this.#latest.isBefore(exchange)) this.#latest.copy(exchange)
      return
    }
    this.end()
    this.#isOpen = true
    this.#isSnapshot = isSnapshot
    this.#hasNoKey = start === end
    this.#key.set(bytes, start, end)
    this.#latest.copy(exchange)
    this.#ids.fill(0)
    this.#book.beginMessage(isSnapshot ? 'snapshot' : 'diff', received, exchange, updateId)
  }

  /** Of a row; 0 where there are none. */
  setUpdateIds(first: number, last: number, previous: number): void {
    const ids = this.#ids
    if (this.#rows === 0) {
      ids[0] = first === 0 ? last : first
      ids[2] = previous
    } else if (last !== ids[1]) this.#output.tally.note('update ids differ in a message')
    ids[1] = last
  }

  level(isBid: boolean, price: Decimal, size: Decimal): void {
    if (this.#book.level(isBid, price, size)) this.#rows++
    else this.#output.tally.refuse('negative-price')
  }

  /** Writes the message that is open. */
  end(): void {
    const rows = this.#rows
    this.#isOpen = false
    this.#rows = 0
    if (rows === 0) return
    const [first, last, previous] = this.#ids
    const { tally } = this.#output
    this.#book.setExchangeTime(this.#latest)
    if (!this.#isSnapshot) this.#book.setUpdateIds(first, last, previous)
    const end = this.#book.end(true)
    if (end === 'unwanted') tally.leave('not asked for', rows)
    else if (end === 'out-of-range') tally.refuse('out-of-range', rows)
    else {
      tally.wroteSome(this.#book.levels, rows)
      if (this.#depth > 0) this.#book.setDepthLimit(this.#depth)
    }
  }
}
