import type { ColumnBuffer } from './column-buffer.ts'
import { ColumnEncoder } from './kernel/column-encoder.ts'
import { Page } from './page.ts'

export type DoubleEncoding = 'PLAIN' | 'BYTE_STREAM_SPLIT'
export type ChunkEncoding = DoubleEncoding | 'DELTA_BINARY_PACKED' | 'RLE' | 'RLE_DICTIONARY'

/** What one column of a row group turned into. */
export interface ColumnChunk {
  readonly encoding: ChunkEncoding
  /** Entries at the start of the buffer's dictionary that the data refers to; 0 = no dictionary page. */
  readonly dictionaryEntries: number
  readonly nulls: number
  /** Bounds of the values, absent when there are none. Floats: without NaN. */
  readonly min?: bigint | number | string | boolean
  readonly max?: bigint | number | string | boolean
}

/** A chunk with the bytes of its data page; they are views, valid until the next column is encoded. */
export interface EncodedChunk extends ColumnChunk {
  /** Definition levels; empty for a required column. */
  readonly levels: Uint8Array
  readonly data: Uint8Array
}

/**
 * Encodes the first `count` rows of a column for a data page. Integers and times as DELTA_BINARY_PACKED, floats as asked,
 * booleans as RLE, strings by dictionary, or PLAIN where that is smaller.
 */
export function encodeColumn(column: ColumnBuffer, count: number, doubles: DoubleEncoding): EncodedChunk {
  encoder ??= new ColumnEncoder()
  const size = encoder.load(valuesOf(column), column.valid, count)
  const levels = column.valid === null ? NOTHING : encoder.levels()
  const chunk = encodeValues(encoder, column, size, doubles)
  const { min, max, ...rest } = chunk
  return { ...rest, nulls: count - size, levels, ...(size > 0 && min !== undefined && { min, max: max! }) }
}

type EncodedValues = Pick<EncodedChunk, 'data' | 'encoding' | 'dictionaryEntries' | 'min' | 'max'>

function encodeValues(encoder: ColumnEncoder, column: ColumnBuffer, size: number, doubles: DoubleEncoding): EncodedValues {
  switch (column.type) {
    case 'f64': {
      const bounds = doubleBounds(encoder)
      const data = doubles === 'PLAIN' ? encoder.plainDoubles() : encoder.splitDoubles()
      return { data, encoding: doubles, dictionaryEntries: 0, ...bounds }
    }
    case 'i64':
    case 'timestamp_us':
      return { ...encoder.longs(), encoding: 'DELTA_BINARY_PACKED', dictionaryEntries: 0 }
    case 'i32':
    case 'date':
      return { ...encoder.ints(), encoding: 'DELTA_BINARY_PACKED', dictionaryEntries: 0 }
    case 'bool':
      return { ...encoder.booleans(), encoding: 'RLE', dictionaryEntries: 0 }
    case 'string':
      return encodeStrings(encoder, column, size)
  }
}

/** The array that holds a column's values, or the codes of its strings. */
function valuesOf({ type, f64, i64, i32, bools }: ColumnBuffer): Float64Array | BigInt64Array | Int32Array | Uint8Array {
  if (type === 'f64') return f64
  if (type === 'bool') return bools
  return type === 'i32' || type === 'date' || type === 'string' ? i32 : i64
}

/** With the sign of zero that makes the bounds wide, as Parquet asks. */
function doubleBounds(encoder: ColumnEncoder): { min?: number; max?: number } {
  const { min, max } = encoder.doubleBounds()
  if (min > max) return {}
  return { min: min === 0 ? -0 : min, max: max === 0 ? 0 : max }
}

function encodeStrings(encoder: ColumnEncoder, column: ColumnBuffer, count: number): EncodedValues {
  const { starts, dictionary } = column
  // Codes are given in order of appearance: what only later row groups use has higher ones.
  const entries = encoder.greatestCode() + 1
  const bitWidth = 32 - Math.clz32(Math.max(0, entries - 1))
  const bounds = stringBounds(column, entries)
  const dictionaryBytes = starts[entries]! + (count * bitWidth) / 8
  // Each string has its length before it: few codes need no closer look.
  const plainBytes = dictionaryBytes < 4 * count ? Number.POSITIVE_INFINITY : plainBytesOf(column, encoder.codes())
  if (plainBytes <= dictionaryBytes) {
    const plain = new Page(plainBytes)
    for (const code of encoder.codes()) plain.putBytes(dictionary.bytes.subarray(starts[code]!, starts[code + 1]!))
    return { data: plain.written(), encoding: 'PLAIN', dictionaryEntries: 0, ...bounds }
  }
  return { data: encoder.dictionaryCodes(bitWidth), encoding: 'RLE_DICTIONARY', dictionaryEntries: entries, ...bounds }
}

/** What the strings would take without a dictionary. */
function plainBytesOf({ starts }: ColumnBuffer, codes: Int32Array): number {
  let bytes = 0
  for (let i = 0; i < codes.length; i++) bytes += starts[codes[i]! + 1]! - starts[codes[i]!]!
  return bytes
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

const NOTHING = new Uint8Array(0)
/** Of this thread: a column is encoded without a pause, and its bytes are taken before the next. */
let encoder: ColumnEncoder | undefined
