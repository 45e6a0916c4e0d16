import { type SnapshotLogResult, snapshotLog } from '../../core/book/snapshot/snapshot-log.ts'
import { ReplayError } from '../../core/errors.ts'
import { parseDuration } from '../../core/features/clocks/duration.ts'
import type { LogLocation } from '../../core/log/format/log-path.ts'
import type { ObjectStore } from '../../core/store/object-store.ts'
import { badOption, choiceOption, durationOption } from '../arguments.ts'
import { cloudOf, ENDPOINT } from '../cloud-clients.ts'
import type { CommandInput, CommandIo, CommandSpec } from '../command.ts'
import { findLogsAt } from '../open-logs.ts'
import { bytesText, commandText, countText, jsonText } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { homesAt, homesOf, placedAt, retainRestarts } from '../restart-places.ts'

/** Streams that hold no books: not worth reading. */
const BOOKLESS_STREAMS: ReadonlySet<string | null> = new Set(['trades', 'ticker'])

export const snapshot: CommandSpec = {
  name: 'snapshot',
  summary: 'writes restart points of books, so that a replay can begin anywhere; removes old ones',
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
    'snapshots-to': {
      value: 'U',
      help: 'write them there, in folders of the same names, and not beside the logs; run --snapshots-from begins at them',
    },
    keep: {
      value: 'D',
      help: 'write none, and remove those that were written longer ago, e.g. 30d; with --snapshots-to those of that place',
    },
    'dry-run': { help: 'with --keep: says what would be removed' },
    endpoint: ENDPOINT,
  },
  examples: [
    { command: 'chronicle-replay snapshot archive --every 1m', does: 'restart points a minute apart for all books of an archive' },
    { command: 'chronicle-replay snapshot log --every 10s --json', does: 'for one log; run again it writes only what is new' },
    { command: 'chronicle-replay snapshot archive --keep 30d --dry-run', does: 'what restart points older than a month take' },
  ],
  async run(input, io) {
    const everyNs = everyOption(input)
    const onGap = choiceOption(input, 'on-gap', ['quarantine', 'abort', 'ignore'])
    const onCorrupt = choiceOption(input, 'on-error', ['abort', 'skip'])
    const keepNs = durationOption(input, 'keep')
    const placeUri = input.text('snapshots-to')
    const place = placeUri === undefined ? null : cloudOf(input).open(placeUri)
    if (keepNs !== undefined) return remove(keepNs, place, input, io)
    if (input.flag('dry-run')) throw new ReplayError('usage', '--dry-run goes with --keep', { category: 'input' })
    const logs = await findLogsAt(input.positionals, input)
    const streams = streamsOf(place === null ? logs : placedAt(place, logs))
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
      `they lie in snapshots/ of the folders${placeUri === undefined ? '' : ` in ${placeUri}`}; a run that begins within a day now begins at the nearest one${placeUri === undefined ? '' : `, with --snapshots-from ${commandText([placeUri])}`}\nnext: chronicle-replay book ${commandText([streams[0]?.[0]?.path ?? input.positionals[0]!])}`,
    )
    return 0
  },
}

/** Removes restart points by age. */
async function remove(keepNs: bigint, place: ObjectStore | null, input: CommandInput, io: CommandIo): Promise<number> {
  if (input.text('every') !== undefined)
    throw new ReplayError('usage', 'either --keep, which removes, or --every, which writes', { category: 'input' })
  const homes = place === null ? homesOf(await findLogsAt(input.positionals, input)) : await homesAt(place)
  const progress = new ProgressLine(io, input)
  const isDryRun = input.flag('dry-run')
  const limits = { maxAgeMs: Number(keepNs / 1_000_000n), nowMs: Date.now(), isDryRun }
  const { removed, bytes, kept } = await retainRestarts(homes, limits, (done) =>
    progress.update(() => `${countText(done)} of ${countText(homes.length)} folders`),
  )
  progress.end()
  if (input.flag('json')) io.out(jsonText({ removed, bytes, kept }))
  else io.out(`${countText(removed)} restart points ${isDryRun ? 'would be ' : ''}removed, ${bytesText(bytes)}; ${countText(kept)} kept\n`)
  progress.note(
    isDryRun
      ? 'nothing was removed: leave --dry-run out'
      : 'rows do not depend on them: a run that would have begun at one begins at the next earlier one, or with its day',
  )
  return 0
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
