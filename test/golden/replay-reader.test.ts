import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import { expect, it } from 'vitest'
import { type LogSummary, summarizeLog } from '../../core/log/checking/log-summary.ts'
import { findLogs } from '../../core/log/format/log-path.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { listSegments, openSegmentFile } from '../../core/log/reading/segment-file.ts'
import { describeGolden, goldenJson, goldenPath } from '../golden-data.ts'

interface GoldenSummary {
  count: number
  first_seq: string
  last_seq: string
  first_ts: string
  last_ts: string
  min_ts: string
  max_ts: string
  by_type: Record<string, number>
  payload_bytes: number
  payload_crc32_xor: string
  payload_crc32_sum: string
  seq_sum: string
  ts_xor: string
}
interface GoldenSegment {
  file: string
  flags: number
  records: number
  pad_records: number
  end_offset: number
}
interface GoldenSeek {
  target: string
  found: boolean
  seq?: string
  ts?: string
  crc?: string
  len?: number
  linear_first_ge_seq?: string | null
}
interface GoldenLog {
  summary: GoldenSummary
  segments: GoldenSegment[]
  seek?: { by_seq: GoldenSeek[]; by_timestamp: GoldenSeek[] }
}

const SYMBOLS = ['ada', 'bnb', 'btc', 'doge', 'eth', 'link', 'sol', 'xrp'].map((name) => `${name}-usdt`)
const LOGS: [log: string, expected: string][] = [
  ...SYMBOLS.map((symbol): [string, string] => [
    `trades-8sym/streams/clean/binance-perp/${symbol}/mixed/queue`,
    `trades-8sym/expected.${symbol}.json`,
  ]),
  ['l2-btc/queue', 'l2-btc/expected.json'],
  ['l3-sym/queue', 'l3-sym/expected.json'],
  ['ts-edge/queue', 'ts-edge/expected.json'],
  ['l2-gaps/queue', 'l2-gaps/expected.json'],
  ['l2-gaps/queue-restart', 'l2-gaps/expected-restart.json'],
]

describeGolden('chronicle-rs logs, read offline', () => {
  it.each(LOGS)('%s has the counts, sums and segments of its golden file', async (log, expected) => {
    const golden = goldenJson<GoldenLog>('chronicle-rs', expected)
    const summary = await summarizeLog(goldenPath('chronicle-rs', log))
    expect(asGolden(summary)).toEqual(pick(golden.summary))
    expect(segmentsOf(summary)).toEqual(
      golden.segments.map(({ file, flags, records, pad_records, end_offset }) => ({ file, flags, records, pad_records, end_offset })),
    )
  })

  it.each(LOGS.filter(([log]) => !log.includes('restart')))('%s: seeks find the first record at or after', async (log, expected) => {
    const { seek } = goldenJson<GoldenLog>('chronicle-rs', expected)
    const reader = await ReplayReader.open(goldenPath('chronicle-rs', log))
    for (const { target, found, seq, ts, crc, len } of seek!.by_seq) {
      expect(await reader.seekToSeq(BigInt(target)), `seq ${target}`).toBe(found)
      if (!found) continue
      const message = (await reader.next())!
      expect([message.seq, message.timestampNs, message.payload.length]).toEqual([BigInt(seq!), BigInt(ts!), len])
      expect(zlib.crc32(message.payload).toString(16).padStart(8, '0')).toBe(crc)
    }
    for (const { target, linear_first_ge_seq: first } of seek!.by_timestamp) {
      expect(await reader.seekToTimestamp(BigInt(target)), `time ${target}`).toBe(first !== null)
      // A restarted writer's sequences are not unique; here they are.
      if (first !== null && first !== undefined) expect((await reader.next())!.seq, `time ${target}`).toBe(BigInt(first))
    }
    await reader.close()
  })

  it.each(['1m', '64k'])('compressed with blocks of %s: every frame decodes, and the log reads as before', async (block) => {
    const golden = goldenJson<{ before_compression: GoldenLog; compressed_segments: { file: string; uncompressed_file_crc32: string }[] }>(
      'chronicle-rs/compressed',
      `expected-${block}.json`,
    )
    const log = goldenPath('chronicle-rs/compressed', `queue-${block}`)
    for (const entry of listSegments(log).filter(({ compressed }) => compressed)) {
      const file = openSegmentFile(entry)
      const bytes = new Uint8Array(file.bytes)
      await file.read(bytes, 0, bytes.length, 0)
      const known = golden.compressed_segments.find((segment) => segment.file === path.basename(entry.path))
      expect(zlib.crc32(bytes).toString(16).padStart(8, '0')).toBe(known!.uncompressed_file_crc32)
    }
    expect(asGolden(await summarizeLog(log))).toEqual(pick(golden.before_compression.summary))
    const reader = await ReplayReader.open(log)
    expect(await reader.seekToSeq(7777n)).toBe(true)
    expect((await reader.next())!.seq).toBe(7777n)
    await reader.close()
  })

  it('finds the partitions of a Hive table and reads each', async () => {
    const golden = goldenJson<{ partitions: { path: string; summary: GoldenSummary }[] }>('chronicle-rs/table-hive.expected.json')
    const logs = findLogs(goldenPath('chronicle-rs/table-hive'))
    expect(logs.map(({ venue, symbol, date }) => `venue=${venue}/symbol=${symbol}/date=${date}`)).toEqual(
      golden.partitions.map((partition) => partition.path).sort(),
    )
    for (const log of logs) {
      const known = golden.partitions.find((partition) => log.path.endsWith(partition.path))!
      expect(asGolden(await summarizeLog(log.path)), log.path).toEqual(pick(known.summary))
    }
  })
})

describeGolden('damaged logs', () => {
  // Records that are good and recoverable, of 3000; what is found, at which segment and offset; and whether it is an error.
  const CASES: [
    name: string,
    recovered: number,
    code: string | null,
    segment: number,
    offset: number | undefined,
    severity: 'error' | 'warning',
  ][] = [
    ['truncated-last', 2819, 'segment-size', 3, undefined, 'error'],
    ['crc-flip', 2999, 'record-crc', 1, 14016, 'error'],
    ['bad-magic', 3000, 'segment-magic', 1, 0, 'error'],
    ['bad-seg-version', 3000, 'segment-version', 1, 0, 'error'],
    ['bad-seg-id', 3000, 'segment-id', 1, 0, 'error'],
    ['uncommitted-tail', 3000, 'uncommitted-tail', 3, 54528, 'warning'],
    ['bad-record-version', 2999, 'record-version', 1, 7040, 'error'],
    ['oversize-len', 2999, 'record-length', 1, 8320, 'error'],
    ['zero-commit-in-sealed', 2999, 'segment-hole', 1, 9728, 'error'],
    ['missing-middle', 2109, 'segment-missing', 1, undefined, 'error'],
    ['bad-idx-magic', 3000, 'index-magic', 1, undefined, 'warning'],
    ['short-idx', 3000, 'index-length', 1, undefined, 'warning'],
    ['unsealed-middle', 3000, 'segment-unsealed', 1, 131072, 'warning'],
    ['unsealed-middle-writer-dead', 3000, null, 1, undefined, 'warning'],
    ['padding', 3200, null, 1, undefined, 'warning'],
  ]

  it('has a case here for each in the manifest', () => {
    expect(CASES.map(([name]) => name).sort()).toEqual(Object.keys(goldenJson<object>('chronicle-rs/corrupt/manifest.json')).sort())
  })

  it.each(CASES)('%s: %i records are recovered, the finding is named', async (name, recovered, code, segment, offset, severity) => {
    const log = goldenPath('chronicle-rs/corrupt', name)
    const summary = await summarizeLog(log, { onCorrupt: 'skip' })
    expect(summary.messages).toBe(recovered)
    // That a file is too short is told at its end, behind the record that it cuts.
    const at = name === 'truncated-last' ? -1 : 0
    if (code !== null) expect(summary.issues.at(at)).toMatchObject({ code, segment, severity, ...(offset === undefined ? {} : { offset }) })
    if (severity === 'error') await expect(summarizeLog(log)).rejects.toMatchObject({ code, category: 'corrupt', place: { segment } })
    else expect((await summarizeLog(log)).messages).toBe(recovered)
  })

  it('seeks past a damaged index', async () => {
    const golden = goldenJson<{ seek_seq: GoldenSeek[] }>('chronicle-rs/corrupt/expected.base.json')
    for (const name of ['bad-idx-magic', 'short-idx', 'unsealed-middle', 'base']) {
      const reader = await ReplayReader.open(goldenPath('chronicle-rs/corrupt', name))
      for (const { target, found, seq } of golden.seek_seq) {
        expect(await reader.seekToSeq(BigInt(target))).toBe(found)
        if (found) expect((await reader.next())!.seq).toBe(BigInt(seq!))
      }
      await reader.close()
    }
  })
})

describeGolden('real archive', () => {
  const expectedFolder = goldenPath('archive-real/expected')
  const files = fs.existsSync(expectedFolder) ? fs.readdirSync(expectedFolder) : []

  it.each(files)('%s: counts, first and last, checksums', async (file) => {
    const golden = goldenJson<
      GoldenSummary & {
        path: string
        records: number
        first: { seq: number; ts_ns: string }
        last: { seq: number; ts_ns: string }
        ts_range_ns: [string, string]
      }
    >('archive-real/expected', file)
    const summary = await summarizeLog(goldenPath('archive-real', golden.path))
    expect(asGolden(summary)).toEqual(
      pick({
        ...golden,
        count: golden.records,
        first_seq: String(golden.first.seq),
        last_seq: String(golden.last.seq),
        first_ts: golden.first.ts_ns,
        last_ts: golden.last.ts_ns,
        min_ts: golden.ts_range_ns[0],
        max_ts: golden.ts_range_ns[1],
      }),
    )
    expect(summary.issues).toEqual([])
    expect(summary.segments.every(({ sealed }) => sealed)).toBe(true)
  })

  it('is found whole, with venue, symbol, date and stream', () => {
    const logs = findLogs(goldenPath('archive-real'))
    expect(logs).toHaveLength(32)
    expect(logs[0]).toMatchObject({ venue: 'binance-coinm', symbol: 'btcusd_perp', date: '2024-08-08', stream: 'book' })
  })
})

function asGolden(summary: LogSummary): GoldenSummary {
  return {
    count: summary.messages,
    first_seq: String(summary.firstSeq),
    last_seq: String(summary.lastSeq),
    first_ts: String(summary.firstTimestampNs),
    last_ts: String(summary.lastTimestampNs),
    min_ts: String(summary.minTimestampNs),
    max_ts: String(summary.maxTimestampNs),
    by_type: Object.fromEntries([...summary.byType].map(([type, count]) => [`0x${type.toString(16).padStart(4, '0')}`, count])),
    payload_bytes: summary.payloadBytes,
    payload_crc32_xor: summary.payloadCrc32Xor.toString(16).padStart(8, '0'),
    payload_crc32_sum: String(summary.payloadCrc32Sum),
    seq_sum: String(summary.seqSum),
    ts_xor: String(summary.timestampXor),
  }
}

function pick(golden: GoldenSummary): GoldenSummary {
  const {
    count,
    first_seq,
    last_seq,
    first_ts,
    last_ts,
    min_ts,
    max_ts,
    by_type,
    payload_bytes,
    payload_crc32_xor,
    payload_crc32_sum,
    seq_sum,
    ts_xor,
  } = golden
  return {
    count,
    first_seq,
    last_seq,
    first_ts,
    last_ts,
    min_ts,
    max_ts,
    by_type,
    payload_bytes,
    payload_crc32_xor,
    payload_crc32_sum,
    seq_sum,
    ts_xor,
  }
}

function segmentsOf(summary: LogSummary): GoldenSegment[] {
  return summary.segments.map((segment) => ({
    file: path.basename(segment.path),
    flags: Number(segment.sealed),
    records: segment.records,
    pad_records: segment.padRecords,
    end_offset: segment.endOffset,
  }))
}
