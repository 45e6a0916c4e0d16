import fs from 'node:fs'
import { BAR_TIMES } from '../core/features/rows/row-times.ts'
import { isoMicros, isoTime } from '../core/instant.ts'
import type { PlanColumn } from '../core/job/row-schema.ts'
import { outputError } from '../core/store/output-file.ts'
import { quoteCsv } from '../core/table/csv-text.ts'
import type { FollowedValue } from '../core/task/follow-pass.ts'

/** Columns that a table for the eye leaves out: the same in all rows, places, or beside `ts_ns`. */
const HIDDEN = new Set(['venue', 'symbol', 'date', 'ts', 'seq', 'row', ...BAR_TIMES.map(({ name }) => name)])
const LEAST_WIDTH = 10
/** `2024-03-01T00:00:00.000000000Z` */
const TIME_WIDTH = 30

/**
 * Rows as text, a line each, handed on by `flush`: to a function, or to the end of a file. What the file has already, from an earlier time,
 * is counted and not written again.
 */
export class RowLines {
  /** Rows given to whoever takes them. */
  written = 0
  /** Rows at the beginning that are there already. */
  toSkip = 0
  readonly #columns: readonly PlanColumn[]
  readonly #format: 'json' | 'csv' | 'table'
  readonly #put: (text: string) => void
  #descriptor: number | null = null
  #text = ''

  /** @param target a function, or the path of a file @throws ReplayError those of `outputError` */
  constructor(columns: readonly PlanColumn[], format: 'json' | 'csv' | 'table', target: string | ((text: string) => void)) {
    this.#columns = columns
    this.#format = format
    const isFile = typeof target === 'string'
    const lines = isFile ? this.#open(target) : 0
    this.#put = isFile ? (text) => this.#append(target, text) : target
    const header = this.#header()
    if (lines === 0) this.#text = header
    this.toSkip = Math.max(0, lines - (header === '' ? 0 : 1))
  }

  add(row: readonly FollowedValue[]): void {
    if (this.toSkip > 0) {
      this.toSkip--
      return
    }
    this.written++
    this.#text += `${this.#lineOf(row)}\n`
  }

  flush(): void {
    if (this.#text === '') return
    const text = this.#text
    this.#text = ''
    this.#put(text)
  }

  close(): void {
    if (this.#descriptor !== null) fs.closeSync(this.#descriptor)
    this.#descriptor = null
  }

  /** Opens the file behind its last whole line; gives how many it has. */
  #open(path: string): number {
    try {
      this.#descriptor = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT)
      const bytes = fs.readFileSync(this.#descriptor)
      // A line that was cut off is made again.
      const end = bytes.lastIndexOf(0x0a) + 1
      fs.ftruncateSync(this.#descriptor, end)
      let lines = 0
      for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) lines++
      fs.closeSync(this.#descriptor)
      this.#descriptor = fs.openSync(path, 'a')
      return lines
    } catch (cause) {
      throw outputError(cause, path)
    }
  }

  #append(path: string, text: string): void {
    try {
      fs.writeFileSync(this.#descriptor!, text)
    } catch (cause) {
      throw outputError(cause, path)
    }
  }

  #header(): string {
    if (this.#format === 'json') return ''
    if (this.#format === 'csv') return `${this.#columns.map(({ name }) => quoteCsv(name)).join(',')}\n`
    const names = this.#columns.filter(({ name }) => !HIDDEN.has(name)).map((column) => cell(column, column.name))
    return `${names.join('  ').trimEnd()}\n`
  }

  #lineOf(row: readonly FollowedValue[]): string {
    const columns = this.#columns
    if (this.#format === 'csv') return row.map((value, i) => csvField(columns[i]!, value)).join(',')
    if (this.#format === 'json')
      return JSON.stringify(Object.fromEntries(columns.map((column, i) => [column.name, jsonValue(column, row[i]!)])))
    const shown = columns.flatMap((column, i) => (HIDDEN.has(column.name) ? [] : [cell(column, textOf(column.name, row[i]!))]))
    return shown.join('  ').trimEnd()
  }
}

function csvField({ type }: PlanColumn, value: FollowedValue): string {
  if (value === null) return ''
  return quoteCsv(type === 'timestamp_us' ? isoMicros(value as bigint) : String(value))
}

/** Nanoseconds and positions are decimal strings, times ISO 8601, other numbers are numbers as long as nothing is lost. */
function jsonValue({ name, type }: PlanColumn, value: FollowedValue): FollowedValue {
  if (typeof value !== 'bigint') return value
  if (type === 'timestamp_us') return isoMicros(value)
  const isPlace = name.endsWith('_ns') || name === 'seq'
  return isPlace || BigInt(Number(value)) !== value ? String(value) : Number(value)
}

function textOf(name: string, value: FollowedValue): string {
  if (value === null) return ''
  return typeof value === 'bigint' && name.endsWith('_ns') ? isoTime(value) : String(value)
}

function cell({ name, type }: PlanColumn, text: string): string {
  const width = name.endsWith('_ns') ? TIME_WIDTH : Math.max(LEAST_WIDTH, name.length)
  return type === 'string' ? text.padEnd(width) : text.padStart(width)
}
