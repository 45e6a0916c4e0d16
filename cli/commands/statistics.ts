import { isBacktest, statisticsSql } from '../../core/backtest/statistics.ts'
import { ReplayError } from '../../core/errors.ts'
import { openTable } from '../../core/table/table-query.ts'
import { badOption, choiceOption } from '../arguments.ts'
import { cloudOf, ENDPOINT } from '../cloud-clients.ts'
import type { CommandInput, CommandSpec } from '../command.ts'
import { rowsText, SHOWN_FORMATS } from '../query-answer.ts'
import { remoteParts } from '../remote-parts.ts'
import { wrappedTable } from '../wrapped-table.ts'

/** Characters of a line of a table. */
const TABLE_WIDTH = 120

export const statistics: CommandSpec = {
  name: 'statistics',
  summary: 'what a backtest came to: gain, Sharpe, Sortino, drawdown, turnover, fills, positions, per variant and instrument',
  arguments: [{ name: 'table', help: 'folder of the table of a backtest' }],
  options: {
    by: { value: 'whole|day', help: 'one row for all days (default), or one per day' },
    'year-days': { value: 'N', help: 'trading days of a year: 365 (default) for crypto, 252 for most exchanges' },
    'book-size': {
      value: 'N',
      help: 'money at stake per variant and instrument, in the quote currency (inverse contracts: the base coin): adds return, annual_return, max_drawdown_ratio, turnover_ratio and max_leverage, which are shares of it',
    },
    format: { value: 'table|csv|json', help: 'of the result (default: table, with seven digits)' },
    'as-of': { value: 'RUN', help: 'the table as a run, or a version, left it' },
    endpoint: ENDPOINT,
  },
  examples: [
    { command: 'chronicle-replay statistics grid', does: 'a row per instrument and variant' },
    { command: 'chronicle-replay statistics grid --by day --format csv', does: 'and day, for other programs' },
    { command: 'chronicle-replay statistics grid --book-size 10000', does: 'with returns on 10,000, and the leverage' },
  ],
  async run(input, io) {
    const by = choiceOption(input, 'by', ['whole', 'day']) ?? 'whole'
    const format = input.flag('json') ? 'json' : (choiceOption(input, 'format', SHOWN_FORMATS) ?? 'table')
    const sql = statisticsSql({ by, yearDays: yearDaysOf(input), bookSize: bookSizeOf(input) })
    const query = await openTable(cloudOf(input).open(input.positionals[0]!), {
      asOf: input.text('as-of'),
      remote: remoteParts(input, io),
    })
    try {
      await requireBacktest(query, input.positionals[0]!)
      if (format !== 'table') await query.write(sql, format, (text) => io.out(text))
      else {
        const rows = await query.rows(sql)
        io.out(wrappedTable(rows, ['venue', 'symbol', 'variant', 'date'], TABLE_WIDTH) + rowsText(rows.length))
      }
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

function bookSizeOf(input: CommandInput): number | undefined {
  const text = input.text('book-size')
  if (text === undefined) return undefined
  const size = Number(text)
  if (size > 0 && Number.isFinite(size)) return size
  throw badOption('book-size', 'an amount of money above 0', text)
}

async function requireBacktest(query: Awaited<ReturnType<typeof openTable>>, table: string): Promise<void> {
  const columns = new Set((await query.rows('select column_name from (describe t)')).map(({ column_name: name }) => String(name)))
  if (isBacktest(columns)) return
  throw new ReplayError('not-a-backtest', 'expected the table of a backtest (defineBacktest), found other columns', {
    category: 'input',
    path: table,
  })
}
