import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { ControlReader, decodeControl } from '../../core/log/format/control.ts'
import { decodeReaderMeta, readIndexMeta, writeIndexMeta } from '../../core/log/format/reader-meta.ts'
import { decodeSeekIndex } from '../../core/log/format/seek-index.ts'
import { LogWriter } from '../../core/log/writing/log-writer.ts'
import { QueueWriter } from '../../core/log/writing/queue-writer.ts'
import { readLockOwner } from '../../core/log/writing/writer-lock.ts'
import { describeGolden, goldenPath } from '../golden-data.ts'
import { copyLog, type FileRecord, readRecords, temporaryDirectory } from '../support/queue-files.ts'

const SYMBOLS = ['ada-usdt', 'bnb-usdt', 'btc-usdt', 'doge-usdt', 'eth-usdt', 'link-usdt', 'sol-usdt', 'xrp-usdt']
const QUEUES = [
  ...SYMBOLS.map((symbol) => `trades-8sym/streams/clean/binance-perp/${symbol}/mixed/queue`),
  'l2-btc/queue',
  'l3-sym/queue',
  'ts-edge/queue',
  'l2-gaps/queue',
  'corrupt/base',
]
const HEARTBEAT = [264, 272] as const

describeGolden('QueueWriter writes what chronicle-rs writes', () => {
  test.each(QUEUES)('%s', (name) => {
    const golden = goldenPath('chronicle-rs', name)
    const copy = temporaryDirectory()

    const writer = QueueWriter.open(copy, { segmentBytes: segmentBytesOf(golden) })
    appendAll(writer, readRecords(golden))
    writer.close()

    expectSameFiles(copy, golden)
  })

  test('the same in groups of 64 KiB', () => {
    const golden = goldenPath('chronicle-rs', 'l2-btc/queue')
    const copy = temporaryDirectory()

    const writer = QueueWriter.open(copy, { segmentBytes: segmentBytesOf(golden), groupBytes: 65536 })
    appendAll(writer, readRecords(golden))
    writer.close()

    expectSameFiles(copy, golden)
  })

  test('a queue closed and reopened after 5000 messages', () => {
    const golden = goldenPath('chronicle-rs', 'l2-gaps/queue-restart')
    const copy = temporaryDirectory()
    const records = readRecords(golden)

    for (const session of [records.slice(0, 5000), records.slice(5000)]) {
      const writer = QueueWriter.open(copy, { segmentBytes: segmentBytesOf(golden) })
      appendAll(writer, session)
      writer.close()
    }

    expectSameFiles(copy, golden)
  })

  test('recovery of a torn tail pads and seals as chronicle-rs does', () => {
    const golden = goldenPath('chronicle-rs', 'corrupt/padding')
    const copy = temporaryDirectory()
    copyLog(goldenPath('chronicle-rs', 'corrupt/uncommitted-tail'), copy)
    const after = readRecords(golden).filter((record) => record.segment >= 4)
    expect(after).toHaveLength(200)

    const writer = QueueWriter.open(copy)
    appendAll(writer, after)
    writer.close()

    expectSameFiles(copy, golden)
  })
})

describeGolden('LogWriter writes what chronicle-rs tables hold', () => {
  const partitions = ['btc-usdt', 'eth-usdt', 'sol-usdt'].flatMap((symbol) => [
    `symbol=${symbol}/date=2025-12-31`,
    `symbol=${symbol}/date=2026-01-01`,
  ])

  test.each(partitions)('%s', (partition) => {
    const golden = goldenPath('chronicle-rs', 'table-hive', 'venue=binance-perp', partition)
    const copy = temporaryDirectory()

    const writer = LogWriter.open(copy, { segmentBytes: segmentBytesOf(golden) })
    for (const record of readRecords(golden)) writer.append(record.typeId, record.timestampNs, record.payload)
    writer.finish()

    expectSameFiles(copy, golden)
  })
})

describeGolden('small files of chronicle-rs decode', () => {
  const sample = (name: string): Uint8Array => fs.readFileSync(goldenPath('chronicle-rs', 'meta-samples', name))

  test('control.meta', () => {
    expect(decodeControl(sample('control.meta'), 'control.meta')).toEqual({
      writerEpoch: 1n,
      segmentBytes: 2 * 1024 * 1024,
      segmentGeneration: 24,
      currentSegment: 11,
      writeOffset: 0x1e5340,
      heartbeatNs: 0x18ea9508b6a226d0n,
      notifySeq: 100_011,
      waitersPending: 0,
    })
  })

  test('reader.meta: the newer slot', () => {
    expect(decodeReaderMeta(sample('reader.meta'), 'reader.meta')).toEqual({
      segment: 0,
      offset: 0x80000,
      heartbeatNs: 0x18ea948f0d887fc6n,
      generation: 0x835n,
    })
  })

  test('index.meta', () => {
    const directory = temporaryDirectory()
    expect(readIndexMeta(goldenPath('chronicle-rs', 'meta-samples'))).toEqual({ segment: 4, offset: 0x83d00 })
    writeIndexMeta(directory, { segment: 4, offset: 0x83d00 })
    expect(fs.readFileSync(path.join(directory, 'index.meta'))).toEqual(sample('index.meta'))
  })

  test('writer.lock', () => {
    expect(readLockOwner(goldenPath('chronicle-rs', 'meta-samples'))).toEqual({ pid: 11157, startTime: '304634', epoch: 1n })
  })

  test.each([
    ['corrupt/bad-idx-magic', 'index-magic'],
    ['corrupt/short-idx', 'index-length'],
  ])('%s is refused', (name, code) => {
    const file = goldenPath('chronicle-rs', name, '000000001.idx')
    expect(() => decodeSeekIndex(fs.readFileSync(file), file)).toThrow(expect.objectContaining({ code, category: 'corrupt' }))
  })
})

function appendAll(writer: QueueWriter, records: readonly FileRecord[]): void {
  for (const { typeId, timestampNs, payload } of records) writer.appendWithTimestamp(typeId, timestampNs, payload)
}

function segmentBytesOf(directory: string): number {
  const control = ControlReader.open(directory)
  if (control === null) return fs.statSync(path.join(directory, '000000000.q')).size
  const { segmentBytes } = control.read()
  control.close()
  return segmentBytes
}

/** Same segments and indexes, byte for byte, none missing and none more; same control block but for the heartbeat. */
function expectSameFiles(actual: string, golden: string): void {
  const dataFiles = (directory: string): string[] =>
    fs
      .readdirSync(directory)
      .filter((name) => /\.(q|idx|tmp)$/.test(name))
      .sort()
  expect(dataFiles(actual)).toEqual(dataFiles(golden))
  for (const name of dataFiles(golden)) {
    const difference = firstDifference(fs.readFileSync(path.join(actual, name)), fs.readFileSync(path.join(golden, name)))
    expect(`${name}: ${difference}`).toBe(`${name}: same`)
  }
  if (!fs.existsSync(path.join(golden, 'control.meta'))) return
  const [ours, theirs] = [actual, golden].map((directory) => fs.readFileSync(path.join(directory, 'control.meta')).fill(0, ...HEARTBEAT))
  expect(firstDifference(ours!, theirs!)).toBe('same')
}

function firstDifference(a: Uint8Array, b: Uint8Array): string {
  if (a.length !== b.length) return `${a.length} bytes instead of ${b.length}`
  const at = Buffer.compare(a, b) === 0 ? -1 : a.findIndex((byte, i) => byte !== b[i])
  return at < 0 ? 'same' : `byte ${at} is ${a[at]} instead of ${b[at]}`
}
