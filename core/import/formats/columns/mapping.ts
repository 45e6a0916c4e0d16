import fs from 'node:fs'
import { ReplayError } from '../../../errors.ts'
import { nearest } from '../../../nearest-word.ts'
import type { ImportSettings } from '../../importer.ts'

export type MappedStream = 'trades' | 'ticker' | 'book' | 'snapshots'

/** Words that name a column. */
export type ColumnRole =
  | 'venue-column'
  | 'symbol-column'
  | 'time'
  | 'exchange-time'
  | 'price'
  | 'size'
  | 'side'
  | 'id'
  | 'bid-price'
  | 'bid-size'
  | 'ask-price'
  | 'ask-size'
  | 'last'
  | 'snapshot'
  | 'update-id'
  | 'first-update-id'
  | 'previous-update-id'

/** Names come first. */
const NAMES = ['venue-column', 'symbol-column'] as const
const COMMON = [...NAMES, 'time', 'exchange-time'] as const
/** Ids and times are side by side: together they are what the rows of a message have in common. */
const LEVELS = [
  ...NAMES,
  'update-id',
  'time',
  'exchange-time',
  'price',
  'size',
  'side',
  'last',
  'first-update-id',
  'previous-update-id',
] as const

/** Columns that a stream can have, in the order in which they are read, and those that it must have. */
const STREAMS: Readonly<Record<MappedStream, { readonly columns: readonly ColumnRole[]; readonly needs: readonly ColumnRole[] }>> = {
  trades: { columns: [...COMMON, 'price', 'size', 'side', 'id'], needs: ['time', 'price', 'size'] },
  ticker: { columns: [...COMMON, 'bid-price', 'bid-size', 'ask-price', 'ask-size'], needs: ['time', 'bid-price', 'ask-price'] },
  book: { columns: [...LEVELS, 'snapshot'], needs: ['time', 'side', 'price', 'size'] },
  snapshots: { columns: LEVELS, needs: ['time', 'side', 'price', 'size'] },
}
const BOOK_WORDS = ['message', 'snapshot-is', 'depth', 'buy', 'sell']
const OTHER_WORDS: Readonly<Record<MappedStream, readonly string[]>> = {
  trades: ['buy', 'sell'],
  ticker: [],
  book: BOOK_WORDS,
  snapshots: BOOK_WORDS,
}
const ALL_STREAMS_WORDS = ['stream', 'venue', 'symbol', 'time-unit', 'names', 'delimiter', 'skip-lines']

export const TIME_UNITS = ['s', 'ms', 'us', 'ns', 'iso'] as const
export type TimeUnit = (typeof TIME_UNITS)[number]

/** What the columns of a table are. */
export interface ColumnMapping {
  readonly stream: MappedStream
  /** All words that were given. */
  readonly words: Readonly<Record<string, string>>
  /** Columns by what they are, in a fixed order. */
  readonly columns: readonly (readonly [ColumnRole, string])[]
  /** Columns that are equal in the rows of one message; empty: none are named. */
  readonly message: readonly string[]
  readonly timeUnit: TimeUnit | null
  /** Levels a side; 0: not limited. */
  readonly depth: number
  /** Columns of a file that does not name them. */
  readonly names: readonly string[] | null
  readonly skipLines: number
}

/** Whether anything is said of columns. */
export function isMapped({ words }: ImportSettings): boolean {
  return words.map !== undefined || words.stream !== undefined
}

/** @throws ReplayError input `columns-mapping` */
export function readMapping(settings: ImportSettings): ColumnMapping {
  const { map, ...given } = settings.words
  const words: Record<string, string> = { ...(map === undefined ? {} : readMap(map)), ...given }
  if (settings.venue !== undefined) words.venue = settings.venue
  const stream = oneOf('stream', words.stream, Object.keys(STREAMS) as MappedStream[])
  const { columns, needs } = STREAMS[stream]
  const known = ['map', ...ALL_STREAMS_WORDS, ...OTHER_WORDS[stream], ...columns]
  for (const word of Object.keys(words)) if (!known.includes(word)) throw unknownWord(word, stream, known)
  const missing = needs.filter((need) => words[need] === undefined)
  if (missing.length > 0) throw refused(`${stream} need ${missing.map((each) => `${each}=<column>`).join(', ')}`)
  for (const what of ['venue', 'symbol']) {
    if (words[what] === undefined && words[`${what}-column`] === undefined)
      throw refused(`say what the ${what} is: ${what === 'venue' ? '--venue <name>' : 'symbol=<symbol>'}, or ${what}-column=<column>`)
  }
  return {
    stream,
    words,
    columns: columns.flatMap((role) => (words[role] === undefined ? [] : [[role, words[role]] as const])),
    message: listOf(words.message),
    timeUnit: words['time-unit'] === undefined ? null : oneOf('time-unit', words['time-unit'], TIME_UNITS),
    depth: wholeOf('depth', words.depth),
    names: words.names === undefined ? null : listOf(words.names),
    skipLines: wholeOf('skip-lines', words['skip-lines']),
  }
}

/** `a, b` → `['a', 'b']` */
export function listOf(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(',').map((each) => each.trim())
}

function readMap(file: string): Record<string, string> {
  let map: unknown
  try {
    map = JSON.parse(fs.readFileSync(file, 'utf8'))
  } catch (cause) {
    throw refused(`cannot read the mapping: ${cause instanceof Error ? cause.message : String(cause)}`, file, cause)
  }
  if (typeof map !== 'object' || map === null || Array.isArray(map)) throw refused('expected a JSON object of words in the mapping', file)
  const words: Record<string, string> = {}
  for (const [word, value] of Object.entries(map)) words[word] = wordOf(word, value, file)
  return words
}

function wordOf(word: string, value: unknown, file: string): string {
  if (Array.isArray(value) && value.every((each) => isPlain(each))) return value.join(',')
  if (isPlain(value)) return String(value)
  throw refused(`${word}: expected a text, a number, or a list of these, found ${JSON.stringify(value)}`, file)
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

function oneOf<T extends string>(word: string, value: string | undefined, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === value)
  if (found !== undefined) return found
  throw refused(`${word}: expected ${allowed.join(', ')}; found ${value === undefined ? 'nothing' : JSON.stringify(value)}`)
}

function wholeOf(word: string, value: string | undefined): number {
  if (value === undefined) return 0
  if (/^\d{1,9}$/.test(value)) return Number(value)
  throw refused(`${word}: expected a whole number, found ${JSON.stringify(value)}`)
}

function unknownWord(word: string, stream: MappedStream, known: readonly string[]): ReplayError {
  const near = nearest(word, known)
  const hint = near === null ? `known are ${known.join(', ')}` : `did you mean ${near}?`
  return refused(`${word} says nothing of ${stream}; ${hint}`)
}

function refused(message: string, path?: string, cause?: unknown): ReplayError {
  return new ReplayError('columns-mapping', message, { category: 'input', ...(path !== undefined && { path }), cause })
}
