import { ReplayError } from '../core/errors.ts'
import { durationNsOf } from '../core/features/clocks/duration.ts'
import { parseInstant, requireRange } from '../core/instant.ts'
import { nearest } from '../core/nearest-word.ts'
import { TYPE_BOOK_EVENT, TYPE_BOOK_TICKER, TYPE_TRADE } from '../core/protocol/message-type.ts'
import { isS3Uri } from '../core/store/open-store.ts'
import type { CommandInput, OptionSpec } from './command.ts'

/** A time in any of the ways of `parseInstant`. @throws ReplayError input `time` */
export function timeOption(input: CommandInput, option: string): bigint | undefined {
  const text = input.text(option)
  return text === undefined ? undefined : parseInstant(text, `--${option}`)
}

/** What `--from` and `--to` say, half-open. @throws ReplayError input `time`, `range-empty` */
export function rangeOption(input: CommandInput): { readonly fromNs: bigint | undefined; readonly toNs: bigint | undefined } {
  const [fromNs, toNs] = [timeOption(input, 'from'), timeOption(input, 'to')]
  requireRange(fromNs, toNs, ['--from', '--to'])
  return { fromNs, toNs }
}

/** A duration in nanoseconds; 0 is one. */
export function durationOption(input: CommandInput, option: string): bigint | undefined {
  const text = input.text(option)
  if (text === undefined) return undefined
  const durationNs = durationNsOf(text)
  if (durationNs === null) throw badOption(option, 'a duration like 7d, 12h, 30m or 0s', text)
  return durationNs
}

/** A positive integer. */
export function countOption(input: CommandInput, option: string): number | undefined {
  const text = input.text(option)
  if (text === undefined) return undefined
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1) throw badOption(option, 'a positive integer', text)
  return value
}

/** A finite number. */
export function numberOption(input: CommandInput, option: string): number | undefined {
  const text = input.text(option)
  if (text === undefined) return undefined
  if (text.trim() === '' || !Number.isFinite(Number(text))) throw badOption(option, 'a number', text)
  return Number(text)
}

/** A u64. */
export function u64Option(input: CommandInput, option: string): bigint | undefined {
  const text = input.text(option)
  if (text === undefined) return undefined
  if (!/^\d+$/.test(text) || BigInt(text) >= 1n << 64n) throw badOption(option, 'an integer from 0 to 2^64 - 1', text)
  return BigInt(text)
}

/** One of a few words. */
export function choiceOption<T extends string>(input: CommandInput, option: string, choices: readonly T[]): T | undefined {
  const text = input.text(option)
  if (text === undefined) return undefined
  const choice = choices.find((word) => word === text)
  if (choice === undefined) throw badChoice(option, 'one of', choices, text)
  return choice
}

/** The error for a word that is none of those that an option takes. */
export function badChoice(option: string, of: 'one of' | 'some of', choices: readonly string[], found: string): ReplayError {
  const near = nearest(found, choices)
  const error = badOption(option, `${of} ${choices.join(', ')}`, found)
  return near === null ? error : new ReplayError(error.code, `${error.message}, did you mean ${near}?`, error)
}

/**
 * The values of options that a command cannot do without.
 * @throws ReplayError input `usage` naming all that are missing, and what they are
 */
export function requiredOptions<Name extends string>(
  input: CommandInput,
  specs: Readonly<Record<Name, OptionSpec>>,
): Readonly<Record<Name, string>> {
  const names = Object.keys(specs) as Name[]
  const missing = names.filter((name) => (input.text(name) ?? '') === '')
  if (missing.length > 0) {
    const told = missing.map((name) => `--${name} ${specs[name].value} (${specs[name].help})`)
    throw new ReplayError('usage', `missing ${told.join(' and ')}`, { category: 'input' })
  }
  return Object.fromEntries(names.map((name) => [name, input.text(name)!])) as Record<Name, string>
}

/** A list with commas between words; a word in double quotes, as in CSV, may have commas, spaces at its ends and doubled quotes. */
export function listOption(input: CommandInput, option: string): string[] | undefined {
  const text = input.text(option)
  if (text === undefined) return undefined
  const words: string[] = []
  for (let at = 0; at <= text.length; at++) {
    LIST_WORD.lastIndex = at
    const [whole, quoted, plain = ''] = LIST_WORD.exec(text) ?? []
    const word = quoted?.replaceAll('""', '"') ?? plain.trim()
    if (whole === undefined || word === '') throw badOption(option, 'a comma-separated list, names with commas in double quotes', text)
    words.push(word)
    at += whole.length
  }
  return words
}

const LIST_WORD = /(?:\s*"((?:[^"]|"")*)"\s*|([^,]*))(?=,|$)/y

const TYPE_NAMES: Readonly<Record<string, number>> = { book: TYPE_BOOK_EVENT, ticker: TYPE_BOOK_TICKER, trade: TYPE_TRADE }

/** Message types: numbers (0x1002 or 4098) or the names book, ticker, trade. */
export function typesOption(input: CommandInput, option: string): number[] | undefined {
  return listOption(input, option)?.map((word) => {
    const type = TYPE_NAMES[word] ?? (/^(0x[0-9a-f]+|\d+)$/i.test(word) ? Number(word) : Number.NaN)
    if (!(type <= 0xffff)) {
      const near = nearest(word, Object.keys(TYPE_NAMES))
      const expected = `types like 0x1002, or book, ticker, trade${near === null ? '' : ` (did you mean ${near}?)`}`
      throw badOption(option, expected, word)
    }
    return type
  })
}

/** A path on this machine to write to. */
export function outputOption(input: CommandInput, option: string): string | undefined {
  const text = input.text(option)
  return text === undefined ? undefined : localPath(`--${option}`, text)
}

/** @throws ReplayError input `usage` for a place on S3: only tables and restart points are written there */
export function localPath(what: string, text: string): string {
  if (!isS3Uri(text)) return text
  const message = `${what}: expected a path on this machine, found ${JSON.stringify(text)}; write it here and copy it (aws s3 sync)`
  throw new ReplayError('usage', message, { category: 'input' })
}

/** `0x1002` */
export function typeText(type: number): string {
  return `0x${type.toString(16).padStart(4, '0')}`
}

/** A CRC32 as eight hex digits. */
export function crcText(crc: number): string {
  return crc.toString(16).padStart(8, '0')
}

/** The error for an option with a bad value. */
export function badOption(option: string, expected: string, found: string): ReplayError {
  return new ReplayError('usage', `--${option}: expected ${expected}, found ${JSON.stringify(found)}`, { category: 'input' })
}
