import type { Page } from './page.ts'

/**
 * Parquet's DELTA_BINARY_PACKED for 64-bit integers: blocks of 128 deltas in 4 miniblocks, each bit-packed to its own width.
 * The integers come as 32-bit words and no BigInt is made, except in blocks that jump by more than 2⁵¹.
 * @param words low word of value i at 2i, high word at 2i+1
 */
export function encodeDelta64(page: Page, words: Uint32Array, count: number): void {
  putHeader(page, count, count === 0 ? 0n : int64At(words, 0))
  for (let first = 1; first < count; first += BLOCK_VALUES) {
    const size = Math.min(BLOCK_VALUES, count - first)
    if (!takeDeltas(words, first, size)) {
      page.putVarint64(zigzag64(takeWideDeltas(words, first, size)))
    } else {
      page.putVarint(smallest >= 0 ? 2 * smallest : -2 * smallest - 1)
      for (let i = 0; i < size; i++) {
        const adjusted = DELTAS[i]! - smallest
        const high = Math.floor(adjusted / TWO32)
        LOW[i] = adjusted - high * TWO32
        HIGH[i] = high
      }
    }
    putMiniblocks(page, size)
  }
}

/** The same for 32-bit integers, whose deltas wrap at 32 bits. */
export function encodeDelta32(page: Page, values: Int32Array, count: number): void {
  putHeader(page, count, count === 0 ? 0n : BigInt(values[0]!))
  for (let first = 1; first < count; first += BLOCK_VALUES) {
    const size = Math.min(BLOCK_VALUES, count - first)
    let least = (values[first]! - values[first - 1]!) | 0
    for (let i = 0; i < size; i++) {
      const delta = (values[first + i]! - values[first + i - 1]!) | 0
      DELTAS[i] = delta
      if (delta < least) least = delta
    }
    page.putVarint(least >= 0 ? 2 * least : -2 * least - 1)
    for (let i = 0; i < size; i++) {
      LOW[i] = DELTAS[i]! - least
      HIGH[i] = 0
    }
    putMiniblocks(page, size)
  }
}

function putHeader(page: Page, count: number, first: bigint): void {
  page.reserve(32 + Math.ceil(count / BLOCK_VALUES) * MAX_BLOCK_BYTES)
  page.putVarint(BLOCK_VALUES)
  page.putVarint(MINIBLOCKS)
  page.putVarint(count)
  page.putVarint64(zigzag64(first))
}

/** Fills DELTAS and `smallest`; false when a difference of high words is so large that doubles might not be exact. */
function takeDeltas(words: Uint32Array, first: number, size: number): boolean {
  let previousLow = words[2 * first - 2]!
  let previousHigh = words[2 * first - 1]! | 0
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < size; i++) {
    const low = words[2 * (first + i)]!
    const high = words[2 * (first + i) + 1]! | 0
    const step = high - previousHigh
    if (step > MAX_HIGH_STEP || step < -MAX_HIGH_STEP) return false
    const delta = step * TWO32 + (low - previousLow)
    DELTAS[i] = delta
    if (delta < least) least = delta
    previousLow = low
    previousHigh = high
  }
  smallest = least
  return true
}

/** Fills LOW and HIGH with deltas that wrap at 64 bits, less the smallest, which is returned. */
function takeWideDeltas(words: Uint32Array, first: number, size: number): bigint {
  const deltas: bigint[] = []
  let least = 2n ** 63n
  for (let i = 0; i < size; i++) {
    const delta = BigInt.asIntN(64, int64At(words, first + i) - int64At(words, first + i - 1))
    deltas.push(delta)
    if (delta < least) least = delta
  }
  for (let i = 0; i < size; i++) {
    const adjusted = BigInt.asUintN(64, deltas[i]! - least)
    LOW[i] = Number(adjusted & 0xffff_ffffn)
    HIGH[i] = Number(adjusted >> 32n)
  }
  return least
}

/** Packs the adjusted deltas in LOW and HIGH. */
function putMiniblocks(page: Page, size: number): void {
  LOW.fill(0, size)
  HIGH.fill(0, size)
  const widthsAt = page.length
  page.length += MINIBLOCKS
  for (let block = 0; block < MINIBLOCKS; block++) {
    const from = block * MINIBLOCK_VALUES
    let low = 0
    let high = 0
    for (let i = from; i < from + MINIBLOCK_VALUES; i++) {
      low |= LOW[i]!
      high |= HIGH[i]!
    }
    // The OR of all values has the width of the widest.
    const width = high !== 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(low)
    page.bytes[widthsAt + block] = width
    if (width > 32) packWide(page, from, width - 32)
    else if (width > 0) pack(page, from, width)
  }
}

/** 32 values of up to 32 bits are exactly `width` words. */
function pack(page: Page, from: number, width: number): void {
  const { view } = page
  let at = page.length
  let word = 0
  let used = 0
  for (let i = from; i < from + MINIBLOCK_VALUES; i++) {
    const value = LOW[i]!
    word |= value << used
    used += width
    if (used >= 32) {
      view.setInt32(at, word, true)
      at += 4
      used -= 32
      word = used === 0 ? 0 : value >>> (width - used)
    }
  }
  page.length = at
}

/** As `pack`, for values of 32 + `highWidth` bits. */
function packWide(page: Page, from: number, highWidth: number): void {
  const { view } = page
  let at = page.length
  let word = 0
  let used = 0
  for (let i = from; i < from + MINIBLOCK_VALUES; i++) {
    const low = LOW[i]!
    view.setInt32(at, word | (low << used), true)
    at += 4
    word = used === 0 ? 0 : low >>> (32 - used)
    const high = HIGH[i]!
    word |= high << used
    used += highWidth
    if (used >= 32) {
      view.setInt32(at, word, true)
      at += 4
      used -= 32
      word = used === 0 ? 0 : high >>> (highWidth - used)
    }
  }
  page.length = at
}

function int64At(words: Uint32Array, i: number): bigint {
  return BigInt.asIntN(64, (BigInt(words[2 * i + 1]!) << 32n) | BigInt(words[2 * i]!))
}

function zigzag64(value: bigint): bigint {
  return BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
}

const BLOCK_VALUES = 128
const MINIBLOCKS = 4
const MINIBLOCK_VALUES = BLOCK_VALUES / MINIBLOCKS
const MAX_BLOCK_BYTES = 10 + MINIBLOCKS + 8 * BLOCK_VALUES
const TWO32 = 2 ** 32
/** Deltas stay below 2⁵¹ + 2³², so their differences below 2⁵³: exact in doubles. */
const MAX_HIGH_STEP = 2 ** 19
const DELTAS = new Float64Array(BLOCK_VALUES)
const LOW = new Uint32Array(BLOCK_VALUES)
const HIGH = new Uint32Array(BLOCK_VALUES)
let smallest = 0
