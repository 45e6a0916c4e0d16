import { importLocally } from '../../core/commit/import-local.ts'
import type { RunProgress } from '../../core/commit/run-local.ts'
import { EXIT_PARTIAL, ReplayError } from '../../core/errors.ts'
import { IMPORTERS } from '../../core/import/builtin-importers.ts'
import { estimateImport, type ImportEstimate } from '../../core/import/import-estimate.ts'
import { howOf } from '../../core/import/import-how.ts'
import type { ImportPlan } from '../../core/import/import-plan.ts'
import { loadImporter } from '../../core/import/own-importer.ts'
import { engineHash } from '../../core/job/engine-hash.ts'
import { planImportRun } from '../../core/plan/imports/import-run-plan.ts'
import { newRunId } from '../../core/plan/run/run-files.ts'
import { countOption, requiredOptions } from '../arguments.ts'
import { cloudOf, ENDPOINT } from '../cloud-clients.ts'
import type { CommandSpec, OptionSpec } from '../command.ts'
import { IMPORT_OPTIONS, lookAtFiles } from '../import-options.ts'
import { reportImport } from '../import-report.ts'
import { interruptible } from '../interruptible.ts'
import { bytesText, countText, jsonText, tableText } from '../output.ts'
import { ProgressLine } from '../progress.ts'

/** A kill loses what was read of the tasks that were under way, and the last ones to end do not wait long for each other. */
const MIN_TASKS = 64

const ARCHIVE: OptionSpec = { value: 'U', help: 'archive to write into: v1/<venue>/<symbol>/<date>/<stream>/' }

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
    archive: ARCHIVE,
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
      const estimates = await estimateImport(plan, options, own === null ? [] : [await loadImporter(own)], input.text('endpoint'))
      io.out(input.flag('json') ? jsonText(documentOf(plan, estimates)) : planText(plan, estimates))
      return plan.unread.length > 0 ? EXIT_PARTIAL : 0
    }
    for (const { path: file, why } of plan.leftOut) progress.problem(`left out ${file}: ${why}`)
    if (plan.units.length === 0) throw new ReplayError('import-nothing', 'none of the files can be imported', { category: 'input' })
    const { archive: uri } = requiredOptions(input, { archive: ARCHIVE })
    const cloud = cloudOf(input)
    const workers = countOption(input, 'workers') ?? 1
    const createdMs = Date.now()
    const planned = await planImportRun({
      ...{ archive: cloud.open(uri), plan, how: howOf(options), replaces: input.flag('replace'), own, engine: await engineHash() },
      ...{ run: newRunId(createdMs, Math.random), createdMs },
      minTasks: Math.max(MIN_TASKS, 8 * workers),
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
      const known = planned.known.flatMap(({ files }) => files.map(({ path: file }) => file))
      code = reportImport(
        result,
        { uri, known, leftOut: plan.leftOut, unread: plan.unread, isOne: plan.units.length === 1 },
        input,
        io,
        progress,
      )
    }
    const ended = await interruptible(io, progress, work, () => 'each log in the archive is whole; the same command goes on')
    return ended === 0 ? code : ended
  },
}

function documentOf({ units, leftOut }: ImportPlan, estimates: readonly (ImportEstimate | null)[]): Record<string, unknown> {
  return {
    units: units.map(({ importer, files }, at) => ({
      format: importer,
      files: files.map(({ path: file, holds, venue, symbols, dates, bytes }) => ({ path: file, holds, venue, symbols, dates, bytes })),
      estimate: estimates[at],
    })),
    filesLeftOut: leftOut,
  }
}

/** A line per file; what those that are read together become stands in the line of the first. */
function planText({ units, leftOut }: ImportPlan, estimates: readonly (ImportEstimate | null)[]): string {
  const rows = units.flatMap(({ importer, files }, unit) =>
    files.map(({ path: file, holds, bytes, venue, symbols = [], dates = [] }, at) => {
      const estimate = at === 0 ? estimates[unit]! : null
      const { venues, ...names } = estimate ?? { venues: venue === undefined ? [] : [venue], symbols, dates }
      return [importer, holds, venues.join(' ') || '-', ...namesTexts(names), ...estimateTexts(estimate), bytesText(bytes), file]
    }),
  )
  const titles = ['format', 'holds', 'venue', 'symbols', 'dates', 'streams', 'messages', 'bytes', 'file']
  const table = rows.length === 0 ? '' : tableText(titles, rows)
  return `${table}${totalText(estimates)}${leftOut.map(({ path: file, why }) => `left out ${file}: ${why}\n`).join('')}`
}

function namesTexts({ symbols, dates }: Pick<ImportEstimate, 'symbols' | 'dates'>): string[] {
  return [
    symbols.length > 3 ? `${symbols.length} symbols` : symbols.join(' ') || '-',
    dates.length > 2 ? `${dates[0]} … ${dates.at(-1)}` : dates.join(' ') || '-',
  ]
}

function estimateTexts(estimate: ImportEstimate | null): string[] {
  if (estimate === null) return ['-', '-']
  const { streams, messages, isExact } = estimate
  return [streams.join(' ') || '-', `${isExact ? '' : '~'}${countText(messages)}`]
}

/** Nothing where nothing is known. */
function totalText(estimates: readonly (ImportEstimate | null)[]): string {
  const known = estimates.filter((estimate) => estimate !== null)
  if (known.length === 0) return ''
  const total = (of: (estimate: ImportEstimate) => number): number => known.reduce((sum, estimate) => sum + of(estimate), 0)
  const about = known.length === estimates.length && known.every(({ isExact }) => isExact) ? '' : 'about '
  return `${about}${countText(total(({ messages }) => messages))} messages, ${bytesText(total(({ bytes }) => bytes))} of logs\n`
}
