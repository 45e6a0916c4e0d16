import { ReplayError } from '../core/errors.ts'
import { IMPORTERS } from '../core/import/builtin-importers.ts'
import { type ImportPlan, importerOf, planImport } from '../core/import/import-plan.ts'
import type { UnitOptions } from '../core/import/import-unit.ts'
import type { Importer } from '../core/import/importer.ts'
import { bundleImporter, loadImporter, type OwnImporter } from '../core/import/own-importer.ts'
import { findSources } from '../core/import/source-files.ts'
import { isKeyPart } from '../core/store/object-store.ts'
import { badChoice, badOption, choiceOption, listOption, rangeOption } from './arguments.ts'
import type { CommandInput, OptionSpec } from './command.ts'

/** What files are and what is taken of them: options of every command that imports. */
export const IMPORT_OPTIONS = {
  venue: { value: 'V', help: 'name of the venue, in place of what the files say' },
  symbols: { value: 'A,B', help: 'these symbols only: codes, or as the exchange spells them' },
  from: { value: 'T', help: 'record time ≥ T' },
  to: { value: 'T', help: 'record time < T' },
  streams: { value: 'A,B', help: 'of book, l3, trades, ticker (default all)' },
  date: { value: 'D', help: 'day of the files, where neither name nor content say it: 2024-03-01' },
  level: { value: 'l2|l3', help: 'books by price level or by order, where the files have both' },
  'price-scale': { value: 'N', help: 'decimals of prices in books (default: as many as the files need)' },
  'size-scale': { value: 'N', help: 'decimals of sizes in books' },
  set: { value: 'K=V', help: 'a setting of the format, e.g. a column of yours', many: true },
  'on-error': { value: 'abort|skip', help: 'at a damaged row: stop (default), or leave it out, count it and go on' },
  'keep-truncated': { help: 'take what there is of a file whose compression ends too early' },
  replace: { help: 'put what these files give in place of what the archive has of these days' },
} as const satisfies Readonly<Record<string, OptionSpec>>

/** What the files of a command line are. */
export interface LookedFiles {
  readonly own: OwnImporter | null
  readonly options: UnitOptions
  readonly plan: ImportPlan
}

/**
 * Looks at the files that a command line names.
 * @param positionals format, module or nothing, then files
 * @param onError what a damaged row is to its file
 * @throws ReplayError input `usage`, `import-format`, `import-module`, and those of `findSources`, `planImport`
 */
export async function lookAtFiles(
  input: CommandInput,
  positionals: readonly string[] = input.positionals,
  onError: 'abort' | 'skip' = choiceOption(input, 'on-error', ['abort', 'skip']) ?? 'abort',
): Promise<LookedFiles> {
  const { importer, own, places } = await formatOf(positionals)
  const options = optionsOf(input, onError)
  const sources = await findSources(places, input.text('endpoint'))
  // A file that was named itself is not left out.
  const isStrict = places.length === 1 && sources.length === 1
  return { own, options, plan: await planImport(sources, { importer, settings: options.settings, isStrict }) }
}

interface AskedFormat {
  /** Null: each file says what it is. */
  readonly importer: Importer | null
  readonly own: OwnImporter | null
  readonly places: readonly string[]
}

/** The first argument is a format, a module, or a file already. @throws ReplayError input `usage`, `import-format`, `import-module` */
async function formatOf(positionals: readonly string[]): Promise<AskedFormat> {
  const [first = '', ...rest] = positionals
  if (first === 'auto') return { importer: null, own: null, places: needFiles(rest) }
  if (IMPORTERS.some(({ name }) => name === first)) return { importer: importerOf(first), own: null, places: needFiles(rest) }
  if (/\.(?:ts|mts|js|mjs)$/.test(first)) {
    const own = await bundleImporter(first)
    return { importer: await loadImporter(own), own, places: needFiles(rest) }
  }
  // A word that is no file is a format that is not there.
  if (/^[a-z0-9]+$/.test(first) && rest.length > 0) importerOf(first)
  return { importer: null, own: null, places: needFiles(positionals) }
}

function needFiles(places: readonly string[]): readonly string[] {
  if (places.length > 0) return places
  throw new ReplayError('usage', 'expected files, folders, globs or s3://… to import', { category: 'input' })
}

function optionsOf(input: CommandInput, onError: UnitOptions['onError']): UnitOptions {
  const { fromNs, toNs } = rangeOption(input)
  const symbols = listOption(input, 'symbols')
  const streams = listOption(input, 'streams')
  const unknown = streams?.find((stream) => !STREAMS.includes(stream))
  if (unknown !== undefined) throw badChoice('streams', 'some of', STREAMS, unknown)
  return {
    settings: {
      venue: venueOption(input),
      date: input.text('date'),
      level: choiceOption(input, 'level', ['l2', 'l3']),
      words: wordsOf(input.texts('set')),
    },
    range: { fromNs, toNs, symbols: symbols && new Set(symbols), streams: streams && new Set(streams) },
    scales: { price: scaleOption(input, 'price-scale'), size: scaleOption(input, 'size-scale') },
    onError,
    keepsTruncated: input.flag('keep-truncated'),
  }
}

/** A venue is a folder of the archive. */
function venueOption(input: CommandInput): string | undefined {
  const venue = input.text('venue')
  if (venue !== undefined && !isKeyPart(venue)) throw badOption('venue', 'a name that a folder can have', venue)
  return venue
}

const STREAMS: readonly string[] = ['book', 'l3', 'trades', 'ticker']

function scaleOption(input: CommandInput, option: string): number | undefined {
  const text = input.text(option)
  if (text === undefined) return undefined
  if (!/^\d{1,2}$/.test(text) || Number(text) > 18) throw badOption(option, 'a number of decimals from 0 to 18', text)
  return Number(text)
}

function wordsOf(settings: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    settings.map((text) => {
      const at = text.indexOf('=')
      if (at < 1) throw badOption('set', 'name=value', text)
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )
}
