import { ReplayError } from '../errors.ts'
import type { JobColumns, JobColumnType, RowOut } from '../job/job-definition.ts'
import type { ColumnBuffer } from '../table/column-buffer.ts'

/** What becomes of a number that the type of its column does not hold, e.g. a u64 of 2^63 or more in an `i64`. */
export interface RangePolicy {
  /** `error`: `out.column = …` throws; `null`: the value is NULL; `row`: the row is left out. */
  readonly beyondRange: 'error' | 'null' | 'row'
  /** Hears of each value that became NULL (`<column>-beyond-i64`), and of each row that was left out (`row-beyond-range`). */
  readonly lose: (reason: string) => void
}

/** A row that was left out because a value of it was out of range. */
export const ROW_LOST = 'row-beyond-range'

const STRICT: RangePolicy = { beyondRange: 'error', lose: () => undefined }

/**
 * What a job has set of its next row: the object that handlers get, over one slot per column. Slots outlive a change of the
 * file that rows go to, and are NULL again after each row, written or not.
 */
export class RowValues {
  readonly names: readonly string[]
  readonly out: RowOut<JobColumns>
  readonly #types: readonly JobColumnType[]
  /** Numbers and booleans. */
  readonly #numbers: Float64Array
  /** 64-bit values as two words. */
  readonly #wide: BigInt64Array
  readonly #words: Uint32Array
  readonly #strings: string[]
  readonly #isSet: Uint8Array
  /** Nothing is set, and so nothing to clear. */
  isEmpty = true
  /** A value of the row was out of range, so that the row is to be left out. */
  isBroken = false
  readonly #policy: RangePolicy

  /** @param emit what `out.emit` does @param policy of numbers out of range; default: they are errors */
  constructor(job: string, columns: JobColumns, emit: () => void, policy: RangePolicy = STRICT) {
    this.#policy = policy
    this.names = Object.keys(columns)
    this.#types = Object.values(columns)
    const count = this.names.length
    this.#numbers = new Float64Array(count)
    this.#wide = new BigInt64Array(count)
    this.#words = new Uint32Array(this.#wide.buffer)
    this.#strings = new Array<string>(count).fill('')
    this.#isSet = new Uint8Array(count)
    const properties = this.names.map((name, i): [string, PropertyDescriptor] => [
      name,
      { enumerable: true, get: () => this.#get(i), set: (value: unknown) => this.#set(job, i, value) },
    ])
    // Sealed: a misspelt column is an error, not silently lost.
    this.out = Object.seal(Object.defineProperties({ emit }, Object.fromEntries(properties))) as unknown as RowOut<JobColumns>
  }

  clear(): void {
    if (this.isEmpty) return
    this.isEmpty = true
    this.isBroken = false
    this.#isSet.fill(0)
  }

  /** Counts a row that is left out because it `isBroken`. */
  loseRow(): void {
    this.#policy.lose(ROW_LOST)
  }

  /** Writes slot `i` into a row of its column. */
  put(i: number, column: ColumnBuffer, row: number): void {
    if (this.#isSet[i] === 0) return
    switch (this.#types[i]!) {
      case 'f64':
        column.f64[row] = this.#numbers[i]!
        break
      case 'i64':
        column.words[2 * row] = this.#words[2 * i]!
        column.words[2 * row + 1] = this.#words[2 * i + 1]!
        break
      case 'i32':
        column.i32[row] = this.#numbers[i]!
        break
      case 'bool':
        column.bools[row] = this.#numbers[i]!
        break
      case 'string':
        column.i32[row] = column.code(this.#strings[i]!)
    }
    column.valid![row] = 1
  }

  #get(i: number): number | bigint | boolean | string | null {
    if (this.#isSet[i] === 0) return null
    const type = this.#types[i]!
    if (type === 'string') return this.#strings[i]!
    if (type === 'i64') return this.#wide[i]!
    return type === 'bool' ? this.#numbers[i] === 1 : this.#numbers[i]!
  }

  #set(job: string, i: number, value: unknown): void {
    const type = this.#types[i]!
    if (value === null || value === undefined || (typeof value === 'number' && value - value !== 0)) {
      this.#isSet[i] = 0
      return
    }
    if (type === 'f64' && typeof value === 'number') this.#numbers[i] = value
    else if (type === 'i64' && typeof value === 'number' && Number.isSafeInteger(value)) {
      this.#words[2 * i] = value
      this.#words[2 * i + 1] = Math.floor(value / 2 ** 32)
    } else if (type === 'i64' && typeof value === 'bigint' && value < MAX_I64 && value >= -MAX_I64) this.#wide[i] = value
    else if (type === 'i32' && typeof value === 'number' && (value | 0) === value) this.#numbers[i] = value
    else if (type === 'bool' && typeof value === 'boolean') this.#numbers[i] = value ? 1 : 0
    else if (type === 'string' && typeof value === 'string') this.#strings[i] = value
    else {
      this.#refuse(job, i, value)
      return
    }
    this.#isSet[i] = 1
    this.isEmpty = false
  }

  /** @throws ReplayError input `u64-range`, `job-value` */
  #refuse(job: string, i: number, value: unknown): void {
    const type = this.#types[i]!
    const { beyondRange, lose } = this.#policy
    if (beyondRange === 'error' || !isOutOfRange(type, value)) throw wrongValue(job, this.names[i]!, type, value)
    this.#isSet[i] = 0
    if (beyondRange === 'null') {
      lose(`${this.names[i]}-beyond-${type}`)
      return
    }
    this.isBroken = true
    this.isEmpty = false
  }
}

/** An integer that is too large for a column of integers: data can bring it about, where another type is a mistake in the job. */
function isOutOfRange(type: JobColumnType, value: unknown): boolean {
  return (type === 'i64' || type === 'i32') && (Number.isInteger(value) || (type === 'i64' && typeof value === 'bigint'))
}

const MAX_I64 = 1n << 63n
const RANGE_ADVICE =
  "declare the column as 'string' and set String(value) to keep all digits, set beyondRange: 'null' in the job to have NULL, or leave such rows out with --on-error skip"

function wrongValue(job: string, column: string, type: JobColumnType, value: unknown): ReplayError {
  const found = typeof value === 'string' ? JSON.stringify(value) : `${String(value)} (${typeof value})`
  const code = type === 'i64' && typeof value === 'bigint' ? 'u64-range' : 'job-value'
  const advice = isOutOfRange(type, value) ? `; ${RANGE_ADVICE}` : ''
  return new ReplayError(code, `job ${job}: column ${column}: expected a value of type ${type}, found ${found}${advice}`, {
    category: 'input',
  })
}
