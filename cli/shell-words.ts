import { ReplayError } from '../core/errors.ts'
import { nearest } from '../core/nearest-word.ts'
import { quoteName } from '../core/table/file-select.ts'
import type { Query } from '../core/table/query.ts'
import { HIDDEN_SCHEMA } from '../core/table/table-view.ts'
import { badChoice } from './arguments.ts'
import { tableText } from './output.ts'
import { type ResultFormat, SHOWN_FORMATS } from './query-answer.ts'

/** What words of the shell itself work on. */
export interface ShellWords {
  readonly query: Query
  /** Rows that are shown at once. */
  pageRows: number
  format: ResultFormat
  /** To stdout. */
  show(text: string): void
  help(): void
  showMore(): Promise<void>
  leave(): void
}

interface Word {
  readonly argument?: string
  readonly help: string
  readonly run: (shell: ShellWords, argument: string | undefined) => Promise<void> | void
}

const WORDS: Readonly<Record<string, Word>> = {
  '.help': { help: 'this', run: (shell) => shell.help() },
  '.tables': { help: 'views and tables that there are, with their columns', run: showTables },
  '.schema': { argument: 'NAME', help: 'columns and types of t, or of another view or table', run: showSchema },
  '.rows': { argument: 'N|all', help: 'how many rows of a result are shown at once', run: setRows },
  '.more': { help: 'the next rows of the last result', run: (shell) => shell.showMore() },
  '.format': {
    argument: SHOWN_FORMATS.join('|'),
    help: 'how results are shown from now on',
    run(shell, format = '') {
      const found = SHOWN_FORMATS.find((known) => known === format)
      if (found === undefined) throw badChoice('format', 'one of', SHOWN_FORMATS, format)
      shell.format = found
    },
  },
  '.exit': { help: 'leaves, as exit, quit and Ctrl-D do', run: (shell) => shell.leave() },
  '.quit': { help: 'the same', run: (shell) => shell.leave() },
}

/** What `.help` shows. */
export const SHELL_HELP: string = [
  'A statement is DuckDB’s SQL over the view t; it ends with ; and may have several lines, a line several statements.',
  'Ctrl-C cancels the statement that runs, or that is being typed. Tab completes names.',
  '',
  ...Object.entries(WORDS).map(([name, { argument = '', help }]) => `  ${`${name} ${argument}`.padEnd(24)}${help}`),
  '',
].join('\n')

/** Whether a line is for the shell itself. */
export function isShellWord(line: string): boolean {
  return /^\s*(\.[a-z?]|(exit|quit|help)\s*;?\s*$)/i.test(line)
}

/** Does what a line says. @throws ReplayError input `usage`, and those of `Query` */
export async function shellWord(line: string, shell: ShellWords): Promise<void> {
  const [typed = '', argument] = line.trim().replace(/;$/, '').trim().split(/\s+/)
  const name = typed.startsWith('.') ? typed.toLowerCase() : `.${typed.toLowerCase()}`
  const word = Object.hasOwn(WORDS, name) ? WORDS[name]! : null
  if (word !== null) return word.run(shell, argument)
  const near = nearest(name, Object.keys(WORDS))
  const hint = near === null ? '.help tells what there is' : `did you mean ${near}?`
  throw new ReplayError('usage', `no ${typed}; ${hint}`, { category: 'input' })
}

/** Of the columns that DuckDB lists. */
const IS_USERS = `not internal and schema_name <> '${HIDDEN_SCHEMA}'`

/** Names that a word may become: of the shell, of tables, of columns. */
export async function completionsOf(word: string, query: Query): Promise<string[]> {
  if (word.startsWith('.')) return Object.keys(WORDS).filter((name) => name.startsWith(word))
  if (word === '') return []
  const names = await query.rows(
    `select distinct name from (select column_name as name from duckdb_columns() where ${IS_USERS} union all select table_name from duckdb_columns() where ${IS_USERS}) order by 1`,
  )
  return names.map(({ name }) => String(name)).filter((name) => name.toLowerCase().startsWith(word.toLowerCase()))
}

async function showTables(shell: ShellWords): Promise<void> {
  const rows = await shell.query.rows(
    `select table_name as name, count(*) as columns from duckdb_columns() where ${IS_USERS} group by all order by all`,
  )
  shell.show(
    tableText(
      ['name', 'columns'],
      rows.map(({ name, columns }) => [String(name), Number(columns)]),
    ),
  )
}

async function showSchema(shell: ShellWords, name = 't'): Promise<void> {
  const rows = await shell.query.rows(`describe ${quoteName(name)}`)
  shell.show(
    tableText(
      ['column', 'type'],
      rows.map(({ column_name, column_type }) => [String(column_name), String(column_type)]),
    ),
  )
}

function setRows(shell: ShellWords, text = ''): void {
  if (text !== 'all' && !/^[1-9]\d{0,8}$/.test(text))
    throw new ReplayError('usage', `.rows: expected a positive integer, or all; found ${JSON.stringify(text)}`, { category: 'input' })
  shell.pageRows = text === 'all' ? Number.POSITIVE_INFINITY : Number(text)
}
