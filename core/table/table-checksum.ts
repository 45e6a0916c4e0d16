import type { ColumnBuffer, ColumnSpec } from './column-buffer.ts'

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
      ...columns.map(({ name, type }) => ({ name, type, token: tokenOf(name, type), constant: null })),
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
    this.#add(to - from, (column, lanes) => {
      const buffer = buffers.find(({ name }) => name === column.name)
      if (buffer === undefined) hashNulls(column.token, to - from, lanes)
      else hashBuffer(column.token, buffer, from, to, lanes, this.#strings)
    })
  }

  /** Adds `count` rows given as columns of values; a column that is not there is NULL. */
  addColumns(values: ReadonlyMap<string, ArrayLike<RowValue>>, count: number): void {
    this.#add(count, (column, lanes) => {
      const given = values.get(column.name)
      if (given === undefined) hashNulls(column.token, count, lanes)
      else hashValues(column, given, count, lanes, this.#strings)
    })
  }

  result(): RowChecksum {
    return { rows: this.#rows, sum: (BigInt(this.#high) << 32n) | BigInt(this.#low) }
  }

  #add(count: number, hash: (column: HashedColumn, lanes: Lanes) => void): void {
    const lanes = lanesOf(count)
    for (const column of this.#columns) {
      if (column.constant !== null) hashConstant(column.token, column.constant, count, lanes)
      else hash(column, lanes)
    }
    this.#rows += count
    let [low, high] = [this.#low, this.#high]
    for (let i = 0; i < count; i++) {
      // Sums of 2²¹ numbers below 2³² are exact in doubles; a row group has fewer rows.
      low += murmurEnd(lanes.low[i]!, lanes.bytes[i]!)
      high += xxEnd(lanes.high[i]!, lanes.bytes[i]!)
    }
    this.#low = low % TWO32
    this.#high = (high + Math.floor(low / TWO32)) % TWO32
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

/** The state of each row's hash. */
interface Lanes {
  readonly low: Int32Array
  readonly high: Int32Array
  /** Bytes hashed so far. */
  readonly bytes: Int32Array
}

function hashConstant(token: number, constant: StringHash, count: number, lanes: Lanes): void {
  for (let i = 0; i < count; i++) {
    putWord(lanes, i, token)
    putString(lanes, i, constant)
  }
}

function hashNulls(token: number, count: number, lanes: Lanes): void {
  for (let i = 0; i < count; i++) putWord(lanes, i, ~token)
}

function hashBuffer(token: number, buffer: ColumnBuffer, from: number, to: number, lanes: Lanes, known: StringHashes): void {
  const { type, valid, i32, bools, words } = buffer
  if (type === 'i32') hashWords(token, i32, 1, valid, from, to, lanes)
  else if (type === 'bool') hashWords(token, bools, 1, valid, from, to, lanes)
  else if (type === 'string') hashStrings(token, buffer, from, to, lanes, known)
  else hashWords(token, type === 'f64' ? plainNaNs(buffer.f64, from, to) : words, 2, valid, from, to, lanes)
}

/** Values of one word, or of two, the low one first. */
function hashWords(
  token: number,
  words: Int32Array | Uint32Array | Uint8Array,
  size: 1 | 2,
  valid: Uint8Array | null,
  from: number,
  to: number,
  { low, high, bytes }: Lanes,
): void {
  const lowToken = murmurWord(token)
  for (let row = from, i = 0; row < to; row++, i++) {
    if (valid !== null && valid[row] === 0) {
      low[i] = murmurStep(low[i]!, ~token)
      high[i] = xxStep(high[i]!, ~token)
      bytes[i]! += 4
      continue
    }
    let h = murmurMix(low[i]!, lowToken)
    let x = xxStep(high[i]!, token)
    if (size === 2) {
      h = murmurStep(h, words[2 * row]!)
      x = xxStep(x, words[2 * row]!)
    }
    const last = words[size * row + size - 1]!
    low[i] = murmurStep(h, last)
    high[i] = xxStep(x, last)
    bytes[i]! += 4 + 4 * size
  }
}

function hashStrings(token: number, buffer: ColumnBuffer, from: number, to: number, lanes: Lanes, known: StringHashes): void {
  const { strings, i32, valid } = buffer
  const hashes: (StringHash | undefined)[] = []
  for (let row = from, i = 0; row < to; row++, i++) {
    if (valid !== null && valid[row] === 0) putWord(lanes, i, ~token)
    else {
      const code = i32[row]!
      putWord(lanes, i, token)
      const hash = hashes[code] ?? known.of(strings[code]!)
      hashes[code] = hash
      putString(lanes, i, hash)
    }
  }
}

/** The words of floats; in a copy where there is a NaN, whose bits are any. */
function plainNaNs(values: Float64Array, from: number, to: number): Uint32Array {
  for (let row = from; row < to; row++) {
    if (Number.isNaN(values[row])) {
      const copy = new Uint32Array(values.slice().buffer)
      for (let at = row; at < to; at++) if (Number.isNaN(values[at])) copy.set([0, NAN_HIGH], 2 * at)
      return copy
    }
  }
  return new Uint32Array(values.buffer, values.byteOffset, 2 * values.length)
}

function hashValues({ token, type }: HashedColumn, values: ArrayLike<RowValue>, count: number, lanes: Lanes, known: StringHashes): void {
  for (let i = 0; i < count; i++) {
    const value = values[i]
    if (value === null || value === undefined) {
      putWord(lanes, i, ~token)
      continue
    }
    putWord(lanes, i, token)
    if (type === 'string') {
      putString(lanes, i, known.of(String(value)))
    } else if (type === 'i32' || type === 'bool') putWord(lanes, i, Number(value))
    else {
      if (type !== 'f64') SCRATCH_I64[0] = BigInt(value)
      else SCRATCH_F64[0] = Number(value)
      const lacksNumber = type === 'f64' && Number.isNaN(value)
      putWord(lanes, i, lacksNumber ? 0 : SCRATCH_WORDS[0]!)
      putWord(lanes, i, lacksNumber ? NAN_HIGH : SCRATCH_WORDS[1]!)
    }
  }
}

function putWord(lanes: Lanes, i: number, word: number): void {
  lanes.low[i] = murmurStep(lanes.low[i]!, word)
  lanes.high[i] = xxStep(lanes.high[i]!, word)
  lanes.bytes[i]! += 4
}

function putString(lanes: Lanes, i: number, { low, high }: StringHash): void {
  lanes.low[i] = murmurStep(lanes.low[i]!, low)
  lanes.high[i] = xxStep(lanes.high[i]!, high)
  lanes.bytes[i]! += 4
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

function lanesOf(count: number): Lanes {
  return { low: new Int32Array(count), high: new Int32Array(count).fill(PRIME5), bytes: new Int32Array(count) }
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
const NAN_HIGH = 0x7ff80000
const MAX_KNOWN_STRINGS = 10_000
const SCRATCH_F64 = new Float64Array(1)
const SCRATCH_I64 = new BigInt64Array(SCRATCH_F64.buffer)
const SCRATCH_WORDS = new Uint32Array(SCRATCH_F64.buffer)
// XXH32's primes.
const PRIME2 = 0x85ebca77
const PRIME3 = 0xc2b2ae3d
const PRIME4 = 0x27d4eb2f
const PRIME5 = 0x165667b1
