import fs from 'node:fs'
import { ReplayError } from '../../core/errors.ts'
import { readOtherCode } from '../../core/plan/table/variant-codes.ts'
import type { ObjectStore } from '../../core/store/object-store.ts'
import { readTableAsOf } from '../../core/table/delta-history.ts'
import type { TableState } from '../../core/table/delta-log.ts'
import { openQuery, type Query } from '../../core/table/query.ts'
import { openTable } from '../../core/table/table-query.ts'
import { choiceOption, outputOption } from '../arguments.ts'
import { cloudOf, ENDPOINT } from '../cloud-clients.ts'
import type { CommandInput, CommandIo, CommandSpec } from '../command.ts'
import { answer, RESULT_FORMATS, type ResultFormat } from '../query-answer.ts'
import { queryShell } from '../query-shell.ts'
import { remoteParts } from '../remote-parts.ts'
import { isTable } from '../table-store.ts'
import { olderCodeText } from '../variant-text.ts'

export const query: CommandSpec = {
  name: 'query',
  summary: 'SQL (DuckDB) over a table or Parquet files, as the view t; without SQL a shell',
  arguments: [
    { name: 'table', help: 'folder of a table, or with Parquet files at any depth, or one file' },
    { name: 'sql', help: 'e.g. "select count(*) from t"; several with ; between them', optional: true },
  ],
  options: {
    format: { value: 'table|csv|json|arrow|parquet', help: 'of the result (default: table)' },
    'as-of': { value: 'RUN', help: 'the table as a run, or a version, left it' },
    out: { value: 'F', help: 'write the result to a file instead of stdout' },
    endpoint: ENDPOINT,
  },
  examples: [
    { command: 'chronicle-replay query out "select symbol, count(*) from t group by all"', does: 'rows per symbol' },
    { command: 'chronicle-replay query out "from t" --format parquet --out copy.parquet', does: 'a result as a Parquet file' },
    { command: 'chronicle-replay query out "from t" --format arrow | python3 plot.py', does: 'an Arrow stream for a pipe' },
    { command: 'chronicle-replay query out', does: 'a shell; .help tells what it can do' },
  ],
  async run(input, io) {
    const [source, sql] = input.positionals as [string, string | undefined]
    const out = outputOption(input, 'out')
    const format = formatOf(input)
    const opened = await open(source, input, io)
    try {
      if (sql === undefined) {
        const streams = { input: process.stdin, output: process.stderr, isInteractive: process.stdin.isTTY === true }
        return await queryShell(opened, { out, format }, streams, io)
      }
      await answer(opened, sql, { out, format }, io)
    } finally {
      await opened.close()
    }
    return 0
  },
}

async function open(source: string, input: CommandInput, io: CommandIo): Promise<Query> {
  const asOf = input.text('as-of')
  if (isTable(source)) {
    const store = cloudOf(input).open(source)
    const table = await readTableAsOf(store, asOf, { onlyLive: true })
    const query = await openTable(store, { table, remote: remoteParts(input, io) })
    if (asOf === undefined && !input.flag('quiet')) await tellOlderCode(store, table, source, io)
    return query
  }
  if (asOf !== undefined) {
    throw new ReplayError('not-a-table', '--as-of needs a table, which has a folder _delta_log', { category: 'input', path: source })
  }
  const isFile = fs.statSync(source, { throwIfNoEntry: false })?.isFile() === true
  return openQuery(isFile ? [source] : source)
}

/** Says that rows of several codes lie side by side: whoever compares variants has to know. */
async function tellOlderCode(store: ObjectStore, table: TableState, source: string, io: CommandIo): Promise<void> {
  // A query is answered also where plans of runs are damaged or out of reach.
  const note = olderCodeText(await readOtherCode(store, table).catch(() => null), source)
  if (note !== null) io.err(`note: ${note}\n`)
}

function formatOf(input: CommandInput): ResultFormat {
  return input.flag('json') ? 'json' : (choiceOption(input, 'format', RESULT_FORMATS) ?? 'table')
}
