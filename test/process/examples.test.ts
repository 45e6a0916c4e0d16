import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('examples')
const archive = path.join(root, 'archive')
const example = (name: string): string => path.resolve(import.meta.dirname, '../../examples', `${name}.ts`)

async function run(job: string, table: string, ...more: string[]): Promise<void> {
  const { code, err } = await runCli('run', job, '--archive', archive, '--table', path.join(root, table), ...more)
  expect(code, err).toBe(0)
}

async function rowsOf<Row>(table: string, sql: string): Promise<Row[]> {
  const { code, out, err } = await runCli('query', path.join(root, table), sql, '--json')
  expect(code, err).toBe(0)
  return JSON.parse(out) as Row[]
}

beforeAll(async () => {
  await generateArchive(archive, { symbols: 2, messages: 12_000, seed: 6 })
})

it('bars: those of the built-in job', async () => {
  await run(example('bars-job'), 'my-bars', '--param', 'every=5m')
  await run('bars', 'bars', '--param', 'every=5m', '--slice', '6h')
  const columns = 'symbol, bar_start_ns, open, high, low, close, volume'
  const [mine, builtin] = await Promise.all([
    rowsOf('my-bars', `select ${columns}, trades as n from t order by all`),
    rowsOf('bars', `select ${columns}, count as n from t order by all`),
  ])
  expect(mine.length).toBeGreaterThan(500)
  expect(mine).toEqual(builtin)
})

it('book features: quotes as the built-in job has them, and a volatility', async () => {
  await run(example('book-features-job'), 'my-book', '--slice', '1h', '--param', 'depth=1,10')
  await run('book-features', 'book', '--param', 'every=6s', '--param', 'depth=1,10')
  const columns = 'symbol, ts_ns, depth, mid, spread_bps, imbalance, bid_price'
  const [mine, builtin] = await Promise.all(['my-book', 'book'].map((table) => rowsOf(table, `select ${columns} from t order by all`)))
  expect(mine!.length).toBeGreaterThan(5000)
  expect(mine).toEqual(builtin)
  const [{ n }] = (await rowsOf<{ n: number }>('my-book', 'select count(*)::int as n from t where realised_vol > 0')) as [{ n: number }]
  expect(n).toBeGreaterThan(1000)
})

it('flow: what buyers and sellers took adds up to the trades', async () => {
  await run(example('flow-job'), 'flow', '--param', 'every=1m', '--param', 'depth=1,5,20')
  await run('trades', 'trades')
  const sums = await rowsOf<{ symbol: string; flow: number }>(
    'flow',
    'select symbol, depth, sum(flow) as flow from t group by all order by all',
  )
  const trades = await rowsOf<{ symbol: string; flow: number }>(
    'trades',
    'select symbol, sum(case when is_buyer_maker then -quantity else quantity end) as flow from t group by all order by all',
  )
  expect(sums).toHaveLength(6)
  for (const { symbol, flow } of sums) expect(flow).toBeCloseTo(trades.find((row) => row.symbol === symbol)!.flow, 6)
})

it('signal sweep: one row per depth, from the question in its comment', async () => {
  const file = example('signal-sweep-job')
  await run(file, 'signal', '--slice', '6h')
  const comment = /query signal "([^"]+)"/.exec(fs.readFileSync(file, 'utf8'))![1]!
  const answer = await rowsOf<{ depth: number; samples: unknown; correlation: number }>('signal', comment.replaceAll(/^ \*/gm, ''))
  expect(answer.map(({ depth }) => depth)).toEqual([1, 5, 10, 20])
  // The same in a plain loop.
  const rows = await rowsOf<{ depth: number; key: string; imbalance: number | null; mid: number | null }>(
    'signal',
    'select depth, symbol || date as key, imbalance, mid from t where not gap order by depth, key, ts_ns',
  )
  for (const { depth, samples, correlation } of answer) {
    const own = rows.filter((row) => row.depth === depth)
    const pairs = own.flatMap((row, i) => {
      const next = own[i + 1]
      return next?.key === row.key && next.mid !== null && row.mid !== null ? [[row.imbalance!, next.mid - row.mid] as const] : []
    })
    expect(Number(samples)).toBe(pairs.length)
    expect(correlation).toBeCloseTo(correlationOf(pairs), 9)
  }
})

function correlationOf(pairs: readonly (readonly [number, number])[]): number {
  const mean = (at: 0 | 1): number => pairs.reduce((sum, pair) => sum + pair[at], 0) / pairs.length
  const [x, y] = [mean(0), mean(1)]
  const [xx, yy, xy] = pairs.reduce(([a, b, c], [u, v]) => [a + (u - x) ** 2, b + (v - y) ** 2, c + (u - x) * (v - y)] as const, [
    0, 0, 0,
  ] as readonly [number, number, number])
  return xy / Math.sqrt(xx * yy)
}
