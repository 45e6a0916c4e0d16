import zlib from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32 } from '../../core/message/crc32.ts'

test('known values', () => {
  expect(crc32(Buffer.from('hello'))).toBe(0x3610a686)
  expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926)
  expect(crc32(new Uint8Array(0))).toBe(0)
})

test('equals zlib for every length around the loop sizes, at every alignment', () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, i) => (i * 167 + 13) & 255)
  for (let start = 0; start < 9; start++) {
    for (let end = start; end <= bytes.length; end++) {
      expect(crc32(bytes, start, end)).toBe(zlib.crc32(bytes.subarray(start, end)))
    }
  }
})

test('equals zlib for any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), fc.nat(15), (bytes, start) => {
      const from = Math.min(start, bytes.length)
      expect(crc32(bytes, from)).toBe(zlib.crc32(bytes.subarray(from)))
    }),
  )
})
