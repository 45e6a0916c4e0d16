import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { ControlReader } from '../../core/log/format/control.ts'
import { readIndexMeta } from '../../core/log/format/reader-meta.ts'
import { decodeSeekIndex } from '../../core/log/format/seek-index.ts'
import { QueueWriter } from '../../core/log/writing/queue-writer.ts'
import { crc32 } from '../../core/message/crc32.ts'
import { readRecords, segmentFiles, temporaryDirectory } from '../support/queue-files.ts'
import { startChild } from './child.ts'
import { payloadOf, timeOf, typeOf } from './numbered-messages.ts'

test('an empty queue: one open segment, one prepared', () => {
  const directory = temporaryDirectory()
  QueueWriter.open(directory, { segmentBytes: 4096 }).close()

  expect(fs.readdirSync(directory).sort()).toEqual(['000000000.q', '000000001.q', 'control.meta', 'writer.lock'])
  expect(controlOf(directory)).toMatchObject({
    writerEpoch: 1n,
    segmentBytes: 4096,
    currentSegment: 0,
    writeOffset: 64,
    segmentGeneration: 2,
    notifySeq: 0,
  })
})

test('append takes the clock, appendWithTimestamp the given time, appendRecord words and a part of a buffer', () => {
  const directory = temporaryDirectory()
  const writer = QueueWriter.open(directory, { segmentBytes: 4096, clock: () => 0xfedc_ba98_7654_3210n })
  const buffer = Uint8Array.from({ length: 200 }, (_, i) => i)

  writer.append(1, buffer.subarray(0, 3))
  writer.appendWithTimestamp(2, 0xffff_ffff_ffff_ffffn, buffer.subarray(0, 0))
  writer.appendRecord(3, 5, 6, buffer, 13, 101, crc32(buffer, 13, 114))
  writer.appendRecord(4, 0, 0, buffer, 16, 66, crc32(buffer, 16, 82))
  writer.close()

  const records = readRecords(directory)
  expect(records.map((r) => [r.seq, r.timestampNs, r.typeId, r.offset])).toEqual([
    [0n, 0xfedc_ba98_7654_3210n, 1, 64],
    [1n, 0xffff_ffff_ffff_ffffn, 2, 192],
    [2n, 0x6_0000_0005n, 3, 256],
    [3n, 0n, 4, 448],
  ])
  expect(records.map((r) => [...r.payload])).toEqual([
    [...buffer.subarray(0, 3)],
    [],
    [...buffer.subarray(13, 114)],
    [...buffer.subarray(16, 82)],
  ])
})

test('a committed append is visible at once, a staged one after flush', () => {
  const directory = temporaryDirectory()
  const writer = QueueWriter.open(directory, { segmentBytes: 4096 })
  writer.append(1, new Uint8Array(10))
  expect(readRecords(directory)).toHaveLength(1)
  expect(controlOf(directory)).toMatchObject({ writeOffset: 192, notifySeq: 1 })
  writer.close()

  const grouping = QueueWriter.open(directory, { groupBytes: 300 })
  grouping.append(2, new Uint8Array(10))
  grouping.append(3, new Uint8Array(10))
  expect(readRecords(directory)).toHaveLength(1)
  grouping.append(4, new Uint8Array(10)) // 384 bytes: over 300
  expect(readRecords(directory)).toHaveLength(4)
  grouping.append(5, new Uint8Array(10))
  grouping.flush()
  expect(readRecords(directory).map((r) => [r.typeId, r.seq])).toEqual([
    [1, 0n],
    [2, 0n],
    [3, 1n],
    [4, 2n],
    [5, 3n],
  ])
  expect(controlOf(directory)).toMatchObject({ writeOffset: 64 + 5 * 128, notifySeq: 5, writerEpoch: 2n })
  grouping.close()
})

test('records of any size up to the segment, around the staging limit of 1 MiB', () => {
  const directory = temporaryDirectory()
  const mebi = 1024 * 1024
  const writer = QueueWriter.open(directory, { segmentBytes: 4 * mebi, groupBytes: mebi })
  const sizes = [10, mebi - 64, mebi - 63, 2 * mebi + 5, 7, 4 * mebi - 128]
  const payloads = sizes.map((size, i) => Buffer.alloc(size, i + 1))

  for (const [i, payload] of payloads.entries()) writer.append(i, payload)
  expect(() => writer.append(9, Buffer.alloc(4 * mebi - 127))).toThrow(
    expect.objectContaining({ code: 'payload-too-large', category: 'input' }),
  )
  writer.append(9, payloads[0]!)
  writer.close()

  const records = readRecords(directory)
  expect(records.map((r) => r.typeId)).toEqual([0, 1, 2, 3, 4, 5, 9])
  expect(records.map((r) => r.seq)).toEqual([0n, 1n, 2n, 3n, 4n, 5n, 6n]) // the refused one took none
  for (const [i, payload] of payloads.entries()) expect(Buffer.compare(records[i]!.payload, payload)).toBe(0)
})

test.each([0xffff, -1, 65536, 1.5])('type %d is refused', (typeId) => {
  const writer = QueueWriter.open(temporaryDirectory(), { segmentBytes: 4096 })
  expect(() => writer.append(typeId, new Uint8Array(0))).toThrow(expect.objectContaining({ code: 'type-id' }))
  writer.close()
})

test('segment sizes that are no multiple of 64, filled to the last record, and repaired', () => {
  for (const segmentBytes of [128, 191, 1000, 1025]) {
    const directory = temporaryDirectory()
    const writer = QueueWriter.open(directory, { segmentBytes })
    for (let i = 0; i < 20; i++) writer.appendWithTimestamp(i, timeOf(i), new Uint8Array(0))
    writer.close()
    const end = controlOf(directory)
    // A torn write: header there, not committed.
    const last = path.join(directory, segmentFiles(directory)[end.currentSegment]!)
    const descriptor = fs.openSync(last, 'r+')
    if (end.writeOffset + 64 <= segmentBytes) fs.writeSync(descriptor, Uint8Array.of(0, 0, 0, 0, 1), 0, 5, end.writeOffset)
    fs.closeSync(descriptor)

    const again = QueueWriter.open(directory)
    again.appendWithTimestamp(99, 1n, new Uint8Array(0))
    again.close()

    expect(
      readRecords(directory).map((r) => r.typeId),
      `${segmentBytes}`,
    ).toEqual([...Array(20).keys(), 99])
    for (const name of segmentFiles(directory)) expect(fs.statSync(path.join(directory, name)).size).toBe(segmentBytes)
  }
})

test('seal completes the segment early, with its index; an empty segment is left alone', () => {
  const directory = temporaryDirectory()
  const writer = QueueWriter.open(directory, { segmentBytes: 4096, indexStride: 2, groupBytes: 1000 })
  writer.seal()
  for (let i = 0; i < 5; i++) writer.appendWithTimestamp(1, timeOf(5 - i), new Uint8Array(0))
  writer.seal()
  writer.seal()
  writer.appendWithTimestamp(2, 7n, new Uint8Array(0))
  writer.close()

  expect(segmentFiles(directory)).toEqual(['000000000.q', '000000001.q', '000000002.q'])
  expect(fs.readFileSync(path.join(directory, '000000000.q')).readUInt32LE(12)).toBe(1)
  const index = indexOf(directory, 0)
  expect(index).toMatchObject({ partial: false, segmentId: 0, segmentBytes: 4096, stride: 2, minSeq: 0n, maxSeq: 4n, entryCount: 3 })
  expect([index.minTimestampNs, index.maxTimestampNs]).toEqual([timeOf(1), timeOf(5)])
  expect([0, 1, 2].map((i) => [index.seqAt(i), index.timestampNsAt(i), index.offsetAt(i)])).toEqual([
    [0n, timeOf(5), 64],
    [2n, timeOf(3), 192],
    [4n, timeOf(1), 320],
  ])
})

test('flushSync leaves the index of the open segment and index.meta', () => {
  const directory = temporaryDirectory()
  const writer = QueueWriter.open(directory, { segmentBytes: 4096, groupBytes: 1000 })
  writer.append(1, new Uint8Array(100))
  writer.flushSync()
  expect(readIndexMeta(directory)).toEqual({ segment: 0, offset: 256 })
  expect(indexOf(directory, 0)).toMatchObject({ partial: false, entryCount: 1, maxSeq: 0n })
  writer.close()

  const again = QueueWriter.open(directory)
  again.append(1, new Uint8Array(100))
  again.flushSync()
  again.close()
  expect(indexOf(directory, 0)).toMatchObject({ partial: true, entryCount: 1 })
  expect(indexOf(directory, 0).offsetAt(0)).toBe(256)
})

test('repair completes an index that flushSync left: as if the segment had been rolled', () => {
  const directory = temporaryDirectory()
  const { segmentBytes, offset } = appendAndFlush(directory, 5, 12)
  tearAt(directory, offset)
  QueueWriter.open(directory).close()

  const rolled = temporaryDirectory()
  const writer = QueueWriter.open(rolled, { segmentBytes, indexStride: 3 })
  for (let i = 0; i < 12; i++) writer.appendWithTimestamp(1, timeOf(i), payloadOf(i))
  writer.seal()
  writer.close()
  expect(indexBytes(directory)).toEqual(indexBytes(rolled))
  expect(fs.readFileSync(path.join(directory, '000000000.q')).readUInt32LE(12)).toBe(1)
})

test('an index of a segment with two sessions is completed, too, but marked as one that readers must do without', () => {
  const directory = temporaryDirectory()
  appendAndFlush(directory, 5, 7)
  const again = QueueWriter.open(directory)
  for (let i = 7; i < 11; i++) again.appendWithTimestamp(1, timeOf(i), payloadOf(i))
  const { offset } = again.position
  again.close()
  tearAt(directory, offset)
  QueueWriter.open(directory).close()

  const index = indexOf(directory, 0)
  expect(index).toMatchObject({ partial: true, stride: 3, minSeq: 0n, maxSeq: 6n, maxTimestampNs: timeOf(10), entryCount: 4 })
})

test('repair makes no index where there was none, and keeps one that tells of lost records', () => {
  const without = temporaryDirectory()
  const { offset } = appendAndFlush(without, 0, 12)
  tearAt(without, offset)
  QueueWriter.open(without).close()
  expect(fs.existsSync(path.join(without, '000000000.idx'))).toBe(false)

  const directory = temporaryDirectory()
  const writer = QueueWriter.open(directory, { segmentBytes: 1024 })
  for (let i = 0; i < 9; i++) writer.appendWithTimestamp(1, timeOf(i), new Uint8Array(64)) // 7 and 2
  writer.close()
  const before = indexBytes(directory)
  const file = path.join(directory, '000000000.q')
  const bytes = fs.readFileSync(file)
  bytes.writeUInt32LE(0, 12) // killed before it could seal
  bytes.fill(0, 64 + 5 * 128)
  fs.writeFileSync(file, bytes)
  QueueWriter.open(directory).close()
  expect(indexBytes(directory)).toEqual(before)
})

test('a roll completes the index of a reopened segment that nothing was appended to', () => {
  const directory = temporaryDirectory()
  appendAndFlush(directory, 5, 12)
  expect(indexOf(directory, 0).maxSeq).toBe(4n)
  const again = QueueWriter.open(directory)
  again.seal()
  again.close()
  expect(indexOf(directory, 0)).toMatchObject({ partial: false, maxSeq: 11n, maxTimestampNs: timeOf(11) })
})

test('waitersPending of the control block is never written', () => {
  const directory = temporaryDirectory()
  const writer = QueueWriter.open(directory, { segmentBytes: 256 })
  const descriptor = fs.openSync(path.join(directory, 'control.meta'), 'r+')
  fs.writeSync(descriptor, Uint8Array.of(42), 0, 1, 388)
  fs.closeSync(descriptor)

  for (let i = 0; i < 5; i++) writer.append(1, new Uint8Array(60))
  writer.seal()
  writer.flushSync()
  writer.close()
  QueueWriter.open(directory).close()

  expect(controlOf(directory).waitersPending).toBe(42)
})

test('a payload torn before its header does not become records later', () => {
  const directory = temporaryDirectory()
  const writer = QueueWriter.open(directory, { segmentBytes: 4096 })
  writer.append(1, new Uint8Array(0))
  writer.close()
  const descriptor = fs.openSync(path.join(directory, '000000000.q'), 'r+')
  fs.writeSync(descriptor, Buffer.alloc(1000, 0x11), 0, 1000, 128 + 64) // payload bytes, header still zero
  fs.closeSync(descriptor)

  const again = QueueWriter.open(directory)
  again.append(2, new Uint8Array(0))
  again.close()

  expect(readRecords(directory).map((r) => r.typeId)).toEqual([1, 2])
})

test('a segment behind the current one that holds records is never overwritten', () => {
  const directory = temporaryDirectory()
  const writer = QueueWriter.open(directory, { segmentBytes: 4096 })
  writer.append(1, new Uint8Array(0))
  const other = temporaryDirectory()
  fs.copyFileSync(path.join(directory, '000000000.q'), path.join(other, 'a'))
  fs.copyFileSync(path.join(other, 'a'), path.join(directory, '000000001.q'))

  expect(() => writer.seal()).toThrow(expect.objectContaining({ code: 'segment-occupied', category: 'corrupt' }))
  writer.close()
  expect(() => QueueWriter.open(directory)).toThrow(expect.objectContaining({ code: 'segment-occupied' }))
})

test.each([0, 1, 2])(
  'a full disk at write %i of an append: nothing of it is visible, the writer refuses more, reopening recovers',
  (write) => {
    const directory = temporaryDirectory()
    const writer = QueueWriter.open(directory, { segmentBytes: 4 * 1024 * 1024 })
    writer.append(1, new Uint8Array(10))
    const { writeSync } = fs
    let writes = 0
    Object.assign(fs, {
      writeSync: (...args: Parameters<typeof writeSync>) => {
        if (writes++ === write) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
        return writeSync(...args)
      },
    })
    try {
      // Larger than the stage: header, payload and commit are three writes.
      expect(() => writer.append(2, new Uint8Array(1024 * 1024))).toThrow(expect.objectContaining({ code: 'disk-full', category: 'input' }))
    } finally {
      Object.assign(fs, { writeSync })
    }
    expect(() => writer.append(3, new Uint8Array(10))).toThrow(expect.objectContaining({ code: 'write-failed', category: 'transient' }))
    writer.close()
    expect(readRecords(directory).map((r) => r.typeId)).toEqual([1])

    const again = QueueWriter.open(directory)
    again.append(4, new Uint8Array(10))
    again.close()
    expect(readRecords(directory).map((r) => r.typeId)).toEqual([1, 4])
  },
)

test('append after close is an error', () => {
  const writer = QueueWriter.open(temporaryDirectory(), { segmentBytes: 4096 })
  writer.close()
  writer.close()
  for (const call of [() => writer.append(1, new Uint8Array(0)), () => writer.seal(), () => writer.flushSync()]) {
    expect(call).toThrow(expect.objectContaining({ code: 'writer-closed' }))
  }
})

test('SIGKILL at any time, again and again, loses no committed record', async () => {
  const directory = temporaryDirectory()
  const sessions: number[][] = []
  for (let kill = 0; kill < 6; kill++) {
    const child = startChild('append', directory, 1_000_000, kill % 2 === 0 ? 0 : 20_000, 200)
    await child.printed(() => true)
    await new Promise((resolve) => setTimeout(resolve, 30 * Math.random()))
    child.process.kill('SIGKILL')
    await child.ended

    const numbers = readRecords(directory).map((record, i, all) => {
      const n = Number(record.timestampNs) - 1000
      expect(record.typeId).toBe(typeOf(n))
      if (Buffer.compare(record.payload, payloadOf(n)) !== 0) throw new Error(`message ${n}, record ${i} of ${all.length}, is torn`)
      return n
    })
    const start = numbers.lastIndexOf(0)
    expect(numbers.slice(0, start)).toEqual(sessions.flat())
    const session = numbers.slice(start)
    expect(session).toEqual([...session.keys()])
    expect(session.length).toBeGreaterThanOrEqual(Number(child.lastLine()))
    sessions.push(session)
  }
})

function controlOf(directory: string): ReturnType<ControlReader['read']> {
  const control = ControlReader.open(directory)!
  try {
    return control.read()
  } finally {
    control.close()
  }
}

function indexOf(directory: string, segment: number): ReturnType<typeof decodeSeekIndex> {
  const file = path.join(directory, `${String(segment).padStart(9, '0')}.idx`)
  return decodeSeekIndex(fs.readFileSync(file), file)
}

/** Writes a segment of `count` messages; its index knows those before the flush, if there was one. */
function appendAndFlush(directory: string, flushed: number, count: number): { segmentBytes: number; offset: number } {
  const segmentBytes = 1024 * 1024
  const writer = QueueWriter.open(directory, { segmentBytes, indexStride: 3 })
  for (let i = 0; i < count; i++) {
    if (i === flushed && i > 0) writer.flushSync()
    writer.appendWithTimestamp(1, timeOf(i), payloadOf(i))
  }
  const { offset } = writer.position
  writer.close()
  return { segmentBytes, offset }
}

/** Leaves a record header in segment 0 that was never committed. */
function tearAt(directory: string, offset: number): void {
  const descriptor = fs.openSync(path.join(directory, '000000000.q'), 'r+')
  fs.writeSync(descriptor, Uint8Array.of(1), 0, 1, offset + 4)
  fs.closeSync(descriptor)
}

function indexBytes(directory: string): Buffer {
  return fs.readFileSync(path.join(directory, '000000000.idx'))
}
