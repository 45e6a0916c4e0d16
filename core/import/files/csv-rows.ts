import { ReplayError } from '../../errors.ts'
import { CSV_WASM_BASE64 } from '../kernel/csv.wasm.ts'
import type { Decimal, DecimalKind } from '../messages/decimal.ts'
import type { Instant } from '../messages/instant.ts'
import { Blocks } from './blocks.ts'
import type { ByteStream } from './byte-stream.ts'
import { wholeNumber } from './whole-number.ts'

/** A row that is longer is none. */
const MAX_ROW_BYTES = 256 << 20
/** Bytes split at a time: they stay in the cache until their rows are read. */
const WINDOW_BYTES = 128 << 10

/**
 * The rows of plain CSV, without quotes, as vendors write it; a row ends with LF or CR LF, and what follows the last one is a row as well.
 * Field i of a row is `bytes[starts[first + i] … ends[first + i])`; of more than 256 fields the further ones are counted only. Takes
 * blocks: `while (await rows.block()) while (rows.next()) …`, so that only blocks are waited for.
 */
export class CsvRows {
  bytes!: Uint8Array
  starts!: Int32Array
  ends!: Int32Array
  /** Of the row's first field. */
  first = 0
  /** Fields of the row. */
  count = 0
  /** Of the row, from 1 on. */
  number = 0
  readonly #blocks: Blocks
  readonly #path: string
  readonly #memory = new WebAssembly.Memory({ initial: Math.ceil((BYTES + WINDOW_BYTES) / PAGE_BYTES) })
  readonly #splitRows: (length: number, isLast: number) => number
  #window = WINDOW_BYTES
  #values!: Float64Array
  #kinds!: Uint8Array
  #consumed!: Int32Array
  #rowFirsts!: Int32Array
  #rowCounts!: Int32Array
  #row = 0
  #rows = 0

  /** @param path in errors */
  constructor(stream: ByteStream, path: string) {
    this.#blocks = new Blocks(stream)
    this.#path = path
    compiled ??= new WebAssembly.Module(Buffer.from(CSV_WASM_BASE64, 'base64'))
    const { exports } = new WebAssembly.Instance(compiled, { env: { memory: this.#memory } })
    this.#splitRows = exports.splitRows as (length: number, isLast: number) => number
    this.#attach()
  }

  /** Reads on; false: there is nothing more. @throws ReplayError corrupt `line-too-long`, and those of the stream */
  async block(): Promise<boolean> {
    const blocks = this.#blocks
    for (;;) {
      const there = blocks.end - blocks.start
      const length = Math.min(there, this.#window)
      this.bytes.set(blocks.bytes.subarray(blocks.start, blocks.start + length), BYTES)
      this.#rows = this.#splitRows(length, blocks.isLast && length === there ? 1 : 0)
      this.#row = 0
      blocks.start += this.#consumed[0]!
      if (this.#rows > 0) return true
      if (length < there) this.#widen()
      else if (blocks.isLast) return false
      else await blocks.more()
    }
  }

  /** Moves to the next row of the block; false: it has no further one. */
  next(): boolean {
    if (this.#row === this.#rows) return false
    this.first = this.#rowFirsts[this.#row]!
    this.count = this.#rowCounts[this.#row]!
    this.#row++
    this.number++
    return true
  }

  /** The row as text. */
  get text(): string {
    const last = this.first + Math.min(this.count, MAX_ROW_FIELDS) - 1
    return UTF8.decode(this.bytes.subarray(this.starts[this.first]!, this.ends[last]!))
  }

  textOf(field: number): string {
    const at = this.first + field
    return UTF8.decode(this.bytes.subarray(this.starts[at]!, this.ends[at]!))
  }

  /** The first byte of a field; where it is empty, what stands behind it. */
  letter(field: number): number {
    return this.bytes[this.starts[this.first + field]!]!
  }

  isEmpty(field: number): boolean {
    const at = this.first + field
    return this.starts[at]! >= this.ends[at]!
  }

  /** As `Decimal.parse`. */
  decimal(field: number, into: Decimal): DecimalKind {
    const at = this.first + field
    const kind = this.#kinds[at]!
    if (kind >= LONG) return into.parse(this.bytes, this.starts[at]!, this.ends[at]!)
    into.set(this.#values[at]!, kind & ~HAS_POINT)
    return 'exact'
  }

  /** As `Decimal.double`. */
  double(field: number, decimal: Decimal): number {
    const at = this.first + field
    const kind = this.#kinds[at]!
    if (kind >= LONG) return decimal.double(this.bytes, this.starts[at]!, this.ends[at]!)
    return decimal.set(this.#values[at]!, kind & ~HAS_POINT).value
  }

  /** As `Decimal.size`. */
  size(field: number, decimal: Decimal): number {
    const value = this.double(field, decimal)
    return value < 0 ? Number.NaN : value
  }

  /** As `Instant.parseDigits`. */
  time(field: number, into: Instant): boolean {
    const at = this.first + field
    if (this.#kinds[at] !== LONG) return into.parseDigits(this.bytes, this.starts[at]!, this.ends[at]!)
    into.setMicros(this.#values[at]!)
    return true
  }

  /** As `wholeNumber`. */
  whole(field: number): number {
    const at = this.first + field
    return this.#kinds[at] === 0 ? this.#values[at]! : wholeNumber(this.bytes, this.starts[at]!, this.ends[at]!)
  }

  /** Microseconds since the epoch of 13 digits (milliseconds) or 16 (microseconds); else −1. */
  micros(field: number): number {
    const at = this.first + field
    const kind = this.#kinds[at]!
    if (kind === LONG) return this.#values[at]!
    return kind === 0 && this.ends[at]! - this.starts[at]! === 13 ? this.#values[at]! * 1000 : -1
  }

  async close(): Promise<void> {
    await this.#blocks.close()
  }

  /** A row does not fit. */
  #widen(): void {
    if (this.#window >= MAX_ROW_BYTES) {
      const message = `line ${this.number + 1} has more than ${MAX_ROW_BYTES} bytes: is the file text?`
      throw new ReplayError('line-too-long', message, { category: 'corrupt', path: this.#path })
    }
    this.#window *= 2
    this.#memory.grow(Math.ceil(this.#window / 2 / PAGE_BYTES))
    this.#attach()
  }

  #attach(): void {
    const { buffer } = this.#memory
    this.bytes = new Uint8Array(buffer)
    this.#consumed = new Int32Array(buffer, 0, 1)
    this.starts = new Int32Array(buffer, STARTS, MAX_FIELDS)
    this.ends = new Int32Array(buffer, ENDS, MAX_FIELDS)
    this.#values = new Float64Array(buffer, VALUES, MAX_FIELDS)
    this.#kinds = new Uint8Array(buffer, KINDS, MAX_FIELDS)
    this.#rowFirsts = new Int32Array(buffer, ROW_FIRSTS, MAX_ROWS)
    this.#rowCounts = new Int32Array(buffer, ROW_COUNTS, MAX_ROWS)
  }
}

let compiled: WebAssembly.Module | undefined

// The memory map and the kinds of csv.as.
const STARTS = 64
const ENDS = 65_600
const VALUES = 131_136
const KINDS = 262_208
const ROW_FIRSTS = 278_592
const ROW_COUNTS = 294_976
const BYTES = 311_360
const MAX_FIELDS = 16_384
const MAX_ROWS = 4096
const MAX_ROW_FIELDS = 256
const HAS_POINT = 64
const LONG = 128
const PAGE_BYTES = 65_536
const UTF8 = new TextDecoder()
