import { COLUMN_ENCODE_WASM_BASE64 } from './column-encode.wasm.ts'

/** Rows that a column can have at most. */
export const MAX_ROWS = 65_536

/**
 * Encodes one column at a time for a Parquet page, in WebAssembly: see column-encode.as. `load` it, then `levels` where the column
 * is nullable, then the values by their type. What is returned are views, valid until the next `load`.
 */
export class ColumnEncoder {
  readonly #memory: ArrayBuffer
  readonly #kernel: Kernel
  readonly #bounds: DataView
  #rows = 0
  /** Values that are there. */
  #count = 0

  constructor() {
    const memory = new WebAssembly.Memory({ initial: Math.ceil(END / PAGE_BYTES) })
    this.#memory = memory.buffer
    this.#bounds = new DataView(this.#memory, BOUNDS, 16)
    const module = new WebAssembly.Module(Buffer.from(COLUMN_ENCODE_WASM_BASE64, 'base64'))
    this.#kernel = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernel
  }

  /** Takes in the first `rows` rows. @returns how many of them have a value */
  load(values: Float64Array | BigInt64Array | Int32Array | Uint8Array, valid: Uint8Array | null, rows: number): number {
    const { BYTES_PER_ELEMENT: size, buffer, byteOffset } = values
    new Uint8Array(this.#memory, VALUES).set(new Uint8Array(buffer, byteOffset, rows * size))
    this.#rows = rows
    this.#count = rows
    if (valid === null) return rows
    new Uint8Array(this.#memory, VALID).set(valid.subarray(0, rows))
    this.#count = this.#kernel.countPresent(rows)
    if (this.#count < rows) this.#kernel.compact(size, rows)
    return this.#count
  }

  /** Definition levels of a nullable column. */
  levels(): Uint8Array<ArrayBuffer> {
    return this.#bytes(LEVELS, this.#kernel.encodeLevels(this.#rows))
  }

  /** The bounds of floats, without NaN; `min` is greater than `max` where there are none. */
  doubleBounds(): Bounds<number> {
    this.#kernel.boundDoubles(this.#count)
    return { min: this.#bounds.getFloat64(0, true), max: this.#bounds.getFloat64(8, true) }
  }

  /** PLAIN: the floats as they are. */
  plainDoubles(): Uint8Array<ArrayBuffer> {
    return this.#bytes(VALUES, 8 * this.#count)
  }

  /** BYTE_STREAM_SPLIT. */
  splitDoubles(): Uint8Array<ArrayBuffer> {
    this.#kernel.splitDoubles(this.#count)
    return this.#bytes(OUT, 8 * this.#count)
  }

  /** DELTA_BINARY_PACKED of i64; `bounds` are of no meaning without values, here and below. */
  longs(): Encoded<bigint> {
    const data = this.#bytes(OUT, this.#kernel.encodeLongs(this.#count))
    return { data, min: this.#bounds.getBigInt64(0, true), max: this.#bounds.getBigInt64(8, true) }
  }

  /** DELTA_BINARY_PACKED of i32. */
  ints(): Encoded<number> {
    const data = this.#bytes(OUT, this.#kernel.encodeInts(this.#count))
    return { data, min: this.#bounds.getInt32(0, true), max: this.#bounds.getInt32(8, true) }
  }

  /** RLE, its length before it. */
  booleans(): Encoded<boolean> {
    const data = this.#bytes(OUT, this.#kernel.encodeBooleans(this.#count))
    return { data, min: this.#bounds.getInt32(0, true) === 1, max: this.#bounds.getInt32(8, true) === 1 }
  }

  /** The greatest code of a text column, −1 without values. */
  greatestCode(): number {
    return this.#kernel.greatestCode(this.#count)
  }

  /** The codes that are there. */
  codes(): Int32Array {
    return new Int32Array(this.#memory, VALUES, this.#count)
  }

  /** RLE_DICTIONARY. @param width bits of a code, 0 to 24 */
  dictionaryCodes(width: number): Uint8Array<ArrayBuffer> {
    return this.#bytes(OUT, this.#kernel.encodeCodes(this.#count, width))
  }

  #bytes(from: number, count: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#memory, from, count)
  }
}

export interface Bounds<T> {
  readonly min: T
  readonly max: T
}

interface Encoded<T> extends Bounds<T> {
  readonly data: Uint8Array<ArrayBuffer>
}

interface Kernel {
  countPresent(rows: number): number
  compact(size: number, rows: number): void
  encodeLevels(rows: number): number
  boundDoubles(count: number): void
  splitDoubles(count: number): void
  encodeLongs(count: number): number
  encodeInts(count: number): number
  encodeBooleans(count: number): number
  greatestCode(count: number): number
  encodeCodes(count: number, width: number): number
}

// The memory map of column-encode.as.
const VALUES = 0
const VALID = 524_288
const LEVELS = 589_824
const OUT = 720_896
const BOUNDS = 1_261_568
const DELTAS = 1_261_632
const END = DELTAS + 1024
const PAGE_BYTES = 65_536
