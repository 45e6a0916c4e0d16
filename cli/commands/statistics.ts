import { isBacktest, type StatisticsOptions, statisticsSql } from '../../core/backtest/statistics.ts'
import { ReplayError } from '../../core/errors.ts'
import { openTable } from '../../core/table/table-query.ts'
import { choiceOption } from '../arguments.ts'
import { cloudOf, ENDPOINT } from '../cloud-clients.ts'
import type { CommandSpec } from '../command.ts'
import { rowsText, SHOWN_FORMATS } from '../query-answer.ts'
import { remoteParts } from '../remote-parts.ts'
import { STATISTICS_OPTIONS, statisticsOptions } from '../statistics-options.ts'
import { wrappedTable } from '../wrapped-table.ts'

/** Stretches by what they are called. */
const BY: Readonly<Record<string, StatisticsOptions['by']>> = { symbol: 'whole', date: 'day', whole: 'whole', day: 'day' }
/** Characters of a line of a table. */
const TABLE_WIDTH = 120

export const statistics: CommandSpec = {
  name: 'statistics',
  alsoCalled: 'stats',
  summary: 'what a backtest came to: gain, Sharpe, Sortino, drawdown, turnover, fills, positions, per variant and instrument',
  arguments: [{ name: 'table', help: 'folder of the table of a backtest' }],
  options: {
    by: { value: 'symbol|date', help: 'a row per instrument and variant (default, also: whole), or per UTC day of each (also: day)' },
    ...STATISTICS_OPTIONS,
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
    const by = BY[choiceOption(input, 'by', Object.keys(BY)) ?? 'symbol']!
    const format = input.flag('json') ? 'json' : (choiceOption(input, 'format', SHOWN_FORMATS) ?? 'table')
    const sql = statisticsSql({ by, ...statisticsOptions(input) })
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

async function requireBacktest(query: Awaited<ReturnType<typeof openTable>>, table: string): Promise<void> {
  const columns = new Set((await query.rows('select column_name from (describe t)')).map(({ column_name: name }) => String(name)))
  if (isBacktest(columns)) return
  throw new ReplayError('not-a-backtest', 'expected the table of a backtest (defineBacktest), found other columns', {
    category: 'input',
    path: table,
  })
}
