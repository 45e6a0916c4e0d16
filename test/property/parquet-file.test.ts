import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import { randomOf } from '../../bench/simulation/random.ts'
import type { ColumnSpec } from '../../core/table/column-buffer.ts'
import { ParquetFile } from '../../core/table/parquet-writer.ts'
import { duckdb, readWithHyparquet } from '../support/parquet.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder('parquet-file')
let files = 0
const newPath = () => join(folder, `${files++}.parquet`)

const TYPES: readonly ColumnSpec[] = [
  { name: 'f', type: 'f64' },
  { name: 'i', type: 'i64' },
  { name: 'n', type: 'i32' },
  { name: 'b', type: 'bool' },
  { name: 's', type: 'string' },
  { name: 't', type: 'timestamp_us' },
]
const ALL = [...TYPES, ...TYPES.map((spec) => ({ ...spec, name: `${spec.name}_null`, nullable: true }))]
type Value = number | bigint | boolean | string | null

/** Writes rows of `ALL`, value by value. */
async function writeRows(
  path: string,
  rows: readonly (readonly Value[])[],
  limits: { maxGroupRows?: number; maxGroupBytes?: number } = {},
) {
  const file = new ParquetFile({ path, columns: ALL, ...limits })
  for (const row of rows) {
    putRow(file, row)
  }
  await file.close()
}

const i64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: 1_700_000_000_000_000_000n, max: 1_700_000_000_001_000_000n }),
  fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 0n, 1_700_000_000_123_456_789n),
)
const i32 = fc.oneof(fc.integer(), fc.constantFrom(-(2 ** 31), 2 ** 31 - 1))
const micros = fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n })
const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('BTC-USD', 'ETH-USD', ''))
const values = [fc.double(), i64, i32, fc.boolean(), text, micros] as const
const rowOf = fc.tuple(...values, ...values.map((value) => fc.option(value as fc.Arbitrary<Value>))) as fc.Arbitrary<Value[]>

/** What DuckDB gives for a row, in the terms of what was written. */
function asWritten(row: Record<string, unknown>): Value[] {
  return ALL.map(({ name, type }) => {
    const value = row[name]
    return (type === 'timestamp_us' && value !== null ? (value as { micros: bigint }).micros : value) as Value
  })
}

describe('round trips', () => {
  test('through DuckDB: every bit of every type, and NULLs', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(rowOf, { maxLength: 300 }), fc.integer({ min: 1, max: 300 }), async (rows, maxGroupRows) => {
        const path = newPath()
        await writeRows(path, rows, { maxGroupRows })
        const read = await duckdb(`select * from '${path}'`)
        expect(read.map(asWritten)).toEqual(rows)
      }),
      { numRuns: 25 },
    )
  })

  test('through hyparquet', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(rowOf, { minLength: 1, maxLength: 200 }), async (rows) => {
        const path = newPath()
        await writeRows(path, rows)
        const read = await readWithHyparquet(path)
        const integers = (row: Record<string, unknown>) =>
          ['f', 'i', 'n', 'b', 's', 'f_null', 'i_null', 'n_null', 'b_null', 's_null'].map((name) => row[name] ?? null)
        expect(read.map(integers)).toEqual(rows.map((row) => [...row.slice(0, 5), ...row.slice(6, 11)]))
        expect(read.map(({ t }) => t)).toEqual(rows.map((row) => BigInt.asIntN(64, row[5] as bigint)))
      }),
      { numRuns: 25 },
    )
  })

  test('no rows: a file with the columns', async () => {
    const path = newPath()
    await writeRows(path, [])
    expect(await duckdb(`select count(*)::int as n from '${path}'`)).toEqual([{ n: 0 }])
    const types = await duckdb(`select column_type from (describe select * from '${path}')`)
    expect(types.slice(0, 6).map((row) => row.column_type)).toEqual([
      'DOUBLE',
      'BIGINT',
      'INTEGER',
      'BOOLEAN',
      'VARCHAR',
      'TIMESTAMP WITH TIME ZONE',
    ])
  })
})

describe('row groups', () => {
  test('full ones of values that no encoding makes smaller', async () => {
    const seed = Date.now() % 1_000_000
    console.log(`seed ${seed}`)
    const draw = randomOf(seed)
    const random = () => Math.floor(draw() * 2 ** 32)
    for (const isNull of [(row: number) => row % 16 < 8, () => random() < 2 ** 31]) {
      const path = newPath()
      const file = new ParquetFile({ path, columns: ALL.filter(({ type }) => type !== 'timestamp_us') })
      const rows = 65_536 + 77
      const written: Value[][] = []
      for (let row = 0; row < rows; row++) {
        const [f, i, n, b, s] = [
          random() / 3,
          (BigInt(random()) << 32n) | BigInt(random()),
          random() | 0,
          random() % 2 === 0,
          `${random()}`,
        ]
        const values = [f, BigInt.asIntN(64, i), n, b, s]
        written.push([...values, ...values.map((value) => (isNull(row) ? null : value))])
        putRow(file, written.at(-1)!)
      }
      await file.close()
      const read = await duckdb(`select * from '${path}'`)
      expect(read.length).toBe(rows)
      const differs = read.findIndex((row, at) => Object.values(row).some((value, c) => value !== written[at]![c]))
      expect(differs, `row ${differs}`).toBe(-1)
    }
  })

  test('at most 65,536 rows each; all rows in order', async () => {
    const path = newPath()
    const file = new ParquetFile({
      path,
      columns: [
        { name: 'i', type: 'i64' },
        { name: 's', type: 'string', nullable: true },
      ],
    })
    const count = 150_000
    for (let done = 0; done < count; ) {
      const rows = Math.min(file.freeRows, 7_000, count - done)
      const [i, s] = file.columns
      for (let r = 0; r < rows; r++) {
        i!.i64[file.row + r] = BigInt(done + r) * 1_000_000_007n
        if ((done + r) % 3 > 0) s!.setString(file.row + r, `s${(done + r) % 7}`)
      }
      file.endRows(rows)
      done += rows
    }
    expect(file.rows).toBe(count)
    await file.close()

    const groups = await duckdb(
      `select distinct row_group_id::int as id, row_group_num_rows::int as n from parquet_metadata('${path}') order by 1`,
    )
    expect(groups.map(({ n }) => n)).toEqual([65_536, 65_536, 18_928])
    const wrong = await duckdb(`
      select count(*)::int as n from (select *, file_row_number as r from read_parquet('${path}', file_row_number = true))
      where i <> r * 1000000007 or s is distinct from (case when r % 3 > 0 then 's' || (r % 7) end)`)
    expect(wrong).toEqual([{ n: 0 }])
  })

  test('at most 16 MiB each, also with long strings, whether they repeat or not', async () => {
    const path = newPath()
    const file = new ParquetFile({
      path,
      columns: [
        { name: 'n', type: 'i32' },
        { name: 's', type: 'string', nullable: true },
      ],
    })
    const textOf = (r: number) => (r % 5 === 4 ? null : `${r % 50 === 0 ? 'again' : r}${'x'.repeat(100_000)}`)
    for (let r = 0; r < 600; r++) {
      file.columns[0]!.setI32(file.row, r)
      const value = textOf(r)
      if (value !== null) file.columns[1]!.setString(file.row, value)
      file.endRow()
    }
    await file.close()

    const groups = await duckdb(`
      select sum(total_uncompressed_size)::double as bytes, any_value(row_group_num_rows)::int as n
      from parquet_metadata('${path}') group by row_group_id order by row_group_id`)
    expect(groups.length).toBe(3)
    for (const { bytes } of groups) expect(bytes).toBeLessThanOrEqual(16 * 2 ** 20)
    expect(groups.reduce((sum, { n }) => sum + (n as number), 0)).toBe(600)
    const rows = await duckdb(`select n, s from '${path}'`)
    rows.forEach(({ n, s }, r) => {
      if (n !== r || s !== textOf(r)) expect.fail(`row ${r}`)
    })
  })

  test('a row larger than a group is refused, and nothing is left behind', () => {
    const path = newPath()
    const file = new ParquetFile({ path, columns: [{ name: 's', type: 'string' }], maxGroupBytes: 1000 })
    file.columns[0]!.setString(0, 'x'.repeat(1000))
    expect(() => file.endRow()).toThrow(expect.objectContaining({ code: 'row-too-large', category: 'input' }))
    file.abandon()
    expect(existsSync(`${path}.tmp`)).toBe(false)
  })
})

describe('metadata', () => {
  test('statistics: bounds and NULL counts, without NaN', async () => {
    const path = newPath()
    const nothing = [null, null, null, null, null, null]
    await writeRows(path, [
      [Number.NaN, -(2n ** 63n), -5, true, 'b', 1n, ...nothing],
      [-1.5, 2n ** 63n - 1n, 7, false, 'ａ', 2n, 2.5, 3n, 4, true, 'x', 5n],
      [0, 0n, 0, false, '𝄞', 0n, ...nothing],
    ])
    const rows = await duckdb(
      `select path_in_schema as c, stats_min_value as lo, stats_max_value as hi, stats_null_count::int as nulls from parquet_metadata('${path}')`,
    )
    expect(rows.map(({ c, lo, hi, nulls }) => [c, lo, hi, nulls])).toEqual([
      ['f', '-1.5', '0.0', 0],
      ['i', '-9223372036854775808', '9223372036854775807', 0],
      ['n', '-5', '7', 0],
      ['b', 'false', 'true', 0],
      ['s', 'b', '𝄞', 0],
      ['t', '1970-01-01 00:00:00+00', '1970-01-01 00:00:00.000002+00', 0],
      ['f_null', '2.5', '2.5', 2],
      ['i_null', '3', '3', 2],
      ['n_null', '4', '4', 2],
      ['b_null', 'true', 'true', 2],
      ['s_null', 'x', 'x', 2],
      ['t_null', '1970-01-01 00:00:00.000005+00', '1970-01-01 00:00:00.000005+00', 2],
    ])
  })

  test('bounds of infinities, and of nothing but NaN', async () => {
    const { NaN: nan, POSITIVE_INFINITY: plus, NEGATIVE_INFINITY: minus } = Number
    const cases: [readonly number[], unknown, unknown][] = [
      [[plus], plus, plus],
      [[minus, nan], minus, minus],
      [[minus, 1, plus], minus, plus],
      [[nan, nan], undefined, undefined],
    ]
    for (const [values, lo, hi] of cases) {
      const file = new ParquetFile({ path: newPath(), columns: TYPES.slice(0, 1) })
      for (const value of values) {
        file.columns[0]!.setF64(file.row, value)
        file.endRow()
      }
      await file.close()
      const metadata = await parquetMetadataAsync(await asyncBufferFromFile(file.path))
      const statistics = metadata.row_groups[0]!.columns[0]!.meta_data!.statistics!
      expect([statistics.min_value, statistics.max_value]).toEqual([lo, hi])
    }
  })

  test('key-value metadata, and encodings that fit the data', async () => {
    const path = newPath()
    const file = new ParquetFile({ path, columns: TYPES.slice(0, 5), metadata: { job: 'flow', käse: '1' } })
    const [f, i, n, b, s] = file.columns
    for (let r = 0; r < 1000; r++) {
      f!.setF64(file.row, Math.sin(r))
      i!.setI64(file.row, BigInt(r))
      n!.setI32(file.row, r)
      b!.setBool(file.row, r % 2 === 0)
      s!.setString(file.row, `s${r % 4}`)
      file.endRow()
    }
    await file.close()
    const pairs = await duckdb(`select decode(key) as k, decode(value) as v from parquet_kv_metadata('${path}')`)
    expect(pairs).toEqual([
      { k: 'job', v: 'flow' },
      { k: 'käse', v: '1' },
    ])
    const columns = await duckdb(`select encodings, compression from parquet_metadata('${path}')`)
    expect(columns.map(({ encodings }) => encodings)).toEqual([
      'BYTE_STREAM_SPLIT',
      'DELTA_BINARY_PACKED',
      'DELTA_BINARY_PACKED',
      'RLE',
      'PLAIN, RLE_DICTIONARY',
    ])
    expect(columns.every(({ compression }) => compression === 'ZSTD')).toBe(true)
  })
})

test('the same rows give the same bytes, whatever was written before', async () => {
  const nulls = [null, null, null, null, null, null]
  const rows = Array.from({ length: 100 }, (_, r): Value[] => [
    r / 7,
    BigInt(r),
    r,
    r % 3 === 0,
    `s${r}`,
    BigInt(r),
    null,
    null,
    r,
    null,
    'x',
    null,
  ])
  const far = (r: number) => (r % 2 === 0 ? -(2n ** 60n) : 2n ** 60n)
  const wild = Array.from({ length: 300 }, (_, r): Value[] => [-r, far(r), -r, true, 'w', far(r), ...nulls])
  const [a, b] = [newPath(), newPath()]
  await writeRows(a, rows)
  await writeRows(newPath(), wild)
  await writeRows(b, rows)
  expect(readFileSync(a).equals(readFileSync(b))).toBe(true)
})

describe('the file appears whole or not at all', () => {
  test('until close there is only the temporary file', async () => {
    const path = newPath()
    const file = new ParquetFile({ path, columns: TYPES.slice(0, 1) })
    expect(existsSync(path)).toBe(false)
    expect(existsSync(`${path}.tmp`)).toBe(true)
    await file.close()
    expect(existsSync(path)).toBe(true)
    file.abandon()
    expect(existsSync(path)).toBe(true)
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  test('of many megabytes, which are on their way to the disk before it is closed', async () => {
    const rows = 3_000_000
    // Of the third somebody else waits for the disk.
    const kinds = [{}, {}, { isDurable: false, syncsSoon: true }]
    const files = kinds.map((kind) => new ParquetFile({ path: newPath(), columns: TYPES.slice(0, 1), ...kind }))
    for (let r = 0; r < rows; r++) {
      for (const file of files) {
        file.columns[0]!.f64[file.row] = Math.sin(r)
        file.endRow()
      }
    }
    const [whole, abandoned, other] = files
    abandoned!.abandon()
    expect(existsSync(`${whole!.path}.tmp`)).toBe(true)
    await whole!.close()
    await other!.close()
    expect(readFileSync(other!.path).equals(readFileSync(whole!.path))).toBe(true)
    expect([existsSync(abandoned!.path), existsSync(`${abandoned!.path}.tmp`)]).toEqual([false, false])
    expect(statSync(whole!.path).size).toBeGreaterThan(2 * 8 * 2 ** 20)
    expect(await duckdb(`select count(*)::int as rows, count(distinct f)::int as values from '${whole!.path}'`)).toEqual([
      { rows, values: rows },
    ])
  })

  test('abandoned: nothing', async () => {
    const path = newPath()
    const file = new ParquetFile({ path, columns: TYPES.slice(0, 1) })
    file.abandon()
    await file.close()
    expect([existsSync(path), existsSync(`${path}.tmp`)]).toEqual([false, false])
  })

  test('columns without names of their own are refused', () => {
    expect(() => new ParquetFile({ path: newPath(), columns: [] })).toThrow(expect.objectContaining({ code: 'parquet-columns' }))
    const twice: ColumnSpec[] = [
      { name: 'a', type: 'f64' },
      { name: 'a', type: 'i64' },
    ]
    expect(() => new ParquetFile({ path: newPath(), columns: twice })).toThrow(expect.objectContaining({ code: 'parquet-columns' }))
  })
})

function putRow(file: ParquetFile, values: readonly Value[]): void {
  file.columns.forEach((column, c) => {
    const value = values[c]!
    if (typeof value === 'string') column.setString(file.row, value)
    else if (typeof value === 'boolean') column.setBool(file.row, value)
    else if (typeof value === 'bigint') column.setI64(file.row, value)
    else if (value !== null && column.type === 'f64') column.setF64(file.row, value)
    else if (value !== null) column.setI32(file.row, value)
  })
  file.endRow()
}
