import { isBacktest, statisticsSql } from '../../core/backtest/statistics.ts'
import { ReplayError } from '../../core/errors.ts'
import { openTable } from '../../core/table/table-query.ts'
import { choiceOption } from '../arguments.ts'
import { cloudOf, ENDPOINT } from '../cloud-clients.ts'
import type { CommandInput, CommandSpec } from '../command.ts'
import { remoteParts } from '../remote-parts.ts'

export const statistics: CommandSpec = {
  name: 'statistics',
  summary: 'what a backtest came to: gain, Sharpe, Sortino, drawdown, turnover, fills, per variant and instrument',
  arguments: [{ name: 'table', help: 'folder of the table of a backtest' }],
  options: {
    by: { value: 'whole|day', help: 'one row for all days (default), or one per day' },
    'year-days': { value: 'N', help: 'trading days of a year: 365 (default) for crypto, 252 for most exchanges' },
    format: { value: 'table|csv|json', help: 'of the result (default: table)' },
    'as-of': { value: 'RUN', help: 'the table as a run, or a version, left it' },
    endpoint: ENDPOINT,
  },
  examples: [
    { command: 'chronicle-replay statistics grid', does: 'a row per instrument and variant' },
    { command: 'chronicle-replay statistics grid --by day --format csv', does: 'and day, for other programs' },
  ],
  async run(input, io) {
    const by = choiceOption(input, 'by', ['whole', 'day']) ?? 'whole'
    const format = input.flag('json') ? 'json' : (choiceOption(input, 'format', ['table', 'csv', 'json']) ?? 'table')
    const sql = statisticsSql({ by, yearDays: yearDaysOf(input) })
    const query = await openTable(cloudOf(input).open(input.positionals[0]!), {
      asOf: input.text('as-of'),
      remote: remoteParts(input, io),
    })
    try {
      await requireBacktest(query, input.positionals[0]!)
      await query.write(sql, format, (text) => io.out(text))
    } finally {
      await query.close()
    }
    return 0
  },
}

function yearDaysOf(input: CommandInput): number {
  const text = input.text('year-days') ?? '365'
  const days = Number(text)
  if (days > 0 && days <= 366) return days
  throw new ReplayError('usage', `--year-days: expected a number of days from 1 to 366, found ${JSON.stringify(text)}`, {
    category: 'input',
  })
}

async function requireBacktest(query: Awaited<ReturnType<typeof openTable>>, table: string): Promise<void> {
  const columns = new Set((await query.rows('select column_name from (describe t)')).map(({ column_name: name }) => String(name)))
  if (isBacktest(columns)) return
  throw new ReplayError('not-a-backtest', 'expected the table of a backtest (defineBacktest), found other columns', {
    category: 'input',
    path: table,
  })
}
