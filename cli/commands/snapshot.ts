import { type SnapshotLogResult, snapshotLog } from '../../core/book/snapshot/snapshot-log.ts'
import { parseDuration } from '../../core/features/clocks/duration.ts'
import type { LogLocation } from '../../core/log/format/log-path.ts'
import { badOption, choiceOption } from '../arguments.ts'
import { ENDPOINT } from '../cloud-clients.ts'
import type { CommandInput, CommandSpec } from '../command.ts'
import { findLogsAt } from '../open-logs.ts'
import { commandText, countText, jsonText } from '../output.ts'
import { ProgressLine } from '../progress.ts'

/** Streams that hold no books: not worth reading. */
const BOOKLESS_STREAMS: ReadonlySet<string | null> = new Set(['trades', 'ticker'])

export const snapshot: CommandSpec = {
  name: 'snapshot',
  summary: 'writes restart points of books beside their logs, so that a replay can begin anywhere',
  arguments: [
    { name: 'log or archive', help: 'directory of segments, or of logs, or s3://bucket/prefix; the days of a stream are read as one' },
  ],
  options: {
    every: { value: 'D', help: 'record time between restart points, e.g. 10s, 1m, 1h (default 1h); aligned to UTC days' },
    'on-gap': {
      value: 'quarantine|abort|ignore',
      help: 'at a gap: write none until the next book snapshot or reset (default), stop, or go on',
    },
    'on-error': { value: 'abort|skip', help: 'at damage: stop (default), or leave it out and go on' },
    endpoint: ENDPOINT,
  },
  examples: [
    { command: 'chronicle-replay snapshot archive --every 1m', does: 'restart points a minute apart for all books of an archive' },
    { command: 'chronicle-replay snapshot log --every 10s --json', does: 'for one log; run again it writes only what is new' },
  ],
  async run(input, io) {
    const everyNs = everyOption(input)
    const onGap = choiceOption(input, 'on-gap', ['quarantine', 'abort', 'ignore'])
    const onCorrupt = choiceOption(input, 'on-error', ['abort', 'skip'])
    const streams = streamsOf(await findLogsAt(input.positionals, input))
    const progress = new ProgressLine(io, input)
    let gaps = 0
    const total = { written: 0, existing: 0, messages: 0 }
    try {
      for (const [i, days] of streams.entries()) {
        const result: SnapshotLogResult = await snapshotLog(days, {
          everyNs,
          onGap,
          onCorrupt,
          onFinding: () => void gaps++,
          onIssue: ({ severity, code, message, segment, offset, path }) =>
            progress.note(`${severity} ${code}: ${message} (segment ${segment ?? '-'}, offset ${offset ?? '-'}, in ${path ?? '-'})`),
          onProgress: (messages) =>
            progress.update(() => `stream ${i + 1} of ${streams.length}, ${countText(total.messages + messages)} messages`),
        })
        total.written += result.written
        total.existing += result.existing
        total.messages += result.messages
      }
    } finally {
      progress.end()
    }
    const { written, existing, messages } = total
    if (input.flag('json')) io.out(jsonText({ written, existing, messages, streams: streams.length, gaps }))
    else
      io.out(`${countText(written)} restart points written, ${countText(existing)} already there; ${countText(messages)} messages read\n`)
    if (gaps > 0)
      progress.note(
        `${countText(gaps)} gaps or repeats on the way; see: chronicle-replay book ${commandText([streams[0]![0]!.path])} --on-gap ignore`,
      )
    progress.note(
      `they lie in snapshots/ of the folders; a run that begins within a day now begins at the nearest one\nnext: chronicle-replay book ${commandText([streams[0]?.[0]?.path ?? input.positionals[0]!])}`,
    )
    return 0
  },
}

/** The days of each stream of each instrument in ascending order; a log outside an archive is its own stream. */
function streamsOf(logs: readonly LogLocation[]): LogLocation[][] {
  const streams = new Map<string, LogLocation[]>()
  for (const log of logs) {
    if (BOOKLESS_STREAMS.has(log.stream) && logs.length > 1) continue
    const { venue, symbol, date, stream } = log
    const key = date === null ? log.path : JSON.stringify([venue, symbol, stream])
    streams.set(key, [...(streams.get(key) ?? []), log])
  }
  for (const days of streams.values()) days.sort((a, b) => ((a.date ?? '') < (b.date ?? '') ? -1 : 1))
  return [...streams.values()]
}

function everyOption(input: CommandInput): bigint {
  const text = input.text('every') ?? '1h'
  try {
    return BigInt(parseDuration(text))
  } catch {
    throw badOption('every', 'a duration like 10s, 1m, 1h', text)
  }
}
