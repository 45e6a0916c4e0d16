import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { beforeAll, describe, expect, it } from 'vitest'
import { Account } from '../../core/backtest/account.ts'
import { inverseContract, linearContract } from '../../core/backtest/contract.ts'
import { statisticsSql } from '../../core/backtest/statistics.ts'

const COLUMNS = {
  ...{ venue: 'text', symbol: 'text', variant: 'text', kind: 'text', session_ns: 'bigint', bar_start_ns: 'bigint', bar_end_ns: 'bigint' },
  ...{ position: 'double', cash: 'double', equity: 'double', fees: 'double', turnover: 'double', volume: 'double', fills: 'bigint' },
  ...{ mid: 'double', orders_sent: 'bigint', quantity_sent: 'double', beyond_depth: 'bigint', on_old_book: 'bigint' },
  ...{ fills_in_flight: 'bigint', position_in_flight: 'double' },
  ...{ price: 'double', quantity: 'double', is_maker: 'boolean', reason: 'text', order_id: 'bigint', local_ns: 'bigint' },
}
const FEES = { per: 'value', maker: 0.0002, taker: 0.0005, buyer: 0, seller: 0 } as const
const SIZES = [1, 10, 0.1, 100] as const

/** As little as rows can tell of a contract: one fill, and the same position at the one mid price of all samples. */
describe('the value of positions whose contract is told by one fill', () => {
  let connection: DuckDBConnection

  beforeAll(async () => {
    connection = await (await DuckDBInstance.create()).connect()
  })

  it.each([
    [0.00012, 1e-8],
    [5, 0.0001],
    [1128.14, 0.01],
    [60_000, 0.1],
  ])('is exact, however little the price moved: %d in ticks of %d', async (price, tickSize) => {
    const tick = Math.round(price / tickSize)
    const expected = new Map<string, number>()
    const rows: string[] = []
    for (const [size, halfTicks, isInverse, side] of cases()) {
      const symbol = `${size} ${halfTicks} ${isInverse} ${side}`
      const account = new Account((isInverse ? inverseContract : linearContract)(tickSize, 0.001, size), FEES)
      account.add(side, tick, 1 + expected.size * 37, true)
      const mid = (tick + halfTicks / 2) * tickSize
      const { position, cash, fee, turnover, volume } = account
      const own = `${position}, ${cash}, ${account.equity(mid)}, ${fee}, ${turnover}, ${volume}, 1, ${mid}, 1, ${volume}, 0, 0, 0, 0`
      rows.push(`('v', '${symbol}', 'x', 'fill', 0, 0, 1, ${own}, ${tick * tickSize}, ${volume}, true, 'queue', 1, 1)`)
      for (const at of [1, 2])
        rows.push(`('v', '${symbol}', 'x', 'sample', 0, ${at}, ${at + 1}, ${own}, NULL, NULL, NULL, NULL, NULL, NULL)`)
      expected.set(symbol, Math.abs(position) * size * (isInverse ? 1 / mid : mid))
    }
    const columns = Object.entries(COLUMNS).map(([name, type]) => `${name} ${type}`)
    await connection.run(`CREATE OR REPLACE TABLE t (${columns.join(', ')})`)
    await connection.run(`INSERT INTO t VALUES ${rows.join(', ')}`)
    const found = await (await connection.run(statisticsSql({ by: 'whole', yearDays: 365 }))).getRowObjects()
    expect(found).toHaveLength(expected.size)
    for (const { symbol, max_position_value: most } of found) {
      const value = expected.get(String(symbol))!
      expect(Math.abs(Number(most) / value - 1), String(symbol)).toBeLessThan(1e-12)
    }
  })
})

function* cases(): Generator<[size: number, halfTicks: number, isInverse: boolean, side: 1 | -1]> {
  for (const size of SIZES) {
    for (const halfTicks of [-100, -3, -1, 0, 1, 3, 100]) {
      for (const isInverse of [false, true]) for (const side of [1, -1] as const) yield [size, halfTicks, isInverse, side]
    }
  }
}
