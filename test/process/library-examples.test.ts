import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { ReplayReader, runJob } from '../../core/index.ts'
import { TradeView } from '../../core/protocol/trade.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { openQuery } from '../../core/table/query.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('library-examples')
const archive = path.join(root, 'archive')
const EXAMPLES = path.resolve(import.meta.dirname, '../../examples')
const logOf = (stream: string): string => path.join(archive, 'v1/synthetic/btcusdt/2024-01-01', stream)

function example(name: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(EXAMPLES, `${name}.ts`), ...args], { encoding: 'utf8' })
  expect(status, stderr).toBe(0)
  return stdout
}

beforeAll(async () => {
  await generateArchive(archive, { symbols: 2, messages: 12_000, seed: 6 })
})

it('statistics by minute over all symbols, in one call; a second time nothing is left to run', async () => {
  const table = path.join(root, 'minutes')
  const first = example('minute-statistics', archive, table)
  expect(first).toMatch(/^run \S+: \d+ rows, version 0\n/)
  const { out } = await runCli(
    'query',
    table,
    `select symbol, count(*)::int as minutes, sum(trades)::int as trades from t group by symbol order by symbol`,
    '--json',
  )
  for (const { symbol, minutes, trades } of JSON.parse(out) as { symbol: string; minutes: number; trades: number }[])
    expect(first).toContain(`${symbol}  ${minutes} minutes, ${trades} trades, `)
  expect(example('minute-statistics', archive, table)).toMatch(/^nothing to do: version 0\n/)
})

it('a transform of one’s own: large trades, and none else', async () => {
  const file = path.join(root, 'large.csv')
  const said = example('large-trades', logOf('trades'), file)
  const expected: number[] = []
  let [count, sum] = [0, 0]
  const trade = new TradeView()
  for await (const message of await ReplayReader.open(logOf('trades'))) {
    const { quantity } = trade.wrap(message.view, message.payloadOffset, message.length)
    if (count > 0 && quantity > (5 * sum) / count) expected.push(quantity)
    count++
    sum += quantity
  }
  const [head, ...lines] = fs.readFileSync(file, 'utf8').trim().split('\n')
  const at = head!.split(',').indexOf('qty')
  expect(lines.map((line) => Number(line.split(',')[at]))).toEqual(expected)
  expect(expected.length).toBeGreaterThan(5)
  expect(said).toContain(`${expected.length} large trades`)
})

it('top levels into Parquet, as the built-in columns have them', async () => {
  const file = path.join(root, 'top.parquet')
  const said = example('top-levels', logOf('book'), file)
  const query = await openQuery([file])
  const [row] = await query.rows(
    'select count(*)::int as n, count(*) filter (bid_price_1 > bid_price_2 and bid_price_2 > bid_price_3 and ask_price_1 < ask_price_2)::int as sorted, count(mid)::int as mids from t',
  )
  await query.close()
  expect(said).toContain(`, ${row!.n} rows in `)
  expect(row!.n).toBeGreaterThan(500)
  expect([row!.sorted, row!.mids]).toEqual([row!.n, row!.n])
})

describe('the guide', () => {
  const guide = fs.readFileSync(path.join(EXAMPLES, '../docs/library.md'), 'utf8')
  const snippets = [...guide.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code!)
  const said = [
    /^(\d+) rows, version 0; 0 partitions were there\n/,
    /^\d+ messages, (\d+) rows\n$/,
    /^the last best bid is ([\d.]+)\n$/,
    /^$/,
  ]

  it.each(snippets.map((code, i) => [/^import \{ ([^}]+)\}/.exec(code)![1]!, code, said[i]!] as const))(
    'has a snippet that runs: %s',
    (_names, code, says) => {
      const file = path.join(root, 'snippet.ts')
      fs.writeFileSync(file, code.replace("'chronicle-replay'", JSON.stringify(path.join(EXAMPLES, '../core/index.ts'))))
      const { status, stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8', cwd: root })
      expect(status, stderr).toBe(0)
      expect(stdout).toMatch(says)
    },
  )

  it('writes a log that reads back', async () => {
    const reader = await ReplayReader.open(path.join(root, 'mine/v1/desk/abc/2024-03-01/trades'))
    const times: bigint[] = []
    for await (const message of reader) times.push(message.timestampNs)
    expect(times).toEqual([1_709_251_200_000_000_000n])
  })
})

describe('runJob', () => {
  const job = path.join(EXAMPLES, 'flow-job.ts')

  it('gives the rows of the command, of what is asked for', async () => {
    const [here, there] = ['here', 'there'].map((name) => path.join(root, name)) as [string, string]
    const result = await runJob({
      job,
      archive,
      table: here,
      params: { every: '1m', depth: [1, 5] },
      symbols: ['ethusdt'],
      to: '2024-01-02',
      slice: '6h',
      workers: 2,
    })
    expect(result).toMatchObject({ version: 0, partitions: { run: 4, cached: 0, stale: 0, failed: 0 }, failures: [] })
    const args = ['--param', 'every=1m', '--param', 'depth=1,5', '--symbols', 'ethusdt', '--to', '2024-01-02', '--slice', '6h']
    await runCli('run', job, '--archive', archive, '--table', there, ...args)
    const sums = await Promise.all([here, there].map(async (table) => (await runCli('checksum', table, '--json')).out))
    expect(sums[0]).toBe(sums[1])
    expect((JSON.parse(sums[0]!) as { rows: number }).rows).toBe(result.rows)
  })

  it('refuses what is no option, and throws what a run is refused for', async () => {
    const table = path.join(root, 'refused')
    await expect(runJob({ job, archive, tabel: table } as never)).rejects.toMatchObject({
      code: 'unknown-option',
      message: expect.stringContaining('runJob has no option "tabel", did you mean table?'),
    })
    const broken = path.join(root, 'broken.ts')
    fs.writeFileSync(
      broken,
      `import { defineJob } from 'chronicle-replay'
export default defineJob({ name: 'broken', streams: ['trades'], trigger: () => ({ every: '1m' }), columns: { n: 'f64' }, create: () => ({ row() { throw new Error('no rows today') } }) })`,
    )
    await expect(runJob({ job: broken, archive, table })).rejects.toMatchObject({
      code: 'run-refused',
      message: expect.stringContaining('no rows today'),
    })
  })
})
