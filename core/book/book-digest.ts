import zlib from 'node:zlib'
import type { L2Side } from './l2-side.ts'

/**
 * CRC32 over all levels, bids best first, then asks best first, each as u64 price, u64 size (little-endian).
 * Equal books have equal digests, whatever they went through. Eight hex digits in JSON.
 */
export function levelsCrc32(bids: L2Side, asks: L2Side): number {
  return zlib.crc32(levelBytes(asks), zlib.crc32(levelBytes(bids)))
}

/** All levels of a side, best first, 16 bytes each: u64 price, u64 size (little-endian). */
export function levelBytes(side: L2Side): Uint8Array {
  const prices = new Float64Array(side.count)
  const sizes = new Float64Array(side.count)
  const count = side.topInto(prices, sizes)
  const words = new Uint32Array(count * 4)
  for (let i = 0; i < count; i++) {
    words[i * 4] = prices[i]! >>> 0
    words[i * 4 + 1] = Math.floor(prices[i]! / 2 ** 32)
    words[i * 4 + 2] = sizes[i]! >>> 0
    words[i * 4 + 3] = Math.floor(sizes[i]! / 2 ** 32)
  }
  return new Uint8Array(words.buffer)
}

/** `3610a686` */
export function hex32(value: number): string {
  return value.toString(16).padStart(8, '0')
}
