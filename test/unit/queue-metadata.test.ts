import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ControlReader, ControlWriter, decodeControl, readSegmentBytes } from '../../core/log/format/control.ts'
import { decodeReaderMeta, ReaderMeta, readIndexMeta } from '../../core/log/format/reader-meta.ts'
import { temporaryDirectory } from '../support/queue-files.ts'

const CONTROL_LAYOUT: readonly (readonly [field: string, offset: number, bytes: number, value: bigint])[] = [
  ['magic', 0, 4, 0x4348524en],
  ['version', 4, 4, 3n],
  ['initState', 8, 4, 2n],
  ['writerEpoch', 16, 8, 9n],
  ['segmentBytes', 24, 8, 4096n],
  ['segmentGeneration', 128, 4, 4n],
  ['currentSegment', 132, 4, 6n],
  ['writeOffset', 256, 8, 0x1_0000_0040n],
  ['heartbeatNs', 264, 8, 1_700_000_000_123_000_000n],
  ['notifySeq', 384, 4, 11n],
]

function sampleControl(): { directory: string; bytes: Buffer } {
  const directory = temporaryDirectory()
  const { control, state } = ControlWriter.openOrCreate(directory, 4096)
  expect(state).toMatchObject({ writerEpoch: 0n, segmentBytes: 4096, segmentGeneration: 0, currentSegment: 0, writeOffset: 64 })
  control.setWriterEpoch(9n)
  control.moveTo(5, 64)
  control.moveTo(6, 128)
  control.advance(0x1_0000_0040, 1_700_000_000_123)
  control.notify(10)
  control.notify(1)
  control.close()
  return { directory, bytes: fs.readFileSync(path.join(directory, 'control.meta')) }
}

test.each(CONTROL_LAYOUT)('control.meta: %s at offset %i', (_, offset, bytes, value) => {
  const field = sampleControl().bytes.subarray(offset, offset + bytes)
  expect(BigInt(`0x${Buffer.from(field).reverse().toString('hex')}`)).toBe(value)
})

test('control.meta: 512 bytes, all others zero', () => {
  const { bytes } = sampleControl()
  expect(bytes).toHaveLength(512)
  for (const [, offset, length] of CONTROL_LAYOUT) bytes.fill(0, offset, offset + length)
  expect(bytes.every((byte) => byte === 0)).toBe(true)
})

test('control.meta: read back whole, or just what a reader polls', () => {
  const { directory } = sampleControl()
  const reader = ControlReader.open(directory)!
  expect(reader.read()).toEqual({
    writerEpoch: 9n,
    segmentBytes: 4096,
    segmentGeneration: 4,
    currentSegment: 6,
    writeOffset: 0x1_0000_0040,
    heartbeatNs: 1_700_000_000_123_000_000n,
    notifySeq: 11,
    waitersPending: 0,
  })
  expect([5, 6, 7].map((segment) => reader.writeOffsetOf(segment))).toEqual([-1, 0x1_0000_0040, -1])
  reader.close()
  expect(readSegmentBytes(directory)).toBe(4096)
  expect(readSegmentBytes(temporaryDirectory())).toBeNull()
  expect(ControlReader.open(temporaryDirectory())).toBeNull()
})

test('control.meta: a roll that never ended is not trusted, and the next move ends it', () => {
  const { directory, bytes } = sampleControl()
  bytes.writeUInt32LE(5, 128)
  fs.writeFileSync(path.join(directory, 'control.meta'), bytes)
  const reader = ControlReader.open(directory)!
  expect(reader.read().segmentGeneration).toBe(5)
  expect(reader.writeOffsetOf(6)).toBe(64)

  const { control } = ControlWriter.openOrCreate(directory, 999_999)
  control.moveTo(6, 192)
  control.close()
  expect(reader.read()).toMatchObject({ segmentGeneration: 6, writeOffset: 192, segmentBytes: 4096 })
  reader.close()
})

test.each([
  ['control-magic', 0, 1],
  ['control-version', 4, 2],
  ['control-not-ready', 8, 1],
  ['control-segment-size', 25, 0],
])('%s when byte %i is %i', (code, offset, value) => {
  const { bytes } = sampleControl()
  bytes[offset] = value
  expect(() => decodeControl(bytes, 'control.meta')).toThrow(expect.objectContaining({ code }))
})

test('control.meta: cut short at any byte is an error', () => {
  const { bytes, directory } = sampleControl()
  for (let length = 0; length < 512; length++) {
    expect(() => decodeControl(bytes.subarray(0, length), 'control.meta')).toThrow(expect.objectContaining({ code: 'control-truncated' }))
  }
  fs.truncateSync(path.join(directory, 'control.meta'), 300)
  expect(() => readSegmentBytes(directory)).toThrow(expect.objectContaining({ code: 'control-truncated', category: 'corrupt' }))
})

const SLOT_LAYOUT = [
  ['segment', 0, 3n],
  ['offset', 8, 640n],
  ['heartbeatNs', 16, 77n],
  ['generation', 24, 1n],
] as const

test.each(SLOT_LAYOUT)('reader meta: %s at offset %i of the slot', (_, offset, value) => {
  const bytes = storedMeta([{ segment: 3, offset: 640 }])
  expect(bytes.readBigUInt64LE(40 + offset)).toBe(value) // generation 1 is in slot 1
})

test('reader meta: 80 bytes, the newest valid slot wins, a torn one does not count', () => {
  const bytes = storedMeta([
    { segment: 3, offset: 640 },
    { segment: 4, offset: 64 },
    { segment: 4, offset: 128 },
  ])
  expect(bytes).toHaveLength(80)
  expect(decodeReaderMeta(bytes, 'a.meta')).toEqual({ segment: 4, offset: 128, heartbeatNs: 77n, generation: 3n })

  fc.assert(
    fc.property(fc.integer({ min: 40, max: 75 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const torn = Buffer.from(bytes)
      torn[at]! ^= flip
      expect(decodeReaderMeta(torn, 'a.meta')).toEqual({ segment: 4, offset: 64, heartbeatNs: 77n, generation: 2n })
    }),
  )
  expect(() => decodeReaderMeta(new Uint8Array(80), 'a.meta')).toThrow(expect.objectContaining({ code: 'reader-meta-damaged' }))
})

test('reader meta: older sizes are read, and become 80 bytes when stored', () => {
  const directory = temporaryDirectory()
  fs.mkdirSync(path.join(directory, 'readers'))
  const file = path.join(directory, 'readers', 'old.meta')
  const legacy = Buffer.alloc(16)
  legacy.writeBigUInt64LE(2n, 0)
  legacy.writeBigUInt64LE(192n, 8)

  fs.writeFileSync(file, legacy.subarray(8))
  expect(ReaderMeta.open(directory, 'old').stored).toMatchObject({ segment: 0, offset: 192 })
  fs.writeFileSync(file, legacy)
  const meta = ReaderMeta.open(directory, 'old')
  expect(meta.stored).toMatchObject({ segment: 2, offset: 192 })
  meta.store({ segment: 2, offset: 256 }, 5n)
  expect(fs.statSync(file).size).toBe(80)
  expect(ReaderMeta.open(directory, 'old').stored).toMatchObject({ segment: 2, offset: 256 })
  for (const size of [0, 7, 15, 17, 79, 81]) {
    expect(() => decodeReaderMeta(new Uint8Array(size), file)).toThrow(
      expect.objectContaining({ code: 'reader-meta-size', category: 'corrupt' }),
    )
  }
})

test('index.meta: missing or torn is no position', () => {
  const directory = temporaryDirectory()
  expect(readIndexMeta(directory)).toBeNull()
  fs.writeFileSync(path.join(directory, 'index.meta'), new Uint8Array(9))
  expect(readIndexMeta(directory)).toBeNull()
})

function storedMeta(positions: readonly { segment: number; offset: number }[]): Buffer {
  const directory = temporaryDirectory()
  const meta = ReaderMeta.open(directory, 'a')
  expect(meta.stored).toBeNull()
  for (const position of positions) meta.store(position, 77n)
  return fs.readFileSync(meta.path)
}
