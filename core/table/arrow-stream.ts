import type { DuckDBValue } from '@duckdb/node-api'
import {
  AsyncByteQueue,
  Bool,
  type DataType,
  DateDay,
  Decimal,
  Field,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  TimestampMicrosecond,
  TimestampMillisecond,
  TimestampNanosecond,
  TimestampSecond,
  Uint8,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
} from 'apache-arrow'
import { ReplayError } from '../errors.ts'
import { jsonOf, type QueryColumn } from './query-format.ts'

/** Rows of a record batch. */
const BATCH_ROWS = 65_536

/**
 * Writes rows, which come in chunks, as an Arrow IPC stream, a record batch at a time.
 *
 * Integers, floats, booleans, texts and dates are what they are; times are timestamps of their unit, `TIMESTAMPTZ` in UTC; DECIMAL and HUGEINT are
 * decimals of 128 bits. Anything else is text, as in the JSON format.
 * @returns the number of rows @throws ReplayError input `arrow-range` for a HUGEINT of more than 38 digits
 */
export async function writeArrow(
  columns: readonly QueryColumn[],
  chunks: AsyncIterable<DuckDBValue[][]>,
  write: (bytes: Uint8Array) => void | Promise<void>,
): Promise<number> {
  const kinds = columns.map(({ type }) => kindOf(type))
  const schema = new Schema(columns.map(({ name }, i) => new Field(name, kinds[i]!.type, true)))
  const pieces = new PieceQueue()
  const writer = new RecordBatchStreamWriter()
  writer.reset(pieces, schema)
  let rows: DuckDBValue[][] = []
  let count = 0
  const batch = async (): Promise<void> => {
    if (rows.length > 0) writer.write(recordBatch(schema, columns, kinds, rows))
    count += rows.length
    rows = []
    for (const piece of pieces.take()) await write(piece)
  }
  for await (const chunk of chunks) {
    rows.push(...chunk)
    if (rows.length >= BATCH_ROWS) await batch()
  }
  await batch()
  writer.finish()
  for (const piece of pieces.take()) await write(piece)
  return count
}

/** What the writer made: it is taken after each batch, where the library's own streams would run ahead of who reads them. */
class PieceQueue extends AsyncByteQueue {
  #pieces: Uint8Array[] = []

  override write(piece: Uint8Array): void {
    this.#pieces.push(piece)
  }

  take(): Uint8Array[] {
    const taken = this.#pieces
    this.#pieces = []
    return taken
  }
}

/** How a column is stored. */
interface Kind {
  readonly type: DataType
  /** Bytes of a value; 0: bits. Null: texts. */
  readonly bytes: number | null
  put?(view: DataView, at: number, value: DuckDBValue): void
}

const number = (type: DataType, bytes: number, put: (view: DataView, at: number, value: number) => void): Kind => ({
  type,
  bytes,
  put: (view, at, value) => put(view, at, value as number),
})
const long = (type: DataType, whole: (value: DuckDBValue) => bigint): Kind => ({
  type,
  bytes: 8,
  put: (view, at, value) => view.setBigInt64(at, BigInt.asIntN(64, whole(value)), true),
})
const timestamp = (type: DataType, name: string): Kind => long(type, (value) => (value as unknown as Record<string, bigint>)[name]!)

function decimal(precision: number, scale: number): Kind {
  return {
    type: new Decimal(scale, precision, 128),
    bytes: 16,
    put(view, at, value) {
      const whole = typeof value === 'bigint' ? value : (value as unknown as { value: bigint }).value
      if (whole >= LIMIT || whole <= -LIMIT) {
        const text = `expected at most 38 digits, which is what Arrow's decimals hold, found ${whole}; cast the column`
        throw new ReplayError('arrow-range', text, { category: 'input' })
      }
      view.setBigInt64(at, BigInt.asIntN(64, whole), true)
      view.setBigInt64(at + 8, whole >> 64n, true)
    },
  }
}

const LIMIT = 10n ** 38n
const TEXT: Kind = { type: new Utf8(), bytes: null }
const KINDS: Readonly<Record<string, Kind>> = {
  TINYINT: number(new Int8(), 1, (view, at, value) => view.setInt8(at, value)),
  SMALLINT: number(new Int16(), 2, (view, at, value) => view.setInt16(at, value, true)),
  INTEGER: number(new Int32(), 4, (view, at, value) => view.setInt32(at, value, true)),
  BIGINT: long(new Int64(), (value) => value as bigint),
  UTINYINT: number(new Uint8(), 1, (view, at, value) => view.setUint8(at, value)),
  USMALLINT: number(new Uint16(), 2, (view, at, value) => view.setUint16(at, value, true)),
  UINTEGER: number(new Uint32(), 4, (view, at, value) => view.setUint32(at, value, true)),
  UBIGINT: long(new Uint64(), (value) => value as bigint),
  HUGEINT: decimal(38, 0),
  FLOAT: number(new Float32(), 4, (view, at, value) => view.setFloat32(at, value, true)),
  DOUBLE: number(new Float64(), 8, (view, at, value) => view.setFloat64(at, value, true)),
  BOOLEAN: { type: new Bool(), bytes: 0 },
  DATE: {
    type: new DateDay(),
    bytes: 4,
    put: (view, at, value) => view.setInt32(at, (value as unknown as { days: number }).days, true),
  },
  TIMESTAMP_S: timestamp(new TimestampSecond(), 'seconds'),
  TIMESTAMP_MS: timestamp(new TimestampMillisecond(), 'millis'),
  TIMESTAMP: timestamp(new TimestampMicrosecond(), 'micros'),
  TIMESTAMP_NS: timestamp(new TimestampNanosecond(), 'nanos'),
  'TIMESTAMP WITH TIME ZONE': timestamp(new TimestampMicrosecond('UTC'), 'micros'),
}

function kindOf(type: string): Kind {
  const [, precision, scale] = /^DECIMAL\((\d+),(\d+)\)$/.exec(type) ?? []
  return precision === undefined ? (KINDS[type] ?? TEXT) : decimal(Number(precision), Number(scale))
}

function recordBatch(schema: Schema, columns: readonly QueryColumn[], kinds: readonly Kind[], rows: readonly DuckDBValue[][]): RecordBatch {
  const children = columns.map((column, i) => {
    const values = rows.map((row) => row[i]!)
    const nullCount = values.filter((value) => value === null).length
    const nullBitmap = nullCount === 0 ? null : bitsOf(values.map((value) => value !== null))
    const { type } = kinds[i]!
    // The library takes the bytes of `data` as values of the type, whatever the view; its types want each type's own.
    return makeData({ type, length: values.length, nullCount, nullBitmap, ...dataOf(column, kinds[i]!, values) } as never)
  })
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: rows.length, nullCount: 0, children }))
}

function dataOf(
  column: QueryColumn,
  { bytes, put }: Kind,
  values: readonly DuckDBValue[],
): { data: Uint8Array; valueOffsets?: Int32Array } {
  if (bytes === 0) return { data: bitsOf(values.map((value) => value === true)) }
  if (bytes === null) {
    const texts = values.map((value) => Buffer.from(value === null ? '' : String(jsonOf(value, column))))
    const valueOffsets = new Int32Array(texts.length + 1)
    for (const [i, text] of texts.entries()) valueOffsets[i + 1] = valueOffsets[i]! + text.length
    return { data: Buffer.concat(texts), valueOffsets }
  }
  const data = new Uint8Array(bytes * values.length)
  const view = new DataView(data.buffer)
  for (const [i, value] of values.entries()) if (value !== null) put!(view, bytes * i, value)
  return { data }
}

function bitsOf(flags: readonly boolean[]): Uint8Array {
  const bits = new Uint8Array((flags.length + 7) >> 3)
  for (const [i, flag] of flags.entries()) if (flag) bits[i >> 3]! |= 1 << (i & 7)
  return bits
}
