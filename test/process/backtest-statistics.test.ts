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
  readonly bar_start_ns: bigint
  readonly equity: number | null
  readonly cash: number
  readonly fees: number
  readonly fills: number
  readonly mid: number
  readonly position: number
  /** Of `contract-quotes` alone. */
  readonly contract?: string
  readonly size?: number
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
  const swept = ['--param', 'contract=linear,inverse', '--param', 'size=10,0.1', '--check', 'off']
  const run = await runCli('run', job('contract-quotes'), '--archive', archive, '--table', table('contract-quotes'), ...swept)
  expect(run.code, run.err).toBe(0)
  await runJob({ archive: new FileStore(archive), table: new FileStore(table('bars')), job: 'bars' })
}, 60_000)

describe('statistics', () => {
  it.each([
    ['small-maker', 'whole'],
    ['small-maker', 'day'],
    ['small-runner', 'whole'],
    ['small-runner', 'day'],
    ['contract-quotes', 'whole'],
    ['contract-quotes', 'day'],
  ])('are those of the formulas: %s, %s', async (name, by) => {
    const { code, out } = await runCli(
      'statistics',
      table(name),
      '--by',
      by,
      '--year-days',
      '252',
      '--book-size',
      '250',
      '--format',
      'json',
    )
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
        else expect(Math.abs(found[i]![key]! - value), key).toBeLessThanOrEqual(Math.abs(value) * 1e-9 + 1e-12)
      }
    }
    expect(found.some(({ fills }) => Number(fills) > 20)).toBe(true)
  })

  it('know contracts by their rows: what cash and equity say of positions', async () => {
    const rows = (await tableRows(new FileStore(table('contract-quotes')))) as unknown as Row[]
    const held = rows.filter(({ kind, equity, position }) => kind === 'sample' && equity !== null && position !== 0)
    for (const contract of ['linear', 'inverse']) expect(held.filter((row) => row.contract === contract).length).toBeGreaterThan(300)
    for (const row of held) {
      const { contract, equity, fees, cash } = row
      const value = Math.abs(contract === 'inverse' ? equity! + fees + cash : equity! + fees - cash)
      expect(Math.abs(value / positionValue(row) - 1)).toBeLessThan(1e-9)
    }
  })

  it('have no shares of a book without its size, and money as it was', async () => {
    const json = async (...more: string[]): Promise<Record<string, string | number>[]> =>
      JSON.parse((await runCli('statistics', table('contract-quotes'), '--json', ...more)).out)
    const [without, with100] = [await json(), await json('--book-size', '100')]
    const shares = ['return', 'annual_return', 'max_drawdown_ratio', 'turnover_ratio', 'max_leverage']
    const names = Object.keys(without[0]!)
    expect(Object.keys(with100[0]!).filter((name) => !names.includes(name))).toEqual(shares)
    for (const [i, row] of without.entries()) expect(with100[i]).toMatchObject(row)
  })

  it('fit in 120 columns as a table, and tell in it what the other formats tell', async () => {
    for (const more of [[], ['--by', 'day', '--book-size', '250']]) {
      const { out } = await runCli('statistics', table('contract-quotes'), ...more)
      const lines = out.trimEnd().split('\n')
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120)
      const [head, ...rows] = (await runCli('statistics', table('contract-quotes'), '--format', 'csv', ...more)).out.trimEnd().split('\n')
      const heads = lines.filter((line) => line.startsWith('venue ')).map((line) => line.split(/ +/))
      expect([...new Set(heads.flat())]).toEqual(head!.split(','))
      expect(lines.at(-1)).toBe(`${rows.length} rows`)
    }
  })

  it.each(['0', '-5', 'much', '', '1e999'])('want a book size above 0, not %j', async (size) => {
    const { code, out, err } = await runCli('statistics', table('small-maker'), `--book-size=${size}`)
    const message = `error usage: --book-size: expected an amount of money above 0, found ${JSON.stringify(size)}\n`
    expect([code, out, err]).toEqual([2, '', message])
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

/** |position| · size · mid, and ÷ mid of inverse contracts. */
function positionValue({ position, mid, contract, size = 1 }: Row): number {
  if (position === 0) return 0
  return Math.abs(position) * size * (contract === 'inverse' ? 1 / mid : mid)
}

/** Sample by sample, as BACKTEST §9 has it: 252 days a year, a book of 250. */
function plainStatistics(rows: readonly Row[], group: string, byDay: boolean): Record<string, number | null> & { samples: number } {
  const [variant, date] = group.split(' ')
  const time = ({ bar_end_ns: end }: Row): number => Number(end)
  const samples = rows
    .filter((row) => row.kind === 'sample' && row.variant === variant && row.equity !== null)
    .sort((a, b) => time(a) - time(b))
  const before = new Map<bigint, Row>()
  const mine: Row[] = []
  const changes: number[] = []
  let [turnover, sent, volume, count] = [0, 0, 0, 0]
  for (const row of samples) {
    const last = before.get(row.session_ns)
    before.set(row.session_ns, row)
    if (byDay && row.date !== date) continue
    mine.push(row)
    changes.push(row.equity! - (last?.equity ?? 0))
    turnover += row.turnover - (last?.turnover ?? 0)
    sent += row.quantity_sent - (last?.quantity_sent ?? 0)
    volume += row.volume - (last?.volume ?? 0)
    count += Number(row.fills) - Number(last?.fills ?? 0)
  }
  let [equity, peak, drawdown] = [0, 0, 0]
  for (const change of changes) {
    equity += change
    peak = Math.max(peak, equity)
    drawdown = Math.max(drawdown, peak - equity)
  }
  const mean = equity / mine.length
  const deviation = Math.sqrt(changes.reduce((sum, change) => sum + (change - mean) ** 2, 0) / (mine.length - 1))
  const downside = Math.sqrt(changes.reduce((sum, change) => sum + Math.min(0, change) ** 2, 0) / mine.length)
  const year = Math.sqrt(288 * 252)
  const days = mine.length === 0 ? 0 : Number(mine.at(-1)!.bar_end_ns - mine[0]!.bar_start_ns) / 86_400e9
  const fills = rows.filter((row) => row.kind === 'fill' && row.variant === variant && (!byDay || row.date === date))
  const filled = fills.reduce((sum, { quantity }) => sum + quantity, 0)
  const maker = fills.reduce((sum, row) => sum + (row.is_maker ? row.quantity : 0), 0)
  const values = mine.map(positionValue).sort((a, b) => a - b)
  const middle = (values.length - 1) / 2
  const over = (value: number, divisor: number): number | null => (mine.length > 1 && divisor > 0 ? value / divisor : null)
  return {
    samples: mine.length,
    gain: equity,
    annual_gain: over(equity * 252, days),
    return: over(equity, 250),
    annual_return: over(equity * 252, days * 250),
    sharpe: over(mean * year, deviation),
    sortino: over(mean * year, downside),
    max_drawdown: drawdown,
    max_drawdown_ratio: over(drawdown, 250),
    gain_over_drawdown: over(equity, drawdown),
    turnover,
    daily_turnover: over(turnover, days),
    turnover_ratio: over(turnover, 250),
    gain_over_turnover: over(equity, turnover),
    fills: count,
    daily_fills: over(count, days),
    volume,
    daily_volume: over(volume, days),
    fill_ratio: sent > 0 ? volume / sent : null,
    maker_share: filled > 0 ? maker / filled : null,
    max_position_value: values.at(-1)!,
    mean_position_value: values.reduce((sum, value) => sum + value, 0) / mine.length,
    median_position_value: (values[Math.floor(middle)]! + values[Math.ceil(middle)]!) / 2,
    max_leverage: over(values.at(-1)!, 250),
  }
}
