import path from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { commitParts, type Row, writePart } from '../../bench/made/made-table.ts'
import { randomOf } from '../../bench/simulation/random.ts'
import { dayOfDate } from '../../core/instant.ts'
import { FileStore } from '../../core/store/file-store.ts'
import type { ColumnSpec } from '../../core/table/column-buffer.ts'
import type { AddFile } from '../../core/table/delta-action.ts'
import { unite } from '../../core/table/query.ts'
import { openParts, openTable } from '../../core/table/table-query.ts'
import { selectParts } from '../../core/table/table-view.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const COLUMNS: readonly ColumnSpec[] = [
  { name: 'date', type: 'date' },
  { name: 'ts', type: 'timestamp_us' },
  { name: 'ts_ns', type: 'i64' },
  { name: 'price', type: 'f64', nullable: true },
]
const SCHEMA = { job: 'made', columns: COLUMNS }
const SYMBOLS = ['a', 'b', 'c', "d'e", '币'] as const
const DATES = ['2024-01-15', '2024-02-15', '2024-03-15'] as const
const ROWS = 24
const seed = Number(process.env.CHRONICLE_TEST_SEED ?? Date.now() % 100_000)

describe(`statements over the parts that they need, seed ${seed}`, () => {
  const root = temporaryFolder('table-scans')
  const store = new FileStore(root)
  const parts: AddFile[] = []

  beforeAll(async () => {
    for (const symbol of SYMBOLS) for (const date of DATES) parts.push(await made(symbol, date, `${date}.parquet`))
    // Of others: without statistics, without our tags, without a symbol.
    const { stats: _, ...untold } = await made('a', DATES[1], 'untold.parquet')
    const { tags: __, ...foreign } = await made('b', DATES[2], 'foreign.parquet')
    parts.push(untold, foreign, { ...(await made('c', DATES[0], 'none.parquet')), partitionValues: { venue: 'binance', symbol: null } })
    await commitParts(store, SCHEMA, parts)
  })

  async function made(symbol: string, date: string, name: string): Promise<AddFile> {
    const rows = Array.from({ length: ROWS }, (_, i): Row => {
      const micros = BigInt(dayOfDate(date)) * 86_400_000_000n + BigInt(i) * 3_600_000_000n
      return { date, ts: micros, ts_ns: micros * 1000n + 999n, price: i % 5 === 0 ? null : i / 8 }
    })
    const part = await writePart(root, COLUMNS, rows, { symbol, date, name })
    const bounds = JSON.parse(part.stats!) as { minValues: object; maxValues: object }
    const times = /"minValues":\{("ts_ns":\d+)\},"maxValues":\{("ts_ns":\d+)\}/.exec(part.stats!)!
    expect(bounds.minValues).toBeDefined()
    return { ...part, stats: `{"minValues":{"date":"${date}",${times[1]}},"maxValues":{"date":"${date}",${times[2]}}}` }
  }

  /** Statements on one connection, the rows of the last, and the names of the parts that DuckDB was given for it. */
  async function ask(...statements: string[]): Promise<{ readonly rows: unknown[]; readonly given: string[] }> {
    let given: string[] = []
    const fileOf = (key: string): string => {
      given.push(key)
      return path.join(root, key)
    }
    const query = await openTable(store, { fileOf, threads: 1 })
    try {
      let rows: unknown[] = []
      for (const sql of statements) {
        given = []
        rows = await query.rows(sql)
      }
      return { rows, given }
    } finally {
      await query.close()
    }
  }

  async function askAll(sql: string): Promise<unknown[]> {
    const query = await openParts(store, parts, (fileOf) => unite(selectParts(parts, SCHEMA, fileOf)), { threads: 1 })
    try {
      return await query.rows(sql)
    } finally {
      await query.close()
    }
  }

  const COUNT = 'select count(*)::int as n from t'
  // How many parts, of 18.
  test.each([
    [`${COUNT} where symbol = 'b' and date = '2024-02-15'`, 1],
    [`${COUNT} where symbol = 'd''e'`, 3],
    [`${COUNT} where symbol in ('a', '币') and date > '2024-02-20'`, 2 + 1],
    [`${COUNT} where symbol = 'c' or symbol = 'b'`, 7],
    [`${COUNT} where symbol like 'd%'`, 3],
    [`${COUNT} where symbol <> 'a'`, 13],
    [`${COUNT} where symbol is null`, 18],
    [`${COUNT} where venue = 'nyse'`, 0],
    [`${COUNT} where date between '2024-01-15' and '2024-01-31'`, 6 + 1],
    [`${COUNT} where date_trunc('month', date) = '2024-03-01'`, 6 + 1],
    // Of rows that others may have written the statistics of `ts_ns` say nothing of `ts`.
    [`${COUNT} where ts >= '2024-03-15'`, 5 + 2],
    [`${COUNT} where ts_ns >= ${BigInt(dayOfDate('2024-03-15')) * 86_400_000_000_000n}`, 6 + 1],
    [`${COUNT} where symbol = 'b' or price > 2`, 18],
    // Plans with these are no JSON.
    [`${COUNT} where price < 'infinity'::double`, 18],
    ["select coalesce(price, 'nan'::double) as p from t where symbol = 'c' order by ts_ns limit 3", 18],
    ["select '-infinity'::double as low, 'nan'::double as none", 18],
    [`${COUNT} where false`, 0],
    [
      "select a.n, b.n as m from (select count(*)::int as n from t where symbol = 'b') a, (select count(*)::int as n from t where symbol = 'c') b",
      7,
    ],
    ["with w as (select * from t) select count(*)::int as n from w where symbol = 'c'", 3],
    ["select count(*)::int as n from (select *, row_number() over (order by ts_ns, symbol) as r from t) where symbol = 'c'", 18],
    ["select count(*)::int as n from (select * from t order by ts_ns, symbol limit 30) where symbol = 'c'", 18],
    ["select sum(u.price) as p from t asof join t u on t.symbol = u.symbol and t.ts_ns > u.ts_ns where t.symbol = 'c'", 3],
    ["select count(*)::int as n from t where date < current_date and symbol = 'c'", 3],
    [`${COUNT} where date < current_date - 10000`, 1],
    ['describe t', 0],
    ['select 1 as one', 0],
    ["pivot (select symbol, price from t where symbol = 'c') on symbol in ('c') using sum(price)", 3],
  ])('%s', async (sql, count) => {
    const { rows, given } = await ask(sql)
    expect(given).toHaveLength(count)
    const all = await askAll(sql)
    if (!sql.startsWith('describe')) expect(rows).toEqual(all)
  })

  test('that are of several, or carry another, or that DuckDB does not plan, are right too', async () => {
    const n = [{ n: 72 }]
    expect((await ask("set variable s = 'c'", `${COUNT} where symbol = getvariable('s')`)).rows).toEqual(n)
    expect((await ask(`set variable s = 'a'; set variable s = 'c'; ${COUNT} where symbol = getvariable('s')`)).rows).toEqual(n)
    expect((await ask('set variable s = (select max(symbol) from t)', "select getvariable('s') as s")).rows).toEqual([{ s: '币' }])
    expect((await ask(`prepare p as ${COUNT} where symbol = 'c'`, `${COUNT} where symbol = 'b'`, 'execute p')).rows).toEqual(n)
    expect((await ask("create view v as select * from t where symbol = 'c'", 'select count(*)::int as n from v')).rows).toEqual(n)
    expect((await ask("create table v as select * from t where symbol = 'c'", 'select count(*)::int as n from v')).rows).toEqual(n)
    expect(
      (await ask('create macro m(s) as table select * from t where symbol = s', "select count(*)::int as n from m('c')")).rows,
    ).toEqual(n)
    expect((await ask("pivot (from t where symbol = 'c') on symbol using count(*)::int group by venue")).rows).toEqual([
      { venue: 'binance', c: 72 },
    ])
    expect((await ask(`explain ${COUNT} where symbol = 'c'`)).rows).toHaveLength(1)
    const transaction = ['begin', 'create table x as select 1 as one', `${COUNT} where symbol = 'b'`, 'rollback']
    expect((await ask(...transaction, `${COUNT} where symbol = 'c'`)).rows).toEqual(n)
    expect((await ask('create or replace view t as select 1 as n', 'from t')).rows).toEqual([{ n: 1 }])
  })

  test('that fail do so before a part is looked at, and leave the next as it is', async () => {
    const query = await openTable(store, { threads: 1, fileOf: (key) => path.join(root, key) })
    for (const sql of [
      'select nothing from t',
      'selec 1',
      'select * from u',
      "select 1 from t where symbol = 'c' and error('x') is null",
    ]) {
      await expect(query.rows(sql)).rejects.toMatchObject({ code: 'query-failed' })
      expect(await query.rows(`${COUNT} where symbol = 'c'`)).toEqual([{ n: 72 }])
    }
    await query.rows('begin')
    await expect(query.rows('select error(symbol) from t')).rejects.toMatchObject({ code: 'query-failed' })
    await expect(query.rows(COUNT)).rejects.toMatchObject({ code: 'query-failed', message: expect.stringContaining('aborted') })
    await query.rows('rollback')
    // Several at once take turns.
    const counts = await Promise.all(['a', 'b', 'c'].map((symbol) => query.rows(`${COUNT} where symbol = '${symbol}'`)))
    expect(counts).toEqual([[{ n: 96 }], [{ n: 96 }], [{ n: 72 }]])
    await query.close()
  })

  test('with any conditions give the rows of all parts', { timeout: 120_000 }, async () => {
    const random = randomOf(seed)
    const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!
    const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`
    const day = (): string => pick(['2024-01-01', '2024-01-15', '2024-01-16', '2024-02-15', '2024-03-14', '2024-03-15', '2025-01-01'])
    const hour = (): string => `${day()} ${String(Math.floor(random() * 24)).padStart(2, '0')}:00:00`
    const compare = (): string => pick(['=', '<>', '<', '<=', '>', '>=', 'is distinct from', 'is not distinct from'])
    const nanoseconds = (): bigint => BigInt(dayOfDate(day())) * 86_400_000_000_000n + BigInt(Math.floor(random() * 3)) * 999n
    const condition = (alias: string, depth = 0): string => {
      const of = pick([
        () => `${alias}.symbol ${compare()} ${quoted(pick(SYMBOLS))}`,
        () =>
          `${alias}.symbol ${pick(['in', 'not in'])} (${Array.from({ length: 1 + Math.floor(random() * 8) }, () => quoted(pick(SYMBOLS))).join()})`,
        () => `${alias}.symbol ${pick(['is null', 'is not null', "like 'd%'", "like '币'", "between 'a' and 'c'"])}`,
        () => `${alias}.venue ${compare()} ${pick(["'binance'", "'nyse'", 'NULL'])}`,
        () => `${alias}.date ${compare()} '${day()}'`,
        () => `${alias}.date between '${day()}' and '${day()}'`,
        () => `${pick(['year', 'month'])}(${alias}.date) = ${pick([1, 2, 2024])}`,
        () => `${alias}.ts ${compare()} '${hour()}'`,
        () => `${alias}.ts_ns ${compare()} ${nanoseconds()}`,
        () => `${alias}.ts::date ${compare()} '${day()}'`,
        () => `${alias}.price > ${random() * 3}`,
        () => `coalesce(${alias}.symbol, 'a') = ${quoted(pick(SYMBOLS))}`,
        () => `(${condition(alias, depth + 1)} ${pick(['and', 'or'])} ${condition(alias, depth + 1)})`,
        () => `not (${condition(alias, depth + 1)})`,
      ])
      return depth > 2 ? `${alias}.symbol = 'a'` : of()
    }
    const sums = (...aliases: string[]): string =>
      aliases.map((alias) => `count(*)::int as n, sum(${alias}.price)::varchar as p_${alias}, min(${alias}.ts_ns) as f_${alias}`).join()
    const join = (): string => pick(['join', 'left join', 'right join', 'full join', 'semi join', 'anti join'])
    const statement = (): string =>
      pick([
        () => `select ${sums('t')} from t where ${condition('t')}`,
        () =>
          `select symbol, ${sums('t')} from t where ${condition('t')} group by symbol having ${pick(['true', "symbol > 'a'"])} order by all`,
        () =>
          `select ${sums('a')} from t a ${join()} t b on a.symbol = b.symbol and a.date = b.date and ${condition('b')} where ${condition('a')}`,
        () =>
          `select ${sums('a')} from t a asof left join t b on a.date = b.date and a.ts_ns >= b.ts_ns where ${condition('a')} and ${condition('b')}`,
        () => `select ${sums('a')} from t a where exists (from t b where b.date = a.date and ${condition('b')}) and ${condition('a')}`,
        () =>
          `select ${sums('a')} from (select * from t where ${condition('t')} union all select * from t where ${condition('t')}) a where ${condition('a')}`,
        () =>
          `select ${sums('a')} from (select *, lag(price) over (partition by ${pick(['symbol', 'date', 'venue'])} order by ts_ns, symbol, price) as q from t where ${condition('t')}) a where ${condition('a')}`,
        () =>
          `with w as (select * from t where ${condition('t')}) select ${sums('a')} from w a, w b where a.ts_ns = b.ts_ns and ${condition('a')} and ${condition('b')}`,
        () =>
          `select (select max(price) from t b where b.symbol = a.symbol and ${condition('b')}) as m, ${sums('a')} from t a where ${condition('a')} group by all order by all`,
      ])()
    const query = await openTable(store, { threads: 1 })
    const all = await openParts(store, parts, (fileOf) => unite(selectParts(parts, SCHEMA, fileOf)), { threads: 1 })
    for (let i = 0; i < Number(process.env.CHRONICLE_SCANS ?? 150); i++) {
      const sql = statement()
      expect({ sql, rows: await query.rows(sql) }).toEqual({ sql, rows: await all.rows(sql) })
    }
    await query.close()
    await all.close()
  })
})
