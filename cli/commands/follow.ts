import { bookSettingsOf } from '../../core/book/log-settings.ts'
import { ReplayError } from '../../core/errors.ts'
import { isoTime } from '../../core/instant.ts'
import { bundleJob, loadJob } from '../../core/job/bundle.ts'
import type { JobDefinition } from '../../core/job/job-definition.ts'
import { jobError } from '../../core/job/job-stack.ts'
import { usesBook } from '../../core/job/row-schema.ts'
import { parseParams, variantsOf } from '../../core/job/variants.ts'
import { findLogs, type LogLocation } from '../../core/log/format/log-path.ts'
import { LiveMerge } from '../../core/log/reading/live-merge.ts'
import { FollowPass } from '../../core/task/follow-pass.ts'
import { choiceOption, outputOption, timeOption } from '../arguments.ts'
import type { CommandSpec } from '../command.ts'
import { RowLines } from '../followed-rows.ts'
import { interruptible, issueText } from '../interruptible.ts'
import { countText } from '../output.ts'
import { ProgressLine } from '../progress.ts'

const FORMATS = ['json', 'csv', 'table'] as const
const SIGINT_CODE = 130

export const follow: CommandSpec = {
  name: 'follow',
  summary: 'a job or backtest over logs that are being written: first what is there, then rows as they come, until Ctrl-C',
  arguments: [
    { name: 'job', help: 'a job module, or the name of a built-in job; a backtest that follows is paper trading' },
    { name: 'log', help: 'live logs of one instrument, or a folder of them: the streams of the job are taken', many: true },
  ],
  options: {
    from: {
      value: 'T',
      help: 'rows from T on, a multiple of the bars; what was before warms up (default: all of the first message’s UTC day)',
    },
    param: { value: 'K=V', help: 'a parameter of the job; several values (k=1,2) or several times: a sweep', many: true },
    format: { value: FORMATS.join('|'), help: 'of the rows; a table on a terminal, else JSON lines' },
    out: { value: 'F', help: 'append rows to this file, JSON lines or CSV; what it has already is not written again, so that it goes on' },
    'max-skew': { value: 'D', help: 'how far exchange time may be off record time, in place of what the job says (5s)' },
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
  ],
  async run(input, io) {
    const progress = new ProgressLine(io, input)
    const [name, ...places] = input.positionals as [string, ...string[]]
    const maxSkew = input.text('max-skew')
    const bundle = await bundleJob(name, { maxSkew })
    const job = await loadJob(bundle.code, name, bundle.map)
    if (job.pipeline !== undefined || job.restartPoints !== undefined) throw notFollowed(job.name)
    const logs = logsOf(job, places)
    const format = choiceOption(input, 'format', FORMATS) ?? (io.outIsTerminal && !input.flag('json') ? 'table' : 'json')
    const [{ venue, symbol, path }] = logs as [LogLocation]
    const onCorrupt = choiceOption(input, 'on-error', ['abort', 'skip']) ?? 'abort'
    let lines: RowLines | null = null
    const pass = new FollowPass({
      ...{ job, onCorrupt, venue: venue ?? '', symbol: symbol ?? '' },
      variants: variantsOf(job, parseParams(job, input.texts('param'))),
      settings: usesBook(job) ? bookSettingsOf(path) : null,
      fromNs: timeOption(input, 'from'),
      onRow: (row) => lines!.add(row),
    })
    const out = outputOption(input, 'out')
    lines = new RowLines(pass.columns, format, out === undefined ? (text) => io.out(text) : out)
    if (out !== undefined && pass.engineCount > 1) throw severalEngines(job.name)
    const known = lines.toSkip
    if (known > 0) progress.note(`${out} has ${countText(known)} rows: goes on behind them`)
    let readNs = 0n
    const jobErrorOf = (cause: unknown): unknown => {
      const error = cause instanceof ReplayError ? null : jobError(cause, job.name, name, bundle.map)
      return error === null ? cause : new ReplayError(error.code, error.message, { category: 'input', cause, ...pass.place })
    }
    const work = async (signal: AbortSignal): Promise<void> => {
      const source = await LiveMerge.open(
        logs.map((log) => log.path),
        {
          ...{ signal, onCorrupt },
          onIssue: (issue) => progress.note(issueText(issue)),
          onLive: () => progress.note(`live: all that was written has been read, up to ${isoTime(readNs)}`),
        },
      )
      try {
        for (;;) {
          const batch = await source.nextBatch()
          readNs = BigInt.asUintN(64, batch.times[batch.rowAt(batch.length - 1)]!)
          try {
            pass.write(batch)
          } catch (error) {
            throw jobErrorOf(error)
          }
          lines.flush()
        }
      } finally {
        await source.close()
        lines.close()
      }
    }
    const code = await interruptible(io, progress, work, () => `${countText(lines.written)} rows, messages up to ${isoTime(readNs)}`)
    return code === SIGINT_CODE ? 0 : code
  },
}

/** The logs of a job's streams, by stream: book before trades, as runs merge them. @throws ReplayError input `follow-logs`, `log-missing` */
function logsOf(job: JobDefinition, places: readonly string[]): LogLocation[] {
  const found = places.flatMap((place) => findLogs(place))
  const logs = found.filter(({ stream, path }) => {
    if (places.some((place) => place.replace(/\/+$/, '') === path)) return true
    return job.streams === 'all' || stream === null || (job.streams as readonly string[]).includes(stream === 'l3' ? 'book' : stream)
  })
  const instruments = new Set(logs.map(({ venue, symbol }) => `${venue}/${symbol}`))
  const streams = new Set(logs.map(({ stream, path }) => stream ?? path))
  if (instruments.size === 1 && streams.size === logs.length) return logs.sort((a, b) => ((a.stream ?? '') < (b.stream ?? '') ? -1 : 1))
  const told = logs.map(({ path }) => path).slice(0, 5)
  throw new ReplayError('follow-logs', `expected the logs of one instrument, one per stream, found ${told.join(', ') || 'none'}`, {
    category: 'input',
  })
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
