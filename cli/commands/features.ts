import { bookSettingsOf } from '../../core/book/log-settings.ts'
import { ReplayError } from '../../core/errors.ts'
import { parseTrigger, type Trigger } from '../../core/features/clocks/trigger.ts'
import { resolveColumns } from '../../core/features/columns/builtin-columns.ts'
import { FeatureSink } from '../../core/features/feature-sink.ts'
import { type LogLocation, openLog } from '../../core/log/format/log-path.ts'
import { ReplayPipeline } from '../../core/pipeline/replay-pipeline.ts'
import type { PipelineStats } from '../../core/pipeline/stats.ts'
import { messageCounts, totalOf } from '../../core/plan/run/message-counts.ts'
import { badOption, choiceOption, outputOption, u64Option } from '../arguments.ts'
import { ENDPOINT } from '../cloud-clients.ts'
import type { CommandInput, CommandIo, CommandSpec } from '../command.ts'
import { interruptible, issueText } from '../interruptible.ts'
import { countsText, leftOutTexts } from '../left-out-text.ts'
import { findLogsAt, openLogs } from '../open-logs.ts'
import { bytesText, commandText, countText, jsonText, rateText } from '../output.ts'
import { ProgressLine } from '../progress.ts'

export const features: CommandSpec = {
  name: 'features',
  summary: 'a feature table from the logs of one instrument, without a job module',
  arguments: [
    { name: 'log', help: 'log directories of one instrument (book, trades), here or on S3; several are merged by record time', many: true },
  ],
  options: {
    columns: {
      value: 'A,B',
      help: 'mid, spread_bps, imbalance:DEPTH, micro_price, top:N, depth_bps:X, bar (or open, high, low, close, volume, vwap, count, buy_volume), ofi, realised_vol:WINDOW, last_price:AGE (or last_size, last_age_ns; of tickers last_bid, last_ask, last_bid_size, last_ask_size, last_quote_age_ns)',
    },
    every: { value: 'D', help: 'a row per time bar of this length, e.g. 1s, aligned to absolute time' },
    trigger: {
      value: 'T',
      help: 'rows at: event, book, trade (each event, or of a kind), N (every N events), best (a new best price); A,B for any',
    },
    clock: { value: 'record|exchange', help: 'the clock that bars go by (default: record)' },
    'max-skew': { value: 'D', help: 'exchange clock: how far it may be off the record’s (default: 5s)' },
    fill: { help: 'rows for bars without messages, too' },
    parquet: { value: 'F', help: 'write Parquet' },
    csv: { value: 'F', help: 'write CSV' },
    market: { value: 'ID', help: 'market_id to take from logs that mix markets' },
    'on-gap': {
      value: 'quarantine|abort|ignore',
      help: 'at a gap: leave the book empty until its next snapshot or reset (default), stop, or go on',
    },
    'on-error': { value: 'abort|skip', help: 'at damage: stop (default), or leave it out and go on' },
    endpoint: ENDPOINT,
  },
  examples: [
    {
      command:
        'chronicle-replay features archive/v1/okx/btc-usdt/2022-05-13/book --every 1s --columns mid,spread_bps,imbalance:5 --parquet f.parquet',
      does: 'the state of the book each second',
    },
    {
      command: 'chronicle-replay features book trades --every 1m --clock exchange --columns bar,ofi,realised_vol:5m --csv bars.csv',
      does: 'one-minute bars by exchange time, of a book and a trades log',
    },
    {
      command: 'chronicle-replay features log --trigger best --columns top:5 --csv top.csv',
      does: 'a row whenever the best price changes',
    },
  ],
  async run(input, io) {
    const progress = new ProgressLine(io, input)
    return interruptible(io, progress, async (signal) => {
      const logs = await findLogsAt(input.positionals, input)
      const source = await openLogs(logs, undefined, true)
      const sink = await sinkFor(input, logs).catch(async (error: unknown) => {
        await source.close()
        throw error
      })
      const stats = await ReplayPipeline.fromSource(source)
        .sink(sink)
        .onError(choiceOption(input, 'on-error', ['abort', 'skip']) ?? 'abort')
        .withSignal(signal)
        .onIssue((issue) => progress.note(issueText(issue)))
        .onProgress(({ read, elapsedMs }) =>
          progress.update(() => `${countText(read)} messages, ${countText(sink.stats.rows)} rows, ${rateText((read / elapsedMs) * 1000)}`),
        )
        .run()
      progress.end()
      report(stats, sink, input, io, progress)
    })
  },
}

async function sinkFor(input: CommandInput, logs: readonly LogLocation[]): Promise<FeatureSink> {
  const [csv, parquet, columns] = [outputOption(input, 'csv'), outputOption(input, 'parquet'), input.text('columns')]
  const missing = [
    ...(columns === undefined ? ['--columns, a list like mid,spread_bps,imbalance:5'] : []),
    ...(input.text('every') === undefined && input.text('trigger') === undefined ? ['--every, a bar length like 1s, or --trigger'] : []),
    ...(csv === undefined && parquet === undefined ? ['--parquet F or --csv F'] : []),
  ]
  if (columns === undefined || missing.length > 0) throw new ReplayError('usage', `missing ${missing.join(' and ')}`, { category: 'input' })
  if (csv !== undefined && parquet !== undefined) throw badOption('parquet', 'one of --parquet F and --csv F', parquet)
  const fields = resolveColumns(columns)
  const settings = (await Promise.all(logs.map(openLog))).map(bookSettingsOf)
  return new FeatureSink({
    columns: fields,
    trigger: triggerOf(input),
    clock: choiceOption(input, 'clock', ['record', 'exchange']),
    maxSkew: input.text('max-skew'),
    fill: input.flag('fill'),
    onGap: choiceOption(input, 'on-gap', ['abort', 'quarantine', 'ignore']),
    onCorrupt: choiceOption(input, 'on-error', ['abort', 'skip']),
    marketId: marketOption(input),
    // Only the book's log has a limit.
    depthLimit: settings.find(({ depthLimit }) => depthLimit !== undefined)?.depthLimit,
    rule: settings[0]!.rule,
    ...(csv === undefined ? { parquet: parquet! } : { csv }),
  })
}

function triggerOf(input: CommandInput): Trigger {
  const [every, text] = [input.text('every'), input.text('trigger')]
  const parts = [...(every === undefined ? [] : [every]), ...(text === undefined ? [] : [text])]
  return parseTrigger(parts.join(','))
}

function marketOption(input: CommandInput): number | undefined {
  const id = u64Option(input, 'market')
  if (id !== undefined && id >= 2n ** 32n) throw badOption('market', 'a market_id from 0 to 2^32 - 1', String(id))
  return id === undefined ? undefined : Number(id)
}

function report(run: PipelineStats, sink: FeatureSink, input: CommandInput, io: CommandIo, progress: ProgressLine): void {
  const { stats } = sink
  const { read, skipped: damaged, bytes, durationMs, messagesPerSecond } = run
  const { leftOut: unusable, noted, skewNs = null } = messageCounts(sink.engine.tally.of(0), null, 0, (path) => path)
  const leftOut = { ...unusable, ...(damaged > 0 && { damaged }) }
  if (input.flag('json')) {
    const columns = resolveColumns(input.text('columns')!).map(({ name }) => name)
    const document = { read, handled: read - totalOf(leftOut), leftOut, noted, damaged, ...stats }
    io.out(jsonText({ ...document, columns, bytes, durationMs, messagesPerSecond }))
    return
  }
  const gaps = countsText(stats.gaps)
  const path = input.text('parquet') ?? input.text('csv')
  progress.note(
    [
      ...(gaps === '' ? [] : [`gaps: ${gaps}`]),
      ...leftOutTexts({ read, leftOut, noted, skewNs }, ''),
      `${countText(stats.rows)} rows of ${countText(stats.bookEvents)} book events and ${countText(stats.trades)} trades, ${countText(read)} messages read`,
      `${bytesText(bytes)} in ${(durationMs / 1000).toFixed(2)} s, ${rateText(messagesPerSecond)}`,
      input.text('parquet') === undefined ? `written: ${path}` : `next: chronicle-replay query ${commandText([path!])} "from t limit 10"`,
    ].join('\n'),
  )
}
