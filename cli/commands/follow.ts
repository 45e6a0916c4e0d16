import fs from 'node:fs'
import { resolve } from 'node:path'
import { bookSettingsOf } from '../../core/book/log-settings.ts'
import { FollowTable } from '../../core/commit/follow-table.ts'
import { ReplayError } from '../../core/errors.ts'
import { dayStartNs, isoTime } from '../../core/instant.ts'
import { BUILTIN_JOBS } from '../../core/job/builtin/index.ts'
import { bundleJob, loadJob } from '../../core/job/bundle.ts'
import { engineHash } from '../../core/job/engine-hash.ts'
import type { JobDefinition } from '../../core/job/job-definition.ts'
import { effectsText } from '../../core/job/job-effects.ts'
import { windowOfVariants } from '../../core/job/job-outline.ts'
import { jobError } from '../../core/job/job-stack.ts'
import { usesBook } from '../../core/job/row-schema.ts'
import { parseParams, type Variant, variantsOf } from '../../core/job/variants.ts'
import { identifyLog, type LogLocation } from '../../core/log/format/log-path.ts'
import { type JoinedLog, LiveMerge } from '../../core/log/reading/live-merge.ts'
import type { MessageBatch } from '../../core/message/batch.ts'
import { windowStartNs } from '../../core/plan/archive/instrument-days.ts'
import { messageCounts } from '../../core/plan/run/message-counts.ts'
import { FollowPass } from '../../core/task/follow-pass.ts'
import { makeTemporaryFolder } from '../../core/temporary-folder.ts'
import { badOption, choiceOption, outputOption, timeOption } from '../arguments.ts'
import { cloudOf, ENDPOINT } from '../cloud-clients.ts'
import type { CommandSpec } from '../command.ts'
import { archiveOf, FollowedLogs, withDayBefore } from '../followed-logs.ts'
import { RowLines } from '../followed-rows.ts'
import { interruptible, issueText } from '../interruptible.ts'
import { EFFECT_CHOICES, EFFECTS } from '../job-options.ts'
import { leftOutTexts } from '../left-out-text.ts'
import { countText } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { requireTablePlace } from '../table-store.ts'

const FORMATS = ['json', 'csv', 'table'] as const
const SIGINT_CODE = 130
/** While it reads what was written before, cells that are over are committed so often. */
const CATCH_UP_BATCHES = 256

export const follow: CommandSpec = {
  name: 'follow',
  summary: 'a job or backtest over logs that are being written: first what is there, then rows as they come, until Ctrl-C',
  arguments: [
    { name: 'job', help: 'a job module, or the name of a built-in job; a backtest that follows is paper trading' },
    {
      name: 'log',
      help: 'live logs of one instrument, or a folder of them: the streams of the job are taken, those that begin later and the logs of later days, too',
      many: true,
    },
  ],
  options: {
    from: {
      value: 'T',
      help: 'rows from T on, a multiple of the bars; what was before warms up (default: all of the first message’s UTC day)',
    },
    param: { value: 'K=V', help: 'a parameter of the job; several values (k=1,2) or several times: a sweep', many: true },
    format: { value: FORMATS.join('|'), help: 'of the rows; a table on a terminal, else JSON lines' },
    table: {
      value: 'U',
      help: 'append rows to this table, each slice once it is over, committed as a run does; begun again, it goes on behind them',
    },
    slice: {
      value: 'D',
      help: 'what is appended at once: 1h (default; 1d where the job wants whole days), …; divides a day. A run into the same table takes the same',
    },
    out: { value: 'F', help: 'append rows to this file, JSON lines or CSV; what it has already is not written again, so that it goes on' },
    'max-skew': { value: 'D', help: 'how far exchange time may be off record time, in place of what the job says (5s)' },
    effects: EFFECTS,
    endpoint: ENDPOINT,
    'on-error': { value: 'abort|skip', help: 'at damage: stop (default), or leave it out and go on' },
  },
  isJsonLines: true,
  examples: [
    {
      command: 'chronicle-replay follow bars streams/clean/okx/btc-usdt/trades/queue --param every=1m',
      does: 'one-minute bars, as they end',
    },
    {
      command: 'chronicle-replay follow maker.ts archive/v1/okx/btc-usdt/2024-03-01 --out fills.jsonl',
      does: 'paper trading on book and trades of today; begun again, it goes on behind the rows of the file',
    },
    {
      command: 'chronicle-replay follow maker.ts archive/v1/okx/btc-usdt --table paper --slice 15m',
      does: 'all days that there are, and what comes, a commit each quarter of an hour',
    },
  ],
  async run(input, io) {
    const progress = new ProgressLine(io, input)
    const [name, ...places] = input.positionals as [string, ...string[]]
    const maxSkew = input.text('max-skew')
    const bundle = await bundleJob(name, { maxSkew })
    const onEffects = choiceOption(input, 'effects', EFFECT_CHOICES) ?? 'warn'
    const job = await loadJob(bundle.code, name, bundle.map, onEffects === 'block')
    const { effects = [] } = bundle
    if (onEffects === 'warn' && effects.length > 0) progress.note(`note: ${effectsText(effects)}`)
    if (job.pipeline !== undefined || job.restartPoints !== undefined) throw notFollowed(job.name)
    const params = parseParams(job, input.texts('param'))
    const variants = variantsOf(job, params)
    const followed = new FollowedLogs(job, places)
    const instrument = { venue: followed.venue, symbol: followed.symbol }
    const waitsFor = `of ${Object.values(instrument).join('/')}, which nobody has begun to write`
    for (const stream of followed.awaited) progress.note(`waits for ${stream} ${waitsFor}`)
    if (!followed.isReady) {
      const code = await interruptible(
        io,
        progress,
        (signal) => followed.ready(signal),
        () => 'nothing was read',
      )
      if (code !== 0) return code === SIGINT_CODE ? 0 : code
    }
    const { logs, fromNs } = beginOf(job, variants, followed.logs, timeOption(input, 'from'))
    const format = choiceOption(input, 'format', FORMATS) ?? (io.outIsTerminal && !input.flag('json') ? 'table' : 'json')
    const onCorrupt = choiceOption(input, 'on-error', ['abort', 'skip']) ?? 'abort'
    let [lines, table]: [RowLines | null, FollowTable | null] = [null, null]
    const pass = new FollowPass({
      ...{ job, variants, onCorrupt, fromNs, ...instrument },
      settings: usesBook(job) ? bookSettingsOf((followed.book ?? logs[0]!).path) : null,
      onRow: (row, micros) => {
        lines!.add(row)
        table?.add(row, micros)
      },
    })
    const out = outputOption(input, 'out')
    lines = new RowLines(pass.columns, format, out === undefined ? (text) => io.out(text) : out)
    if (out !== undefined && pass.engineCount > 1) throw severalEngines(job.name)
    const known = lines.toSkip
    if (known > 0) progress.note(`${out} has ${countText(known)} rows: goes on behind them`)
    const scratch = makeTemporaryFolder('chronicle-replay-follow-')
    const tableUri = input.text('table')
    if (tableUri !== undefined) {
      requireTablePlace(tableUri)
      const cloud = cloudOf(input)
      table = new FollowTable({
        ...{
          job,
          bundle,
          blocksEffects: onEffects === 'block',
          params,
          maxSkew,
          onCorrupt,
          scratch,
          ...instrument,
          columns: pass.columns,
          clock: Date.now,
          random: Math.random,
        },
        ...{ table: cloud.open(tableUri), archive: cloud.open(archiveOf(logs)), engine: await engineHash() },
        ...{ source: Object.hasOwn(BUILTIN_JOBS, name) ? name : resolve(name), slice: input.text('slice') },
      })
    } else if (input.text('slice') !== undefined) throw badOption('slice', 'it only with --table', input.text('slice')!)
    let readNs = 0n
    const jobErrorOf = (cause: unknown): unknown => {
      const error = cause instanceof ReplayError ? null : jobError(cause, job.name, name, bundle.map)
      return error === null ? cause : new ReplayError(error.code, error.message, { category: 'input', cause, ...pass.place })
    }
    let isLive = false
    const commit = async (): Promise<void> => {
      const made = (await table?.commit(pass.clockMicros, pass.tally)) ?? null
      if (made !== null) progress.note(`${countText(made.rows)} rows up to ${isoTime(made.toNs)}: version ${made.version} of the table`)
    }
    const work = async (signal: AbortSignal): Promise<void> => {
      const source = await LiveMerge.open(
        logs.map((log) => log.path),
        {
          ...{ signal, onCorrupt },
          onIssue: (issue) => progress.note(issueText(issue)),
          begun: () => followed.begun(),
          onJoin: (joined) => progress.note(joinText(joined)),
          onLog: (log) => {
            const { date } = identifyLog(resolve(log))
            if (date !== null) pass.addDay(date)
          },
          onLive: async () => {
            isLive = true
            progress.note(`live: all that was written has been read, up to ${isoTime(readNs)}`)
            await commit()
          },
        },
      )
      let hasFailed = true
      try {
        for (let batches = 1; ; batches++) {
          const batch = await source.nextBatch()
          readNs = BigInt.asUintN(64, batch.times[batch.rowAt(batch.length - 1)]!)
          try {
            await beginTable(table, pass, batch, progress)
            pass.write(batch)
          } catch (error) {
            throw jobErrorOf(error)
          }
          lines.flush()
          if (isLive || batches % CATCH_UP_BATCHES === 0) await commit()
        }
      } catch (error) {
        hasFailed = !signal.aborted
        throw error
      } finally {
        await source.close()
        lines.close()
        // What is over was seen to be over: it is not made again.
        if (!hasFailed) await commit()
      }
    }
    const rest = (): string => (table === null ? '' : '; begun again with this table it goes on behind the last commit')
    try {
      const code = await interruptible(io, progress, work, () =>
        [`${countText(lines.written)} rows, messages up to ${isoTime(readNs)}${rest()}`, ...lostTexts(pass)].join('\n'),
      )
      return code === SIGINT_CODE ? 0 : code
    } finally {
      table?.abandon()
      fs.rmSync(scratch, { recursive: true, force: true })
    }
  },
}

function joinText({ path, firstNs, behind, givenNs }: JoinedLog): string {
  const begins = firstNs === null ? '' : ` at ${isoTime(firstNs)}`
  const late =
    behind === 0 ? '' : `; ${countText(behind)} of its messages so far are before ${isoTime(givenNs)}, up to which others had been read`
  return `${path} begins${begins}, and is followed${late}`
}

/** What rows depend on may begin in the logs of the day before. */
function beginOf(
  job: JobDefinition,
  variants: readonly Variant[],
  logs: readonly LogLocation[],
  fromNs: bigint | undefined,
): { logs: readonly LogLocation[]; fromNs: bigint | undefined } {
  const date = logs.reduce<string | null>((least, log) => (least === null || (log.date ?? '') < least ? log.date : least), null)
  const dayNs = date === null ? null : dayStartNs(date)
  if (dayNs === null) return { logs, fromNs }
  const window = windowOfVariants(job, variants)
  if (windowStartNs(dayNs, window) >= dayNs - BigInt(window.afterNs) || job.backtest?.session === 'run') return { logs, fromNs }
  const earlier = withDayBefore(logs)
  return earlier.some((log, i) => log !== logs[i]) ? { logs: earlier, fromNs: fromNs ?? dayNs } : { logs, fromNs }
}

async function beginTable(table: FollowTable | null, pass: FollowPass, batch: MessageBatch, progress: ProgressLine): Promise<void> {
  if (table === null || table.hasBegun) return
  const fromNs = pass.begin(batch)
  if (fromNs === null) return
  const nextNs = await table.begin(fromNs)
  if (nextNs > fromNs) progress.note(`the table has the rows before ${isoTime(nextNs)}: goes on behind them`)
}

/** What rows do without. */
function lostTexts({ tally }: FollowPass): string[] {
  if (tally === null) return []
  const { read, leftOut, noted, skewNs = null } = messageCounts({ ...tally, places: [] }, null, 0, (path) => path)
  return leftOutTexts({ read, leftOut, noted, skewNs }, '')
}

/** Rows of several engines come in an order that depends on how the logs were read. */
function severalEngines(name: string): ReplayError {
  const message = `job ${name}: --out: expected variants with the same bars and market, whose rows have one order; follow others into files of their own`
  return new ReplayError('follow-out', message, { category: 'input' })
}

function notFollowed(name: string): ReplayError {
  return new ReplayError('not-followed', `job ${name}: it makes no rows as messages come, so there is nothing to follow`, {
    category: 'input',
  })
}
