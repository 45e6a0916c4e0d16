import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundled, runJob } from '../../bench/made/job-run.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { runCli } from '../support/run-cli.ts'
import { tableRows } from '../support/table-lines.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('backtest-statistics')
const job = (name: string): string => path.resolve(import.meta.dirname, `../support/jobs/${name}.ts`)
const table = (name: string): string => path.join(root, name)

interface Row {
  readonly kind: string
  readonly date: string
  readonly variant: string
  readonly session_ns: bigint
  readonly bar_end_ns: bigint
  readonly equity: number | null
  readonly position: number
  readonly turnover: number
  readonly quantity: number
  readonly is_maker: boolean
  readonly quantity_sent: number
  readonly volume: number
}

beforeAll(async () => {
  const archive = path.join(root, 'archive')
  await generateArchive(archive, { symbols: 1, messages: 9000, seed: 8, days: 2, stepBack: 0 })
  for (const name of ['small-maker', 'small-runner']) {
    const { tasks } = await runJob({
      archive: new FileStore(archive),
      table: new FileStore(table(name)),
      job: job(name),
      loaded: await bundled(job(name)),
      params: { every: '5m', tick: 0.0001, offset: [0, 1] },
    })
    expect(tasks.flatMap(({ failed }) => failed)).toEqual([])
  }
  await runJob({ archive: new FileStore(archive), table: new FileStore(table('bars')), job: 'bars' })
}, 60_000)

describe('statistics', () => {
  it.each([
    ['small-maker', 'whole'],
    ['small-maker', 'day'],
    ['small-runner', 'whole'],
    ['small-runner', 'day'],
  ])('are those of the formulas: %s, %s', async (name, by) => {
    const { code, out } = await runCli('statistics', table(name), '--by', by, '--year-days', '252', '--json')
    expect(code).toBe(0)
    const found = JSON.parse(out) as (Record<string, number> & { variant: string; date?: string })[]
    const rows = (await tableRows(new FileStore(table(name)))) as unknown as Row[]
    const groups = [...new Set(rows.map((row) => (by === 'day' ? `${row.variant} ${row.date}` : row.variant)))].sort()
    // Days without a price have no statistics.
    const expected = groups
      .map((group) => [group, plainStatistics(rows, group, by === 'day')] as const)
      .filter(([, one]) => one.samples > 0)
    expect(found.map(({ variant, date }) => (by === 'day' ? `${variant} ${date}` : variant))).toEqual(expected.map(([group]) => group))
    for (const [i, [, one]] of expected.entries()) {
      for (const [key, value] of Object.entries(one)) {
        if (value === null) expect(found[i]![key], key).toBeNull()
        else expect(found[i]![key], key).toBeCloseTo(value, 6)
      }
    }
    expect(found.some(({ fills }) => Number(fills) > 20)).toBe(true)
  })

  it('want the table of a backtest, and a year', async () => {
    const other = await runCli('statistics', table('bars'))
    expect([other.code, other.err]).toEqual([
      2,
      expect.stringMatching(/expected the table of a backtest \(defineBacktest\), found other columns/),
    ])
    const year = await runCli('statistics', table('small-maker'), '--year-days', '0')
    expect([year.code, year.err]).toEqual([2, expect.stringMatching(/--year-days: expected a number of days from 1 to 366, found "0"/)])
  })
})

/** Sample by sample, as BACKTEST §9 has it. */
function plainStatistics(rows: readonly Row[], group: string, byDay: boolean): Record<string, number | null> & { samples: number } {
  const [variant, date] = group.split(' ')
  const time = ({ bar_end_ns: end }: Row): number => Number(end)
  const samples = rows
    .filter((row) => row.kind === 'sample' && row.variant === variant && row.equity !== null)
    .sort((a, b) => time(a) - time(b))
  const before = new Map<bigint, Row>()
  const changes: number[] = []
  let [turnover, sent, volume, mine] = [0, 0, 0, 0]
  for (const row of samples) {
    const last = before.get(row.session_ns)
    before.set(row.session_ns, row)
    if (byDay && row.date !== date) continue
    mine++
    changes.push(row.equity! - (last?.equity ?? 0))
    turnover += row.turnover - (last?.turnover ?? 0)
    sent += row.quantity_sent - (last?.quantity_sent ?? 0)
    volume += row.volume - (last?.volume ?? 0)
  }
  let [equity, peak, drawdown] = [0, 0, 0]
  for (const change of changes) {
    equity += change
    peak = Math.max(peak, equity)
    drawdown = Math.max(drawdown, peak - equity)
  }
  const mean = equity / mine
  const deviation = Math.sqrt(changes.reduce((sum, change) => sum + (change - mean) ** 2, 0) / (mine - 1))
  const downside = Math.sqrt(changes.reduce((sum, change) => sum + Math.min(0, change) ** 2, 0) / mine)
  const year = Math.sqrt(288 * 252)
  const fills = rows.filter((row) => row.kind === 'fill' && row.variant === variant && (!byDay || row.date === date))
  const filled = fills.reduce((sum, { quantity }) => sum + quantity, 0)
  const maker = fills.reduce((sum, row) => sum + (row.is_maker ? row.quantity : 0), 0)
  return {
    samples: mine,
    gain: equity,
    sharpe: deviation > 0 ? (mean / deviation) * year : null,
    sortino: downside > 0 ? (mean / downside) * year : null,
    max_drawdown: drawdown,
    turnover,
    fill_ratio: sent > 0 ? volume / sent : null,
    maker_share: filled > 0 ? maker / filled : null,
  }
}
