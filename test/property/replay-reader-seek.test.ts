import fs from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { outlineLog } from '../../core/log/checking/log-outline.ts'
import { summarizeLog } from '../../core/log/checking/log-summary.ts'
import { SeekIndexBuilder } from '../../core/log/format/seek-index.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { QueueWriter } from '../../core/log/writing/queue-writer.ts'
import type { SourceFilter } from '../../core/message/source.ts'
import {
  compressSegment,
  essence,
  inDirectory,
  indexPath,
  makeLog,
  messages,
  type PlacedMessage,
  plainMessages,
  readAll,
  segmentPath,
  sizeOf,
} from '../support/made-log.ts'

const MAX_STEP_BACK_NS = 20n
/** Runs of equal times, and steps back by up to the maximum. */
const STEPS = fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 0, max: 9 }) }, { weight: 1, arbitrary: fc.integer({ min: -20, max: 0 }) })

/** Messages whose times never lie more than MAX_STEP_BACK_NS behind the greatest before them. */
const LOG = messages({ min: 1, max: 90, maxPayload: 90, steps: STEPS }).map((made) => {
  let greatest = 0n
  return made.map((message) => {
    const timestampNs = message.timestampNs < greatest - MAX_STEP_BACK_NS ? greatest - MAX_STEP_BACK_NS : message.timestampNs
    if (timestampNs > greatest) greatest = timestampNs
    return { ...message, timestampNs }
  })
})

/** What may be the matter with a segment's index. */
const MISFORTUNES = [
  'none',
  'none',
  'missing',
  'partial',
  'of the segment before',
  'compressed 64',
  'compressed 1024',
  'compressed 1048576',
] as const

function befall(
  directory: string,
  placed: readonly PlacedMessage[],
  segment: number,
  misfortune: (typeof MISFORTUNES)[number],
  segmentBytes: number,
): void {
  const file = indexPath(directory, segment)
  if (!fs.existsSync(file)) return
  if (misfortune === 'missing') fs.rmSync(file)
  if (misfortune === 'of the segment before' && segment > 0) {
    const other = fs.existsSync(indexPath(directory, segment - 1))
      ? fs.readFileSync(indexPath(directory, segment - 1))
      : fs.readFileSync(file)
    other.writeBigUInt64LE(BigInt(segment), 16) // as chronicle-rs's table writer leaves it: right id, another segment's entries
    fs.writeFileSync(file, other)
  }
  if (misfortune === 'partial') {
    const builder = new SeekIndexBuilder(segment, segmentBytes, 2, true)
    const own = placed.filter((message) => message.segment === segment)
    for (const { seq, timestampNs, offset } of own.slice(own.length >> 1)) builder.observe(Number(seq), 0, Number(timestampNs), 0, offset)
    if (builder.recordCount > 0) fs.writeFileSync(file, builder.encode())
  }
  if (misfortune.startsWith('compressed')) compressSegment(directory, segment, Number(misfortune.slice(11)))
}

const SETTING = fc.record({
  made: LOG,
  stride: fc.integer({ min: 1, max: 6 }),
  segmentBytes: fc.integer({ min: 600, max: 4000 }),
  sealed: fc.boolean(),
  misfortunes: fc.array(fc.constantFrom(...MISFORTUNES), { minLength: 1, maxLength: 6 }),
  targets: fc.array(fc.integer({ min: -3, max: 500 }), { minLength: 6, maxLength: 6 }),
})
type Setting = typeof SETTING extends fc.Arbitrary<infer T> ? T : never

function inLog(
  { made, stride, segmentBytes, sealed, misfortunes }: Setting,
  test: (directory: string, placed: PlacedMessage[]) => Promise<void>,
): Promise<void> {
  return inDirectory(async (directory) => {
    const placed = makeLog(directory, made, { stride, segmentBytes, sealed })
    for (let segment = placed.at(-1)!.segment; segment >= 0; segment--)
      befall(directory, placed, segment, misfortunes[segment % misfortunes.length]!, segmentBytes)
    await test(directory, placed)
  })
}

describe('seeks, against a linear scan', () => {
  it('find the first message at or after, whatever the indexes are like', async () => {
    const property = fc.asyncProperty(SETTING, (setting) =>
      inLog(setting, async (directory, placed) => {
        const reader = await ReplayReader.open(directory, { maxStepBackNs: MAX_STEP_BACK_NS, bufferBytes: 512 })
        const start = placed[0]!.timestampNs
        for (const target of setting.targets) {
          const timestampNs = start + BigInt(target)
          const byTime = placed.findIndex((message) => message.timestampNs >= timestampNs)
          expect(await reader.seekToTimestamp(timestampNs)).toBe(byTime >= 0)
          expect((await readAll(reader)).map(essence)).toEqual(byTime < 0 ? [] : placed.slice(byTime).map(essence))
          const seq = BigInt(Math.max(0, target >> 2))
          const bySeq = placed.findIndex((message) => message.seq >= seq)
          expect(await reader.seekToSeq(seq)).toBe(bySeq >= 0)
          expect((await reader.next())?.seq).toBe(placed[bySeq]?.seq)
        }
        const codes = new Set(reader.issues.map(({ code }) => code))
        expect([...codes]).toEqual(
          codes.has('index-mismatch') && setting.misfortunes.includes('of the segment before') ? ['index-mismatch'] : [],
        )
        await reader.close()
      }),
    )
    await fc.assert(property, { numRuns: 40 })
  })

  it('by sequence find the first in file order when a restarted writer repeats sequences', () =>
    inDirectory(async (directory) => {
      const made = [...plainMessages(20), ...plainMessages(40, (i) => ({ timestampNs: 5000n + 10n * BigInt(i) }))]
      makeLog(directory, made, { segmentBytes: 64 + 20 * 128 })
      const reader = await ReplayReader.open(directory)
      for (const [seq, place] of [
        [5n, 5],
        [19n, 19],
        [20n, 40],
        [39n, 59],
      ] as const) {
        expect(await reader.seekToSeq(seq)).toBe(true)
        expect((await readAll(reader)).length).toBe(made.length - place)
      }
    }))

  it('are exact although a larger step back lies elsewhere, which is reported when it is read', () =>
    inDirectory(async (directory) => {
      const made = plainMessages(40, (i) => ({ timestampNs: i < 30 ? 1000n + 10n * BigInt(i) : 500n + BigInt(i) }))
      makeLog(directory, made, { segmentBytes: 1024 })
      const { issues } = await summarizeLog(directory, { maxStepBackNs: 100n })
      expect(issues).toEqual([
        expect.objectContaining({ code: 'time-step-back', severity: 'warning', segment: expect.any(Number), seq: 30n }),
      ])
      const reader = await ReplayReader.open(directory, { maxStepBackNs: 100n })
      expect(await reader.seekToTimestamp(1200n)).toBe(true)
      expect((await reader.next())!.seq).toBe(20n)
    }))
})

describe('seeks to a position', () => {
  it('go on with the record there, or the first one behind free space, PAD or the end of a segment', async () => {
    const property = fc.asyncProperty(SETTING, (setting) =>
      inLog(setting, async (directory, placed) => {
        const reader = await ReplayReader.open(directory, { maxStepBackNs: MAX_STEP_BACK_NS, bufferBytes: 512 })
        for (const target of setting.targets) {
          const at = Math.abs(target) % placed.length
          const { segment, offset } = placed[at]!
          expect(await reader.seekToPosition(segment, offset)).toBe(true)
          expect((await readAll(reader)).map(essence)).toEqual(placed.slice(at).map(essence))
          // Behind the last record of that segment, and at its very end.
          const next = placed.findIndex((message) => message.segment > segment)
          const last = placed[(next < 0 ? placed.length : next) - 1]!
          for (const end of [last.offset + sizeOf(last), setting.segmentBytes]) {
            expect(await reader.seekToPosition(segment, end)).toBe(next >= 0)
            expect((await reader.next())?.seq).toBe(next < 0 ? undefined : placed[next]!.seq)
          }
        }
        await reader.close()
      }),
    )
    await fc.assert(property, { numRuns: 25 })
  })

  it('tell a place inside a record, out of step or outside of the segment from one between records', () =>
    inDirectory(async (directory) => {
      const made = plainMessages(20, (i) => ({ payload: Uint8Array.from({ length: 200 }, (_, at) => (at * 3 + i + 1) & 255) }))
      const placed = makeLog(directory, made, { segmentBytes: 4096 })
      const reader = await ReplayReader.open(directory)
      const { segment, offset } = placed[17]!
      for (const wrong of [offset + 64, offset + 192, offset + 8, offset - 64, 0, 63, 4096 + 64, 4100, -64, 0.5, Number.NaN]) {
        await expect(reader.seekToPosition(segment, wrong), `offset ${wrong}`).rejects.toMatchObject({
          code: 'position-invalid',
          category: 'input',
        })
      }
      await expect(reader.seekToPosition(-1, 64)).rejects.toMatchObject({ code: 'position-invalid' })
      // After an error within a segment the reader stands at its start.
      expect((await reader.next())!.seq).toBe(placed.find((message) => message.segment === segment)!.seq)
    }))

  it('to a segment behind the last one find nothing; to one that is missing, that is an error', () =>
    inDirectory(async (directory) => {
      const placed = makeLog(directory, plainMessages(100), { segmentBytes: 2048 })
      const reader = await ReplayReader.open(directory)
      await reader.next()
      expect(await reader.seekToPosition(placed.at(-1)!.segment + 1, 64)).toBe(false)
      expect(await reader.next()).toBe(null)

      for (const gone of [0, 2]) fs.rmSync(segmentPath(directory, gone))
      for (const gone of [0, 2]) {
        const strict = await ReplayReader.open(directory)
        await expect(strict.seekToPosition(gone, 192)).rejects.toMatchObject({ code: 'segment-missing', place: { segment: gone } })
        const lenient = await ReplayReader.open(directory, { onCorrupt: 'skip' })
        expect(await lenient.seekToPosition(gone, 192)).toBe(true)
        expect((await lenient.next())!.seq).toBe(placed.find((message) => message.segment === gone + 1)!.seq)
        expect(lenient.issues.map(({ code }) => code)).toEqual(['segment-missing'])
      }
    }))

  it('do not look at damage before the position, and leave that behind it to the reading', () =>
    inDirectory(async (directory) => {
      const placed = makeLog(directory, plainMessages(20), { segmentBytes: 4096 })
      const bytes = fs.readFileSync(segmentPath(directory, 0))
      bytes[placed[2]!.offset]! = 0
      bytes[placed[9]!.offset + 64]! ^= 1
      fs.writeFileSync(segmentPath(directory, 0), bytes)
      const reader = await ReplayReader.open(directory)
      expect(await reader.seekToPosition(0, placed[5]!.offset)).toBe(true)
      expect((await reader.next())!.seq).toBe(5n)
      expect(await reader.seekToPosition(0, placed[9]!.offset)).toBe(true)
      await expect(reader.next()).rejects.toMatchObject({ code: 'record-crc' })
      await expect(reader.seekToPosition(0, placed[2]!.offset)).rejects.toMatchObject({ code: 'position-invalid' })
    }))

  it('find the end of a queue, also while its writer is within a group of records', () =>
    inDirectory(async (directory) => {
      const writer = QueueWriter.open(directory, { segmentBytes: 4096 })
      for (const { typeId, timestampNs, payload } of plainMessages(5)) writer.appendWithTimestamp(typeId, timestampNs, payload)
      const { segment, offset } = writer.position
      const file = segmentPath(directory, 0)
      const bytes = fs.readFileSync(file)
      bytes.copy(bytes, offset, 64 + 128, 64 + 3 * 128)
      const commitLen = bytes.readUInt32LE(offset)
      for (const [visible, found] of [
        [0, false],
        [commitLen, true],
      ] as const) {
        bytes.writeUInt32LE(visible, offset) // the last thing to be written
        fs.writeFileSync(file, bytes)
        const reader = await ReplayReader.open(directory)
        expect(await reader.seekToPosition(segment, offset)).toBe(found)
        expect((await readAll(reader)).map(({ seq }) => seq)).toEqual(found ? [1n, 2n] : [])
      }
      writer.close()
    }))

  it('keep the filter, which decides what is given but not what is found', () =>
    inDirectory(async (directory) => {
      const placed = makeLog(directory, plainMessages(60), { segmentBytes: 2048 })
      const reader = await ReplayReader.open(directory)
      reader.prepare({ filter: { types: new Set([0x1001]), toNs: placed[50]!.timestampNs }, onCorrupt: 'abort', report: () => {} })
      const { segment, offset } = placed[30]!
      expect(await reader.seekToPosition(segment, offset)).toBe(true)
      expect((await readAll(reader)).map(({ seq }) => seq)).toEqual([31n, 34n, 37n, 40n, 43n, 46n, 49n])
      const past = placed[55]!
      expect(await reader.seekToPosition(past.segment, past.offset)).toBe(true)
      expect(await reader.next()).toBe(null)
    }))
})

describe('an index that is older than its segment', () => {
  /** flushSync wrote it; then the segment grew, its writer was killed within a write, and chronicle-rs sealed it by repair. */
  async function killedAfterFlush(directory: string): Promise<void> {
    const made = plainMessages(40)
    const writer = QueueWriter.open(directory, { segmentBytes: 4096, indexStride: 4 })
    for (const { typeId, timestampNs, payload } of made.slice(0, 5)) writer.appendWithTimestamp(typeId, timestampNs, payload)
    writer.flushSync()
    const stale = fs.readFileSync(indexPath(directory, 0))
    for (const { typeId, timestampNs, payload } of made.slice(5, 20)) writer.appendWithTimestamp(typeId, timestampNs, payload)
    const { offset } = writer.position
    writer.close()
    const bytes = fs.readFileSync(segmentPath(directory, 0))
    bytes.writeUInt8(1, offset + 4) // a torn header
    fs.writeFileSync(segmentPath(directory, 0), bytes)
    const next = QueueWriter.open(directory)
    for (const { typeId, timestampNs, payload } of made.slice(20)) next.appendWithTimestamp(typeId, timestampNs, payload)
    next.close()
    fs.writeFileSync(indexPath(directory, 0), stale) // which our writer completes
  }

  it('hides none of the records behind it from seeks and filters, and is no damage', () =>
    inDirectory(async (directory) => {
      await killedAfterFlush(directory)
      expect((await summarizeLog(directory)).issues).toEqual([])
      const reader = await ReplayReader.open(directory, { maxStepBackNs: 0n })
      for (const i of [3, 7, 12, 19, 25]) {
        expect(await reader.seekToTimestamp(1000n + 10n * BigInt(i))).toBe(true)
        expect((await reader.next())!.timestampNs).toBe(1000n + 10n * BigInt(i))
      }
      const filtered = await ReplayReader.open(directory)
      filtered.prepare({ filter: { fromNs: 1100n, toNs: 1150n }, onCorrupt: 'abort', report: () => {} })
      expect(await readAll(filtered)).toHaveLength(5)
      const { maxTimestampNs } = await outlineLog(directory)
      expect(maxTimestampNs).toBe(1390n)
    }))
})

describe('filters handed to the reader', () => {
  const FILTER = fc.record({
    from: fc.option(fc.integer({ min: -5, max: 400 })),
    length: fc.option(fc.integer({ min: 0, max: 200 })),
    types: fc.option(fc.subarray([0x1000, 0x1001, 0x1002, 7])),
  })

  it('pass what a filter behind it would pass', async () => {
    const property = fc.asyncProperty(SETTING, FILTER, (setting, { from, length, types }) =>
      inLog(setting, async (directory, placed) => {
        const fromNs = from === null ? undefined : placed[0]!.timestampNs + BigInt(from)
        const toNs = length === null ? undefined : (fromNs ?? placed[0]!.timestampNs) + BigInt(length)
        const filter: SourceFilter = { fromNs, toNs, types: types === null ? undefined : new Set(types) }
        const reader = await ReplayReader.open(directory, { maxStepBackNs: MAX_STEP_BACK_NS, bufferBytes: 512 })
        expect(reader.prepare({ filter, onCorrupt: 'abort', report: () => {} })).toMatchObject({ time: true, types: true })
        const passes = ({ timestampNs, typeId }: PlacedMessage): boolean =>
          (fromNs === undefined || timestampNs >= fromNs) &&
          (toNs === undefined || timestampNs < toNs) &&
          (types === null || types.includes(typeId))
        expect((await readAll(reader)).map(essence)).toEqual(placed.filter(passes).map(essence))
        await reader.close()
      }),
    )
    await fc.assert(property, { numRuns: 60 })
  })

  it('keep segments and blocks that cannot match from being read', () =>
    inDirectory(async (directory) => {
      const placed = makeLog(directory, plainMessages(1000), { segmentBytes: 64 + 100 * 128, stride: 10 })
      const reader = await ReplayReader.open(directory, { maxStepBackNs: 50n, bufferBytes: 1024 })
      reader.prepare({ filter: { fromNs: placed[550]!.timestampNs, toNs: placed[560]!.timestampNs }, onCorrupt: 'abort', report: () => {} })
      let [scanned, bytes] = [0, 0]
      for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
        scanned += batch.scanned
        bytes += batch.scannedBytes
      }
      // Segment 5 alone, from the entry before the last one ≥ 50 ns before the range to the segment's end.
      expect(reader.segmentsRead.map(({ id }) => id)).toEqual([5])
      expect(scanned).toBe(70)
      expect(bytes).toBe(70 * 128)
    }))

  it.each([2, 3, 10])('find what lies between records without a time, of which the index has no other (an entry per %d)', (stride) =>
    inDirectory(async (directory) => {
      const isWild = (i: number): boolean => i % stride === 0 && i < 8
      const made = plainMessages(60, (i) => ({ timestampNs: isWild(i) ? 0n : 5000n + 10n * BigInt(i) }))
      makeLog(directory, made, { segmentBytes: 64 + 100 * 128, stride })
      const reader = await ReplayReader.open(directory, { maxStepBackNs: 0n })
      for (const i of [1, 2, 3, 4, 5, 7, 11, 39].filter((at) => !isWild(at))) {
        expect(await reader.seekToTimestamp(5000n + 10n * BigInt(i))).toBe(true)
        expect((await reader.next())!.timestampNs).toBe(5000n + 10n * BigInt(i))
      }
    }),
  )

  it('find what lies before a record whose time is wild, also in the index', () =>
    inDirectory(async (directory) => {
      // Number 8 is an entry of the index, of a time long ago; only number 7 is wanted.
      const made = plainMessages(10, (i) => ({ timestampNs: i === 7 ? 90_000_000_000n : i === 8 ? 5n : BigInt(i) * 1_000_000_000n }))
      makeLog(directory, made, { stride: 2 })
      const reader = await ReplayReader.open(directory)
      expect(await reader.seekToTimestamp(60_000_000_000n)).toBe(true)
      expect((await reader.next())?.seq).toBe(7n)
      await reader.close()
    }))

  it('are not claimed for messages that were read before them', () =>
    inDirectory(async (directory) => {
      makeLog(directory, plainMessages(10))
      const reader = await ReplayReader.open(directory)
      await reader.next()
      expect(reader.prepare({ filter: { types: new Set([0x1000]) }, onCorrupt: 'abort', report: () => {} })).toEqual({
        time: false,
        types: false,
        symbols: false,
      })
      expect(await readAll(reader)).toHaveLength(9)
    }))
})
