import fs from 'node:fs'
import { ReplayError } from '../../core/errors.ts'
import { localFile } from '../../core/import/files/byte-stream.ts'
import { glanceAt } from '../../core/import/files/glance.ts'
import { recogniseFile } from '../../core/import/import-plan.ts'
import { type LogOutline, outlineLog } from '../../core/log/checking/log-outline.ts'
import { type LogSummary, summarizeLog } from '../../core/log/checking/log-summary.ts'
import { type LogIdentity, type LogLocation, openLog } from '../../core/log/format/log-path.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { listArchive } from '../../core/plan/archive/archive-listing.ts'
import { isS3Uri } from '../../core/store/open-store.ts'
import { crcText, timeOption, typeText, u64Option } from '../arguments.ts'
import { cloudOf, ENDPOINT } from '../cloud-clients.ts'
import type { CommandInput, CommandIo, CommandSpec } from '../command.ts'
import { findLogsAt, logAt } from '../open-logs.ts'
import { bytesText, commandText, countText, jsonText, tableText, timeText } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { reportFindings } from '../run-report.ts'

export const inspect: CommandSpec = {
  name: 'inspect',
  summary: 'summary of a log, one message of it, or what an archive holds',
  arguments: [{ name: 'log or archive', help: 'directory of segments, or of logs; or s3://bucket/prefix; or a file to import' }],
  options: {
    'seek-seq': { value: 'N', help: 'show the first message with sequence ≥ N' },
    'seek-timestamp': {
      value: 'T',
      help: 'show the first message with record time ≥ T (ISO 8601, UTC unless it says otherwise, or nanoseconds)',
    },
    'on-error': { value: 'abort|skip', help: 'at damage: stop (default), or leave it out and go on' },
    endpoint: ENDPOINT,
  },
  examples: [
    { command: 'chronicle-replay inspect archive/v1/binance/btcusdt/2024-08-08/book', does: 'counts, times and segments of one log' },
    { command: 'chronicle-replay inspect log --seek-timestamp 2024-08-08T12:00:00Z --json', does: 'the first message at noon' },
    { command: 'chronicle-replay inspect archive', does: 'venues, symbols, dates and streams of an archive' },
  ],
  async run(input, io) {
    const path = input.positionals[0]!
    const seq = u64Option(input, 'seek-seq')
    const timestampNs = timeOption(input, 'seek-timestamp')
    if (seq !== undefined && timestampNs !== undefined)
      throw new ReplayError('usage', 'expected --seek-seq or --seek-timestamp, found both', { category: 'input' })
    if (!isS3Uri(path) && fs.statSync(path, { throwIfNoEntry: false })?.isFile()) return inspectFile(path, input, io)
    const logs = await findLogsAt([path], input)
    const log = logAt(path, logs)
    if (log === undefined) {
      if (seq !== undefined || timestampNs !== undefined)
        throw new ReplayError('usage', 'seeking needs one log, not an archive', { category: 'input', path })
      await inspectArchive(logs, input, io)
      // Of a place that is no archive there is nothing to say.
      reportFindings((await listArchive(cloudOf(input).open(path))).findings, new ProgressLine(io, input))
      return 0
    }
    if (seq !== undefined || timestampNs !== undefined) return inspectMessage(log, seq, timestampNs, input, io)
    return inspectLog(log, input, io)
  },
}

/** A file of a vendor or recorder: what it is, and what imports it. */
async function inspectFile(path: string, input: CommandInput, io: CommandIo): Promise<number> {
  const glance = await glanceAt(localFile(path))
  const found = recogniseFile(glance, { words: {} })
  if (found === null) {
    const message =
      'expected a log, an archive, or a file of a format that can be imported; columns of your own: chronicle-replay import --help'
    throw new ReplayError('import-unknown', message, { category: 'input', path })
  }
  const [{ name, title }, { holds, venue, symbols, dates }] = found
  const next = commandText(['chronicle-replay', 'import', name, path, '--archive', 'archive'])
  if (input.flag('json')) io.out(jsonText({ path, format: name, title, holds, venue, symbols, dates }))
  else {
    const of = [venue, symbols?.join(' '), dates?.join(' ')].filter((part) => part !== undefined && part !== '')
    io.out(`${title}: ${[holds, ...of].join(', ')}\n`)
    if (!input.flag('quiet')) io.err(`next: ${next}\n`)
  }
  return 0
}

async function inspectLog(log: LogLocation, input: CommandInput, io: CommandIo): Promise<number> {
  const summary = await summarizeLog(await openLog(log), { onCorrupt: input.text('on-error') === 'skip' ? 'skip' : 'abort' })
  io.out(input.flag('json') ? jsonText(documentOf(summary)) : reportOf(summary))
  for (const issue of summary.issues)
    io.err(`${issue.severity} ${issue.code}: ${issue.message} (segment ${issue.segment}, offset ${issue.offset ?? '-'})\n`)
  if (!input.flag('json') && !input.flag('quiet'))
    io.err(`next: ${commandText(['chronicle-replay', 'replay', log.path, '--csv', 'messages.csv'])}\n`)
  return 0
}

function documentOf(summary: LogSummary): Record<string, unknown> {
  const { issues: _issues, byType, payloadCrc32Xor, segments, ...rest } = summary
  return {
    ...rest,
    byType: Object.fromEntries([...byType].map(([type, count]) => [typeText(type), count])),
    payloadCrc32Xor: crcText(payloadCrc32Xor),
    segments: segments.map(({ id, sealed, compressed, records, padRecords, endOffset }) => ({
      id,
      sealed,
      compressed,
      records,
      padRecords,
      endOffset,
    })),
  }
}

function reportOf(summary: LogSummary): string {
  const { firstSeq, lastSeq, minTimestampNs, maxTimestampNs } = summary
  const types = [...summary.byType].map(([type, count]) => `${typeText(type)} × ${countText(count)}`).join(', ')
  const lines = [
    `messages   ${countText(summary.messages)}${types === '' ? '' : `  (${types})`}`,
    `sequence   ${firstSeq ?? '-'} … ${lastSeq ?? '-'}`,
    `time       ${minTimestampNs === null ? '-' : timeText(minTimestampNs)} … ${maxTimestampNs === null ? '-' : timeText(maxTimestampNs)}`,
    `payload    ${bytesText(summary.payloadBytes)}, CRC32 xor ${crcText(summary.payloadCrc32Xor)}`,
  ]
  const rows = summary.segments.map(({ id, sealed, compressed, records, padRecords, endOffset }) => [
    id,
    sealed ? 'sealed' : 'open',
    compressed ? 'zstd' : '-',
    records,
    padRecords,
    endOffset,
  ])
  return `${lines.join('\n')}\n\n${tableText(['segment', 'state', 'packed', 'records', 'pads', 'end offset'], rows)}`
}

async function inspectMessage(
  log: LogLocation,
  seq: bigint | undefined,
  timestampNs: bigint | undefined,
  input: CommandInput,
  io: CommandIo,
): Promise<number> {
  const reader = await ReplayReader.open(await openLog(log))
  try {
    const found = seq === undefined ? await reader.seekToTimestamp(timestampNs!) : await reader.seekToSeq(seq)
    const { value: message } = found ? await reader[Symbol.asyncIterator]().next() : { value: undefined }
    const document =
      message === undefined
        ? { found: false }
        : {
            found: true,
            seq: message.seq,
            timestampNs: message.timestampNs,
            type: typeText(message.typeId),
            length: message.length,
            crc32: crcText(message.crc32),
          }
    if (input.flag('json')) io.out(jsonText(document))
    else if (message === undefined) io.out('no such message: the log ends before it\n')
    else
      io.out(
        tableText(
          ['seq', 'time', 'type', 'length', 'crc32'],
          [[String(message.seq), timeText(message.timestampNs), typeText(message.typeId), message.length, crcText(message.crc32)]],
        ),
      )
    return 0
  } finally {
    await reader.close()
  }
}

async function inspectArchive(logs: readonly LogLocation[], input: CommandInput, io: CommandIo): Promise<void> {
  const rows: (Pick<LogLocation, 'path'> & LogIdentity & LogOutline)[] = []
  for (const log of logs) {
    const { path, venue, symbol, date, stream } = log
    rows.push({ path, venue, symbol, date, stream, ...(await outlineLog(await openLog(log))) })
  }
  if (input.flag('json')) {
    io.out(jsonText(rows))
    return
  }
  const header = ['venue', 'symbol', 'date', 'stream', 'segments', 'bytes', 'first', 'last', 'missing segments']
  const cells = rows.map((row) => [
    row.venue ?? '-',
    row.symbol ?? '-',
    row.date ?? '-',
    row.stream ?? '-',
    row.segments,
    bytesText(row.bytes),
    row.minTimestampNs === null ? '-' : timeText(row.minTimestampNs),
    row.maxTimestampNs === null ? '-' : timeText(row.maxTimestampNs),
    row.missingSegments.join(' ') || '-',
  ])
  io.out(tableText(header, cells))
  if (!input.flag('quiet'))
    io.err(
      `${rows.length} logs, ${bytesText(rows.reduce((sum, row) => sum + row.bytes, 0))}; next: ${commandText(['chronicle-replay', 'inspect', rows[0]!.path])}\n`,
    )
}
