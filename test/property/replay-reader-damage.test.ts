import fs from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ReplayError } from '../../core/errors.ts'
import { type LogSummary, summarizeLog } from '../../core/log/checking/log-summary.ts'
import { verifyLog } from '../../core/log/checking/verify.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import type { ReadIssue } from '../../core/message/source.ts'
import {
  compressSegment,
  essence,
  inDirectory,
  indexPath,
  type MadeMessage,
  makeLog,
  type PlacedMessage,
  plainMessages,
  putRecord,
  readAll,
  segmentPath,
  sizeOf,
} from '../support/made-log.ts'

const SEGMENT_BYTES = 2048

/** Varied sizes, one of them 0; four segments. */
const MADE = plainMessages(36, (i) => ({
  payload: Uint8Array.from({ length: [0, 10, 64, 130, 200][i % 5]! }, (_, at) => (at * 31 + i * 7 + 1) & 255),
}))

interface Reading {
  readonly seen: string[]
  readonly issues: ReadIssue[]
  readonly error: ReplayError | null
}

async function read(directory: string, onCorrupt: 'abort' | 'skip'): Promise<Reading> {
  const reader = await ReplayReader.open(directory, { onCorrupt })
  try {
    return { seen: (await readAll(reader)).map(essence), issues: reader.issues, error: null }
  } catch (error) {
    if (!(error instanceof ReplayError)) throw error
    return { seen: [], issues: reader.issues, error }
  } finally {
    await reader.close()
  }
}

/** Damages a fresh log and reads it both ways. */
function damaged(
  change: (directory: string, placed: readonly PlacedMessage[]) => void,
  made: readonly MadeMessage[] = MADE,
): Promise<{ abort: Reading; skip: Reading; placed: PlacedMessage[] }> {
  return inDirectory(async (directory) => {
    const placed = makeLog(directory, made, { segmentBytes: SEGMENT_BYTES })
    change(directory, placed)
    return { abort: await read(directory, 'abort'), skip: await read(directory, 'skip'), placed }
  })
}

function flip(file: string, offset: number, mask: number): void {
  const bytes = fs.readFileSync(file)
  bytes[offset]! ^= mask
  fs.writeFileSync(file, bytes)
}

function controlBlock(segmentBytes: number, currentSegment: number, writeOffset: number): Uint8Array {
  const control = Buffer.alloc(512)
  control.write('NRHC', 'latin1')
  control.writeUInt32LE(3, 4)
  control.writeUInt32LE(2, 8)
  control.writeBigUInt64LE(BigInt(segmentBytes), 24)
  control.writeUInt32LE(currentSegment, 132)
  control.writeBigUInt64LE(BigInt(writeOffset), 256)
  return control
}

const without = (placed: readonly PlacedMessage[], lost: PlacedMessage): string[] =>
  placed.filter((message) => message !== lost).map(essence)

describe('a flipped byte', () => {
  // What no CRC covers by format: version, sequence, time, type, and what is zero or free.
  const FIELDS: [from: number, to: number, field: string][] = [
    [0, 4, 'commitLen'],
    [4, 5, 'version'],
    [8, 16, 'seq'],
    [16, 24, 'time'],
    [24, 26, 'type'],
    [28, 32, 'crc'],
  ]

  it('in a payload, length, version or CRC costs that record and no other, and is an error there', async () => {
    const where = fc.record({ at: fc.integer({ min: 0, max: MADE.length - 1 }), byte: fc.nat(263), mask: fc.integer({ min: 1, max: 255 }) })
    await fc.assert(
      fc.asyncProperty(where, async ({ at, byte, mask }) => {
        const length = MADE[at]!.payload.length
        const covered = [0, 1, 2, 3, 4, 28, 29, 30, 31, ...Array.from({ length }, (_, i) => 64 + i)]
        const offset = covered[byte % covered.length]!
        const { abort, skip, placed } = await damaged((directory, all) =>
          flip(segmentPath(directory, all[at]!.segment), all[at]!.offset + offset, mask),
        )
        const { segment } = placed[at]!
        expect(abort.error).toMatchObject({ category: 'corrupt', place: { segment, offset: placed[at]!.offset } })
        expect(skip.issues[0]).toMatchObject({ severity: 'error', segment, offset: placed[at]!.offset })
        expect(skip.seen).toEqual(without(placed, placed[at]!))
      }),
      { numRuns: 60 },
    )
  })

  it('anywhere in a segment is found, or changes nothing but a field that nothing covers', async () => {
    const where = fc.record({
      segment: fc.integer({ min: 0, max: 2 }),
      offset: fc.nat(SEGMENT_BYTES - 1),
      mask: fc.integer({ min: 1, max: 255 }),
    })
    await fc.assert(
      fc.asyncProperty(where, async ({ segment, offset, mask }) => {
        const { abort, skip, placed } = await damaged((directory) => flip(segmentPath(directory, segment), offset, mask))
        const hit = placed.find(
          (message) => message.segment === segment && message.offset <= offset && offset < message.offset + sizeOf(message),
        )
        const field =
          hit === undefined ? undefined : FIELDS.find(([from, to]) => offset - hit.offset >= from && offset - hit.offset < to)?.[2]
        if (field === 'seq' || field === 'time' || field === 'type') {
          // Delivered, as nothing covers it; the others are as they were. A changed sequence is reported.
          const others = skip.seen.filter((_, i) => placed[i] !== hit)
          expect(others).toEqual(without(placed, hit!))
          if (field === 'seq')
            expect([...abort.issues, abort.error]).toContainEqual(
              expect.objectContaining({ code: expect.stringMatching(/record-seq-break|index-mismatch|segment-hole/) }),
            )
          return
        }
        if (abort.error === null) expect(abort.seen).toEqual(placed.map(essence))
        else expect(abort.error).toMatchObject({ category: 'corrupt', place: { segment } })
        const isCovered =
          hit !== undefined && (field !== undefined || (offset >= hit.offset + 64 && offset < hit.offset + 64 + hit.payload.length))
        expect(skip.seen).toEqual(isCovered ? without(placed, hit!) : placed.map(essence))
      }),
      { numRuns: 60 },
    )
  })

  it('in a length that then leads to a later record does not swallow those between', async () => {
    const { skip, placed } = await damaged((directory, all) => {
      const at = all.findIndex((message, i) => message.payload.length === 10 && all[i + 3]?.segment === message.segment)
      const bytes = fs.readFileSync(segmentPath(directory, all[at]!.segment))
      bytes.writeUInt32LE(all[at + 3]!.offset - all[at]!.offset - 64 + 1, all[at]!.offset)
      fs.writeFileSync(segmentPath(directory, all[at]!.segment), bytes)
    })
    expect(skip.seen).toHaveLength(placed.length - 1)
  })

  it('in the payload of a record that carries records does not deliver those', async () => {
    const inner = Buffer.alloc(256)
    for (const at of [0, 128]) putRecord(inner, at, { seq: BigInt(1 + at / 64), timestampNs: 5n, typeId: 9, payload: Uint8Array.of(1, 2) })
    const carriers = plainMessages(6, () => ({ payload: new Uint8Array(inner) }))
    const { skip, placed } = await damaged((directory, all) => flip(segmentPath(directory, 0), all[1]!.offset + 64 + 200, 1), carriers)
    expect(skip.seen).toEqual(without(placed, placed[1]!))
  })
})

describe('a segment cut short', () => {
  it('at any byte gives an error with the segment, and under skip all records before the cut', async () => {
    const where = fc.record({ segment: fc.integer({ min: 0, max: 2 }), size: fc.nat(SEGMENT_BYTES - 1) })
    await fc.assert(
      fc.asyncProperty(where, async ({ segment, size }) => {
        const { abort, skip, placed } = await damaged((directory) => fs.truncateSync(segmentPath(directory, segment), size))
        const whole = placed.filter((message) => message.segment !== segment || message.offset + sizeOf(message) <= size)
        expect(abort.error).toMatchObject({ category: 'corrupt', place: { segment } })
        expect(skip.seen).toEqual(whole.map(essence))
      }),
      { numRuns: 40 },
    )
  })

  it('is noticed also when it is the only one, by its index', () =>
    inDirectory(async (directory) => {
      makeLog(directory, MADE.slice(0, 8), { segmentBytes: 4096 })
      fs.truncateSync(segmentPath(directory, 0), 64 + 128)
      expect((await read(directory, 'abort')).error).toMatchObject({ code: 'segment-size', place: { segment: 0 } })
    }))
})

describe('records zeroed', () => {
  it.each(['one', 'all behind it'])('%s of a sealed segment: an error, and the rest is recovered', async (which) => {
    for (const at of [0, 3, 5]) {
      const { abort, skip, placed } = await damaged((directory, all) => {
        const file = segmentPath(directory, 0)
        const bytes = fs.readFileSync(file)
        bytes.fill(0, all[at]!.offset, which === 'one' ? all[at]!.offset + sizeOf(all[at]!) : undefined)
        fs.writeFileSync(file, bytes)
      })
      expect(abort.error).toMatchObject({ code: 'segment-hole', place: { segment: 0, offset: placed[at]!.offset } })
      const kept = placed.filter((message, i) => (which === 'one' ? i !== at : message.segment > 0 || i < at))
      expect(skip.seen).toEqual(kept.map(essence))
    }
  })

  it.each([
    ['all but the last', 1],
    ['all behind it', 0],
  ])('%s, which never came to the disk: an error, and the rest is recovered', async (_which, kept) => {
    await inDirectory(async (directory) => {
      const large = plainMessages(12, () => ({ payload: new Uint8Array(50_000).fill(7) }))
      const placed = makeLog(directory, large, { segmentBytes: 1 << 19 })
      const [from, last] = [placed[3]!, placed.findLast(({ segment }) => segment === 0)!]
      const file = segmentPath(directory, 0)
      const bytes = fs.readFileSync(file)
      // A file whose pages are written to the disk in any order has a hole where one was not.
      const descriptor = fs.openSync(file, 'w')
      fs.ftruncateSync(descriptor, bytes.length)
      fs.writeSync(descriptor, bytes, 0, from.offset, 0)
      if (kept > 0) fs.writeSync(descriptor, bytes, last.offset, sizeOf(last), last.offset)
      fs.closeSync(descriptor)
      expect((await read(directory, 'abort')).error).toMatchObject({ code: 'segment-hole', place: { segment: 0, offset: from.offset } })
      const found = placed.filter((message) => message.segment > 0 || message.offset < from.offset || (kept > 0 && message === last))
      expect((await read(directory, 'skip')).seen).toEqual(found.map(essence))
    })
  })

  it('at the end of a segment that a time filter enters in its middle: an error, too', () =>
    inDirectory(async (directory) => {
      const placed = makeLog(directory, plainMessages(30), { segmentBytes: 4096 })
      const last = placed.at(-1)!
      const bytes = fs.readFileSync(segmentPath(directory, 0))
      bytes.fill(0, last.offset - 128)
      fs.writeFileSync(segmentPath(directory, 0), bytes)
      const reader = await ReplayReader.open(directory, { maxStepBackNs: 0n })
      reader.prepare({ filter: { fromNs: placed[20]!.timestampNs }, onCorrupt: 'abort', report: () => {} })
      await expect(readAll(reader)).rejects.toMatchObject({ code: 'segment-hole' })
    }))

  it('in the open segment of a queue, below what its control block says is committed: an error', () =>
    inDirectory(async (directory) => {
      const placed = makeLog(directory, plainMessages(8), { segmentBytes: 4096, sealed: false })
      fs.writeFileSync(`${directory}/control.meta`, controlBlock(4096, 0, 64 + 8 * 128))
      expect((await read(directory, 'abort')).seen).toEqual(placed.map(essence))
      flip(segmentPath(directory, 0), placed[5]!.offset, 5) // commitLen 5 becomes 0
      expect((await read(directory, 'abort')).error).toMatchObject({
        code: 'segment-hole',
        place: { segment: 0, offset: placed[5]!.offset },
      })
      expect((await read(directory, 'skip')).seen).toEqual(without(placed, placed[5]!))
    }))
})

describe('damaged surroundings', () => {
  it('a damaged control block is an error, and under skip costs nothing', () =>
    inDirectory(async (directory) => {
      const placed = makeLog(directory, MADE, { segmentBytes: SEGMENT_BYTES })
      fs.writeFileSync(`${directory}/control.meta`, Buffer.concat([Buffer.from('XXXX\x03\0\0\0\x02\0\0\0'), Buffer.alloc(500)]))
      expect((await read(directory, 'abort')).error).toMatchObject({ code: 'control-magic', category: 'corrupt' })
      expect((await read(directory, 'skip')).seen).toEqual(placed.map(essence))
    }))

  it('a missing segment is an error, and under skip costs only itself', () =>
    inDirectory(async (directory) => {
      const placed = makeLog(directory, MADE, { segmentBytes: SEGMENT_BYTES })
      fs.rmSync(segmentPath(directory, 1))
      expect((await read(directory, 'abort')).error).toMatchObject({ code: 'segment-missing', place: { segment: 1 } })
      expect((await read(directory, 'skip')).seen).toEqual(placed.filter(({ segment }) => segment !== 1).map(essence))
    }))

  it('a missing last segment is an error when the control block knows of it', () =>
    inDirectory(async (directory) => {
      const placed = makeLog(directory, MADE, { segmentBytes: SEGMENT_BYTES })
      const last = placed.at(-1)!.segment
      fs.writeFileSync(`${directory}/control.meta`, controlBlock(SEGMENT_BYTES, last, 200))
      fs.rmSync(segmentPath(directory, last))
      expect((await read(directory, 'abort')).error).toMatchObject({ code: 'segment-missing', place: { segment: last } })
      expect((await read(directory, 'skip')).seen).toEqual(placed.filter(({ segment }) => segment !== last).map(essence))
      fs.writeFileSync(`${directory}/control.meta`, controlBlock(SEGMENT_BYTES, last, 64)) // nothing had been written to it
      expect((await read(directory, 'abort')).error).toBe(null)
    }))

  it('a whole segment of damaged payloads is passed in one go, every record reported', () =>
    inDirectory(async (directory) => {
      const placed = makeLog(directory, plainMessages(3000), { segmentBytes: 512 * 1024 })
      const bytes = fs.readFileSync(segmentPath(directory, 0))
      for (const { offset } of placed) bytes[offset + 64]! ^= 0xff
      fs.writeFileSync(segmentPath(directory, 0), bytes)
      const { messages, issues }: LogSummary = await summarizeLog(directory, { onCorrupt: 'skip' })
      expect([messages, issues.length]).toEqual([0, 3000])
    }))

  it('verify names each damaged segment and clears the others', () =>
    inDirectory(async (directory) => {
      const placed = makeLog(directory, MADE, { segmentBytes: SEGMENT_BYTES })
      const hit = placed.find(({ segment, payload }) => segment === 1 && payload.length > 0)!
      flip(segmentPath(directory, 1), hit.offset + 64, 1)
      fs.rmSync(segmentPath(directory, 2))
      flip(indexPath(directory, 0), 0, 1)
      const verdicts = await verifyLog(directory)
      expect(verdicts.slice(0, 4).map(({ id, ok, errors }) => [id, ok, errors[0]?.code])).toEqual([
        [0, false, 'index-magic'],
        [1, false, 'record-crc'],
        [2, false, 'segment-missing'],
        [3, true, undefined],
      ])
    }))
})

describe('verify, of what nothing covers', () => {
  it('finds a flipped time in a record or in an index, where the two can be compared', () =>
    inDirectory(async (directory) => {
      const placed = makeLog(directory, MADE, { segmentBytes: SEGMENT_BYTES })
      expect((await verifyLog(directory)).every(({ ok, warnings }) => ok && warnings.length === 0)).toBe(true)
      flip(segmentPath(directory, 0), placed[3]!.offset + 17, 1)
      flip(indexPath(directory, 1), 65, 1) // maxTimestampNs
      const verdicts = await verifyLog(directory)
      expect(verdicts.slice(0, 3).map(({ errors }) => errors.map(({ code }) => code))).toEqual([['index-differs'], ['index-differs'], []])
    }))

  it('warns of an index that is only older than its segment, unless that is still written to', () =>
    inDirectory(async (directory) => {
      const made = plainMessages(12)
      makeLog(directory, made.slice(0, 5), { segmentBytes: 4096 })
      const older = fs.readFileSync(indexPath(directory, 0))
      for (const sealed of [true, false]) {
        makeLog(directory, made, { segmentBytes: 4096, sealed })
        fs.writeFileSync(indexPath(directory, 0), older)
        const [verdict] = await verifyLog(directory)
        expect([verdict!.ok, verdict!.warnings.map(({ code }) => code)]).toEqual([true, sealed ? ['stale-index'] : []])
      }
    }))
})

describe('damaged compressed segments', () => {
  /** Segment 1 in frames of 512 bytes. */
  const compressed = (change: (file: string) => void): ReturnType<typeof damaged> =>
    damaged((directory) => {
      compressSegment(directory, 1, 512)
      change(`${segmentPath(directory, 1)}.zst`)
    })

  it('a frame that does not decode costs the records it holds a part of', async () => {
    for (const frame of [0, 1, 2]) {
      const { abort, skip, placed } = await compressed((file) =>
        flip(file, Number(fs.readFileSync(`${file}.idx`).readBigUInt64LE(24 + frame * 24 + 8)), 0xff),
      )
      expect(abort.error).toMatchObject({ code: 'frame-damaged', place: { segment: 1, offset: frame * 512 } })
      const touched = (message: PlacedMessage): boolean =>
        message.segment === 1 && message.offset < (frame + 1) * 512 && message.offset + sizeOf(message) > frame * 512
      expect(skip.seen).toEqual(placed.filter((message) => !touched(message)).map(essence))
    }
  })

  it('a file cut short keeps the frames before the cut', async () => {
    const { abort, skip, placed } = await compressed((file) =>
      fs.truncateSync(file, Number(fs.readFileSync(`${file}.idx`).readBigUInt64LE(24 + 2 * 24 + 8)) + 3),
    )
    expect(abort.error).toMatchObject({ category: 'corrupt', place: { segment: 1 } })
    expect(skip.seen).toEqual(placed.filter((message) => message.segment !== 1 || message.offset + sizeOf(message) <= 1024).map(essence))
  })

  it.each(['missing', 'cut short', 'of another kind'])(
    'a frame index that is %s is an error, and under skip rebuilt from the frames',
    async (how) => {
      const { abort, skip, placed } = await compressed((file) => {
        if (how === 'missing') fs.rmSync(`${file}.idx`)
        else if (how === 'cut short') fs.truncateSync(`${file}.idx`, 30)
        else flip(`${file}.idx`, 0, 1)
      })
      expect(abort.error).toMatchObject({ category: 'corrupt', place: { segment: 1 } })
      expect(skip.seen).toEqual(placed.map(essence))
    },
  )

  it('any byte flipped in file or frame index ends in an error or in true data', async () => {
    const where = fc.record({ inIndex: fc.boolean(), at: fc.nat(100_000), mask: fc.integer({ min: 1, max: 255 }) })
    await fc.assert(
      fc.asyncProperty(where, async ({ inIndex, at, mask }) => {
        const { abort, skip, placed } = await compressed((file) => {
          const target = inIndex ? `${file}.idx` : file
          flip(target, at % fs.statSync(target).size, mask)
        })
        // A frame has no checksum: what it decodes to is checked by the records' CRCs, which do not cover headers.
        const payloads = (seen: string[]): string[] => seen.map((text) => text.split(' ').at(-1)!)
        if (abort.error === null) expect(payloads(abort.seen)).toEqual(payloads(placed.map(essence)))
        expect(skip.error).toBe(null)
        const known = new Set(payloads(placed.map(essence)))
        expect(payloads(skip.seen).filter((payload) => !known.has(payload))).toEqual([])
      }),
      { numRuns: 30 },
    )
  })
})
