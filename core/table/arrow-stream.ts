import type { DuckDBValue } from '@duckdb/node-api'
import { ReplayError } from '../errors.ts'
import { type Field, FlatBuffer } from './flat-buffer.ts'
import { jsonOf, type QueryColumn } from './query-format.ts'

/*
 * Arrow's IPC stream: a schema, record batches, an end. Source: arrow.apache.org, "Serialization and Interprocess Communication", and
 * Message.fbs and Schema.fbs, whose numbers of fields and types are here.
 */

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
  let rows: DuckDBValue[][] = []
  let count = 0
  const batch = async (): Promise<void> => {
    if (rows.length > 0) await write(recordBatch(columns, kinds, rows))
    count += rows.length
    rows = []
  }
  await write(message(SCHEMA, (flat) => schema(flat, columns, kinds), 0))
  for await (const chunk of chunks) {
    rows.push(...chunk)
    if (rows.length >= BATCH_ROWS) await batch()
  }
  await batch()
  await write(Uint8Array.of(...CONTINUATION, 0, 0, 0, 0))
  return count
}

/** How a column is stored. */
interface Kind {
  /** Number of the type in Schema.fbs, and its fields. */
  readonly number: number
  fields(flat: FlatBuffer): (Field | undefined)[]
  /** Bytes of a value; 0: bits. Null: texts. */
  readonly bytes: number | null
  put?(view: DataView, at: number, value: DuckDBValue): void
}

function integer(bits: 8 | 16 | 32 | 64, isSigned: boolean): Kind {
  const put: Kind['put'] = (view, at, value) => {
    if (bits === 64) view.setBigInt64(at, BigInt.asIntN(64, value as bigint), true)
    else if (bits === 32) view.setInt32(at, value as number, true)
    else if (bits === 16) view.setInt16(at, value as number, true)
    else view.setInt8(at, value as number)
  }
  return { number: 2, fields: () => [['i32', bits], isSigned ? ['i8', 1] : undefined], bytes: bits / 8, put }
}

function timestamp(unit: number, name: string, zone: string | null = null): Kind {
  return {
    number: 10,
    fields: (flat) => [['i16', unit], zone === null ? undefined : ['place', flat.string(zone)]],
    bytes: 8,
    put: (view, at, value) => view.setBigInt64(at, (value as unknown as Record<string, bigint>)[name]!, true),
  }
}

function decimal(precision: number, scale: number): Kind {
  return {
    number: 7,
    fields: () => [
      ['i32', precision],
      ['i32', scale],
      ['i32', 128],
    ],
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

const TEXT: Kind = { number: 5, fields: () => [], bytes: null }
const KINDS: Readonly<Record<string, Kind>> = {
  TINYINT: integer(8, true),
  SMALLINT: integer(16, true),
  INTEGER: integer(32, true),
  BIGINT: integer(64, true),
  UTINYINT: integer(8, false),
  USMALLINT: integer(16, false),
  UINTEGER: integer(32, false),
  UBIGINT: integer(64, false),
  HUGEINT: decimal(38, 0),
  FLOAT: { number: 3, fields: () => [['i16', 1]], bytes: 4, put: (view, at, value) => view.setFloat32(at, value as number, true) },
  DOUBLE: { number: 3, fields: () => [['i16', 2]], bytes: 8, put: (view, at, value) => view.setFloat64(at, value as number, true) },
  BOOLEAN: { number: 6, fields: () => [], bytes: 0 },
  DATE: {
    number: 8,
    fields: () => [['i16', 0]],
    bytes: 4,
    put: (view, at, value) => view.setInt32(at, (value as unknown as { days: number }).days, true),
  },
  TIMESTAMP_S: timestamp(0, 'seconds'),
  TIMESTAMP_MS: timestamp(1, 'millis'),
  TIMESTAMP: timestamp(2, 'micros'),
  TIMESTAMP_NS: timestamp(3, 'nanos'),
  'TIMESTAMP WITH TIME ZONE': timestamp(2, 'micros', 'UTC'),
}

function kindOf(type: string): Kind {
  const [, precision, scale] = /^DECIMAL\((\d+),(\d+)\)$/.exec(type) ?? []
  return precision === undefined ? (KINDS[type] ?? TEXT) : decimal(Number(precision), Number(scale))
}

function schema(flat: FlatBuffer, columns: readonly QueryColumn[], kinds: readonly Kind[]): number {
  const fields = columns.map(({ name }, i) => {
    const { number, fields: own } = kinds[i]!
    const [text, type, children] = [flat.string(name), flat.table(own(flat)), flat.vector([])]
    return flat.table([['place', text], ['i8', 1], ['i8', number], ['place', type], undefined, ['place', children]])
  })
  return flat.table([undefined, ['place', flat.vector(fields)]])
}

function recordBatch(columns: readonly QueryColumn[], kinds: readonly Kind[], rows: readonly DuckDBValue[][]): Uint8Array {
  const nodes: number[] = []
  const buffers: number[] = []
  const parts: Uint8Array[] = []
  let length = 0
  const add = (bytes: Uint8Array): void => {
    buffers.push(length, bytes.length)
    parts.push(bytes, new Uint8Array(-bytes.length & 7))
    length += (bytes.length + 7) & ~7
  }
  for (const [i, column] of columns.entries()) {
    const values = rows.map((row) => row[i]!)
    const nulls = values.filter((value) => value === null).length
    nodes.push(values.length, nulls)
    add(nulls === 0 ? NOTHING : bitsOf(values.map((value) => value !== null)))
    for (const bytes of dataOf(column, kinds[i]!, values)) add(bytes)
  }
  const head = message(
    RECORD_BATCH,
    (flat) => {
      const [ends, places] = [flat.structs(nodes, 2), flat.structs(buffers, 2)]
      return flat.table([
        ['i64', rows.length],
        ['place', ends],
        ['place', places],
      ])
    },
    length,
  )
  return Buffer.concat([head, ...parts])
}

/** The buffers of a column behind that of its NULLs. */
function dataOf(column: QueryColumn, { bytes, put }: Kind, values: readonly DuckDBValue[]): Uint8Array[] {
  if (bytes === 0) return [bitsOf(values.map((value) => value === true))]
  if (bytes === null) {
    const texts = values.map((value) => Buffer.from(value === null ? '' : String(jsonOf(value, column))))
    const ends = new Int32Array(texts.length + 1)
    for (const [i, text] of texts.entries()) ends[i + 1] = ends[i]! + text.length
    return [new Uint8Array(ends.buffer), Buffer.concat(texts)]
  }
  const data = new Uint8Array(bytes * values.length)
  const view = new DataView(data.buffer)
  for (const [i, value] of values.entries()) if (value !== null) put!(view, bytes * i, value)
  return [data]
}

function bitsOf(flags: readonly boolean[]): Uint8Array {
  const bits = new Uint8Array((flags.length + 7) >> 3)
  for (const [i, flag] of flags.entries()) if (flag) bits[i >> 3]! |= 1 << (i & 7)
  return bits
}

/** A message without its body: marker, length, and the FlatBuffer, filled up to eight bytes. */
function message(kind: number, header: (flat: FlatBuffer) => number, bodyBytes: number): Uint8Array {
  const flat = new FlatBuffer()
  const place = header(flat)
  const metadata = flat.finish(
    flat.table([
      ['i16', VERSION_5],
      ['i8', kind],
      ['place', place],
      ['i64', bodyBytes],
    ]),
  )
  const bytes = new Uint8Array(8 + ((metadata.length + 7) & ~7))
  bytes.set(CONTINUATION)
  new DataView(bytes.buffer).setInt32(4, bytes.length - 8, true)
  bytes.set(metadata, 8)
  return bytes
}

const NOTHING = new Uint8Array(0)
const CONTINUATION = [0xff, 0xff, 0xff, 0xff]
const VERSION_5 = 4
const SCHEMA = 1
const RECORD_BATCH = 3
const LIMIT = 10n ** 38n
