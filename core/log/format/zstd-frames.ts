import zlib from 'node:zlib'

const FRAME_MAGIC = 0xfd2fb528
const INDEX_MAGIC = 'QZSTIDX1'
const HEADER_BYTES = 24
const ENTRY_BYTES = 24

/**
 * Rebuilds the frame index (`.q.zst.idx`, docs/format.md, Compressed segments) of a compressed segment from its frames, for when it was lost.
 * All frames but the last decode to the same size, so only the first and the last sound ones are decoded.
 * Frames behind damage that hides where the next one starts are left out.
 */
export function indexFrames(compressed: Uint8Array): Uint8Array {
  const ranges = frameRanges(compressed)
  const blockBytes = decodedBytes(compressed, ranges[0])
  const frames = blockBytes === 0 ? [] : ranges
  const lastBytes = decodedBytes(compressed, frames.at(-1)) || blockBytes
  const index = Buffer.alloc(HEADER_BYTES + frames.length * ENTRY_BYTES)
  index.write(INDEX_MAGIC, 'latin1')
  index.writeUInt16LE(1, 8)
  index.writeUInt16LE(HEADER_BYTES, 10)
  index.writeUInt32LE(blockBytes, 12)
  index.writeBigUInt64LE(BigInt(frames.length), 16)
  frames.forEach(({ start, end }, frame) => {
    const at = HEADER_BYTES + frame * ENTRY_BYTES
    index.writeBigUInt64LE(BigInt(frame) * BigInt(blockBytes), at)
    index.writeBigUInt64LE(BigInt(start), at + 8)
    index.writeUInt32LE(end - start, at + 16)
    index.writeUInt32LE(frame === frames.length - 1 ? lastBytes : blockBytes, at + 20)
  })
  return new Uint8Array(index)
}

/** Where the frames lie, found without decoding: a frame is a header and blocks that say how long they are (RFC 8878). */
function frameRanges(bytes: Uint8Array): { start: number; end: number }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const frames: { start: number; end: number }[] = []
  for (let start = 0; start + 5 <= bytes.length && view.getUint32(start, true) === FRAME_MAGIC; ) {
    const end = endOfFrame(bytes, start)
    if (end > bytes.length) break
    frames.push({ start, end })
    start = end
  }
  return frames
}

function endOfFrame(bytes: Uint8Array, start: number): number {
  const descriptor = bytes[start + 4]!
  const isSingleSegment = (descriptor & 0x20) !== 0
  const contentSizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6]!
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!
  let at = start + 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes + contentSizeBytes
  for (let isLast = false; !isLast && at + 3 <= bytes.length; ) {
    const header = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)
    isLast = (header & 1) === 1
    const isRunLength = ((header >>> 1) & 3) === 1
    at += 3 + (isRunLength ? 1 : header >>> 3)
    if (isLast) return at + ((descriptor & 4) === 0 ? 0 : 4)
  }
  return bytes.length + 1
}

/** 0 when the frame does not decode, or there is none. */
function decodedBytes(compressed: Uint8Array, frame: { start: number; end: number } | undefined): number {
  if (frame === undefined) return 0
  try {
    return zlib.zstdDecompressSync(compressed.subarray(frame.start, frame.end), { maxOutputLength: 1 << 30 }).length
  } catch {
    return 0
  }
}
