import type { DuckDBValue } from '@duckdb/node-api'
import { quoteCsv } from './csv-text.ts'

export type TextFormat = 'table' | 'csv' | 'json'

export interface QueryColumn {
  readonly name: string
  /** DuckDB's name of the type, e.g. `BIGINT`. */
  readonly type: string
}

export type JsonValue = string | number | boolean | null

/**
 * Writes rows, which come in chunks, as text:
 * - `csv`: RFC 4180 with a header; NULL is empty, an empty text is `""`.
 * - `json`: one array of objects, an object per line; values as `jsonOf` says.
 * - `table`: for people; widths come from the first chunk, so that a long result can stream.
 * @param hasFoot whether a table ends with the number of its rows; JSON has to end
 * @returns the number of rows
 */
export async function formatRows(
  format: TextFormat,
  columns: readonly QueryColumn[],
  chunks: AsyncIterable<DuckDBValue[][]>,
  write: (text: string) => void | Promise<void>,
  hasFoot = true,
): Promise<number> {
  const { head, lines, foot } = FORMATS[format](columns)
  let count = 0
  for await (const rows of chunks) {
    if (count === 0) await write(head(rows))
    await write(lines(rows, count))
    count += rows.length
  }
  if (count === 0) await write(head([]))
  if (hasFoot) await write(foot(count))
  return count
}

/**
 * A value for JSON, always exact:
 * - integers up to 32 bits and floats: numbers; NaN and infinities, which JSON lacks: texts.
 * - 64 bits and wider: decimal text in columns named `seq`, `…_seq`, `…Seq`, `…_ns`, `…Ns`;
 *   elsewhere a number, or decimal text where that would round (beyond 2⁵³ − 1).
 * - DECIMAL: decimal text. Times: ISO 8601 in UTC, e.g. "2026-01-31T12:00:00.000001Z". Dates: "2026-01-31".
 * - booleans and texts as they are, NULL null, anything nested as DuckDB writes it, its times in UTC as those above.
 */
export function jsonOf(value: DuckDBValue, column: QueryColumn): JsonValue {
  if (value === null) return null
  if (typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value === 'bigint') {
    const isText = /(^|_)seq$|Seq$|_ns$|Ns$/.test(column.name) || value > MAX_SAFE || value < -MAX_SAFE
    return isText ? String(value) : Number(value)
  }
  return textOf(value, column)
}

/** A value that is not NULL, as text for tables and CSV. */
function textOf(value: DuckDBValue, column: QueryColumn): string {
  if (Object.is(value, -0)) return '-0'
  const text = String(value)
  if (typeof value !== 'object' || !column.type.includes('TIMESTAMP')) return text
  if (SCALAR_TIME.test(column.type)) return text.replace(TIME, '$1T$2Z')
  // Within a list or struct, as long as no text in it can look like a time.
  return column.type.includes('VARCHAR') ? text : text.replace(TIMES_WITHIN, '$1T$2Z')
}

/** "2026-01-31 12:00:00.000001", with an offset of +00 where the type has a time zone. */
const TIME = /^(\d+-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)(?:\+00)?$/
const TIMES_WITHIN = /(\d+-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)\+00/g
const SCALAR_TIME = /^TIMESTAMP(_S|_MS|_NS| WITH TIME ZONE)?$/

interface Format {
  /** What comes before the rows; sees the first chunk. */
  readonly head: (firstRows: DuckDBValue[][]) => string
  /** @param from rows written before these */
  readonly lines: (rows: DuckDBValue[][], from: number) => string
  readonly foot: (count: number) => string
}

const FORMATS: Record<TextFormat, (columns: readonly QueryColumn[]) => Format> = {
  csv: (columns) => ({
    head: () => `${columns.map(({ name }) => quoteCsv(name)).join(',')}\n`,
    lines: (rows) => rows.map((row) => `${row.map((value, i) => csvField(value, columns[i]!)).join(',')}\n`).join(''),
    foot: () => '',
  }),
  json: (columns) => ({
    head: () => '[',
    lines: (rows, from) => rows.map((row, r) => `${from + r === 0 ? '\n' : ',\n'}${jsonLine(row, columns)}`).join(''),
    foot: (count) => (count === 0 ? ']\n' : '\n]\n'),
  }),
  table: (columns) => {
    let widths: number[] = []
    const line = (cells: readonly string[]) =>
      `${cells
        .map((cell, i) => pad(cell, widths[i]!, NUMERIC.test(columns[i]!.type)))
        .join('  ')
        .trimEnd()}\n`
    const cellsOf = (row: DuckDBValue[]) => row.map((value, i) => tableCell(value, columns[i]!))
    return {
      head: (rows) => {
        const names = columns.map(({ name }) => name)
        const all = [names, ...rows.map(cellsOf)]
        widths = columns.map((_, i) => Math.max(...all.map((cells) => cells[i]!.length)))
        return line(names) + line(widths.map((width) => '─'.repeat(width)))
      },
      lines: (rows) => rows.map((row) => line(cellsOf(row))).join(''),
      foot: (count) => `${count} ${count === 1 ? 'row' : 'rows'}\n`,
    }
  },
}

function csvField(value: DuckDBValue, column: QueryColumn): string {
  if (value === null) return ''
  return value === '' ? '""' : quoteCsv(textOf(value, column))
}

function jsonLine(row: DuckDBValue[], columns: readonly QueryColumn[]): string {
  return `{${row.map((value, i) => `${JSON.stringify(columns[i]!.name)}:${JSON.stringify(jsonOf(value, columns[i]!))}`).join(',')}}`
}

/** Line breaks and control characters would break the table: they are shown as JSON shows them. */
function tableCell(value: DuckDBValue, column: QueryColumn): string {
  if (value === null) return 'NULL'
  return textOf(value, column).replace(CONTROL, (c) => JSON.stringify(c).slice(1, -1))
}

function pad(text: string, width: number, isNumber: boolean): string {
  return isNumber ? text.padStart(width) : text.padEnd(width)
}

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER)
const NUMERIC = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE|FLOAT|DECIMAL.*)$/
const CONTROL = /\p{Cc}/gu
