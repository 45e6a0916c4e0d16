import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeSeekIndex, SeekIndexBuilder } from '../../core/log/format/seek-index.ts'

/** Offset, bytes and the value that `sample` has there. */
const LAYOUT: readonly (readonly [field: string, offset: number, bytes: number, value: bigint])[] = [
  ['magic', 0, 8, Buffer.from('CHRIDX1\0').readBigUInt64LE()],
  ['version', 8, 2, 1n],
  ['headerLength', 10, 2, 80n],
  ['flags', 12, 4, 1n],
  ['segmentId', 16, 8, 7n],
  ['segmentBytes', 24, 8, 4096n],
  ['dataOffset', 32, 4, 64n],
  ['stride', 36, 4, 2n],
  ['minSeq', 40, 8, 0x1_0000_0000n],
  ['maxSeq', 48, 8, 0x1_0000_0002n],
  ['minTimestampNs', 56, 8, 5n],
  ['maxTimestampNs', 64, 8, 0xffff_ffff_0000_0001n],
  ['entryCount', 72, 8, 2n],
  ['entry 0 seq', 80, 8, 0x1_0000_0000n],
  ['entry 0 timestampNs', 88, 8, 0xffff_ffff_0000_0001n],
  ['entry 0 offset', 96, 8, 128n],
  ['entry 1 seq', 104, 8, 0x1_0000_0002n],
  ['entry 1 timestampNs', 112, 8, 9n],
  ['entry 1 offset', 120, 8, 320n],
]

function sample(): Uint8Array {
  const builder = new SeekIndexBuilder(7, 4096, 2, true)
  builder.observe(0, 1, 1, 0xffff_ffff, 128)
  builder.observe(1, 1, 5, 0, 256)
  builder.observe(2, 1, 9, 0, 320)
  return builder.encode()
}

test.each(LAYOUT)('%s at offset %i', (_, offset, bytes, value) => {
  const field = Buffer.from(sample()).subarray(offset, offset + bytes)
  expect(BigInt(`0x${Buffer.from(field).reverse().toString('hex')}`)).toBe(value)
})

test('the layout covers every byte', () => {
  expect(LAYOUT.reduce((end, [, offset, bytes]) => (offset === end ? end + bytes : -1), 0)).toBe(sample().length)
})

test('decode gives back what was observed', () => {
  const record = fc.record({ seq: u64(), timestampNs: u64(), gap: fc.integer({ min: 1, max: 1000 }) })
  fc.assert(
    fc.property(
      fc.array(record, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 9 }),
      fc.boolean(),
      (records, stride, partial) => {
        const segmentBytes = 2 ** 40
        const builder = new SeekIndexBuilder(1, segmentBytes, stride, partial)
        const offsets: number[] = []
        for (const { seq, timestampNs, gap } of records) {
          const offset = (offsets.at(-1) ?? 0) + gap * 64 * 100_000
          offsets.push(offset)
          builder.observe(low(seq), high(seq), low(timestampNs), high(timestampNs), offset)
        }
        const index = decodeSeekIndex(builder.encode(), 'x.idx')

        expect(index).toMatchObject({ partial, segmentId: 1, segmentBytes, stride })
        expect([index.minSeq, index.maxSeq]).toEqual(extremes(records.map((r) => r.seq)))
        expect([index.minTimestampNs, index.maxTimestampNs]).toEqual(extremes(records.map((r) => r.timestampNs)))
        const entries = Array.from({ length: index.entryCount }, (_, i) => [index.seqAt(i), index.timestampNsAt(i), index.offsetAt(i)])
        expect(entries).toEqual(records.map((r, i) => [r.seq, r.timestampNs, offsets[i]]).filter((_, i) => i % stride === 0))
      },
    ),
  )
})

test('cut short or lengthened at any byte: an error, never wrong data', () => {
  const whole = sample()
  for (let length = 0; length < whole.length; length++) {
    const code = length < 80 ? 'index-truncated' : 'index-length'
    expect(() => decodeSeekIndex(whole.slice(0, length), 'x.idx')).toThrow(expect.objectContaining({ code, category: 'corrupt' }))
  }
  expect(() => decodeSeekIndex(Buffer.concat([whole, whole.slice(0, 24)]), 'x.idx')).toThrow(
    expect.objectContaining({ code: 'index-length' }),
  )
})

test.each([
  ['index-magic', 0, 0x58],
  ['index-version', 8, 2],
  ['index-header', 10, 81],
  ['index-header', 32, 65],
  ['index-header', 36, 0],
  ['index-header', 23, 1],
  ['index-length', 72, 3],
  ['index-length', 79, 0xff],
  ['index-entry', 96, 1], // not aligned
  ['index-entry', 96, 0], // in the header
  ['index-entry', 120, 64], // not ascending: 64 + 256
  ['index-entry', 122, 1], // behind the segment
])('%s when byte %i is %i', (code, offset, value) => {
  const bytes = sample()
  bytes[offset] = value
  if (offset === 120) bytes[121] = 0
  expect(() => decodeSeekIndex(bytes, 'x.idx')).toThrow(expect.objectContaining({ code, category: 'corrupt' }))
})

test.each([0, -1, 1.5, 2 ** 32])('a stride of %d is refused', (stride) => {
  expect(() => new SeekIndexBuilder(0, 4096, stride, false)).toThrow(expect.objectContaining({ code: 'index-stride', category: 'input' }))
})

function u64(): fc.Arbitrary<bigint> {
  return fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn })
}

function low(value: bigint): number {
  return Number(value & 0xffff_ffffn)
}

function high(value: bigint): number {
  return Number(value >> 32n)
}

function extremes(values: readonly bigint[]): [bigint, bigint] {
  const sorted = [...values].sort((a, b) => (a < b ? -1 : 1))
  return [sorted[0]!, sorted.at(-1)!]
}
