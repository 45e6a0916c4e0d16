import fs from 'node:fs'
import path from 'node:path'
import readline from 'node:readline/promises'
import { ReplayError } from '../../core/errors.ts'
import { OutputFile } from '../../core/store/output-file.ts'
import { openQuery, type Query } from '../../core/table/query.ts'
import { openTable } from '../../core/table/table-query.ts'
import { makeTemporaryFolder } from '../../core/temporary-folder.ts'
import { choiceOption, outputOption } from '../arguments.ts'
import { cloudOf, ENDPOINT } from '../cloud-clients.ts'
import type { CommandInput, CommandIo, CommandSpec } from '../command.ts'
import { remoteParts } from '../remote-parts.ts'
import { isTable } from '../table-store.ts'

export const query: CommandSpec = {
  name: 'query',
  summary: 'SQL (DuckDB) over a table or Parquet files, as the view t; without SQL a shell',
  arguments: [
    { name: 'table', help: 'folder of a table, or with Parquet files at any depth, or one file' },
    { name: 'sql', help: 'e.g. "select count(*) from t"', optional: true },
  ],
  options: {
    format: { value: 'table|csv|json|parquet', help: 'of the result (default: table)' },
    'as-of': { value: 'RUN', help: 'the table as a run, or a version, left it' },
    out: { value: 'F', help: 'write the result to a file instead of stdout' },
    endpoint: ENDPOINT,
  },
  examples: [
    { command: 'chronicle-replay query out "select symbol, count(*) from t group by all"', does: 'rows per symbol' },
    { command: 'chronicle-replay query out "from t" --format parquet --out copy.parquet', does: 'a result as a Parquet file' },
    { command: 'chronicle-replay query out', does: 'a shell: statements end with a semicolon, Ctrl-D leaves' },
  ],
  async run(input, io) {
    const [source, sql] = input.positionals as [string, string | undefined]
    const out = outputOption(input, 'out')
    const opened = await open(source, input, io)
    try {
      if (sql === undefined) await shell(opened, out, input, io)
      else await answer(opened, sql, out, input, io)
    } finally {
      await opened.close()
    }
    return 0
  },
}

async function open(source: string, input: CommandInput, io: CommandIo): Promise<Query> {
  const asOf = input.text('as-of')
  if (isTable(source)) {
    return openTable(cloudOf(input).open(source), { asOf, remote: remoteParts(input, io) })
  }
  if (asOf !== undefined) {
    throw new ReplayError('not-a-table', '--as-of needs a table, which has a folder _delta_log', { category: 'input', path: source })
  }
  const isFile = fs.statSync(source, { throwIfNoEntry: false })?.isFile() === true
  return openQuery(isFile ? [source] : source)
}

async function answer(opened: Query, sql: string, out: string | undefined, input: CommandInput, io: CommandIo): Promise<void> {
  const format = input.flag('json') ? 'json' : (choiceOption(input, 'format', ['table', 'csv', 'json', 'parquet']) ?? 'table')
  if (format === 'parquet') return answerParquet(opened, sql, out, io)
  if (out === undefined) {
    await opened.write(sql, format, (text) => io.out(text))
    return
  }
  const file = new OutputFile({ path: out }, { whole: true })
  try {
    await opened.write(sql, format, (text) => file.write(Buffer.from(text)))
    file.close()
  } finally {
    file.abandon()
  }
}

/** Parquet is written from its end, so standard output gets a finished file. */
async function answerParquet(opened: Query, sql: string, out: string | undefined, io: CommandIo): Promise<void> {
  if (out !== undefined) return opened.writeParquet(sql, out)
  if (io.outIsTerminal) throw new ReplayError('usage', 'Parquet is not for a terminal; give --out F, or redirect', { category: 'input' })
  const folder = makeTemporaryFolder('chronicle-replay-')
  try {
    await opened.writeParquet(sql, path.join(folder, 'result.parquet'))
    io.out(fs.readFileSync(path.join(folder, 'result.parquet')))
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

/** Statements from stdin, each up to a semicolon at the end of a line; an error ends only its statement. */
async function shell(opened: Query, out: string | undefined, input: CommandInput, io: CommandIo): Promise<void> {
  const lines = readline.createInterface({ input: process.stdin, output: process.stdin.isTTY ? process.stderr : undefined, prompt: 't> ' })
  if (process.stdin.isTTY) io.err('the view is t; statements end with ; and Ctrl-D leaves\n')
  let statement = ''
  lines.prompt()
  for await (const line of lines) {
    statement += `${line}\n`
    if (line.trimEnd().endsWith(';')) {
      await answer(opened, statement, out, input, io).catch((error: unknown) => {
        if (!(error instanceof ReplayError)) throw error
        io.err(`${error.message}\n`)
      })
      statement = ''
    }
    lines.setPrompt(statement.trim() === '' ? 't> ' : ' > ')
    lines.prompt()
  }
  if (statement.trim() !== '') await answer(opened, statement, out, input, io)
}
