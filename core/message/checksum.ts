import type { MessageBatch } from './batch.ts'
import { CRC32_OFFSET } from './record.ts'

/** A checksum of messages that does not depend on their order, so slices can be added up. */
export interface Checksum {
  /** Messages. */
  readonly rows: number
  /** Sum of the messages' hashes modulo 2⁶⁴. */
  readonly sum: bigint
}

/**
 * The checksum of a replay: for each message a 64-bit hash of (type u16, time u64, payload CRC32 u32), summed modulo 2⁶⁴.
 *
 * The hash is two 32-bit lanes, `hi · 2³² + lo`, over the same four 32-bit words: type, low word of the time,
 * high word of the time, CRC32 as stored in the record header. All arithmetic is modulo 2³².
 * - `lo`: MurmurHash3_x86_32 of the 16 bytes (words little-endian) with seed 0.
 * - `hi`: the word steps of XXH32: h = PRIME5 + 16; per word h = rotl(h + word · PRIME3, 17) · PRIME4; then XXH32's avalanche.
 * Two different constructions, so that what collides in one is no likelier to collide in the other.
 * It finds faults, not forgeries.
 */
export class ReplayChecksum {
  #rows = 0
  #low = 0
  #high = 0

  /** Adds the selected messages of a batch. */
  add(batch: MessageBatch): void {
    for (let from = 0; from < batch.length; from += ROWS_PER_CARRY) {
      this.#addSome(batch, from, Math.min(batch.length, from + ROWS_PER_CARRY))
    }
  }

  result(): Checksum {
    return { rows: this.#rows, sum: (BigInt(this.#high) << 32n) | BigInt(this.#low) }
  }

  #addSome(batch: MessageBatch, from: number, to: number): void {
    const { selection, offsets, types, timeWords, bufferIndex, buffers } = batch
    let view = buffers[0]!.view
    // Both lanes are summed in doubles, which are exact below 2⁵³: 2²⁰ sums of 32-bit numbers fit, carries come later.
    let low = this.#low
    let high = this.#high
    for (let k = from; k < to; k++) {
      const row = selection === null ? k : selection[k]!
      if (bufferIndex !== null) view = buffers[bufferIndex[row]!]!.view
      const a = types[row]!
      const b = timeWords[2 * row]!
      const c = timeWords[2 * row + 1]!
      const d = view.getUint32(offsets[row]! + CRC32_OFFSET, true)

      let h = murmurStep(0, a)
      h = murmurStep(h, b)
      h = murmurStep(h, c)
      h = murmurStep(h, d) ^ 16
      h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
      h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
      low += (h ^ (h >>> 16)) >>> 0

      let x = xxStep(PRIME5 + 16, a)
      x = xxStep(x, b)
      x = xxStep(x, c)
      x = xxStep(x, d)
      x = Math.imul(x ^ (x >>> 15), PRIME2)
      x = Math.imul(x ^ (x >>> 13), PRIME3)
      high += (x ^ (x >>> 16)) >>> 0
    }
    this.#rows += to - from
    this.#low = low % TWO32
    this.#high = (high + Math.floor(low / TWO32)) % TWO32
  }
}

function murmurStep(h: number, word: number): number {
  const k = Math.imul(word, 0xcc9e2d51)
  const x = h ^ Math.imul((k << 15) | (k >>> 17), 0x1b873593)
  return (Math.imul((x << 13) | (x >>> 19), 5) + 0xe6546b64) | 0
}

function xxStep(h: number, word: number): number {
  const x = (h + Math.imul(word, PRIME3)) | 0
  return Math.imul((x << 17) | (x >>> 15), PRIME4)
}

const TWO32 = 2 ** 32
const ROWS_PER_CARRY = 1 << 20
// XXH32's primes.
const PRIME2 = 0x85ebca77
const PRIME3 = 0xc2b2ae3d
const PRIME4 = 0x27d4eb2f
const PRIME5 = 0x165667b1
