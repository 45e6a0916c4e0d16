import { putAscii, putDouble, putU64 } from '../../sink/decimal-text.ts'
import { OutputFile, type OutputTarget } from '../../store/output-file.ts'
import type { ColumnSpec } from '../../table/column-buffer.ts'
import { quoteCsv } from '../../table/csv-text.ts'
import { RowBlock, type RowColumn, type RowTarget } from './row-target.ts'

/**
 * Feature rows as CSV (RFC 4180, newline "\n", a header line, UTF-8): 64-bit numbers exact, floats as the shortest decimal
 * that reads back as the same float, booleans `true` and `false`, times as ISO 8601 in UTC, NULL as nothing.
 * A file appears under its name when all is written: a run that fails leaves none.
 */
export class CsvRows implements RowTarget {
  row = 0
  readonly #specs: readonly ColumnSpec[]
  readonly #block: RowBlock
  readonly #file: OutputFile
  readonly #bytes: Uint8Array
  readonly #text: DataView
  /** The second written last, and its text. */
  #second = Number.NaN
  #secondText = ''

  /** @throws ReplayError `output-failed`, `disk-full` */
  constructor(target: OutputTarget, specs: readonly ColumnSpec[]) {
    this.#specs = specs
    this.#block = new RowBlock(specs, BLOCK_ROWS)
    this.#bytes = new Uint8Array(BLOCK_ROWS * specs.length * FIELD_BYTES)
    this.#text = new DataView(this.#bytes.buffer)
    this.#file = new OutputFile(target, { whole: true })
    this.#file.write(new TextEncoder().encode(`${specs.map(({ name }) => quoteCsv(name)).join(',')}\n`))
  }

  get columns(): readonly RowColumn[] {
    return this.#block.columns
  }

  /** @throws ReplayError `disk-full`, `output-closed`, `output-failed` */
  endRow(): void {
    if (++this.row === BLOCK_ROWS) this.#flush()
  }

  async close(): Promise<void> {
    try {
      this.#flush()
    } catch (error) {
      this.#file.abandon()
      throw error
    }
    this.#file.close()
  }

  abandon(): void {
    this.#file.abandon()
  }

  #flush(): void {
    let at = 0
    for (let row = 0; row < this.row; row++) {
      for (let i = 0; i < this.#specs.length; i++) {
        if (i > 0) this.#text.setUint8(at++, COMMA)
        at = this.#put(i, row, at)
      }
      this.#text.setUint8(at++, NEWLINE)
    }
    this.#file.write(this.#bytes.subarray(0, at))
    this.#block.clear()
    this.row = 0
  }

  #put(i: number, row: number, at: number): number {
    const column = this.#block.columns[i]!
    if (column.valid !== null && column.valid[row] === 0) return at
    switch (this.#specs[i]!.type) {
      case 'f64':
        return putDouble(this.#text, at, column.f64[row]!)
      case 'i32':
        return putDouble(this.#text, at, column.i32[row]!)
      case 'bool':
        return putAscii(this.#text, at, column.bools[row] === 0 ? 'false' : 'true')
      case 'timestamp_us':
        return this.#putTime(at, column.words[2 * row]! + TWO_32 * column.words[2 * row + 1]!)
      default:
        return putSigned(this.#text, at, column.words[2 * row]!, column.words[2 * row + 1]! | 0)
    }
  }

  #putTime(at: number, micros: number): number {
    const second = Math.floor(micros / 1e6)
    if (second !== this.#second) {
      this.#second = second
      this.#secondText = new Date(second * 1000).toISOString().slice(0, 19)
    }
    const rest = micros - second * 1e6
    const fraction = rest === 0 ? 'Z' : `.${String(rest).padStart(6, '0').replace(/0+$/, '')}Z`
    return putAscii(this.#text, putAscii(this.#text, at, this.#secondText), fraction)
  }
}

function putSigned(out: DataView, at: number, low: number, high: number): number {
  if (high >= 0) return putU64(out, at, high, low)
  out.setUint8(at, MINUS)
  const isWhole = low === 0
  return putU64(out, at + 1, isWhole ? -high : ~high >>> 0, isWhole ? 0 : 2 ** 32 - low)
}

const TWO_32 = 2 ** 32
const BLOCK_ROWS = 4096
/** More than a field takes: a float has at most 25 characters, and a comma follows. */
const FIELD_BYTES = 32
const COMMA = 0x2c
const NEWLINE = 0x0a
const MINUS = 0x2d
