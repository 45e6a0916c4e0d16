import { dateOfDay } from '../instant.ts'
import type { ColumnBuffer, ColumnSpec } from './column-buffer.ts'
import { HASH_ROWS, RowHasher } from './kernel/row-hasher.ts'

/** A checksum of rows that does not depend on their order, so that parts, slices and tables can be added up. */
export interface RowChecksum {
  readonly rows: number
  /** Sum of the rows' hashes modulo 2⁶⁴. */
  readonly sum: bigint
}

/** A column whose value is the same in all rows: a partition column. */
export interface ConstantColumn {
  readonly name: string
  readonly value: string
}

/** A value of a column as rows of other readers have it. */
export type RowValue = number | bigint | boolean | string | null | undefined

/**
 * The table checksum of DESIGN.md: for each row a 64-bit hash of its columns, partition columns included, summed modulo 2⁶⁴.
 *
 * A row is hashed as a sequence of 32-bit words: for each column, in order of name (UTF-16 code units), its *token* and
 * the words of its value.
 * - The token is MurmurHash3_x86_32 (seed 0) of the UTF-8 bytes of `name:type`, type as in `ColumnType`; a partition column
 *   is a `string`. NULL is the complement of the token and no words, and so differs from every value: a row with a column
 *   that is NULL is not the row without the column.
 * - `f64`: low word, high word of the IEEE 754 bits, every NaN as 7ff8000000000000; −0 differs from 0.
 * - `date`: as a `string`, `YYYY-MM-DD`.
 * - `i64`, `timestamp_us`: low word, high word. `i32`: the word. `bool`: 0 or 1.
 * - `string`: one word, which is each lane's own hash of the UTF-8 bytes.
 *
 * The hash is two lanes, `hi · 2³² + lo`, modulo 2³² each; n is the number of words so far times 4.
 * - `lo`: MurmurHash3_x86_32 with seed 0 of the words; a string's word is MurmurHash3_x86_32 with seed 0 of its bytes.
 * - `hi`: the steps of XXH32: h = PRIME5; per word h = rotl(h + word · PRIME3, 17) · PRIME4; at the end h + n, then XXH32's
 *   avalanche. A string's word is the same over its bytes, four to a little-endian word (the last filled up with zeros),
 *   with n its bytes.
 *
 * The order is that of names, so neither the order of columns in a file nor that of the rows matters. It finds faults, not forgeries.
 */
export class TableChecksum {
  readonly #columns: readonly HashedColumn[]
  readonly #strings = new StringHashes()
  #rows = 0
  #low = 0
  #high = 0

  /** @param constants partition columns, e.g. venue, symbol, date */
  constructor(columns: readonly Pick<ColumnSpec, 'name' | 'type'>[], constants: readonly ConstantColumn[] = []) {
    const all: HashedColumn[] = [
      ...columns.map(({ name, type }) => ({ name, type, token: tokenOf(name, type === 'date' ? 'string' : type), constant: null })),
      ...constants.map(({ name, value }) => ({
        name,
        type: 'string' as const,
        token: tokenOf(name, 'string'),
        constant: stringHash(value),
      })),
    ]
    this.#columns = all.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /**
   * Adds the rows `from` ≤ row < `to` of a row group, as they are in its buffers; a column without a buffer is NULL.
   * Cheapest for many rows at once: see `onGroup` of ParquetFile.
   */
  addBuffers(buffers: readonly ColumnBuffer[], from: number, to: number): void {
    const byName = new Map(buffers.map((buffer) => [buffer.name, buffer]))
    this.#add(to - from, ({ name, token }, first, rows) => {
      const buffer = byName.get(name)
      if (buffer === undefined) addNulls(token, rows)
      else addBuffer(token, buffer, from + first, from + first + rows, this.#strings)
    })
  }

  /** Adds `count` rows given as columns of values; a column that is not there is NULL. */
  addColumns(values: ReadonlyMap<string, ArrayLike<RowValue>>, count: number): void {
    this.#add(count, (column, first, rows) => {
      const given = values.get(column.name)
      if (given === undefined) addNulls(column.token, rows)
      else addValues(column, given, first, rows, this.#strings)
    })
  }

  result(): RowChecksum {
    return { rows: this.#rows, sum: (BigInt(this.#high) << 32n) | BigInt(this.#low) }
  }

  /** @param add takes some rows of a column into the hashes */
  #add(count: number, add: (column: HashedColumn, first: number, rows: number) => void): void {
    let [low, high] = [this.#low, this.#high]
    for (let first = 0; first < count; first += HASH_ROWS) {
      const rows = Math.min(HASH_ROWS, count - first)
      HASHER.start(rows, 0, PRIME5)
      for (const column of this.#columns) {
        if (column.constant !== null) HASHER.addSame(column.token, column.constant.low, column.constant.high)
        else add(column, first, rows)
      }
      const sums = HASHER.finish()
      low += sums.low
      high += sums.high
      // Exact: sums of 4096 numbers below 2³².
      high = (high + Math.floor(low / TWO32)) % TWO32
      low %= TWO32
    }
    this.#rows += count
    this.#low = low
    this.#high = high
  }
}

/** The sum of checksums of disjoint rows. */
export function addChecksums(parts: Iterable<RowChecksum>): RowChecksum {
  let [rows, sum] = [0, 0n]
  for (const part of parts) {
    rows += part.rows
    sum += part.sum
  }
  return { rows, sum: BigInt.asUintN(64, sum) }
}

interface HashedColumn {
  readonly name: string
  readonly type: ColumnSpec['type']
  readonly token: number
  readonly constant: StringHash | null
}

interface StringHash {
  readonly low: number
  readonly high: number
}

function addNulls(token: number, rows: number): void {
  HASHER.valid.fill(0, 0, rows)
  HASHER.add('word', token, true)
}

function addBuffer(token: number, buffer: ColumnBuffer, from: number, to: number, known: StringHashes): void {
  const { type, valid, i32, bools, f64, words } = buffer
  const hasNulls = valid !== null
  if (hasNulls) HASHER.valid.set(valid.subarray(from, to))
  if (type === 'f64') {
    HASHER.doubles.set(f64.subarray(from, to))
    HASHER.add('double', token, hasNulls)
  } else if (type === 'i64' || type === 'timestamp_us') {
    HASHER.words.set(words.subarray(2 * from, 2 * to))
    HASHER.add('pair', token, hasNulls)
  } else {
    HASHER.ints.set(type === 'bool' ? bools.subarray(from, to) : i32.subarray(from, to))
    const hashOf = textHashes(buffer, known)
    // Dates, texts, flags and row numbers are mostly the same in thousands of rows.
    if (HASHER.areSame(hasNulls)) {
      const word = HASHER.ints[0]!
      const { low, high } = hashOf?.(word) ?? { low: word, high: word }
      HASHER.addSame(token, low, high)
    } else if (hashOf === null) HASHER.add('word', token, hasNulls)
    else {
      setTexts(to - from, hasNulls, hashOf)
      HASHER.add('text', token, hasNulls)
    }
  }
}

/** What gives the hash of a text by its code, or of a day; null: the column has neither. */
function textHashes({ type, strings }: ColumnBuffer, known: StringHashes): ((code: number) => StringHash) | null {
  if (type === 'string') return (code) => known.of(strings[code]!)
  return type === 'date' ? (day) => known.of(dateOfDay(day)) : null
}

/** Puts words of texts in the place of their codes. */
function setTexts(rows: number, hasNulls: boolean, hashOf: (code: number) => StringHash): void {
  const { ints, others, valid } = HASHER
  const hashes: (StringHash | undefined)[] = []
  for (let i = 0; i < rows; i++) {
    // The code of a NULL is of any time before.
    if (hasNulls && valid[i] === 0) continue
    const code = ints[i]!
    hashes[code] ??= hashOf(code)
    const { low, high } = hashes[code]
    ints[i] = low
    others[i] = high
  }
}

function addValues({ token, type }: HashedColumn, values: ArrayLike<RowValue>, first: number, rows: number, known: StringHashes): void {
  const { ints, others, doubles, valid } = HASHER
  for (let i = 0; i < rows; i++) {
    const value = values[first + i]
    valid[i] = value === null || value === undefined ? 0 : 1
    if (valid[i] === 0) continue
    if (type === 'string' || type === 'date') {
      const { low, high } = known.of(String(value))
      ints[i] = low
      others[i] = high
    } else if (type === 'i32' || type === 'bool') ints[i] = Number(value)
    else if (type === 'f64') doubles[i] = Number(value)
    else HASHER.longs[i] = BigInt(value!)
  }
  HASHER.add(
    type === 'string' || type === 'date' ? 'text' : type === 'i32' || type === 'bool' ? 'word' : type === 'f64' ? 'double' : 'pair',
    token,
    true,
  )
}

/** Hashes of strings met before: most columns of text have few. */
class StringHashes {
  readonly #known = new Map<string, StringHash>()

  of(text: string): StringHash {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const hash = stringHash(text)
    if (this.#known.size < MAX_KNOWN_STRINGS) this.#known.set(text, hash)
    return hash
  }
}

function stringHash(text: string): StringHash {
  const bytes = Buffer.from(text)
  let [low, high] = [0, PRIME5]
  const whole = bytes.length & ~3
  for (let at = 0; at < whole; at += 4) {
    const word = bytes.readInt32LE(at)
    low = murmurStep(low, word)
    high = xxStep(high, word)
  }
  let tail = 0
  for (let at = whole; at < bytes.length; at++) tail |= bytes[at]! << (8 * (at - whole))
  if (whole < bytes.length) {
    low ^= murmurWord(tail)
    high = xxStep(high, tail)
  }
  return { low: murmurEnd(low, bytes.length), high: xxEnd(high, bytes.length) }
}

function tokenOf(name: string, type: string): number {
  return stringHash(`${name}:${type}`).low | 0
}

function murmurWord(word: number): number {
  const k = Math.imul(word, 0xcc9e2d51)
  return Math.imul((k << 15) | (k >>> 17), 0x1b873593)
}

function murmurStep(h: number, word: number): number {
  return murmurMix(h, murmurWord(word))
}

function murmurMix(h: number, word: number): number {
  const x = h ^ word
  return (Math.imul((x << 13) | (x >>> 19), 5) + 0xe6546b64) | 0
}

function murmurEnd(state: number, bytes: number): number {
  let h = state ^ bytes
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

function xxStep(h: number, word: number): number {
  const x = (h + Math.imul(word, PRIME3)) | 0
  return Math.imul((x << 17) | (x >>> 15), PRIME4)
}

function xxEnd(state: number, bytes: number): number {
  let x = (state + bytes) | 0
  x = Math.imul(x ^ (x >>> 15), PRIME2)
  x = Math.imul(x ^ (x >>> 13), PRIME3)
  return (x ^ (x >>> 16)) >>> 0
}

const TWO32 = 2 ** 32
const MAX_KNOWN_STRINGS = 10_000
// XXH32's primes.
const PRIME2 = 0x85ebca77
const PRIME3 = 0xc2b2ae3d
const PRIME4 = 0x27d4eb2f
const PRIME5 = 0x165667b1

const HASHER = new RowHasher()
