import { ReplayError } from '../../core/errors.ts'
import type { LogLocation } from '../../core/log/format/log-path.ts'
import { ReplayPipeline } from '../../core/pipeline/replay-pipeline.ts'
import type { PipelineStats } from '../../core/pipeline/stats.ts'
import { TYPE_BOOK_EVENT, TYPE_BOOK_TICKER, TYPE_TRADE } from '../../core/protocol/message-type.ts'
import type { ParquetRows } from '../../core/sink/parquet-sink.ts'
import { choiceOption, countOption, listOption, outputOption, rangeOption, typesOption } from '../arguments.ts'
import { ENDPOINT } from '../cloud-clients.ts'
import { type CommandInput, type CommandIo, type CommandSpec, OutputClosed } from '../command.ts'
import { interruptible, issueText } from '../interruptible.ts'
import { countsText } from '../left-out-text.ts'
import { findLogsAt, openLogs, rangeOfLogs } from '../open-logs.ts'
import { bytesText, commandText, countText, jsonText, rateText } from '../output.ts'
import { ProgressLine } from '../progress.ts'

export const replay: CommandSpec = {
  name: 'replay',
  summary: 'replays logs through filters into CSV, Parquet, another log or the console',
  arguments: [{ name: 'log', help: 'log directories or archives, here or on S3; several are merged by record time', many: true }],
  options: {
    from: { value: 'T', help: 'record time ≥ T (ISO 8601, UTC unless it says otherwise, or nanoseconds)' },
    to: { value: 'T', help: 'record time < T' },
    types: { value: 'A,B', help: 'message types: 0x1000, 0x1001, 0x1002, or book, ticker, trade' },
    symbols: { value: 'A,B', help: 'symbol codes of the paths; in a log that mixes markets, exchange symbols' },
    sample: { value: 'N', help: 'every N-th message that passes the filters' },
    limit: { value: 'N', help: 'the first N of these, then no more is read' },
    csv: { value: 'F', help: 'write CSV' },
    parquet: { value: 'F', help: 'write Parquet' },
    decode: { help: 'CSV, Parquet and console with what tickers, trades and book events say; a row per level of a book event' },
    queue: { value: 'D', help: 'append to a Chronicle queue, original times kept' },
    console: { help: 'print a line per message' },
    'on-error': { value: 'abort|skip', help: 'at damage: stop (default), or leave it out and go on' },
    'dead-letters': { value: 'F', help: 'with skip: what was left out, as JSON lines' },
    'no-pushdown': { help: 'read everything; filters do not reach the source' },
    endpoint: ENDPOINT,
  },
  examples: [
    {
      command: 'chronicle-replay replay archive --symbols btcusdt --types trade --csv trades.csv --decode',
      does: 'one symbol’s trades as CSV',
    },
    {
      command: 'chronicle-replay replay log --from 2024-08-08T00:00:00Z --to 2024-08-08T01:00:00Z --parquet hour.parquet',
      does: 'an hour as Parquet',
    },
    { command: 'chronicle-replay replay archive --types trade --console --limit 20', does: 'a look at the first trades' },
    {
      command: 'chronicle-replay replay archive --types book --decode --parquet book.parquet',
      does: 'each level and order of the book’s events as a row',
    },
    { command: 'chronicle-replay replay a b --queue merged', does: 'two logs merged into one' },
  ],
  async run(input, io) {
    const progress = new ProgressLine(io, input)
    return interruptible(io, progress, async (signal) => {
      // A wrong option is told of before anything is looked for.
      const options = optionsOf(input)
      const logs = await findLogsAt(input.positionals, input)
      const pipeline = await buildPipeline(logs, options, input, io)
      const stats = await pipeline
        .withSignal(signal)
        .onIssue((issue) => progress.note(issueText(issue)))
        .onProgress(({ read, bytes, elapsedMs }) =>
          progress.update(
            () => `${countText(read)} messages, ${rateText((read / elapsedMs) * 1000)}, ${bytesText((bytes / elapsedMs) * 1000)}/s`,
          ),
        )
        .run()
        .catch((error: unknown) => {
          throw error instanceof OutputClosed && hasFiles(input) ? new ReplayError(error.code, error.message, error) : error
        })
      progress.end()
      report(stats, input, io, progress)
      const { fromNs, toNs } = options
      if (stats.forwarded + stats.skipped === 0 && (fromNs ?? toNs) !== undefined) {
        progress.problem(`no message in the range that was asked for: the logs have ${(await rangeOfLogs(logs)) ?? 'none at all'}`)
      }
    })
  },
}

/** Whether something is written besides standard output: that it is not whole has to be said. */
function hasFiles(input: CommandInput): boolean {
  return ['csv', 'parquet', 'queue'].some((option) => input.text(option) !== undefined)
}

function optionsOf(input: CommandInput) {
  const [csv, parquet, queue, letters] = ['csv', 'parquet', 'queue', 'dead-letters'].map((option) => outputOption(input, option))
  return {
    ...rangeOption(input),
    types: typesOption(input, 'types'),
    symbols: listOption(input, 'symbols'),
    sample: countOption(input, 'sample'),
    limit: countOption(input, 'limit'),
    onError: choiceOption(input, 'on-error', ['abort', 'skip']),
    ...{ csv, parquet, queue, letters },
  }
}

async function buildPipeline(
  logs: readonly LogLocation[],
  { fromNs, toNs, types, symbols, sample, limit, onError, csv, parquet, queue, letters }: ReturnType<typeof optionsOf>,
  input: CommandInput,
  io: CommandIo,
): Promise<ReplayPipeline> {
  const pipeline = ReplayPipeline.fromSource(await openLogs(logs, symbols))
  if (symbols !== undefined) pipeline.filterSymbols(symbols)
  if (fromNs !== undefined || toNs !== undefined) pipeline.filterTimeRange(fromNs ?? null, toNs ?? null)
  if (types !== undefined) pipeline.filterTypes(types)
  if (sample !== undefined) pipeline.sample(sample)
  if (limit !== undefined) pipeline.limit(limit)
  addSinks(pipeline, types, { csv, parquet, queue }, input, io)
  if (onError !== undefined) pipeline.onError(onError)
  if (letters !== undefined) pipeline.deadLettersTo(letters)
  return pipeline.pushdown(!input.flag('no-pushdown')).checksum()
}

function addSinks(
  pipeline: ReplayPipeline,
  types: readonly number[] | undefined,
  { csv, parquet, queue }: Record<'csv' | 'parquet' | 'queue', string | undefined>,
  input: CommandInput,
  io: CommandIo,
): void {
  const decode = input.flag('decode')
  if (decode && csv === undefined && parquet === undefined && !input.flag('console')) {
    throw new ReplayError('usage', '--decode: expected --csv, --parquet or --console, which it is for', { category: 'input' })
  }
  if (csv !== undefined) pipeline.writeToCsv(csv, { decode })
  if (parquet !== undefined) pipeline.writeToParquet(parquet, { rows: decode ? decodedRows(types) : 'messages' })
  if (queue !== undefined) pipeline.writeToQueue(queue)
  if (input.flag('console'))
    pipeline.writeToConsole({ decode, write: input.flag('json') ? (text) => io.err(text) : (text) => io.out(text) })
}

/** The narrowest schema that holds what can pass. */
function decodedRows(types: readonly number[] | undefined): ParquetRows {
  const [only, ...others] = types ?? []
  return (only !== undefined && others.length === 0 && ROWS_OF[only]) || 'decoded'
}

const ROWS_OF: Readonly<Record<number, ParquetRows>> = {
  [TYPE_BOOK_EVENT]: 'book',
  [TYPE_BOOK_TICKER]: 'tickers',
  [TYPE_TRADE]: 'trades',
}

function report(stats: PipelineStats, input: CommandInput, io: CommandIo, progress: ProgressLine): void {
  const { issues: _issues, ...document } = stats
  const noted = countsText(stats.noted)
  if (noted !== '') progress.problem(`noted: ${noted}: NULL in Parquet, whose integers end below 2^63; --csv has all digits`)
  if (input.flag('json')) {
    const leftOut = stats.skipped > 0 ? { damaged: stats.skipped } : {}
    io.out(jsonText({ ...document, leftOut }))
    return
  }
  const { read, filtered, skipped, forwarded, emitted, bytes, durationMs, messagesPerSecond, checksum } = stats
  const sinks = Object.entries(stats.written).map(([sink, count]) => {
    const rows = stats.rows[sink]
    return `${sink} ${countText(count)}${rows === undefined ? '' : ` (${countText(rows)} rows)`}`
  })
  progress.note(
    [
      `read ${countText(read)} = filtered ${countText(filtered)} + skipped ${countText(skipped)} + consumed ${countText(stats.consumed)} + forwarded ${countText(forwarded)}; emitted ${countText(emitted)}`,
      `${bytesText(bytes)} in ${(durationMs / 1000).toFixed(2)} s, ${rateText(messagesPerSecond)}; checksum ${checksum!.sum} over ${countText(checksum!.rows)} messages`,
      sinks.length > 0 ? `written: ${sinks.join(', ')}` : 'nothing written: no --csv, --parquet, --queue or --console given',
      adviceFor(input),
    ].join('\n'),
  )
}

function adviceFor(input: CommandInput): string {
  const parquet = input.text('parquet')
  if (parquet !== undefined) return `next: chronicle-replay query ${commandText([parquet])} "select count(*) from t"`
  const queue = input.text('queue')
  return queue === undefined
    ? `next: chronicle-replay replay ${commandText([input.positionals[0]!])} --parquet out.parquet`
    : `next: chronicle-replay inspect ${commandText([queue])}`
}
