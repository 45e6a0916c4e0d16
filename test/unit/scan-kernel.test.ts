import zlib from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ScanKernel } from '../../core/log/kernel/scanner.ts'

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
