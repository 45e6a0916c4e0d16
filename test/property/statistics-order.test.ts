import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { beforeAll, describe, expect, it } from 'vitest'
import { statisticsSql } from '../../core/backtest/statistics.ts'

/** More than one thread takes at once. */
const ROWS = 260_000
const BAR_NS = 1_000_000_000n
/** Numbers from −1 to 1 whose sums depend on their order. */
const random = (salt: number): string => `(hash(i, ${salt}) % 2000003)::double / 1000001 - 1`
/** Rows of two instruments: mostly samples, now and then a fill. */
const ROWS_SQL = `select 'v' as venue, 's' || i % 2 as symbol, 'x' as variant, if(i % 10 < 8, 'sample', 'fill') as kind, i // 60000 as session_ns,
  date '2024-01-01' + (i // 60000)::int as date, i * ${BAR_NS} as bar_start_ns, (i + 1) * ${BAR_NS} as bar_end_ns, i as local_ns, i as order_id,
  ${random(1)} as position, ${random(2)} as cash, ${random(3)} as equity, ${random(4)} as fees, ${random(5)} as turnover,
  ${random(6)} as volume, i as fills, 1 + ${random(7)} / 9 as mid, i as orders_sent, i / 7 as quantity_sent, 0 as beyond_depth, 0 as on_old_book,
  i % 3 as fills_in_flight, ${random(8)} as position_in_flight, 1.5 as price, 1 + ${random(9)} as quantity, i % 4 = 0 as is_maker,
  'queue' as reason from range(${ROWS}) r(i)`

describe('statistics', () => {
  let connection: DuckDBConnection

  beforeAll(async () => {
    connection = await (await DuckDBInstance.create()).connect()
  })

  it.each(['whole', 'day'] as const)('are the same to the last digit, however rows lie and threads take them: by %s', async (by) => {
    const told = new Set<string>()
    for (const order of ['i', 'hash(i)']) {
      await connection.run(`create or replace table t as ${ROWS_SQL} order by ${order}`)
      for (const threads of [1, 4]) {
        await connection.run(`set threads = ${threads}`)
        const rows = await (await connection.run(statisticsSql({ by, yearDays: 365, bookSize: 100 }))).getRowObjects()
        expect(rows.length).toBe(by === 'day' ? 10 : 2)
        told.add(JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)))
      }
    }
    expect(told.size).toBe(1)
  })
})
