import fs from 'node:fs'
import path from 'node:path'
import { diskFull } from '../../../disk-full.ts'
import { ReplayError } from '../../../errors.ts'
import { nearest } from '../../../nearest-word.ts'
import { quoteSql } from '../../../table/file-select.ts'
import { openView, type Query } from '../../../table/query.ts'
import { makeTemporaryFolder } from '../../../temporary-folder.ts'
import { type ByteStream, compressionOf, localFile, openBytes, rawHead } from '../../files/byte-stream.ts'
import type { ImportFile } from '../../importer.ts'
import type { ColumnMapping, ColumnRole } from './mapping.ts'

/** The columns that a mapping names, as lines of plain CSV without a header. */
export interface TableSource {
  /** What the fields of a line are; behind these come those of `message`. */
  readonly roles: readonly ColumnRole[]
  /** Lines of rows that DuckDB cannot read, in order, with what is wrong. */
  readonly rejected: readonly { readonly line: number; readonly message: string }[]
  /** Lines in front of the first row; null: the file has no lines. */
  readonly linesBefore: number | null
  open(): ByteStream
  close(): void
}

type TableKind = 'parquet' | 'json' | 'csv'

/** More are not counted, but end the import. */
const MAX_REJECTED = 100_000

/**
 * Takes the columns out of a table by DuckDB, into a compressed temporary file: texts, so that decimals stay what they are. Names are
 * encoded as in URLs; what would need quotes elsewhere is `?`, as no number has it.
 * @throws ReplayError input `columns-missing`, `columns-unreadable`, `disk-full`; those of the file
 */
export async function openTableSource(file: ImportFile, mapping: ColumnMapping): Promise<TableSource> {
  const folder = makeTemporaryFolder('chronicle-replay-columns-')
  const close = (): void => fs.rmSync(folder, { recursive: true, force: true })
  try {
    const table = await plainFile(file, folder)
    const kind = await kindOf(table)
    const reader = readerOf(table, kind, mapping)
    const roles = mapping.columns.map(([role]) => role)
    const texts = path.join(folder, 'columns.csv.zst')
    const select = selectOf(mapping, await columnsOf(reader, kind, file), kind, file)
    const copy = `COPY (SELECT ${select.join(', ')} FROM ${reader}) TO ${quoteSql(texts)} (FORMAT csv, HEADER false, COMPRESSION zstd)`
    const rejected = await extract(copy, kind, file)
    const linesBefore = linesBeforeRows(kind, mapping)
    return { roles, rejected, linesBefore, open: () => openBytes(localFile(texts)), close }
  } catch (error) {
    close()
    throw error
  }
}

/** Where the bytes of a file lie as they are: the file itself, or a copy. */
async function plainFile(file: ImportFile, folder: string): Promise<string> {
  if (fs.existsSync(file.path) && compressionOf(await rawHead(localFile(file.path), 4)) === 'none') return file.path
  const copy = path.join(folder, 'table')
  const fd = fs.openSync(copy, 'w')
  try {
    for await (const piece of await file.open()) for (let at = 0; at < piece.length; ) at += fs.writeSync(fd, piece, at)
  } catch (error) {
    throw diskFull(error, folder, 'temporary copy of the file') ?? error
  } finally {
    fs.closeSync(fd)
  }
  return copy
}

async function kindOf(table: string): Promise<TableKind> {
  const head = new TextDecoder('latin1').decode(await rawHead(localFile(table), 4096))
  if (head.startsWith('PAR1')) return 'parquet'
  return /^(?:\u00ef\u00bb\u00bf)?\s*\{/.test(head) ? 'json' : 'csv'
}

function linesBeforeRows(kind: TableKind, { names, skipLines }: ColumnMapping): number | null {
  if (kind !== 'csv') return kind === 'json' ? 0 : null
  return names === null ? skipLines + 1 : skipLines
}

function readerOf(table: string, kind: TableKind, { names, skipLines, words }: ColumnMapping): string {
  // DuckDB takes every file name for a pattern.
  const file = quoteSql(table.replace(/[[*?]/g, '[$&]'))
  if (kind === 'parquet') return `read_parquet(${file}, hive_partitioning = false)`
  if (kind === 'json') return `read_ndjson_objects(${file}, format = 'newline_delimited', ignore_errors = true)`
  const { delimiter } = words
  const options = [
    // Nothing is guessed that could lose rows: comments, or lines in front of the header.
    `all_varchar = true, comment = '', skip = ${skipLines}, header = ${names === null}`,
    `store_rejects = true, rejects_limit = ${MAX_REJECTED}, null_padding = false, hive_partitioning = false`,
    ...(names === null ? [] : [`names = [${names.map(quoteSql).join(', ')}]`]),
    ...(delimiter === undefined ? [] : [`delim = ${quoteSql(delimiter === 'tab' ? '\t' : delimiter)}`]),
  ]
  return `read_csv(${file}, ${options.join(', ')})`
}

/** Columns of a table: their types by their names. */
async function columnsOf(reader: string, kind: TableKind, file: ImportFile): Promise<ReadonlyMap<string, string>> {
  const query = await view(`SELECT * FROM ${reader}`, file)
  try {
    if (kind !== 'json') {
      const found = await query.rows('SELECT column_name, column_type FROM (DESCRIBE t)')
      return new Map(found.map((row) => [String(row.column_name), String(row.column_type)]))
    }
    const keys = "SELECT DISTINCT unnest(json_keys(json)) AS key FROM (SELECT json FROM t WHERE json_type(json) = 'OBJECT' LIMIT 10000)"
    return new Map((await query.rows(`${keys} ORDER BY key`)).map(({ key }) => [String(key), 'JSON']))
  } finally {
    await query.close()
  }
}

/** What is selected for each role, then for each column of the message. @throws ReplayError input `columns-missing` */
function selectOf(mapping: ColumnMapping, found: ReadonlyMap<string, string>, kind: TableKind, file: ImportFile): string[] {
  const wanted = [...mapping.columns, ...mapping.message.map((column) => ['message', column] as const)]
  return wanted.map(([role, column]) => {
    const name = findColumn(role, column, found, kind, file)
    const type = found.get(name) ?? ''
    const value = kind === 'json' ? `json_extract_string(json, ${quoteSql(pointerOf(name, found))})` : `"${name.replaceAll('"', '""')}"`
    const text = /^(?:TIMESTAMP|DATE)/.test(type) && /^(?:exchange-)?time$/.test(role) ? `epoch_ns(${value})::VARCHAR` : `${value}::VARCHAR`
    if (role === 'venue-column' || role === 'symbol-column' || role === 'message') return `nullif(url_encode(${text}), '')`
    return isText(type) ? withoutQuotes(text) : text
  })
}

function isText(type: string): boolean {
  return !/^(?:U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?|FLOAT|DOUBLE|DECIMAL.*|BOOLEAN|TIMESTAMP.*|DATE)$/.test(type)
}

/** What a CSV would put into quotes is rare: only then is the text looked through, which takes longer than all else. */
function withoutQuotes(text: string): string {
  const rare = [`','`, `'"'`, 'chr(10)', 'chr(13)'].map((each) => `contains(${text}, ${each})`).join(' OR ')
  return `CASE WHEN ${rare} THEN translate(${text}, ',"' || chr(10) || chr(13), '????') ELSE nullif(${text}, '') END`
}

/** The column as the file spells it. JSON may be nested: `data.price`. */
function findColumn(role: string, column: string, found: ReadonlyMap<string, string>, kind: TableKind, file: ImportFile): string {
  if (found.has(column) || (kind === 'json' && found.has(column.split('.')[0]!))) return column
  const names = [...found.keys()]
  const same = names.filter((name) => name.toLowerCase() === column.toLowerCase())
  if (same.length === 1) return same[0]!
  const near = nearest(column, names)
  const shown = names.length > 50 ? `${names.slice(0, 50).join(', ')}, …` : names.join(', ')
  const message = `no column ${JSON.stringify(column)} (${role}=${column})${near === null ? '' : `; did you mean ${near}?`} Columns: ${shown}`
  throw new ReplayError('columns-missing', message, { category: 'input', path: file.path })
}

/** A key as it is, or a path of keys, as a JSON pointer. */
function pointerOf(name: string, found: ReadonlyMap<string, string>): string {
  const keys = found.has(name) ? [name] : name.split('.')
  return keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** Runs the copy; what DuckDB rejected on the way. */
async function extract(copy: string, kind: TableKind, file: ImportFile): Promise<TableSource['rejected']> {
  const errors = kind === 'csv' ? 'SELECT line, error_message FROM reject_errors' : 'SELECT 0 AS line, NULL AS error_message WHERE false'
  const query = await view(async (run) => {
    await run(copy)
    return errors
  }, file)
  try {
    const rows = await query.rows('SELECT line, min(error_message) AS message, count(*) AS errors FROM t GROUP BY line ORDER BY line')
    if (rows.reduce((sum, { errors }) => sum + Number(errors), 0) >= MAX_REJECTED) {
      const message = `more than ${rows.length} lines are no rows of this table, the first is ${rows[0]!.line}: ${rows[0]!.message}; is delimiter= right?`
      throw new ReplayError('columns-unreadable', message, { category: 'input', path: file.path })
    }
    return rows.map(({ line, message }) => ({ line: Number(line), message: String(message) }))
  } finally {
    await query.close()
  }
}

/** As `openView`, with errors that name the file. */
async function view(select: Parameters<typeof openView>[0], { path: file }: ImportFile): Promise<Query> {
  try {
    return await openView(select)
  } catch (error) {
    if (error instanceof ReplayError && error.code !== 'query-failed') throw error
    const reason = (error instanceof Error ? error.message : String(error)).trim().split('\n').slice(0, 2).join(' ')
    if (/No space left on device|Disk quota exceeded/i.test(reason))
      throw new ReplayError('disk-full', `no space left for temporary files (TMPDIR): ${reason}`, { category: 'input', cause: error })
    throw new ReplayError('columns-unreadable', `DuckDB cannot read the table: ${reason}`, { category: 'input', path: file, cause: error })
  }
}
