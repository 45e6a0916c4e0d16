import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { EVERY_TYPE, everyTypeRows, writePart } from '../../bench/made/made-table.ts'
import { pythonWithReaders } from '../support/python-readers.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const python = pythonWithReaders()
const BIN = path.resolve(import.meta.dirname, '../../cli/bin.mjs')
const folder = temporaryFolder('arrow-stream')

/** What PyArrow and Polars make of the standard output of `query`: types, rows and how many batches, as texts. */
const READ = `
import io, json, sys, polars, pyarrow
data = sys.stdin.buffer.read()
reader = pyarrow.ipc.open_stream(io.BytesIO(data))
batches = list(reader)
table = pyarrow.Table.from_batches(batches, reader.schema)
table.validate(full=True)
theirs = polars.read_ipc_stream(io.BytesIO(data))
rows = [[None if value is None else str(value) for value in row.values()] for row in table.slice(0, 4).to_pylist()]
assert [[None if v is None else str(v) for v in row] for row in theirs.head(4).rows()] == rows or sys.argv[1:] == ['odd']
print(json.dumps({'types': {f.name: str(f.type) for f in reader.schema}, 'rows': rows, 'count': [table.num_rows, theirs.height], 'batches': len(batches)}))
`

function read(sql: string, ...words: string[]): { types: Record<string, string>; rows: unknown[][]; count: number[]; batches: number } {
  const made = spawnSync(process.execPath, [BIN, 'query', folder, sql, '--format', 'arrow'], { maxBuffer: 1 << 28 })
  expect(made.status, made.stderr.toString()).toBe(0)
  const told = spawnSync(python!, ['-c', READ, ...words], { input: made.stdout, encoding: 'utf8', maxBuffer: 1 << 28 })
  expect(told.status, told.stderr).toBe(0)
  return JSON.parse(told.stdout)
}

describe.skipIf(python === null)('query --format arrow, read by PyArrow and Polars', () => {
  beforeAll(async () => {
    await writePart(folder, EVERY_TYPE, everyTypeRows(12), { name: 'a.parquet' })
  })

  it('has the rows of a table, exact, with NULLs', () => {
    const { types, rows, count } = read('select date, ts_ns, seq, "row", price, gap, note from t order by ts_ns limit 3')
    expect(types).toEqual({ date: 'date32[day]', ts_ns: 'int64', seq: 'int64', row: 'int32', price: 'double', gap: 'bool', note: 'string' })
    expect(count).toEqual([3, 3])
    expect(rows).toEqual([
      ['2024-08-08', '1723161255088169167', null, '0', null, null, null],
      ['2024-08-08', '1723161256088169174', '4611686018427387905', '1', String(1 / 7), 'False', 'é"1'],
      ['2024-08-08', '1723161257088169181', '4611686018427387906', '2', String(2 / 7), 'True', 'é"2'],
    ])
  })

  it('has times as times, and every kind of number', () => {
    const { types, rows } = read(
      `select timestamptz '2024-01-31 12:00:00.000001+00' as tz, timestamp '2024-01-31 12:00:00.5' as us, '2024-01-31 12:00:01'::timestamp_s as s,
       '2024-01-31 12:00:00.007'::timestamp_ms as ms, '2024-01-31 12:00:00.123456789'::timestamp_ns as ns, sum(ts_ns) as sum, 1.25::decimal(9, 2) as d,
       -1::tinyint as i8, 200::utinyint as u8, -300::smallint as i16, 60000::usmallint as u16, 4000000000::uinteger as u32,
       18446744073709551615::ubigint as u64, 1.5::float as f, -5.5::decimal(30, 1) as wide, [1, 2] as list from t`,
      'odd',
    )
    expect(types).toEqual({
      ...{ tz: 'timestamp[us, tz=UTC]', us: 'timestamp[us]', s: 'timestamp[s]', ms: 'timestamp[ms]', ns: 'timestamp[ns]' },
      ...{ sum: 'decimal128(38, 0)', d: 'decimal128(9, 2)', i8: 'int8', u8: 'uint8', i16: 'int16', u16: 'uint16', u32: 'uint32' },
      ...{ u64: 'uint64', f: 'float', wide: 'decimal128(30, 1)', list: 'string' },
    })
    const sum = everyTypeRows(12).reduce((all, { ts_ns }) => all + (ts_ns as bigint), 0n)
    expect(rows).toEqual([
      [
        ...['2024-01-31 12:00:00.000001+00:00', '2024-01-31 12:00:00.500000', '2024-01-31 12:00:01', '2024-01-31 12:00:00.007000'],
        ...['2024-01-31 12:00:00.123456789', String(sum), '1.25', '-1', '200', '-300', '60000', '4000000000', '18446744073709551615'],
        ...['1.5', '-5.5', '[1, 2]'],
      ],
    ])
  })

  it('of many rows in batches, of none as a schema', () => {
    const many = read(
      'select range as n, range % 3 = 0 as third, case when range % 5 = 0 then null else range::varchar end as text from range(150000)',
    )
    expect(many.count).toEqual([150_000, 150_000])
    expect(many.batches).toBe(3)
    expect(read('select * from t where false')).toMatchObject({ count: [0, 0], batches: 0 })
  })
})
