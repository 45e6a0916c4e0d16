import fs from 'node:fs'
import zlib from 'node:zlib'

/** Replaces a segment, `N.q`, by its compressed form: a zstd frame per block, and the frame index (docs/format.md, Compressed segments). */
export function compressFile(file: string, blockBytes: number): void {
  const bytes = fs.readFileSync(file)
  const frames: Buffer[] = []
  const count = Math.ceil(bytes.length / blockBytes)
  const index = Buffer.alloc(24 + count * 24)
  index.write('QZSTIDX1', 'latin1')
  index.writeUInt16LE(1, 8)
  index.writeUInt16LE(24, 10)
  index.writeUInt32LE(blockBytes, 12)
  index.writeBigUInt64LE(BigInt(count), 16)
  let compressedOffset = 0
  for (let frame = 0; frame < count; frame++) {
    const block = bytes.subarray(frame * blockBytes, (frame + 1) * blockBytes)
    const compressed = zlib.zstdCompressSync(block)
    const at = 24 + frame * 24
    index.writeBigUInt64LE(BigInt(frame * blockBytes), at)
    index.writeBigUInt64LE(BigInt(compressedOffset), at + 8)
    index.writeUInt32LE(compressed.length, at + 16)
    index.writeUInt32LE(block.length, at + 20)
    frames.push(compressed)
    compressedOffset += compressed.length
  }
  fs.writeFileSync(`${file}.zst`, Buffer.concat(frames))
  fs.writeFileSync(`${file}.zst.idx`, index)
  fs.rmSync(file)
}
