import { Page } from './page.ts'

/** `timestamp_us`: microseconds since the epoch, UTC, shown as a time by every reader; `date`: days since the epoch. */
export type ColumnType = 'f64' | 'i64' | 'i32' | 'bool' | 'string' | 'timestamp_us' | 'date'

export interface ColumnSpec {
  readonly name: string
  readonly type: ColumnType
  /** Whether rows may lack a value. @default false */
  readonly nullable?: boolean
}

/**
 * One column of the row group being filled: typed arrays of `capacity` rows, of which only those of the column's type
 * have a length. Hot loops write the arrays directly; the setters are for everything else. Where `reserve` makes room for more rows,
 * the arrays are others.
 *
 * A nullable column starts each row as NULL: write the value and set `valid[row]` to 1.
 * A required column has to be written in every row.
 */
export class ColumnBuffer {
  readonly name: string
  readonly type: ColumnType
  capacity = 0
  /** Values of an `f64` column. */
  f64!: Float64Array
  /** Values of an `i64` or `timestamp_us` column. */
  i64!: BigInt64Array
  /** The same memory as `i64`: low word at 2i, high word at 2i+1. */
  words!: Uint32Array
  /** Values of an `i32` or `date` column; in a `string` column the codes given by `code()`. */
  i32!: Int32Array
  /** Values of a `bool` column, 0 or 1. */
  bools!: Uint8Array
  /** 1 where there is a value, 0 where it is NULL; null in a required column. */
  valid: Uint8Array | null = null
  /** The strings of this row group, by code. */
  readonly strings: string[] = []
  /** The strings in Parquet's PLAIN encoding: u32 length and UTF-8 bytes, in order of code. */
  readonly dictionary: Page
  /** Where each string starts in `dictionary`; one more entry for the end. */
  readonly starts: number[] = [0]
  readonly #isNullable: boolean
  readonly #codes = new Map<string, number>()
  /** The text and code given last: columns of text mostly repeat it. */
  #lastText: string | null = null
  #lastCode = 0

  constructor({ name, type, nullable }: ColumnSpec, capacity: number) {
    this.name = name
    this.type = type
    this.#isNullable = nullable === true
    this.#take(capacity)
    this.dictionary = new Page(type === 'string' ? 1024 : 0)
  }

  /** Makes room for so many rows; those that are there stay. */
  reserve(capacity: number): void {
    const { f64, words, i32, bools, valid } = this
    this.#take(capacity)
    this.f64.set(f64)
    this.words.set(words)
    this.i32.set(i32)
    this.bools.set(bools)
    if (valid !== null) this.valid!.set(valid)
  }

  setF64(row: number, value: number): void {
    this.f64[row] = value
    if (this.valid !== null) this.valid[row] = 1
  }

  /** @param value must fit 64 signed bits: what does not is the caller's to refuse */
  setI64(row: number, value: bigint): void {
    this.i64[row] = value
    if (this.valid !== null) this.valid[row] = 1
  }

  setI32(row: number, value: number): void {
    this.i32[row] = value
    if (this.valid !== null) this.valid[row] = 1
  }

  setBool(row: number, value: boolean): void {
    this.bools[row] = value ? 1 : 0
    if (this.valid !== null) this.valid[row] = 1
  }

  setString(row: number, value: string): void {
    this.setI32(row, this.code(value))
  }

  /** The code that stands for a string in `i32`, until the row group is written. */
  code(value: string): number {
    if (value === this.#lastText) return this.#lastCode
    const code = this.#codes.get(value) ?? this.#add(value)
    this.#lastText = value
    this.#lastCode = code
    return code
  }

  /** Starts the next row group: with no rows, or with `row` of this one as its first. @param rows how many were begun: others are as they were */
  restart(row: number | null, rows: number): void {
    const text = row === null || this.type !== 'string' ? undefined : this.strings[this.i32[row]!]
    const hasValue = row !== null && this.valid?.[row] === 1
    if (row !== null) {
      for (const values of [this.f64, this.i64, this.i32, this.bools]) values.copyWithin(0, row, row + 1)
    }
    this.valid?.fill(0, 0, rows)
    if (hasValue) this.valid![0] = 1
    this.strings.length = 0
    this.starts.length = 1
    this.dictionary.length = 0
    this.#codes.clear()
    this.#lastText = null
    if (text !== undefined && (this.valid === null || hasValue)) this.i32[0] = this.code(text)
  }

  #take(capacity: number): void {
    const { type } = this
    // Values, and behind them whether they are there.
    const memory = new ArrayBuffer((VALUE_BYTES[type] + (this.#isNullable ? 1 : 0)) * capacity)
    const is64 = type === 'i64' || type === 'timestamp_us'
    this.capacity = capacity
    this.f64 = new Float64Array(memory, 0, type === 'f64' ? capacity : 0)
    this.i64 = new BigInt64Array(memory, 0, is64 ? capacity : 0)
    this.words = new Uint32Array(memory, 0, is64 ? 2 * capacity : 0)
    this.i32 = new Int32Array(memory, 0, type === 'i32' || type === 'date' || type === 'string' ? capacity : 0)
    this.bools = new Uint8Array(memory, 0, type === 'bool' ? capacity : 0)
    this.valid = this.#isNullable ? new Uint8Array(memory, VALUE_BYTES[type] * capacity, capacity) : null
  }

  #add(value: string): number {
    const code = this.strings.length
    const bytes = encoder.encode(value)
    this.dictionary.reserve(4 + bytes.length)
    this.dictionary.putUint32(bytes.length)
    this.dictionary.putBytes(bytes)
    this.starts.push(this.dictionary.length)
    this.strings.push(value)
    this.#codes.set(value, code)
    return code
  }
}

/** Of a value in memory; of strings, their codes. */
export const VALUE_BYTES: Readonly<Record<ColumnType, number>> = { f64: 8, i64: 8, i32: 4, bool: 1, string: 4, timestamp_us: 8, date: 4 }

const encoder = new TextEncoder()
