import { importLocally, type LocalImport } from '../../core/commit/import-local.ts'
import type { RunProgress } from '../../core/commit/run-local.ts'
import { EXIT_PARTIAL, exitCodeOf, ReplayError } from '../../core/errors.ts'
import { IMPORTERS } from '../../core/import/builtin-importers.ts'
import { howOf } from '../../core/import/import-how.ts'
import type { ImportPlan } from '../../core/import/import-plan.ts'
import { emptyCounts, type ImportCounts } from '../../core/import/messages/import-tally.ts'
import { engineHash } from '../../core/job/engine-hash.ts'
import { type ImportRunPlan, planImportRun } from '../../core/plan/imports/import-run-plan.ts'
import { newRunId } from '../../core/plan/run/run-files.ts'
import { countOption } from '../arguments.ts'
import { cloudOf, ENDPOINT } from '../cloud-clients.ts'
import type { CommandInput, CommandIo, CommandSpec } from '../command.ts'
import { IMPORT_OPTIONS, lookAtFiles } from '../import-options.ts'
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
    ...IMPORT_OPTIONS,
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
    const { own, options, plan } = await lookAtFiles(input)
    const progress = new ProgressLine(io, input)
    if (input.flag('dry-run')) {
      io.out(input.flag('json') ? jsonText(documentOf(plan)) : planText(plan))
      return 0
    }
    for (const { path: file, why } of plan.leftOut) progress.problem(`left out ${file}: ${why}`)
    if (plan.units.length === 0) throw new ReplayError('import-nothing', 'none of the files can be imported', { category: 'input' })
    const uri = input.text('archive')
    if (uri === undefined) throw new ReplayError('usage', 'expected --archive, the archive to write into', { category: 'input' })
    const cloud = cloudOf(input)
    const workers = countOption(input, 'workers') ?? 1
    const createdMs = Date.now()
    const planned = await planImportRun({
      ...{ archive: cloud.open(uri), plan, how: howOf(options), replaces: input.flag('replace'), own, engine: await engineHash() },
      ...{ run: newRunId(createdMs, Math.random), createdMs },
      // Some more tasks than workers: when the first ones are done early, there is something left to share.
      minTasks: workers === 1 ? 1 : 8 * workers,
    })
    let code = 0
    const work = async (signal: AbortSignal): Promise<void> => {
      const onProgress = ({ done, partitions, plannedBytes, plannedTotal }: RunProgress): void =>
        progress.update(() => `${done} of ${partitions} units, ${bytesText(plannedBytes)} of ${bytesText(plannedTotal)}`)
      const result = await importLocally(planned, {
        tableUri: uri,
        endpoint: cloud.endpoint,
        workers,
        clock: Date.now,
        random: Math.random,
        signal,
        onProgress,
      })
      progress.end()
      code = tell(result, planned, uri, input, io, progress)
    }
    const ended = await interruptible(io, progress, work, () => 'each log in the archive is whole; the same command goes on')
    return ended === 0 ? code : ended
  },
}

/** What a run here did; null: all was there. */
function tell(
  result: LocalImport | null,
  { units, known, head }: ImportRunPlan,
  uri: string,
  input: CommandInput,
  io: CommandIo,
  progress: ProgressLine,
): number {
  const { counts = emptyCounts(), folders = [] } = result?.commit.imported ?? {}
  const failed = result?.failed ?? []
  const knownFiles = known.flatMap(({ files }) => files.map(({ path: file }) => file))
  for (const { files, error } of failed)
    progress.problem(`failed ${error.code}: ${error.message}${files.length > 1 ? ` (with ${files.join(', ')})` : ''}`)
  if (input.flag('json'))
    io.out(jsonText({ run: result?.run ?? null, counts, folders, known: knownFiles, failed, leftOut: head.imports!.leftOut }))
  else {
    const made = folders.filter(({ action }) => action !== 'same')
    const records = made.reduce((sum, folder) => sum + folder.records, 0)
    io.out(`${countText(counts.rows)} rows into ${countText(records)} messages, ${countText(made.length)} logs in ${uri}\n`)
    if (knownFiles.length > 0) io.out(`${countText(knownFiles.length)} files were imported before\n`)
  }
  for (const line of linesOf(counts)) progress.problem(line)
  if (failed.length === 0) {
    progress.note(`next: ${commandText(['chronicle-replay', 'inspect', uri])}`)
    return 0
  }
  const [only] = failed
  return units.length + known.length === 1 ? exitCodeOf(new ReplayError(only!.error.code, only!.error.message, only!.error)) : EXIT_PARTIAL
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
