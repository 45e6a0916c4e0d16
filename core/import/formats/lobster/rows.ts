import { CsvFields } from '../../files/csv-fields.ts'
import { Lines } from '../../files/lines.ts'
import type { ImportFile } from '../../importer.ts'

/** More columns than any file of LOBSTER has: an orderbook of 256 levels. */
const MAX_COLUMNS = 1024

/** Rows of a CSV file of whole numbers, some copies of which have a header. `while (await rows.block()) while (rows.next()) …` */
export class Rows {
  readonly path: string
  readonly fields = new CsvFields(MAX_COLUMNS)
  /** Of the row, from 1 on; a header is none. */
  number = 0
  readonly #lines: Lines

  private constructor(lines: Lines, path: string) {
    this.#lines = lines
    this.path = path
  }

  static async open(file: ImportFile): Promise<Rows> {
    return new Rows(new Lines(await file.open(), file.path), file.path)
  }

  get bytes(): Uint8Array {
    return this.#lines.bytes
  }

  /** Where it is in the file. */
  get line(): number {
    return this.#lines.number
  }

  /** The file ends in this row, without the end of its line. */
  get isCut(): boolean {
    return this.#lines.isCut
  }

  /** False: there is nothing more. The row before it is not valid any more. */
  block(): Promise<boolean> {
    return this.#lines.block()
  }

  /** Moves to the next row of the block, and splits it; false: it has no further one. */
  next(): boolean {
    const lines = this.#lines
    while (lines.next()) {
      if (lines.start === lines.end) continue
      if (lines.number === 1 && isLetter(lines.bytes[lines.start]!)) continue
      this.number++
      this.fields.split(lines.bytes, lines.start, lines.end)
      return true
    }
    return false
  }

  /** A field as a whole number below 10^15, with or without a sign; NaN: it is none. */
  number15(field: number): number {
    const { bytes } = this
    let at = this.fields.starts[field]!
    const end = this.fields.ends[field]!
    const isNegative = bytes[at] === MINUS
    if (isNegative) at++
    if (at === end || end - at > 15) return Number.NaN
    let value = 0
    for (; at < end; at++) {
      const digit = bytes[at]! - 48
      if (digit < 0 || digit > 9) return Number.NaN
      value = value * 10 + digit
    }
    return isNegative ? -value : value
  }

  async close(): Promise<void> {
    await this.#lines.close()
  }
}

/** Of a header. */
function isLetter(byte: number): boolean {
  return ((byte | 32) >= 97 && (byte | 32) <= 122) || byte === QUOTE
}

const MINUS = 45
const QUOTE = 34
