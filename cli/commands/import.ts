import { EXIT_PARTIAL, exitCodeOf, ReplayError } from '../../core/errors.ts'
import { IMPORTERS } from '../../core/import/builtin-importers.ts'
import { type ImportPlan, importerOf, planImport } from '../../core/import/import-plan.ts'
import { type ImportResult, runImport } from '../../core/import/import-run.ts'
import type { UnitOptions } from '../../core/import/import-unit.ts'
import type { Importer } from '../../core/import/importer.ts'
import type { ImportCounts } from '../../core/import/messages/import-tally.ts'
import { bundleImporter, loadImporter, type OwnImporter } from '../../core/import/own-importer.ts'
import { findSources } from '../../core/import/source-files.ts'
import { badOption, choiceOption, countOption, listOption, rangeOption } from '../arguments.ts'
import { cloudOf, ENDPOINT } from '../cloud-clients.ts'
import type { CommandInput, CommandIo, CommandSpec } from '../command.ts'
import { interruptible } from '../interruptible.ts'
import { bytesText, commandText, countText, jsonText, tableText } from '../output.ts'
import { ProgressLine } from '../progress.ts'

export const importFiles: CommandSpec = {
  name: 'import',
  summary: 'makes an archive of market data files of vendors, recorders, or one’s own',
  arguments: [
    {
      name: 'format and files',
      help: `${IMPORTERS.map(({ name }) => name).join(', ')}, or a module of yours; without it each file says what it is; then files, folders, globs, s3://…`,
      many: true,
    },
  ],
  options: {
    archive: { value: 'U', help: 'archive to write into: v1/<venue>/<symbol>/<date>/<stream>/' },
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
    workers: { value: 'N', help: 'threads (default 1)' },
    'dry-run': { help: 'say what the files are and what would be made of them; write nothing' },
    endpoint: ENDPOINT,
  },
  examples: [
    { command: 'chronicle-replay import downloads --archive archive', does: 'all files of a folder, each by what it is' },
    {
      command: 'chronicle-replay import tardis binance-futures_trades_2024-08-08_BTCUSDT.csv.gz --archive archive',
      does: 'one file of a format',
    },
    {
      command: 'chronicle-replay import itch 01152026.NASDAQ_ITCH50.gz --archive archive --symbols AAPL,MSFT',
      does: 'two stocks of a day',
    },
    { command: 'chronicle-replay import downloads --dry-run', does: 'what there is' },
  ],
  async run(input, io) {
    const { importer, own, places } = await formatOf(input.positionals)
    const options = optionsOf(input)
    const isStrict = places.length === 1
    const sources = await findSources(places, input.text('endpoint'))
    const plan = await planImport(sources, { importer, settings: options.settings, isStrict: isStrict && sources.length === 1 })
    const progress = new ProgressLine(io, input)
    if (input.flag('dry-run')) {
      io.out(input.flag('json') ? jsonText(documentOf(plan)) : planText(plan))
      return 0
    }
    for (const { path: file, why } of plan.leftOut) progress.problem(`left out ${file}: ${why}`)
    if (plan.units.length === 0) throw new ReplayError('import-nothing', 'none of the files can be imported', { category: 'input' })
    const uri = input.text('archive')
    if (uri === undefined) throw new ReplayError('usage', 'expected --archive, the archive to write into', { category: 'input' })
    let code = 0
    const ended = await interruptible(
      io,
      progress,
      async (signal) => {
        const result = await runImport({
          archive: cloudOf(input).open(uri),
          plan,
          unit: options,
          workers: countOption(input, 'workers') ?? 1,
          replaces: input.flag('replace'),
          own,
          signal,
          onProgress: ({ units, unitsDone, bytes, bytesDone }) =>
            progress.update(() => `${unitsDone} of ${units} units, ${bytesText(bytesDone)} of ${bytesText(bytes)}`),
        })
        progress.end()
        code = tell(result, plan, uri, input, io, progress)
      },
      () => 'each log in the archive is whole; the same command goes on',
    )
    return ended === 0 ? code : ended
  },
}

interface AskedFormat {
  /** Null: each file says what it is. */
  readonly importer: Importer | null
  readonly own: OwnImporter | null
  readonly places: readonly string[]
}

/** The first argument is a format, a module, or a file already. */
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

function optionsOf(input: CommandInput): UnitOptions {
  const { fromNs, toNs } = rangeOption(input)
  const symbols = listOption(input, 'symbols')
  const streams = listOption(input, 'streams')
  const unknown = streams?.find((stream) => !STREAMS.includes(stream))
  if (unknown !== undefined) throw badOption('streams', `of ${STREAMS.join(', ')}`, unknown)
  return {
    settings: {
      venue: input.text('venue'),
      date: input.text('date'),
      level: choiceOption(input, 'level', ['l2', 'l3']),
      words: wordsOf(input.texts('set')),
    },
    range: { fromNs, toNs, symbols: symbols && new Set(symbols), streams: streams && new Set(streams) },
    scales: { price: scaleOption(input, 'price-scale'), size: scaleOption(input, 'size-scale') },
    onError: choiceOption(input, 'on-error', ['abort', 'skip']) ?? 'abort',
    keepsTruncated: input.flag('keep-truncated'),
  }
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

function tell(result: ImportResult, plan: ImportPlan, uri: string, input: CommandInput, io: CommandIo, progress: ProgressLine): number {
  const { counts, folders, known, failed } = result
  for (const { files, error } of failed)
    progress.problem(`failed ${error.code}: ${error.message}${files.length > 1 ? ` (with ${files.join(', ')})` : ''}`)
  if (input.flag('json')) io.out(jsonText({ ...result, leftOut: plan.leftOut }))
  else {
    const made = folders.filter(({ action }) => action !== 'same')
    const records = made.reduce((sum, folder) => sum + folder.records, 0)
    io.out(`${countText(counts.rows)} rows into ${countText(records)} messages, ${countText(made.length)} logs in ${uri}\n`)
    if (known.length > 0) io.out(`${countText(known.length)} files were imported before\n`)
  }
  for (const line of linesOf(counts)) progress.problem(line)
  if (failed.length === 0) {
    progress.note(`next: ${commandText(['chronicle-replay', 'inspect', uri])}`)
    return 0
  }
  const [only] = failed
  return plan.units.length === 1 ? exitCodeOf(new ReplayError(only!.error.code, only!.error.message, only!.error)) : EXIT_PARTIAL
}

/** What is not in the archive, and what else there is to know. */
function linesOf({ leftOut, unrepresentable, bad, noted, places }: ImportCounts): string[] {
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${countText(count)} ${name}`)
      .join(', ')
  const placed = Object.entries(bad).map(([name, count]) => {
    const { path: file, line, offset } = places[name]!
    return `${countText(count)} ${name} (first in ${file}, ${line !== undefined ? `line ${line}` : `byte ${offset ?? 0}`})`
  })
  return [
    ...(Object.keys(leftOut).length > 0 ? [`left out: ${list(leftOut)}`] : []),
    ...(Object.keys(unrepresentable).length > 0 ? [`no message can hold: ${list(unrepresentable)}`] : []),
    ...(placed.length > 0 ? [`damaged: ${placed.join(', ')}`] : []),
    ...(Object.keys(noted).length > 0 ? [`noted: ${list(noted)}`] : []),
  ]
}

function documentOf({ units, leftOut }: ImportPlan): Record<string, unknown> {
  return {
    units: units.map(({ importer, files }) => ({
      format: importer,
      files: files.map(({ path: file, holds, venue, symbols, dates, bytes }) => ({ path: file, holds, venue, symbols, dates, bytes })),
    })),
    leftOut,
  }
}

function planText({ units, leftOut }: ImportPlan): string {
  const rows = units.flatMap(({ importer, files }) =>
    files.map(({ path: file, holds, venue, symbols, dates, bytes }) => [
      importer,
      holds,
      venue ?? '-',
      symbols === undefined ? '-' : symbols.length > 3 ? `${symbols.length} symbols` : symbols.join(' '),
      dates === undefined ? '-' : dates.length > 2 ? `${dates[0]} … ${dates.at(-1)}` : dates.join(' '),
      bytesText(bytes),
      file,
    ]),
  )
  const table = rows.length === 0 ? '' : tableText(['format', 'holds', 'venue', 'symbols', 'dates', 'bytes', 'file'], rows)
  return `${table}${leftOut.map(({ path: file, why }) => `left out ${file}: ${why}\n`).join('')}`
}
