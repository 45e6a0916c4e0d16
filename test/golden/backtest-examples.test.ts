import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { describeGolden, goldenPath } from '../golden-data.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('backtest-examples')
const example = (name: string): string => path.resolve(import.meta.dirname, '../../examples', `${name}.ts`)
/** The stretch of the day that was recorded. */
const STRETCH = ['--venues', 'binance-usdm', '--from', '2024-08-08T23:50:00Z', '--slice', '10m', '--check', 'off', '--quiet']

async function run(name: string, ...more: string[]): Promise<string> {
  const table = path.join(root, name)
  const archive = goldenPath('archive-real')
  const { code, err } = await runCli('run', example(name), '--archive', archive, '--table', table, ...STRETCH, ...more)
  expect(code, err).toBe(0)
  return table
}

async function json<Row>(...argv: string[]): Promise<Row[]> {
  const { code, out, err } = await runCli(...argv, '--json')
  expect(code, err).toBe(0)
  return JSON.parse(out) as Row[]
}

describeGolden('examples of backtests, on a recorded stretch', () => {
  it('a market maker on a grid: wider quotes are filled less', async () => {
    const table = await run('grid-backtest-job', '--param', 'halfSpread=5,200')
    const rows = await json<{ variant: string; fills: number; maker_share: number }>('statistics', table)
    const [wide] = await json<{ variant: string }>('query', table, 'select distinct variant from t where halfSpread = 200')
    expect(rows.map(({ maker_share: share }) => share)).toEqual([1, 1])
    const [few, many] = rows.sort((a, b) => Number(a.fills) - Number(b.fills))
    expect(few!.variant).toBe(wide!.variant)
    expect(Number(many!.fills)).toBeGreaterThan(300)
  }, 60_000)

  it('an imbalance taker: it only takes', async () => {
    const table = await run('imbalance-taker-job')
    const [row] = await json<{ fills: number; maker_share: number; by_take: number }>('statistics', table, '--by', 'day')
    expect(Number(row!.fills)).toBeGreaterThan(20)
    expect([row!.maker_share, Number(row!.by_take)]).toEqual([0, Number(row!.fills)])
  }, 60_000)

  it('a study of queue models: the question in its comment', async () => {
    const table = await run('queue-study-job')
    const question = /query queues "([^"]+)"/.exec(fs.readFileSync(example('queue-study-job'), 'utf8'))![1]!.replaceAll(/^ \*/gm, '')
    const rows = await json<{ queue: string; reason: string; fills: number }>('query', table, question)
    const byQueue = (queue: string): number => rows.find((row) => row.queue === queue && row.reason === 'queue')!.fills
    for (const queue of ['power1:2', 'power2:2', 'power:3', 'log', 'log2']) expect(byQueue('risk')).toBeLessThan(byQueue(queue))
  }, 60_000)
})
