import fs from 'node:fs'
import path from 'node:path'
import { ReplayError } from '../core/errors.ts'
import { OutputFile } from '../core/store/output-file.ts'
import type { Query } from '../core/table/query.ts'
import { splitStatements } from '../core/table/sql-statements.ts'
import { makeTemporaryFolder } from '../core/temporary-folder.ts'
import type { CommandIo } from './command.ts'
import { countText } from './output.ts'

/** Formats that a terminal can show. */
export const SHOWN_FORMATS = ['table', 'csv', 'json'] as const
export const RESULT_FORMATS = [...SHOWN_FORMATS, 'arrow', 'parquet'] as const
export type ResultFormat = (typeof RESULT_FORMATS)[number]

/** Where results go, and as what. */
export interface AnswerTo {
  readonly format: ResultFormat
  /** A file; undefined: standard output. */
  readonly out: string | undefined
}

/**
 * Carries out statements in order, and writes the result of the last one: another kind of file than a table for people holds one.
 * Tables of those before are written, too.
 * @throws ReplayError input `usage` where there is no statement, and those of `Query`
 */
export async function answer(query: Query, sql: string, to: AnswerTo, io: CommandIo): Promise<void> {
  const { statements: whole, rest, isRestBlank } = splitStatements(sql)
  const statements = isRestBlank ? whole : [...whole, rest]
  const last = statements.at(-1)
  if (last === undefined) throw new ReplayError('usage', 'expected a statement, e.g. "select count(*) from t"', { category: 'input' })
  for (const statement of statements.slice(0, -1)) {
    const result = await query.open(statement)
    if (result === null || to.format !== 'table' || to.out !== undefined) continue
    const rows = await result.write('table', (text) => io.out(text))
    io.out(rowsText(rows))
  }
  await answerOne(query, last, to, io)
}

/** The foot of a table. */
export function rowsText(rows: number): string {
  return `${countText(rows)} ${rows === 1 ? 'row' : 'rows'}\n`
}

async function answerOne(query: Query, sql: string, { format, out }: AnswerTo, io: CommandIo): Promise<void> {
  if (format === 'parquet') return answerParquet(query, sql, out, io)
  const write = async (put: (data: string | Uint8Array) => void): Promise<unknown> =>
    format === 'arrow' ? query.writeArrow(sql, put) : query.write(sql, format, put)
  if (out === undefined) {
    if (format === 'arrow' && io.outIsTerminal) throw notForTerminal('Arrow')
    await write((data) => io.out(data))
    return
  }
  const file = new OutputFile({ path: out }, { whole: true })
  try {
    await write((data) => file.write(Buffer.from(data as Uint8Array)))
    file.close()
  } finally {
    file.abandon()
  }
}

/** Parquet is written from its end, so standard output gets a finished file. */
async function answerParquet(query: Query, sql: string, out: string | undefined, io: CommandIo): Promise<void> {
  if (out !== undefined) return query.writeParquet(sql, out)
  if (io.outIsTerminal) throw notForTerminal('Parquet')
  const folder = makeTemporaryFolder('chronicle-replay-')
  try {
    await query.writeParquet(sql, path.join(folder, 'result.parquet'))
    io.out(fs.readFileSync(path.join(folder, 'result.parquet')))
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

function notForTerminal(format: string): ReplayError {
  return new ReplayError('usage', `${format} is not for a terminal; give --out F, or redirect`, { category: 'input' })
}
