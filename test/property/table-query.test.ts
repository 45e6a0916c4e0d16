import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { commitParts, EVERY_TYPE, everyTypeRows, writePart } from '../../bench/made/made-table.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { openTable } from '../../core/table/table-query.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const SCHEMA = { job: 'flow', columns: EVERY_TYPE }

async function ask(store: FileStore, sql: string, asOf?: string) {
  const query = await openTable(store, { asOf, threads: 1 })
  try {
    return await query.rows(sql)
  } finally {
    await query.close()
  }
}

describe('a table as the view t', () => {
  test('exactly the committed parts, as of any version', async () => {
    const root = temporaryFolder('table-query')
    const store = new FileStore(root)
    const a = await writePart(root, EVERY_TYPE, everyTypeRows(10), { name: 'a.parquet' })
    const b = await writePart(root, EVERY_TYPE, everyTypeRows(5, 10), { name: 'b.parquet', symbol: '000001', date: '2024-08-09' })
    await writePart(root, EVERY_TYPE, everyTypeRows(100), { name: 'stray.parquet' })
    await commitParts(store, SCHEMA, [a], { run: 'first' })
    await commitParts(store, SCHEMA, [b], { run: 'second' })
    await commitParts(store, SCHEMA, [], { run: 'third', removes: [a.path] })
    const counts = 'select count(*) as n, count(seq) as seqs from t'
    expect(await ask(store, counts, '0')).toEqual([{ n: 10, seqs: 8 }])
    expect(await ask(store, counts, 'second')).toEqual([{ n: 15, seqs: 12 }])
    expect(await ask(store, counts)).toEqual([{ n: 5, seqs: 4 }])
    expect(await ask(store, 'from t order by ts_ns limit 1')).toEqual([
      {
        ...{ venue: 'binance', symbol: '000001', date: '2024-08-09', ts: '2024-08-08T23:54:25.088169Z', ts_ns: '1723161265088169237' },
        ...{ seq: null, row: 1, variant: 'v0', price: 10 / 7, gap: true, note: 'é"10' },
      },
    ])
  })

  test('conditions on partitions are met by the folders', async () => {
    const root = temporaryFolder('table-query')
    const store = new FileStore(root)
    const parts = await Promise.all(
      [1, 2, 3].map((day) =>
        writePart(root, EVERY_TYPE, everyTypeRows(day), { name: 'a.parquet', symbol: `s${day}`, date: `2024-08-0${day}` }),
      ),
    )
    await commitParts(store, SCHEMA, parts)
    // Whether it is opened is seen by its being no Parquet.
    await store.put(parts[2]!.path, new Uint8Array(100))
    expect(await ask(store, "select count(*) as n from t where date < '2024-08-03' and symbol in ('s1', 's2')")).toEqual([{ n: 3 }])
    await expect(ask(store, 'select sum(price) from t')).rejects.toMatchObject({ code: 'query-failed' })
  })

  test('times in nanoseconds have timestamps, durations not', async () => {
    const root = temporaryFolder('table-query')
    const store = new FileStore(root)
    const columns = ['ts_ns', 'bar_start_ns', 'latency_ns'].map((name) => ({ name, type: 'i64', nullable: true }) as const)
    const part = await writePart(root, columns, [{ ts_ns: 1_723_161_255_088_169_999n, bar_start_ns: null, latency_ns: 5n }], {
      name: 'a.parquet',
    })
    await commitParts(store, { job: 'flow', columns }, [part])
    expect(await ask(store, "select * exclude (venue, symbol) from t where ts < '2024-08-08 23:54:15.08817'")).toEqual([
      { ts: '2024-08-08T23:54:15.088169Z', ts_ns: '1723161255088169999', bar_start: null, bar_start_ns: null, latency_ns: '5' },
    ])
  })

  test('an added column is NULL in the rows of older parts', async () => {
    const root = temporaryFolder('table-query')
    const store = new FileStore(root)
    await commitParts(store, SCHEMA, [await writePart(root, EVERY_TYPE, everyTypeRows(2), { name: 'a.parquet' })])
    const columns = [{ name: 'extra', type: 'i32' } as const, ...EVERY_TYPE]
    const rows = everyTypeRows(2, 2).map((row) => ({ ...row, extra: 7 }))
    await commitParts(store, { job: 'flow', columns }, [await writePart(root, columns, rows, { name: 'b.parquet' })])
    expect(await ask(store, 'select extra, "row", seq from t order by ts_ns')).toEqual([
      { extra: null, row: 0, seq: null },
      { extra: null, row: 1, seq: '4611686018427387905' },
      { extra: 7, row: 2, seq: '4611686018427387906' },
      { extra: 7, row: 0, seq: '4611686018427387907' },
    ])
  })

  test('a table without rows has its columns', async () => {
    const root = temporaryFolder('table-query')
    const store = new FileStore(root)
    await commitParts(store, SCHEMA, [])
    expect(await ask(store, 'select count(*) as n, max(ts) as ts, sum(price) as p from t')).toEqual([{ n: 0, ts: null, p: null }])
  })

  test('a part in another place has what the log says of it', async () => {
    const root = temporaryFolder('table-query')
    const store = new FileStore(root)
    const part = await writePart(root, EVERY_TYPE, everyTypeRows(2), { name: 'a.parquet' })
    const other = await writePart(root, EVERY_TYPE, everyTypeRows(3), { name: 'b.parquet', date: '2024-08-09' })
    fs.renameSync(path.join(root, other.path), path.join(root, 'x7.parquet'))
    const none = await writePart(root, EVERY_TYPE, everyTypeRows(4), { name: 'c.parquet' })
    await commitParts(store, SCHEMA, [
      { ...part, partitionValues: { ...part.partitionValues, symbol: 'other' } },
      { ...other, path: 'x7.parquet' },
      { ...none, partitionValues: { venue: '', symbol: null } },
    ])
    expect(await ask(store, 'select venue, symbol, date, count(*) as n from t group by all order by n')).toEqual([
      { venue: 'binance', symbol: 'other', date: '2024-08-08', n: 2 },
      { venue: 'binance', symbol: 'btcusdt', date: '2024-08-09', n: 3 },
      { venue: null, symbol: null, date: '2024-08-08', n: 4 },
    ])
  })

  const NAMES = [
    'NULL',
    'null',
    'Null',
    '__HIVE_DEFAULT_PARTITION__',
    'BTC%2FUSDT',
    'BTC/USDT',
    'ES=F',
    '^GSPC',
    "it's",
    'a\\b\n',
    ' x ',
    '币安人生USDT',
  ]

  // Folders above a table are no columns, whatever they are called: one of a partition, one of the rows, one that cannot be decoded.
  test.each(['', 'date=2020-01-01/symbol=x/venue=y/t', 'price=1/t', 'env=%E5/t'])(
    'symbols that paths cannot say, in a table at %j',
    async (above) => {
      const root = path.join(temporaryFolder('table-query'), above)
      const store = new FileStore(root)
      const parts = []
      for (const [i, symbol] of NAMES.entries())
        parts.push(await writePart(root, EVERY_TYPE, everyTypeRows(i + 1), { name: 'a.parquet', symbol, date: '2024-08-08' }))
      await commitParts(store, SCHEMA, parts)
      const all = await ask(store, 'select symbol, count(*) as n from t group by all order by n')
      expect(all).toEqual(NAMES.map((symbol, i) => ({ symbol, n: i + 1 })))
      // Whether it is opened is seen by its being no Parquet.
      await store.put(parts.at(-1)!.path, new Uint8Array(100))
      for (const [i, symbol] of NAMES.slice(0, -1).entries()) {
        const sql = `select count(*) as n, min(date)::text as date, sum("row")::int as r from t where symbol = '${symbol.replaceAll("'", "''")}'`
        const r = everyTypeRows(i + 1).reduce((sum, { row }) => sum + Number(row), 0)
        expect(await ask(store, sql)).toEqual([{ n: i + 1, date: '2024-08-08', r }])
      }
      await expect(ask(store, 'select sum(price) from t')).rejects.toMatchObject({ code: 'query-failed' })
    },
  )

  test('the same where no link can be made to a table whose path says something else', async () => {
    const root = path.join(temporaryFolder('table-query'), 'date=2020-01-01/symbol=x')
    const store = new FileStore(root)
    const part = (symbol: string) => writePart(root, EVERY_TYPE, everyTypeRows(1), { name: 'a.parquet', symbol })
    await commitParts(store, SCHEMA, [await part('btc'), await part('eth'), await part('NULL')])
    const query = await openTable(store, { fileOf: (key) => path.join(root, key) })
    expect(await query.rows('select venue, symbol, date from t order by all')).toEqual(
      ['NULL', 'btc', 'eth'].map((symbol) => ({ venue: 'binance', symbol, date: '2024-08-08' })),
    )
    await query.close()
  })
})
