import type { BookMemory } from '../../book/kernel/book-memory.ts'
import type { FeatureBook } from '../feature-book.ts'
import type { RowColumn } from '../rows/row-target.ts'
import type { ColumnContext, FeatureState, KernelValue } from './column.ts'

/** What a `KernelValue` may be: numbers of core/book/kernel/rows/feature-table.as. */
export const KERNEL_VALUES = {
  mid: 0,
  spreadBps: 1,
  microPrice: 2,
  imbalance: 3,
  bidDepth: 4,
  askDepth: 5,
  bidPrice: 6,
  bidSize: 7,
  askPrice: 8,
  askSize: 9,
  open: 10,
  high: 11,
  low: 12,
  close: 13,
  volume: 14,
  vwap: 15,
  count: 16,
  buyVolume: 17,
  ofi: 18,
} as const

/** Rows that a block takes before they are moved on. */
const BLOCK_ROWS = 1024

/** Words of the kernel's `FeatureTable`. */
const WHOLE_FROM = 0
const ROWS = 2
const CAPACITY = 3
const TOUCHED = 4
const MICROS = 6
const TIMES = 7
const SEQS = 8
const HAS_SEQ = 9
const GAPS = 10
const VALUES = 11
const VALID = 12

/**
 * Built-in columns of a table at work: what they count up and their values are the kernel's. It hears what columns hear, one
 * message after the other; in a run of messages (MessageRun) the kernel tells it by itself.
 */
export class KernelColumns {
  /** Of the kernel's `FeatureTable`. */
  readonly address: number
  /** The values of a row, after `read`; NaN or an infinity is NULL. */
  readonly values: Float64Array
  readonly hearsTrades: boolean
  readonly hearsBook: boolean
  readonly #memory: BookMemory
  readonly #isLong: readonly boolean[]
  readonly #out: number
  #hasBlock = false

  constructor(values: readonly KernelValue[], book: FeatureBook) {
    const { memory } = book.source
    const { kernel } = memory
    this.#memory = memory
    this.address = kernel.newFeatureTable(book.view, values.length) >>> 0
    for (const { what, level = 0, param = 0 } of values) kernel.addColumn(this.address, what, level, param)
    this.values = new Float64Array(values.length)
    this.hearsTrades = values.some(({ what }) => what >= KERNEL_VALUES.open && what <= KERNEL_VALUES.buyVolume)
    this.hearsBook = values.some(({ what }) => what === KERNEL_VALUES.ofi)
    this.#isLong = values.map(({ what }) => what === KERNEL_VALUES.count)
    this.#out = memory.alloc(values.length * 8)
  }

  /** Start of a pass, and after each gap. */
  reset(): void {
    this.#memory.kernel.resetTable(this.address)
  }

  /** False: columns cannot use the trade, which has no price or quantity. */
  trade(price: number, quantity: number, isBuy: boolean): boolean {
    const { kernel } = this.#memory
    if (kernel.usesTrade(this.address, price, quantity) === 0) return false
    kernel.tellTrade(this.address, price, quantity, isBuy ? 1 : 0)
    return true
  }

  book(restarted: boolean): void {
    this.#memory.kernel.tellBookEvent(this.address, restarted ? 1 : 0)
  }

  nextRow(): void {
    this.#memory.kernel.nextTableRow(this.address)
  }

  /** Sets `values` for the row that is being made. */
  read(): Float64Array {
    const { values } = this
    this.#memory.kernel.readValues(this.address, this.#out)
    const { doubles } = this.#memory
    const from = this.#out >>> 3
    for (let i = 0; i < values.length; i++) values[i] = doubles[from + i]!
    return values
  }

  // Rows that a run makes

  /** Has rows put into a block. @param wholeFromWords nanoseconds before which windows are not whole */
  openBlock(wholeFromWords: Uint32Array): void {
    const { kernel } = this.#memory
    if (!this.#hasBlock) kernel.addRowBlock(this.address, BLOCK_ROWS)
    this.#hasBlock = true
    const { words } = this.#memory
    const at = this.address >>> 2
    words[at + WHOLE_FROM] = wholeFromWords[0]!
    words[at + WHOLE_FROM + 1] = wholeFromWords[1]!
  }

  /** Ends the block; what it holds may be read then. @returns its rows */
  endBlock(): number {
    this.#memory.kernel.endRowBlock(this.address)
    return this.#memory.words[(this.address >>> 2) + ROWS]!
  }

  /** Whether a gap lies in what is counted since the row before; of a run. */
  get isTouched(): boolean {
    return this.#memory.words[(this.address >>> 2) + TOUCHED] !== 0
  }

  set isTouched(isTouched: boolean) {
    this.#memory.words[(this.address >>> 2) + TOUCHED] = isTouched ? 1 : 0
  }

  /** Writes the time of a row of the block to `time`, as two words. */
  timeOf(row: number, time: Uint32Array): void {
    const { words } = this.#memory
    const at = (words[(this.address >>> 2) + TIMES]! >>> 2) + 2 * row
    time[0] = words[at]!
    time[1] = words[at + 1]!
  }

  /**
   * Copies rows of the block to a table's columns, from their row `to` on.
   * @param gapAt index of `gap`, behind which the columns of features lie @param places of these columns behind it
   */
  copyBlock(columns: readonly RowColumn[], to: number, from: number, count: number, gapAt: number, places: readonly number[]): void {
    const { words, doubles, bytes } = this.#memory
    const at = this.address >>> 2
    const capacity = words[at + CAPACITY]!
    const wideAt = (word: number): number => (words[at + word]! >>> 2) + 2 * from
    columns[0]!.words.set(words.subarray(wideAt(MICROS), wideAt(MICROS) + 2 * count), 2 * to)
    columns[1]!.words.set(words.subarray(wideAt(TIMES), wideAt(TIMES) + 2 * count), 2 * to)
    const seq = columns[2]!
    seq.words.set(words.subarray(wideAt(SEQS), wideAt(SEQS) + 2 * count), 2 * to)
    const hasSeq = words[at + HAS_SEQ]! + from
    seq.valid!.set(bytes.subarray(hasSeq, hasSeq + count), to)
    const gaps = words[at + GAPS]! + from
    columns[gapAt]!.bools.set(bytes.subarray(gaps, gaps + count), to)
    for (let i = 0; i < places.length; i++) {
      const column = columns[gapAt + 1 + places[i]!]!
      const values = (words[at + VALUES]! >>> 3) + i * capacity + from
      if (this.#isLong[i]!) column.words.set(words.subarray(2 * values, 2 * (values + count)), 2 * to)
      else column.f64.set(doubles.subarray(values, values + count), to)
      const valid = words[at + VALID]! + i * capacity + from
      column.valid!.set(bytes.subarray(valid, valid + count), to)
    }
  }

  emptyBlock(): void {
    this.#memory.words[(this.address >>> 2) + ROWS] = 0
  }
}

/** A built-in column by itself, for those who create it. */
export function kernelState(value: KernelValue, { book, leaveOut }: ColumnContext): FeatureState {
  const columns = new KernelColumns([value], book)
  return {
    reset: () => columns.reset(),
    nextRow: () => columns.nextRow(),
    value: () => columns.read()[0]!,
    ...(columns.hearsBook && { book: (_event, restarted) => columns.book(restarted) }),
    ...(columns.hearsTrades && {
      trade({ price, quantity, isBuyerMaker }) {
        if (!columns.trade(price, quantity, !isBuyerMaker)) leaveOut('not-a-number')
      },
    }),
  }
}
