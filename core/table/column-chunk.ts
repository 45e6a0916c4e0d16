import type { ColumnBuffer } from './column-buffer.ts'
import { encodeDelta32, encodeDelta64 } from './delta-encoding.ts'
import type { Page } from './page.ts'
import { encodeByteStreamSplit, encodeHybrid, encodePlainDoubles } from './parquet-encoding.ts'

export type DoubleEncoding = 'PLAIN' | 'BYTE_STREAM_SPLIT'
export type ChunkEncoding = DoubleEncoding | 'DELTA_BINARY_PACKED' | 'RLE' | 'RLE_DICTIONARY'

/** What one column of a row group turned into; `levels` and `data` were filled. */
export interface ColumnChunk {
  readonly encoding: ChunkEncoding
  /** Entries at the start of the buffer's dictionary that the data refers to; 0 = no dictionary page. */
  readonly dictionaryEntries: number
  readonly nulls: number
  /** Bounds of the values, absent when there are none. Floats: without NaN. */
  readonly min?: bigint | number | string | boolean
  readonly max?: bigint | number | string | boolean
}

/**
 * Encodes the first `count` rows of a column for a data page: definition levels into `levels`, values into `data`.
 * Integers and times as DELTA_BINARY_PACKED, floats as asked, booleans as RLE,
 * strings by dictionary, or PLAIN where that is smaller.
 */
export function encodeColumn(column: ColumnBuffer, count: number, doubles: DoubleEncoding, levels: Page, data: Page): ColumnChunk {
  const nulls = countNulls(column.valid, count)
  if (column.valid !== null) encodeHybrid(levels, column.valid, count, 1)
  const present = nulls === 0 ? null : column.valid
  const size = count - nulls
  switch (column.type) {
    case 'f64': {
      const values = present === null ? column.f64 : compact(column.f64, present, count, DOUBLES)
      if (doubles === 'PLAIN') encodePlainDoubles(data, values, size)
      else encodeByteStreamSplit(data, values, size)
      return { encoding: doubles, dictionaryEntries: 0, nulls, ...doubleBounds(values, size) }
    }
    case 'i64':
    case 'timestamp_us': {
      const words = present === null ? column.words : compactPairs(column.words, present, count)
      encodeDelta64(data, words, size)
      return { encoding: 'DELTA_BINARY_PACKED', dictionaryEntries: 0, nulls, ...int64Bounds(words, size) }
    }
    case 'i32': {
      const values = present === null ? column.i32 : compact(column.i32, present, count, INTS)
      encodeDelta32(data, values, size)
      return { encoding: 'DELTA_BINARY_PACKED', dictionaryEntries: 0, nulls, ...intBounds(values, size) }
    }
    case 'bool': {
      const values = present === null ? column.bools : compact(column.bools, present, count, BYTES)
      encodeBooleans(data, values, size)
      const { min, max } = intBounds(values, size)
      return { encoding: 'RLE', dictionaryEntries: 0, nulls, ...(size > 0 && { min: min === 1, max: max === 1 }) }
    }
    case 'string': {
      const codes = present === null ? column.i32 : compact(column.i32, present, count, INTS)
      return { nulls, ...encodeStrings(data, column, codes, size) }
    }
  }
}

/** Rows that a row group can have at most: the size of the scratch arrays here. */
export const MAX_ROWS = 65_536

function encodeBooleans(data: Page, values: Uint8Array, count: number): void {
  data.reserve(4)
  const at = data.length
  data.length += 4
  encodeHybrid(data, values, count, 1)
  data.view.setUint32(at, data.length - at - 4, true)
}

function encodeStrings(data: Page, column: ColumnBuffer, codes: Int32Array, count: number): Omit<ColumnChunk, 'nulls'> {
  const { starts } = column
  let entries = 0
  let plainBytes = 0
  for (let i = 0; i < count; i++) {
    const code = codes[i]!
    plainBytes += starts[code + 1]! - starts[code]!
    // Codes are given in order of appearance: what only later row groups use has higher ones.
    if (code >= entries) entries = code + 1
  }
  const bitWidth = 32 - Math.clz32(Math.max(0, entries - 1))
  const bounds = stringBounds(column, entries)
  if (plainBytes <= starts[entries]! + (count * bitWidth) / 8) {
    data.reserve(plainBytes)
    for (let i = 0; i < count; i++) data.putBytes(column.dictionary.bytes.subarray(starts[codes[i]!]!, starts[codes[i]! + 1]!))
    return { encoding: 'PLAIN', dictionaryEntries: 0, ...bounds }
  }
  data.reserve(1)
  data.putUint8(bitWidth)
  encodeHybrid(data, codes, count, bitWidth)
  return { encoding: 'RLE_DICTIONARY', dictionaryEntries: entries, ...bounds }
}

function countNulls(valid: Uint8Array | null, count: number): number {
  if (valid === null) return 0
  let present = 0
  for (let i = 0; i < count; i++) present += valid[i]!
  return count - present
}

type Values = Float64Array | Int32Array | Uint8Array

/** The present values, without gaps, in `out`. */
function compact<T extends Values>(values: T, valid: Uint8Array, count: number, out: T): T {
  let size = 0
  for (let i = 0; i < count; i++) {
    out[size] = values[i]!
    size += valid[i]!
  }
  return out
}

function compactPairs(words: Uint32Array, valid: Uint8Array, count: number): Uint32Array {
  const out = PAIRS
  let size = 0
  for (let i = 0; i < count; i++) {
    out[2 * size] = words[2 * i]!
    out[2 * size + 1] = words[2 * i + 1]!
    size += valid[i]!
  }
  return out
}

/** Without NaN, and zero with the sign that makes the bounds wide, as Parquet asks. */
function doubleBounds(values: Float64Array, count: number): { min?: number; max?: number } {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (let i = 0; i < count; i++) {
    const value = values[i]!
    if (value < min) min = value
    if (value > max) max = value
  }
  if (min > max) return {}
  return { min: min === 0 ? -0 : min, max: max === 0 ? 0 : max }
}

function int64Bounds(words: Uint32Array, count: number): { min?: bigint; max?: bigint } {
  if (count === 0) return {}
  let minLow = words[0]!
  let minHigh = words[1]! | 0
  let maxLow = minLow
  let maxHigh = minHigh
  for (let i = 1; i < count; i++) {
    const low = words[2 * i]!
    const high = words[2 * i + 1]! | 0
    if (high < minHigh || (high === minHigh && low < minLow)) {
      minLow = low
      minHigh = high
    }
    if (high > maxHigh || (high === maxHigh && low > maxLow)) {
      maxLow = low
      maxHigh = high
    }
  }
  return { min: (BigInt(minHigh) << 32n) | BigInt(minLow), max: (BigInt(maxHigh) << 32n) | BigInt(maxLow) }
}

function intBounds(values: Int32Array | Uint8Array, count: number): { min?: number; max?: number } {
  if (count === 0) return {}
  let min = values[0]!
  let max = min
  for (let i = 1; i < count; i++) {
    const value = values[i]!
    if (value < min) min = value
    if (value > max) max = value
  }
  return { min, max }
}

/** In the order of UTF-8 bytes, which is not that of JavaScript's `<`. */
function stringBounds(column: ColumnBuffer, entries: number): { min?: string; max?: string } {
  if (entries === 0) return {}
  const { strings, starts, dictionary } = column
  const bytesOf = (code: number) => dictionary.bytes.subarray(starts[code]! + 4, starts[code + 1]!)
  let min = 0
  let max = 0
  for (let code = 1; code < entries; code++) {
    const bytes = bytesOf(code)
    if (Buffer.compare(bytes, bytesOf(min)) < 0) min = code
    else if (Buffer.compare(bytes, bytesOf(max)) > 0) max = code
  }
  return { min: strings[min]!, max: strings[max]! }
}

// Scratch for columns with NULLs.
const DOUBLES = new Float64Array(MAX_ROWS)
const INTS = new Int32Array(MAX_ROWS)
const BYTES = new Uint8Array(MAX_ROWS)
const PAIRS = new Uint32Array(2 * MAX_ROWS)
