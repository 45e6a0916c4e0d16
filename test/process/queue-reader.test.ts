import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { decodeReaderMeta } from '../../core/log/format/reader-meta.ts'
import { HybridSource } from '../../core/log/reading/hybrid-source.ts'
import { QueueReader, type QueueReaderOptions } from '../../core/log/reading/queue-reader.ts'
import { LogWriter } from '../../core/log/writing/log-writer.ts'
import { QueueWriter } from '../../core/log/writing/queue-writer.ts'
import type { ReadIssue, SourceFilter } from '../../core/message/source.ts'
import { compressSegment } from '../support/made-log.ts'
import { readRecords, temporaryDirectory } from '../support/queue-files.ts'

const SEGMENT_BYTES = 1024 // 7 records of 128 bytes

test('poll gives what is there, then null; nextBatch waits for more', async () => {
  const { directory, writer } = queueOf(3)
  const reader = await open(directory)

  expect((await reader.poll())?.length).toBe(3)
  expect(await reader.poll()).toBeNull()
  expect(reader.atEnd).toBe(true)
  const waiting = reader.nextBatch()
  setTimeout(() => append(writer, 3, 5), 20)
  expect((await waiting)?.length).toBeGreaterThan(0)
})

test('staged records are not seen before their group is committed', async () => {
  const { directory } = queueOf(0, { groupBytes: 100_000 })
  const { directory: other, writer } = queueOf(0, { groupBytes: 100_000 })
  const reader = await open(other)
  append(writer, 0, 3)
  expect(await reader.poll()).toBeNull()
  writer.flush()
  expect((await reader.poll())?.length).toBe(3)
  expect(await (await open(directory)).poll()).toBeNull()
})

test('close ends a waiting nextBatch with null, and so does the signal', async () => {
  const { directory } = queueOf(0)
  const abort = new AbortController()
  const closed = await open(directory)
  const aborted = await open(directory, { signal: abort.signal })
  const waiting = [closed.nextBatch(), aborted.nextBatch()]
  await new Promise((resolve) => setTimeout(resolve, 50))

  await closed.close()
  abort.abort()

  expect(await Promise.all(waiting)).toEqual([null, null])
  expect(await closed.nextBatch()).toBeNull()
  await closed.close()
  expect(await (await open(directory, { signal: abort.signal })).nextBatch()).toBeNull()
})

test('stopAtEnd ends instead of waiting', async () => {
  const { directory } = queueOf(20)
  expect(await numbers(await open(directory, { stopAtEnd: true }))).toEqual(range(0, 20))
})

test('records behind what the control block announces are read, torn ones are not', async () => {
  const { directory, writer } = queueOf(2)
  writer.close()
  const segment = path.join(directory, '000000000.q')
  // A writer killed between commit and control block, and in the middle of the next record.
  const bytes = fs.readFileSync(segment)
  bytes.copy(bytes, 64 + 2 * 128, 64 + 128, 64 + 2 * 128)
  bytes.copy(bytes, 64 + 3 * 128, 64 + 128, 64 + 2 * 128)
  bytes.writeUInt32LE(0, 64 + 3 * 128)
  fs.writeFileSync(segment, bytes)

  const reader = await open(directory, { stopAtEnd: true })
  expect(await numbers(reader)).toEqual([0, 1, 1])
})

test('a segment that the writer left but has not sealed yet is waited for while the writer is alive', async () => {
  const { directory, writer } = queueOf(9) // 7 + 2
  append(writer, 9, 10)
  const reader = await open(directory)
  const segment = path.join(directory, '000000000.q')
  patch(segment, 12, 0)

  expect((await reader.poll())?.length).toBe(7)
  expect(await reader.poll()).toBeNull()
  expect(reader.atEnd).toBe(false)
  patch(segment, 12, 1)
  expect((await reader.poll())?.length).toBe(3)
})

test('resume by name: each reader goes on where it committed, also in the middle of a batch', async () => {
  const { directory, writer } = queueOf(20)
  for (const [take, from] of [
    [5, 0],
    [1, 5],
    [8, 6],
    [6, 14],
  ] as const) {
    const reader = await open(directory, { name: 'a', stopAtEnd: true })
    const taken: number[] = []
    for (let i = 0; i < take; i++) taken.push(Number((await reader.next())!.timestampNs))
    expect(taken).toEqual(range(from, from + take))
    await reader.commit()
    await reader.next() // seen, but not committed
    await reader.close()
  }
  append(writer, 20, 30)
  expect(await numbers(await open(directory, { name: 'a', stopAtEnd: true }))).toEqual(range(20, 30))
  expect(await numbers(await open(directory, { name: 'b', stopAtEnd: true }))).toEqual(range(0, 30))
})

test('commit while iterating keeps the cursor in place and counts its message as read', async () => {
  const { directory } = queueOf(10)
  const reader = await open(directory, { name: 'a', stopAtEnd: true })
  for await (const message of reader) {
    await reader.commit()
    if (message.timestampNs === 3n) break
  }
  await reader.close()
  expect(await numbers(await open(directory, { name: 'a', stopAtEnd: true }))).toEqual(range(4, 10))
})

test('commit behind whole batches, and the 80 bytes it stores', async () => {
  const { directory } = queueOf(9)
  const reader = await open(directory, { name: 'a', stopAtEnd: true })
  await reader.nextBatch()
  await reader.commit()
  await reader.commit()
  const file = path.join(directory, 'readers', 'a.meta')
  const bytes = fs.readFileSync(file)
  expect(bytes).toHaveLength(80)
  expect(decodeReaderMeta(bytes, file)).toMatchObject({ segment: 0, offset: 64 + 7 * 128, generation: 2n })
  expect(bytes.readBigUInt64LE(24)).toBe(2n) // slot = generation % 2
  expect(bytes.readBigUInt64LE(64)).toBe(1n)
})

test('heartbeats go on while a reader waits, and repeat the committed position', async () => {
  const { directory } = queueOf(5)
  const reader = await open(directory, { name: 'a' })
  await reader.next()
  await reader.commit()
  const file = path.join(directory, 'readers', 'a.meta')
  const first = decodeReaderMeta(fs.readFileSync(file), file)
  await reader.nextBatch()
  const waiting = reader.nextBatch()
  await new Promise((resolve) => setTimeout(resolve, 1200))

  const later = decodeReaderMeta(fs.readFileSync(file), file)
  expect(later.heartbeatNs - first.heartbeatNs).toBeGreaterThanOrEqual(1_000_000_000n)
  expect(later).toMatchObject({ segment: 0, offset: 64 + 128 })
  await reader.close()
  expect(await waiting).toBeNull()
})

test('no name, no commit; no commit, no readers directory', async () => {
  const { directory } = queueOf(3)
  const reader = await open(directory, { stopAtEnd: true })
  await numbers(reader)
  await expect(reader.commit()).rejects.toMatchObject({ code: 'reader-unnamed' })
  const named = await open(directory, { name: 'a', stopAtEnd: true })
  await named.nextBatch()
  expect(fs.existsSync(path.join(directory, 'readers'))).toBe(false)
  for (const name of ['', '..', 'a/b', 'a\\b', 'a\0']) {
    await expect(QueueReader.open(directory, { name })).rejects.toMatchObject({ code: 'reader-name' })
  }
})

test('starts: latest, earliest, and when the stored segment is gone', async () => {
  const { directory, writer } = queueOf(20)
  const first = await open(directory, { name: 'a' })
  await first.next()
  await first.commit()
  await first.close()
  fs.rmSync(path.join(directory, '000000000.q'))

  const readFrom = async (options: QueueReaderOptions): Promise<number[]> => numbers(await open(directory, { stopAtEnd: true, ...options }))
  await expect(readFrom({ name: 'a' })).rejects.toMatchObject({ code: 'position-gone', category: 'input' })
  await expect(readFrom({ start: 'resume' })).rejects.toMatchObject({ code: 'reader-unnamed' })
  expect(await readFrom({ name: 'a', start: 'resume-snapshot' })).toEqual(range(7, 20))
  expect(await readFrom({ name: 'a', start: 'earliest' })).toEqual(range(7, 20))
  expect(await readFrom({ start: 'earliest' })).toEqual(range(7, 20))
  expect(await readFrom({ name: 'new' })).toEqual(range(7, 20))
  expect(await readFrom({ name: 'a', start: 'resume-latest' })).toEqual([])
  const latest = await open(directory, { start: 'latest' })
  append(writer, 20, 22) // one in each of two segments
  expect([(await latest.poll())?.length, (await latest.poll())?.length]).toEqual([1, 1])
})

test('a directory without a control block is no queue', async () => {
  const directory = temporaryDirectory()
  const writer = LogWriter.open(directory)
  writer.append(1, 1n, new Uint8Array(0))
  writer.finish()
  await expect(QueueReader.open(directory)).rejects.toMatchObject({ code: 'queue-missing', category: 'input' })
})

test('damage in the open segment under skip does not hide what is appended later', async () => {
  const { directory, writer } = queueOf(2)
  const issues: ReadIssue[] = []
  const reader = await open(directory, { onCorrupt: 'skip', onIssue: (issue) => void issues.push(issue) })
  patch(path.join(directory, '000000000.q'), 64 + 128 + 3, 0x7f) // length of record 1

  const first = await reader.poll()
  expect([first?.length, first?.skipped]).toEqual([1, 0])
  expect((await reader.poll())?.skipped).toBe(1)
  expect(await reader.poll()).toBeNull()
  append(writer, 2, 4)
  expect((await reader.poll())?.length).toBe(2)
  expect(issues.map((issue) => issue.code)).toEqual(['record-length'])
})

test('a record zeroed in the open segment, and records zeroed at the end of a sealed one, are errors', async () => {
  const { directory } = queueOf(9)
  const read = async (): Promise<number[]> => numbers(await open(directory, { stopAtEnd: true }))
  const segments = ['000000000.q', '000000001.q'].map((name) => path.join(directory, name))
  const originals = segments.map((file) => fs.readFileSync(file))

  patch(segments[1]!, 64, 0)
  await expect(read()).rejects.toMatchObject({ code: 'segment-hole', category: 'corrupt' })
  fs.writeFileSync(segments[1]!, originals[1]!)
  expect(await read()).toEqual(range(0, 9))

  fs.writeFileSync(segments[0]!, originals[0]!.fill(0, 64 + 6 * 128)) // only the index knows
  await expect(read()).rejects.toMatchObject({ code: 'segment-hole' })
})

test('an index that knows only the start of a repaired segment is no sign of a hole', async () => {
  const { directory, writer } = queueOf(3)
  writer.flushSync()
  const index = path.join(directory, '000000000.idx')
  const stale = fs.readFileSync(index)
  append(writer, 3, 5)
  writer.close()
  const again = QueueWriter.open(directory) // sequences start at 0 again
  append(again, 5, 6)
  again.close()
  patch(path.join(directory, '000000000.q'), 64 + 6 * 128 + 4, 1) // a torn header
  QueueWriter.open(directory).close()

  expect(fs.readFileSync(index)).not.toEqual(stale)
  for (const bytes of [fs.readFileSync(index), stale]) {
    fs.writeFileSync(index, bytes) // chronicle-rs leaves it as it was
    expect(await numbers(await open(directory, { stopAtEnd: true }))).toEqual(range(0, 6))
  }
})

test('filters of a pipeline are applied while reading, whatever the index says of a segment', async () => {
  const { directory } = queueOf(40)
  const read = async (filter: SourceFilter): Promise<number[]> => {
    const reader = await open(directory, { stopAtEnd: true, resolveSymbol: (message) => (message.seq % 2n === 0n ? 'even' : null) })
    expect(reader.prepare({ filter, onCorrupt: 'abort', report: () => {} })).toEqual({ time: true, types: true, symbols: true })
    return numbers(reader)
  }
  expect(await read({ fromNs: 12n, toNs: 25n })).toEqual(range(12, 25))
  expect(await read({ types: new Set([2]) })).toEqual([])
  expect(await read({ fromNs: 30n, types: new Set([1]), symbols: new Set(['even']) })).toEqual([30, 32, 34, 36, 38])
})

test('a filter is not claimed for messages that were read before it, by the reader or by a hybrid around it', async () => {
  const { directory } = queueOf(20)
  const request = { filter: { fromNs: 15n }, onCorrupt: 'abort', report: () => {} } as const
  for (const source of [await open(directory, { stopAtEnd: true }), await HybridSource.open(directory)]) {
    onTestFinished(() => source.close())
    await source.next()
    expect(source.prepare(request)).toEqual({ time: false, types: false, symbols: false })
    // The rest of the batch, and what follows: the pipeline filters.
    expect((await source.nextBatch())?.length).toBe(6)
    expect((await source.nextBatch())?.length).toBe(7)
    expect(source.prepare(request)).toMatchObject({ time: true, types: true })
    expect(Number((await source.next())?.timestampNs)).toBe(15)
  }
})

test('a compressed segment that does not decode is damage: an error, and under skip its records alone are lost', async () => {
  const { directory } = queueOf(20)
  compressSegment(directory, 1, 256)
  const file = path.join(directory, '000000001.q.zst')
  fs.writeFileSync(file, fs.readFileSync(file).fill(0xff, 20, 24))
  await expect(numbers(await open(directory, { stopAtEnd: true }))).rejects.toMatchObject({ category: 'corrupt', place: { segment: 1 } })
  const seen = await numbers(await open(directory, { stopAtEnd: true, onCorrupt: 'skip' }))
  expect(seen.filter((n) => n < 7 || n >= 14)).toEqual([...range(0, 7), ...range(14, 20)])
})

test('records zeroed at the end of a sealed segment are missed also by a reader that started in its middle', async () => {
  const { directory } = queueOf(9)
  const reader = await open(directory, { stopAtEnd: true, name: 'a' })
  for (let i = 0; i < 3; i++) await reader.next()
  await reader.commit()
  const segment = path.join(directory, '000000000.q')
  const original = fs.readFileSync(segment)
  fs.writeFileSync(segment, Buffer.from(original).fill(0, 64 + 6 * 128))
  await expect(numbers(await open(directory, { stopAtEnd: true, name: 'a' }))).rejects.toMatchObject({ code: 'segment-hole' })
  fs.writeFileSync(segment, original)
  expect(await numbers(await open(directory, { stopAtEnd: true, name: 'a' }))).toEqual(range(3, 9))
})

test('a reader that stored the end of a segment finds nothing amiss there', async () => {
  const { directory } = queueOf(9)
  const reader = await open(directory, { stopAtEnd: true, name: 'a' })
  await reader.nextBatch()
  await reader.commit()
  expect(reader.position).toEqual({ segment: 0, offset: 64 + 7 * 128 })
  expect(await numbers(await open(directory, { stopAtEnd: true, name: 'a' }))).toEqual(range(7, 9))
})

test('seeks give the first message in file order at or after the key, as a plain scan does', async () => {
  const property = fc.asyncProperty(
    fc.array(fc.nat(60), { maxLength: 40 }),
    fc.nat(2),
    fc.array(fc.tuple(fc.boolean(), fc.nat(70)), { minLength: 1, maxLength: 6 }),
    async (times, stride, seeks) => {
      const directory = temporaryDirectory()
      const writer = QueueWriter.open(directory, { segmentBytes: 512, indexStride: stride + 1 })
      for (const time of times) writer.appendWithTimestamp(1, BigInt(time), Buffer.alloc(time))
      writer.close()
      const records = readRecords(directory)
      const reader = await QueueReader.open(directory, { stopAtEnd: true, maxStepBackNs: 100n })
      for (const [bySeq, key] of seeks) {
        const target = BigInt(key)
        const expected = records.findIndex((record) => (bySeq ? record.seq : record.timestampNs) >= target)
        expect(await (bySeq ? reader.seekToSeq(target) : reader.seekToTimestamp(target))).toBe(expected >= 0)
        expect((await reader.next())?.seq).toBe(expected < 0 ? undefined : records[expected]!.seq)
      }
      await reader.close()
    },
  )
  await fc.assert(property, { numRuns: 15 })
})

function queueOf(count: number, options: { groupBytes?: number } = {}): { directory: string; writer: QueueWriter } {
  const directory = temporaryDirectory()
  const writer = QueueWriter.open(directory, { segmentBytes: SEGMENT_BYTES, ...options })
  onTestFinished(() => writer.close())
  append(writer, 0, count)
  return { directory, writer }
}

/** Message i has time i and takes 128 bytes. */
function append(writer: QueueWriter, from: number, to: number): void {
  for (let i = from; i < to; i++) writer.appendWithTimestamp(1, BigInt(i), Buffer.alloc(1 + (i % 64), i))
}

async function open(directory: string, options: QueueReaderOptions = {}): Promise<QueueReader> {
  const reader = await QueueReader.open(directory, options)
  onTestFinished(() => reader.close())
  return reader
}

async function numbers(reader: QueueReader): Promise<number[]> {
  const all: number[] = []
  for await (const message of reader) all.push(Number(message.timestampNs))
  return all
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}

function patch(file: string, offset: number, value: number): void {
  const descriptor = fs.openSync(file, 'r+')
  fs.writeSync(descriptor, Uint8Array.of(value, 0, 0, 0), 0, 4, offset)
  fs.closeSync(descriptor)
}
