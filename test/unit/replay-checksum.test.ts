import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ReplayChecksum } from '../../core/message/checksum.ts'
import { batchOf, type TestMessage } from '../support/batches.ts'

const messages = fc.array(
  fc.record({
    seq: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    timestampNs: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    typeId: fc.nat(0xffff),
    payload: fc.uint8Array({ maxLength: 80 }),
  }),
  { minLength: 1, maxLength: 40 },
)

function checksumOf(...parts: (readonly TestMessage[])[]) {
  const checksum = new ReplayChecksum()
  for (const part of parts) checksum.add(batchOf(part))
  return checksum.result()
}

test('nothing adds up to nothing', () => {
  expect(new ReplayChecksum().result()).toEqual({ rows: 0, sum: 0n })
})

test('it is the sum of the documented hash modulo 2^64', () => {
  fc.assert(
    fc.property(messages, (all) => {
      const sum = all.reduce((total, message) => total + slowHash(message), 0n)
      expect(checksumOf(all)).toEqual({ rows: all.length, sum: BigInt.asUintN(64, sum) })
    }),
  )
})

test('neither order nor slicing matters', () => {
  fc.assert(
    fc.property(messages, fc.nat(40), (all, cut) => {
      const turned = [...all.slice(cut), ...all.slice(0, cut).reverse()]
      expect(checksumOf(turned)).toEqual(checksumOf(all))
      expect(checksumOf(all.slice(0, cut), all.slice(cut))).toEqual(checksumOf(all))
    }),
  )
})

test('only selected messages count', () => {
  const batch = batchOf([1n, 2n, 3n].map((timestampNs) => ({ seq: 0n, timestampNs, typeId: 1, payload: new Uint8Array(0) })))
  batch.narrow((row) => row === 2)
  const checksum = new ReplayChecksum()
  checksum.add(batch)
  expect(checksum.result()).toEqual(checksumOf([{ seq: 0n, timestampNs: 3n, typeId: 1, payload: new Uint8Array(0) }]))
})

describe('it changes', () => {
  const message: TestMessage = { seq: 1n, timestampNs: 1_700_000_000_000_000_000n, typeId: 0x1002, payload: new Uint8Array(64) }

  test('with every bit of time, type and payload', () => {
    const variants: TestMessage[] = [message]
    for (let bit = 0n; bit < 64n; bit++) variants.push({ ...message, timestampNs: message.timestampNs ^ (1n << bit) })
    for (let bit = 0; bit < 16; bit++) variants.push({ ...message, typeId: message.typeId ^ (1 << bit) })
    for (let bit = 0; bit < 512; bit++) variants.push({ ...message, payload: message.payload.with(bit >> 3, 1 << (bit & 7)) })
    expect(new Set(variants.map((variant) => checksumOf([variant]).sum)).size).toBe(variants.length)
  })

  test('when a message is missing, doubled, or swaps its time with another', () => {
    const other: TestMessage = { ...message, timestampNs: message.timestampNs + 1n, payload: Uint8Array.of(1) }
    const sums = [
      checksumOf([message, other]),
      checksumOf([message]),
      checksumOf([message, other, other]),
      checksumOf([
        { ...message, timestampNs: other.timestampNs },
        { ...other, timestampNs: message.timestampNs },
      ]),
    ].map(({ sum }) => sum)
    expect(new Set(sums).size).toBe(4)
  })
})

test('neighbouring times never collide, and all bits are used', () => {
  const one = (timestampNs: bigint) => slowHash({ seq: 0n, timestampNs, typeId: 1, payload: new Uint8Array(0) })
  const hashes = Array.from({ length: 20_000 }, (_, i) => one(1_700_000_000_000_000_000n + BigInt(i)))
  expect(new Set(hashes.map((hash) => hash & 0xffff_ffffn)).size).toBeGreaterThan(19_990)
  expect(new Set(hashes.map((hash) => hash >> 32n)).size).toBeGreaterThan(19_990)
  for (let bit = 0n; bit < 64n; bit++) {
    const ones = hashes.reduce((sum, hash) => sum + Number((hash >> bit) & 1n), 0)
    expect(Math.abs(ones - 10_000)).toBeLessThan(500)
  }
})

/** The hash as its documentation says it, one step at a time, in BigInt. */
function slowHash({ typeId, timestampNs, payload }: TestMessage): bigint {
  const u32 = (x: bigint) => BigInt.asUintN(32, x)
  const rotl = (x: bigint, n: bigint) => u32((x << n) | (x >> (32n - n)))
  const words = [BigInt(typeId), u32(timestampNs), timestampNs >> 32n, BigInt(crc32(payload))]
  let low = 0n
  for (const word of words) {
    low ^= u32(rotl(u32(word * 0xcc9e2d51n), 15n) * 0x1b873593n)
    low = u32(rotl(low, 13n) * 5n + 0xe6546b64n)
  }
  low ^= 16n
  low = u32((low ^ (low >> 16n)) * 0x85ebca6bn)
  low = u32((low ^ (low >> 13n)) * 0xc2b2ae35n)
  low ^= low >> 16n
  let high = u32(0x165667b1n + 16n)
  for (const word of words) high = u32(rotl(u32(high + word * 0xc2b2ae3dn), 17n) * 0x27d4eb2fn)
  high = u32((high ^ (high >> 15n)) * 0x85ebca77n)
  high = u32((high ^ (high >> 13n)) * 0xc2b2ae3dn)
  high ^= high >> 16n
  return (high << 32n) | low
}
