import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeSeekIndex } from '../../core/log/format/seek-index.ts'
import { LogWriter } from '../../core/log/writing/log-writer.ts'
import { crc32 } from '../../core/message/crc32.ts'
import { readRecords, segmentFiles, temporaryDirectory } from '../support/queue-files.ts'

const RECORD_LAYOUT: readonly (readonly [field: string, offset: number, bytes: number, value: bigint])[] = [
  ['commitLen', 0, 4, 4n],
  ['version', 4, 4, 1n],
  ['seq', 8, 8, 1n],
  ['timestampNs', 16, 8, 0xfedc_ba98_7654_3210n],
  ['typeId', 24, 2, 0x1002n],
  ['flags', 26, 2, 0n],
  ['crc32', 28, 4, BigInt(crc32(Uint8Array.of(7, 8, 9)))],
  ['zero', 32, 8, 0n],
  ['zero', 56, 8, 0n],
  ['payload and padding', 64, 8, 0x09_08_07n],
  ['padding', 120, 8, 0n],
]

test.each(RECORD_LAYOUT)('record: %s at offset %i', (_, offset, bytes, value) => {
  const directory = temporaryDirectory()
  const writer = LogWriter.open(directory, { segmentBytes: 1024 })
  writer.append(1, 1n, Buffer.alloc(64, 0xff)) // fills the stage where the next ones go, in a later segment
  for (let i = 0; i < 7; i++) writer.append(1, 1n, Buffer.alloc(64, 0xff))
  writer.finish()
  const second = LogWriter.open(directory)
  second.append(2, 2n, Buffer.alloc(0))
  second.append(0x1002, 0xfedc_ba98_7654_3210n, Uint8Array.of(7, 8, 9))
  second.finish()

  const segment = fs.readFileSync(path.join(directory, segmentFiles(directory).at(-1)!))
  const field = segment.subarray(128 + offset, 128 + offset + bytes)
  expect(BigInt(`0x${Buffer.from(field).reverse().toString('hex')}`)).toBe(value)
})

test('any messages come back, from sealed segments of full length with an index each', () => {
  const message = fc.record({
    type: fc.nat(0xfffe),
    time: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    payload: fc.uint8Array({ maxLength: 400 }),
    shift: fc.nat(7),
  })
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 40 }),
      fc.integer({ min: 600, max: 3000 }),
      fc.integer({ min: 1, max: 5 }),
      (messages, segmentBytes, indexStride) => {
        const directory = temporaryDirectory()
        const writer = LogWriter.open(directory, { segmentBytes, indexStride })
        for (const { type, time, payload, shift } of messages) {
          // From any place in a larger buffer.
          const source = new Uint8Array(shift + payload.length + 5).fill(0xee)
          source.set(payload, shift)
          writer.appendRecord(type, Number(time & 0xffff_ffffn), Number(time >> 32n), source, shift, payload.length, crc32(payload))
        }
        expect(writer.nextSeq).toBe(BigInt(messages.length))
        writer.finish()

        const records = readRecords(directory)
        expect(records.map((r) => [r.seq, r.typeId, r.timestampNs, [...r.payload]])).toEqual(
          messages.map((m, i) => [BigInt(i), m.type, m.time, [...m.payload]]),
        )
        expect(fs.readdirSync(directory).filter((name) => !/^\d{9}\.(q|idx)$/.test(name))).toEqual([])
        for (const [id, name] of segmentFiles(directory).entries()) {
          const bytes = fs.readFileSync(path.join(directory, name))
          expect([bytes.length, bytes.readUInt32LE(12)]).toEqual([segmentBytes, 1])
          const inside = records.filter((r) => r.segment === id)
          const index = decodeSeekIndex(fs.readFileSync(path.join(directory, name.replace('.q', '.idx'))), name)
          expect(index).toMatchObject({ partial: false, segmentId: id, segmentBytes, minSeq: inside[0]!.seq, maxSeq: inside.at(-1)!.seq })
          expect(Array.from({ length: index.entryCount }, (_, i) => index.offsetAt(i))).toEqual(
            inside.map((r) => r.offset).filter((_, i) => i % indexStride === 0),
          )
        }
      },
    ),
    { numRuns: 40 },
  )
})

test('nothing is visible before a segment is complete, and no append makes no segment', () => {
  const directory = temporaryDirectory()
  LogWriter.open(directory).finish()
  expect(fs.readdirSync(directory)).toEqual([])
  const writer = LogWriter.open(directory, { segmentBytes: 256 })
  writer.append(1, 1n, new Uint8Array(60))
  expect(segmentFiles(directory)).toEqual([])
  writer.append(1, 1n, new Uint8Array(60))
  expect(segmentFiles(directory)).toEqual(['000000000.q'])
  writer.finish()
  expect(segmentFiles(directory)).toEqual(['000000000.q', '000000001.q'])
})

test('goes on behind plain and compressed segments and orphaned indexes, keeping the segment size', () => {
  const directory = temporaryDirectory()
  const write = (options = {}): void => {
    const writer = LogWriter.open(directory, options)
    writer.append(1, 1n, new Uint8Array(1))
    writer.finish()
  }
  write({ segmentBytes: 512 })
  write({ segmentBytes: 4096 })
  expect(segmentFiles(directory).map((name) => fs.statSync(path.join(directory, name)).size)).toEqual([512, 512])
  const before = fs.readFileSync(path.join(directory, '000000000.idx'))

  fs.writeFileSync(path.join(directory, '000000004.q.zst'), '')
  write()
  fs.writeFileSync(path.join(directory, '000000009.idx'), 'orphan')
  write()

  expect(segmentFiles(directory)).toEqual(['000000000.q', '000000001.q', '000000005.q', '000000010.q'])
  expect(fs.readFileSync(path.join(directory, '000000000.idx'))).toEqual(before)
  expect(fs.readFileSync(path.join(directory, '000000009.idx'), 'utf8')).toBe('orphan')
})

test('a second writer never replaces a segment', () => {
  const directory = temporaryDirectory()
  const first = LogWriter.open(directory, { segmentBytes: 512 })
  const second = LogWriter.open(directory, { segmentBytes: 512 })
  first.append(1, 1n, new Uint8Array(1))
  second.append(2, 2n, new Uint8Array(1))
  expect(() => first.finish()).toThrow(expect.objectContaining({ code: 'log-writer-active', category: 'input' }))
  second.finish()
  expect(readRecords(directory).map((r) => r.typeId)).toEqual([2])

  const third = LogWriter.open(directory)
  third.append(3, 3n, new Uint8Array(1))
  fs.copyFileSync(path.join(directory, '000000000.q'), path.join(directory, '000000001.q'))
  expect(() => third.finish()).toThrow(expect.objectContaining({ code: 'log-writer-active' }))
})

test('what cannot be written is refused', () => {
  const directory = temporaryDirectory()
  const writer = LogWriter.open(directory, { segmentBytes: 1000 })
  const tooLarge = expect.objectContaining({ code: 'payload-too-large', category: 'input' })
  expect(() => writer.append(1, 1n, new Uint8Array(833))).toThrow(tooLarge)
  writer.append(1, 1n, new Uint8Array(832))
  expect(() => writer.append(0xffff, 1n, new Uint8Array(0))).toThrow(expect.objectContaining({ code: 'type-id' }))
  writer.finish()
  writer.finish()
  expect(() => writer.append(1, 1n, new Uint8Array(0))).toThrow(expect.objectContaining({ code: 'writer-closed' }))
  for (const segmentBytes of [127, 0, 1.5, 2 ** 31 + 1]) {
    expect(() => LogWriter.open(directory, { segmentBytes })).toThrow(expect.objectContaining({ code: 'segment-bytes' }))
  }
  fs.writeFileSync(path.join(directory, 'control.meta'), '')
  expect(() => LogWriter.open(directory)).toThrow(expect.objectContaining({ code: 'log-is-queue' }))
})
