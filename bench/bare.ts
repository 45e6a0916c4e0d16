/**
 * Bare loops: the least a program can do over a log, without library, checks or columns. They calibrate the machine;
 * the library is measured against them. Slicing-by-16 for the CRC, as zlib's own documentation describes slicing.
 */
import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'

const CHUNK_BYTES = 256 * 1024
const bytes = new Uint8Array(CHUNK_BYTES + 64)
const words = new Uint32Array(bytes.buffer)
const halves = new Uint16Array(bytes.buffer)

type T = Int32Array
type SixteenTables = [T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T]
// A variable each: an array look-up per byte would be half of the work.
const [T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, TA, TB, TC, TD, TE, TF] = crcTables()

export interface BareFilter {
  readonly fromNs: bigint
  readonly toNs: bigint
  readonly type: number
}

/** Reads the files of a log into one reused buffer and does nothing with them. Returns bytes read. */
export function rawRead(directory: string): number {
  let total = 0
  for (const file of segmentsOf(directory)) {
    const descriptor = fs.openSync(file, 'r')
    for (let got = 1, at = 0; got > 0; at += got) {
      got = fs.readSync(descriptor, bytes, 0, CHUNK_BYTES, at)
      total += got
    }
    fs.closeSync(descriptor)
  }
  return total
}

/** Decodes all frames of the compressed segments of a log, one after the other. Returns decoded bytes. */
export function bareDecode(directory: string): number {
  let total = 0
  for (const name of fs.readdirSync(directory)) {
    if (!name.endsWith('.q.zst')) continue
    const index = fs.readFileSync(path.join(directory, `${name}.idx`))
    const descriptor = fs.openSync(path.join(directory, name), 'r')
    for (let at = 24; at < index.length; at += 24) {
      const frame = Buffer.allocUnsafe(index.readUInt32LE(at + 16))
      const size = index.readUInt32LE(at + 20)
      fs.readSync(descriptor, frame, 0, frame.length, Number(index.readBigUInt64LE(at + 8)))
      // One byte more than there is, as a full piece of output costs another one, and another call.
      total += zlib.zstdDecompressSync(frame, { chunkSize: size + 1, maxOutputLength: size }).length
    }
    fs.closeSync(descriptor)
  }
  return total
}

/** Walks all records; with `crc` every payload is checked, with `filter` records are matched. Returns matching records. */
export function bareScan(directory: string, crc: boolean, filter: BareFilter | null): number {
  let matched = 0
  for (const file of segmentsOf(directory)) {
    const descriptor = fs.openSync(file, 'r')
    for (let at = 64; ; ) {
      const got = fs.readSync(descriptor, bytes, 0, CHUNK_BYTES, at)
      const [used, count] = filter === null ? walk(got, crc) : walkFiltered(got, crc, filter)
      matched += count
      if (used === 0) break
      at += used
    }
    fs.closeSync(descriptor)
  }
  return matched
}

function walk(got: number, crc: boolean): [number, number] {
  let [at, count] = [0, 0]
  while (at + 64 <= got) {
    const commit = words[at >>> 2]!
    if (commit === 0) break
    const size = (126 + commit) & ~63
    if (at + size > got) break
    if (crc && ((crc32((at >>> 2) + 16, commit - 1) ^ words[(at >>> 2) + 7]!) | 0) !== 0) throw new Error('CRC')
    count++
    at += size
  }
  return [at, count]
}

function walkFiltered(got: number, crc: boolean, { fromNs, toNs, type }: BareFilter): [number, number] {
  const [fromHigh, fromLow] = [Number(fromNs >> 32n), Number(fromNs & 0xffffffffn)]
  const [toHigh, toLow] = [Number(toNs >> 32n), Number(toNs & 0xffffffffn)]
  let [at, count] = [0, 0]
  while (at + 64 <= got) {
    const word = at >>> 2
    const commit = words[word]!
    if (commit === 0) break
    const size = (126 + commit) & ~63
    if (at + size > got) break
    const [high, low] = [words[word + 5]!, words[word + 4]!]
    const inTime = (high > fromHigh || (high === fromHigh && low >= fromLow)) && (high < toHigh || (high === toHigh && low < toLow))
    if (inTime && halves[(at + 24) >>> 1] === type) {
      if (crc && ((crc32(word + 16, commit - 1) ^ words[word + 7]!) | 0) !== 0) throw new Error('CRC')
      count++
    }
    at += size
  }
  return [at, count]
}

function crc32(word: number, length: number): number {
  let crc = -1
  let at = word
  for (const end = word + ((length >>> 4) << 2); at < end; at += 4) {
    const a = words[at]! ^ crc
    const b = words[at + 1]!
    const c = words[at + 2]!
    const d = words[at + 3]!
    crc = TF[a & 255]! ^ TE[(a >>> 8) & 255]! ^ TD[(a >>> 16) & 255]! ^ TC[a >>> 24]!
    crc ^= TB[b & 255]! ^ TA[(b >>> 8) & 255]! ^ T9[(b >>> 16) & 255]! ^ T8[b >>> 24]!
    crc ^= T7[c & 255]! ^ T6[(c >>> 8) & 255]! ^ T5[(c >>> 16) & 255]! ^ T4[c >>> 24]!
    crc ^= T3[d & 255]! ^ T2[(d >>> 8) & 255]! ^ T1[(d >>> 16) & 255]! ^ T0[d >>> 24]!
  }
  for (let i = 0, offset = at << 2; i < (length & 15); i++, offset++) crc = T0[(crc ^ bytes[offset]!) & 255]! ^ (crc >>> 8)
  return ~crc
}

function crcTables(): SixteenTables {
  const made = Array.from({ length: 16 }, () => new Int32Array(256))
  for (let i = 0; i < 256; i++) {
    let crc = i
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
    made[0]![i] = crc
  }
  for (let t = 1; t < 16; t++) for (let i = 0; i < 256; i++) made[t]![i] = (made[t - 1]![i]! >>> 8) ^ made[0]![made[t - 1]![i]! & 255]!
  return made as unknown as SixteenTables
}

function segmentsOf(directory: string): string[] {
  return fs
    .readdirSync(directory)
    .filter((name) => /^\d{9}\.q$/.test(name))
    .sort()
    .map((name) => path.join(directory, name))
}
