import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('backtest-examples')
const archive = path.join(root, 'archive')

// As `generate archive --symbols 4`, of fewer messages: the markets of examples/instruments.json are of its seed.
beforeAll(() => generateArchive(archive, { symbols: 4, messages: 40_000, seed: 1 }))

async function run(archiveOf: string, name: string): Promise<{ code: number; out: string; err: string }> {
  const job = path.resolve(import.meta.dirname, `../../examples/${name}.ts`)
  const stretch = ['--to', '2024-01-01T03:00:00Z', '--slice', '1h', '--check', 'off', '--quiet', '--json']
  return runCli('run', job, '--archive', archiveOf, '--table', path.join(root, `${path.basename(archiveOf)}-${name}`), ...stretch)
}

describe('examples of backtests, on a synthetic archive', () => {
  it.each(['grid-backtest-job', 'imbalance-taker-job', 'queue-study-job'])('%s fills orders of every symbol', async (name) => {
    const { code, err } = await run(archive, name)
    expect(code, err).toBe(0)
    const sql = "select symbol, count(*)::int as fills from t where kind = 'fill' group by all order by all"
    const { out } = await runCli('query', path.join(root, `archive-${name}`), sql, '--json')
    expect((JSON.parse(out) as { symbol: string; fills: number }[]).map(({ symbol }) => symbol)).toEqual([
      'btcusdt',
      'ethusdt',
      'solusdt',
      'xrpusdt',
    ])
  })

  it('say which tick it would be, of an archive that has another', async () => {
    const other = path.join(root, 'other')
    await generateArchive(other, { symbols: 1, messages: 4000, seed: 4 })
    const { code, err } = await run(other, 'queue-study-job')
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(/market-tick.*which is no multiple of the tick 0.01; expected .* so that 0.001 holds/),
    ])
  })
})
