import { ROW_HASH_WASM_BASE64 } from './row-hash.wasm.ts'

/** Rows of a block. */
export const HASH_ROWS = 4096

/** What a column's value is made of: a word; two, the low one first; those of a double; a word for each of the two hashes. */
export type WordKind = 'word' | 'pair' | 'double' | 'text'

/**
 * The two hashes of the rows of a block, made column by column in WebAssembly: see row-hash.as, and TableChecksum for what
 * they are. Fill the arrays with a column's values, `add` it; after the last column `finish`.
 */
export class RowHasher {
  /** One word per row, or two. */
  readonly words: Uint32Array
  /** The same memory. */
  readonly ints: Int32Array
  readonly doubles: Float64Array
  readonly longs: BigInt64Array
  /** The word for the high hash of a `text`. */
  readonly others: Int32Array
  /** 1 where there is a value, 0 where it is NULL. */
  readonly valid: Uint8Array
  readonly #kernel: Kernel
  #rows = 0

  constructor() {
    const memory = new WebAssembly.Memory({ initial: Math.ceil(END / PAGE_BYTES) })
    const { buffer } = memory
    this.words = new Uint32Array(buffer, WORDS, 2 * HASH_ROWS)
    this.ints = new Int32Array(buffer, WORDS, 2 * HASH_ROWS)
    this.doubles = new Float64Array(buffer, WORDS, HASH_ROWS)
    this.longs = new BigInt64Array(buffer, WORDS, HASH_ROWS)
    this.others = new Int32Array(buffer, OTHERS, HASH_ROWS)
    this.valid = new Uint8Array(buffer, VALID, HASH_ROWS)
    const module = new WebAssembly.Module(Buffer.from(ROW_HASH_WASM_BASE64, 'base64'))
    this.#kernel = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernel
  }

  /** Begins a block of 1 to HASH_ROWS rows, with the states that hashes begin with. */
  start(rows: number, low: number, high: number): void {
    this.#rows = rows
    this.#kernel.start(rows, low, high)
  }

  /** @param hasNulls look at `valid` */
  add(kind: WordKind, token: number, hasNulls: boolean): void {
    this.#kernel.addColumn(KINDS[kind], token, this.#rows, hasNulls ? 1 : 0)
  }

  /** Whether all rows have a value and the same word. @param hasNulls look at `valid` */
  areSame(hasNulls: boolean): boolean {
    return this.#kernel.areSame(this.#rows, hasNulls ? 1 : 0) !== 0
  }

  /** A column whose value is one word in all rows, of a text one for each of the hashes; the arrays are not looked at. */
  addSame(token: number, low: number, high: number): void {
    this.#kernel.addSame(token, low, high, this.#rows)
  }

  /** The sums of the hashes of all rows, exact. */
  finish(): { readonly low: number; readonly high: number } {
    this.#kernel.finish(this.#rows)
    return { low: this.doubles[0]!, high: this.doubles[1]! }
  }
}

interface Kernel {
  start(rows: number, low: number, high: number): void
  addColumn(kind: number, token: number, rows: number, hasNulls: number): void
  areSame(rows: number, mayBeNull: number): number
  addSame(token: number, low: number, high: number, rows: number): void
  finish(rows: number): void
}

// The memory map of row-hash.as.
const WORDS = 49_152
const OTHERS = 81_920
const VALID = 98_304
const END = 102_404
const PAGE_BYTES = 65_536
const KINDS: Readonly<Record<WordKind, number>> = { word: 1, pair: 2, double: 3, text: 4 }
