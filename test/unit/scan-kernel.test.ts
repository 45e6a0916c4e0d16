import zlib from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ScanKernel, ScanStatus } from '../../core/log/kernel/scanner.ts'

it('its CRC32 is that of zlib, for any bytes at any length', () => {
  const kernel = new ScanKernel(1 << 20)
  const check = (bytes: Uint8Array, at: number): void => {
    kernel.bytes.set(bytes, kernel.dataStart + at)
    expect(kernel.crc32(kernel.dataStart + at, bytes.length)).toBe(zlib.crc32(bytes))
  }
  for (let length = 0; length <= 130; length++)
    check(
      Uint8Array.from({ length }, (_, i) => (i * 151 + length) & 255),
      0,
    )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat(100), (bytes, at) => check(bytes, at)),
    { numRuns: 100 },
  )
  check(new Uint8Array(1_000_000).fill(0xa5), 0)
})

it('a type no record can have does not harm the CRC tables behind the type bitmap', () => {
  const kernel = new ScanKernel()
  kernel.filterTypes(new Set([0xffff, 0x10000, 70_000, -1]))
  kernel.bytes.set(Buffer.from('hello'), kernel.dataStart)
  expect(kernel.crc32(kernel.dataStart, 5)).toBe(0x3610a686)
})

/** Lays records of these payload lengths into a kernel, with their CRCs; the address of each, and of the end. */
function layOut(kernel: ScanKernel, lengths: readonly number[], fill: (i: number) => number): number[] {
  const places: number[] = []
  let at = kernel.dataStart
  for (const [i, length] of lengths.entries()) {
    places.push(at)
    kernel.view.setUint32(at, length + 1, true)
    kernel.bytes[at + 4] = 1
    kernel.view.setBigUint64(at + 8, BigInt(i), true)
    kernel.view.setBigUint64(at + 16, BigInt(1000 + i), true)
    for (let j = 0; j < length; j++) kernel.bytes[at + 64 + j] = fill(i * 977 + j)
    // What lies behind a payload, up to the next record, is none of its CRC.
    at += (64 + length + 63) & ~63
    kernel.bytes.fill(0xee, places.at(-1)! + 64 + length, at)
  }
  expect(kernel.sealRecords(at - kernel.dataStart)).toBe(at - kernel.dataStart)
  return [...places, at]
}

const lengthsOfRecords = fc.oneof(
  fc.array(fc.nat(400), { minLength: 1, maxLength: 600 }),
  fc.array(fc.oneof(fc.nat(20), fc.nat(1100), fc.constantFrom(1, 3, 4, 15, 16, 17, 1008, 1023, 1024, 1025)), {
    minLength: 1,
    maxLength: 300,
  }),
  fc.tuple(fc.nat(300), fc.integer({ min: 1, max: 700 })).map(([length, count]) => new Array<number>(count).fill(length)),
)

it('CRCs of many records are those of zlib, whatever their lengths', () => {
  const kernel = new ScanKernel(1 << 20)
  fc.assert(
    fc.property(lengthsOfRecords, fc.nat(255), (lengths, salt) => {
      const places = layOut(kernel, lengths, (n) => (n * 151 + (n >>> 7) + salt) & 255)
      for (const [i, length] of lengths.entries()) {
        const payload = kernel.bytes.subarray(places[i]! + 64, places[i]! + 64 + length)
        expect(kernel.view.getUint32(places[i]! + 28, true)).toBe(zlib.crc32(payload))
      }
    }),
    { numRuns: 60 },
  )
})

it('a damaged record stops the scan in front of it, with all before it taken', () => {
  const kernel = new ScanKernel(1 << 20)
  kernel.checkCrc = true
  fc.assert(
    fc.property(lengthsOfRecords, fc.nat(), fc.nat(), fc.boolean(), (lengths, which, bit, isFiltered) => {
      const places = layOut(kernel, lengths, (n) => (n * 151 + (n >>> 7)) & 255)
      const damaged = which % (lengths.length + 1)
      const length = lengths[damaged] ?? 0
      const at = places[damaged]! + (length === 0 ? 28 : 64 + (bit % length))
      if (damaged < lengths.length) kernel.bytes[at]! ^= 1 << (bit % 8)
      kernel.begin(places.at(-1)! - kernel.dataStart, 1 << 20)
      kernel.expectedSeq = null
      kernel.maxTimeNs = 0n
      const fromRow = isFiltered ? Math.min(damaged, 5) : 0
      kernel.filterTime(isFiltered ? BigInt(1000 + fromRow) : undefined, undefined)
      expect(kernel.scan()).toBe(damaged < lengths.length ? ScanStatus.badCrc : ScanStatus.drained)
      expect([kernel.position, kernel.scanned, kernel.count]).toEqual([places[damaged], damaged, damaged - fromRow])
      expect(kernel.expectedSeq).toBe(damaged === 0 ? null : BigInt(damaged))
      // A header is believed before its payload is looked at.
      expect(kernel.maxTimeNs).toBe(BigInt(999 + Math.min(damaged + 1, lengths.length)))
      for (let row = 0; row < kernel.count; row++) expect(kernel.offsets[row]).toBe(places[row + fromRow])
    }),
    { numRuns: 200 },
  )
})
