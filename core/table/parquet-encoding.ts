import type { Page } from './page.ts'

/** BYTE_STREAM_SPLIT: all first bytes, then all second bytes, … Floats of similar size then compress well. */
export function encodeByteStreamSplit(page: Page, values: Float64Array, count: number): void {
  page.reserve(8 * count)
  const { bytes: out, length: base } = page
  const bytes = new Uint8Array(values.buffer, values.byteOffset, 8 * count)
  for (let lane = 0; lane < 8; lane += 4) {
    const a = base + lane * count
    const b = a + count
    const c = b + count
    const d = c + count
    for (let i = 0, from = lane; i < count; i++, from += 8) {
      out[a + i] = bytes[from]!
      out[b + i] = bytes[from + 1]!
      out[c + i] = bytes[from + 2]!
      out[d + i] = bytes[from + 3]!
    }
  }
  page.length += 8 * count
}

/** PLAIN: the values as they are (this library runs on little-endian machines only). */
export function encodePlainDoubles(page: Page, values: Float64Array, count: number): void {
  page.reserve(8 * count)
  page.putBytes(new Uint8Array(values.buffer, values.byteOffset, 8 * count))
}

/**
 * The RLE / bit-packing hybrid of levels, booleans and dictionary codes: runs of 8 or more equal values as one run,
 * the rest bit-packed in groups of 8.
 * @param bitWidth 0 … 24
 */
export function encodeHybrid(page: Page, values: Uint8Array | Int32Array, count: number, bitWidth: number): void {
  page.reserve(16 + count * (1 + Math.ceil(bitWidth / 8)))
  let packedFrom = 0
  let at = 0
  while (at < count) {
    const value = values[at]!
    let end = at + 1
    while (end < count && values[end] === value) end++
    if (end - at >= 8) {
      if (at > packedFrom) putPacked(page, values, packedFrom, at, bitWidth)
      putRun(page, value, end - at, bitWidth)
      at = end
      packedFrom = end
    } else {
      // Groups of 8 only: a run can start again at the next group.
      at += 8
    }
  }
  if (packedFrom < count) putPacked(page, values, packedFrom, count, bitWidth)
}

function putRun(page: Page, value: number, count: number, bitWidth: number): void {
  page.putVarint(2 * count)
  for (let shift = 0; shift < bitWidth; shift += 8) page.putUint8(value >>> shift)
}

function putPacked(page: Page, values: Uint8Array | Int32Array, from: number, to: number, bitWidth: number): void {
  const groups = Math.ceil((to - from) / 8)
  page.putVarint(2 * groups + 1)
  let word = 0
  let used = 0
  for (let i = from; i < from + 8 * groups; i++) {
    if (i < to) word |= values[i]! << used
    used += bitWidth
    while (used >= 8) {
      page.putUint8(word)
      word >>>= 8
      used -= 8
    }
  }
}
