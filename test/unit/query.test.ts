import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ParquetFile } from '../../core/table/parquet-writer.ts'
import { openQuery, type Query } from '../../core/table/query.ts'
import type { TextFormat } from '../../core/table/query-format.ts'
import { duckdb } from '../support/parquet.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

// A name that has to be escaped, in a string and in a pattern.
const folder = join(temporaryFolder('query'), "it's a [table]*?")

async function writePart(partition: string, name: string, seqs: readonly bigint[], symbol?: string): Promise<void> {
  const path = join(folder, partition)
  mkdirSync(path, { recursive: true })
  const columns = [
    { name: 'seq', type: 'i64' },
    { name: 'ts_ns', type: 'i64' },
    { name: 'ts', type: 'timestamp_us' },
    { name: 'value', type: 'f64', nullable: true },
    ...(symbol === undefined ? [] : [{ name: 'note', type: 'string' } as const]),
  ] as const
  const file = new ParquetFile({ path: join(path, name), columns })
  for (const seq of seqs) {
    file.column('seq').setI64(file.row, seq)
    file.column('ts_ns').setI64(file.row, 1_700_000_000_123_456_789n + seq)
    file.column('ts').setI64(file.row, 1_700_000_000_123_456n)
    if (seq % 2n === 0n) file.column('value').setF64(file.row, Number(seq) / 10)
    if (symbol !== undefined) file.column('note').setString(file.row, symbol)
    file.endRow()
  }
  await file.close()
}

let query: Query
beforeAll(async () => {
  await writePart('symbol=000001/date=2026-01-30', 'a.parquet', [1n, 2n])
  await writePart('symbol=000001/date=2026-01-31', 'b.parquet', [3n], 'a, "b"\nc')
  await writePart('_log', 'checkpoint.parquet', [99n])
  writeFileSync(join(folder, 'part.parquet.tmp'), 'unfinished')
  query = await openQuery(folder, { memoryLimitBytes: 200 * 2 ** 20, threads: 1 })
})
afterAll(() => query.close())

async function textOf(sql: string, format: TextFormat): Promise<string> {
  let text = ''
  await query.write(sql, format, (piece) => {
    text += piece
  })
  return text
}

describe('the view t', () => {
  test('all files, columns united, partitions as text and dates', async () => {
    expect(await query.rows('select seq, symbol, date, note, value from t order by seq')).toEqual([
      { seq: '1', symbol: '000001', date: '2026-01-30', note: null, value: null },
      { seq: '2', symbol: '000001', date: '2026-01-30', note: null, value: 0.2 },
      { seq: '3', symbol: '000001', date: '2026-01-31', note: 'a, "b"\nc', value: null },
    ])
  })

  test('dates and times compare as UTC', async () => {
    expect(
      await query.rows(
        "select count(*) as n from t where date = '2026-01-30' and ts between '2023-11-14 22:13:20' and '2023-11-14 22:13:21'",
      ),
    ).toEqual([{ n: 2 }])
  })

  test('a list of files instead of a folder', async () => {
    const one = await openQuery([join(folder, 'symbol=000001/date=2026-01-31/b.parquet')])
    expect(await one.rows('select count(*) as n from t')).toEqual([{ n: 1 }])
    await one.close()
  })

  test('folders above the one asked for are no columns, and symbols that look like none are some', async () => {
    const root = join(temporaryFolder('query'), 'symbol=outer/date=2020-01-01/hour=3')
    const symbols = ['NULL', 'a%2Fb', '__HIVE_DEFAULT_PARTITION__']
    for (const symbol of symbols) {
      mkdirSync(join(root, `symbol=${symbol}`), { recursive: true })
      await duckdb(`COPY (SELECT '${symbol}' AS said) TO '${join(root, `symbol=${symbol}`, 'a.parquet')}'`)
    }
    const found = await openQuery(root)
    expect(await found.rows('from t order by said')).toEqual([
      { symbol: 'NULL', said: 'NULL' },
      { symbol: null, said: '__HIVE_DEFAULT_PARTITION__' },
      { symbol: 'a/b', said: 'a%2Fb' },
    ])
    await found.close()
  })

  test('the memory limit is in force', async () => {
    expect(await query.rows("select current_setting('memory_limit') as m, current_setting('threads') as n")).toEqual([
      { m: '200.0 MiB', n: 1 },
    ])
  })
})

describe('formats', () => {
  test('json: exact 64-bit numbers, times, NULL, numbers that JSON lacks', async () => {
    const sql = `select seq, ts_ns, ts, ts_ns as other, 2::bigint as count, 7::integer as small, 0.1::double as d, 'nan'::double as nan,
      1.50::decimal(9, 2) as price, 170141183460469231731687303715884105727::hugeint as huge, true as flag, null as nothing, date, [1, 2] as list
      from t where seq = 1`
    const text = await textOf(sql, 'json')
    expect(JSON.parse(text)).toEqual([
      {
        ...{ seq: '1', ts_ns: '1700000000123456790', ts: '2023-11-14T22:13:20.123456Z', other: '1700000000123456790', count: 2, small: 7 },
        ...{ d: 0.1, nan: 'NaN', price: '1.50', huge: '170141183460469231731687303715884105727', flag: true, nothing: null },
        ...{ date: '2026-01-30', list: '[1, 2]' },
      },
    ])
  })

  test('csv: header, quoting, NULL and empty text', async () => {
    const csv = await textOf(`select seq, ts_ns, ts, note, '' as "a,b", value, '-0'::double as zero from t order by seq desc`, 'csv')
    expect(csv).toBe(
      'seq,ts_ns,ts,note,"a,b",value,zero\n' +
        '3,1700000000123456792,2023-11-14T22:13:20.123456Z,"a, ""b""\nc","",,-0\n' +
        '2,1700000000123456791,2023-11-14T22:13:20.123456Z,,"",0.2,-0\n' +
        '1,1700000000123456790,2023-11-14T22:13:20.123456Z,,"",,-0\n',
    )
  })

  test('table: aligned, numbers to the right', async () => {
    const lines = [
      'note       value  seq',
      '─────────  ─────  ───',
      'NULL        NULL    1',
      'NULL         0.2    2',
      'a, "b"\\nc   NULL    3',
      '3 rows',
      '',
    ]
    expect((await textOf('select note, value, seq from t order by seq', 'table')).split('\n')).toEqual(lines)
  })

  test('no rows', async () => {
    expect(await textOf('select seq from t where false', 'json')).toBe('[]\n')
    expect(await textOf('select seq from t where false', 'csv')).toBe('seq\n')
    expect(await textOf('select seq from t where false', 'table')).toBe('seq\n───\n0 rows\n')
  })

  test('a long result comes in pieces', async () => {
    const pieces: number[] = []
    const count = await query.write('select range as seq from range(100000)', 'json', async (text) => {
      pieces.push(text.length)
    })
    expect(count).toBe(100_000)
    expect(pieces.length).toBeGreaterThan(20)
    expect(Math.max(...pieces)).toBeLessThan(200_000)
  })

  test('parquet: a file that appears whole', async () => {
    const path = join(folder, '..', "out's.parquet")
    await query.writeParquet('select seq, ts_ns from t order by seq -- all of it\n;', path)
    const rows = await duckdb(`select * from '${path.replaceAll("'", "''")}'`)
    expect(rows.map(({ ts_ns }) => ts_ns)).toEqual([1_700_000_000_123_456_790n, 1_700_000_000_123_456_791n, 1_700_000_000_123_456_792n])
  })
})

describe('errors', () => {
  test('in SQL: what DuckDB says', async () => {
    const failed = { code: 'query-failed', category: 'input' }
    await expect(query.rows('selec 1')).rejects.toMatchObject({
      ...failed,
      message: expect.stringContaining('syntax error at or near "selec"'),
    })
    await expect(query.rows('select nope from t')).rejects.toMatchObject({ ...failed, message: expect.stringContaining('nope') })
    await expect(textOf("select error('late') from t", 'csv')).rejects.toMatchObject({
      ...failed,
      message: expect.stringContaining('late'),
    })
    await expect(query.writeParquet('select nope from t', join(folder, '../never.parquet'))).rejects.toMatchObject(failed)
    expect(await query.rows('select 1 as still')).toEqual([{ still: 1 }])
  })

  test('too many rows for memory', async () => {
    await expect(query.rows('select * from range(10)', 9)).rejects.toMatchObject({ code: 'query-too-long', category: 'input' })
  })

  test('no folder, no files, no Parquet', async () => {
    await expect(openQuery(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'query-no-folder', category: 'input' })
    const empty = join(folder, '..', 'empty')
    mkdirSync(join(empty, '_chronicle'), { recursive: true })
    await expect(openQuery(empty)).rejects.toMatchObject({ code: 'query-no-files', category: 'input' })
    writeFileSync(join(empty, 'broken.parquet'), 'not Parquet at all')
    await expect(openQuery(empty)).rejects.toMatchObject({ code: 'query-failed', category: 'input' })
  })
})
