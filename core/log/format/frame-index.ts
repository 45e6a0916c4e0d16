import { ReplayError } from '../../errors.ts'
import type { SegmentEntry } from '../stores/log-folder.ts'
import { readWhole } from '../stores/log-folder.ts'
import { indexFrames } from './zstd-frames.ts'

/**
 * Frame index, 24-byte header and 24 bytes per frame:
 * | 0 | 8 | `QZSTIDX1` |, | 8 | u16 | version 1 |, | 10 | u16 | header bytes 24 |, | 12 | u32 | block bytes |, | 16 | u64 | frames |,
 * then per frame u64 uncompressed offset, u64 compressed offset, u32 compressed bytes, u32 uncompressed bytes.
 */
export class FrameIndex {
  readonly frameCount: number
  readonly blockBytes: number
  readonly uncompressedBytes: number
  readonly #view: DataView

  constructor(view: DataView, blockBytes: number, frameCount: number) {
    this.#view = view
    this.blockBytes = blockBytes
    this.frameCount = frameCount
    const last = frameCount - 1
    this.uncompressedBytes = frameCount === 0 ? 0 : this.uncompressedOffset(last) + this.uncompressedSize(last)
  }

  /** The frame that holds an uncompressed offset: all blocks but the last have the same size. */
  frameAt(offset: number): number {
    return Math.min(Math.floor(offset / this.blockBytes), this.frameCount - 1)
  }

  uncompressedOffset(frame: number): number {
    return Number(this.#view.getBigUint64(24 + frame * 24, true))
  }

  compressedOffset(frame: number): number {
    return Number(this.#view.getBigUint64(32 + frame * 24, true))
  }

  compressedSize(frame: number): number {
    return this.#view.getUint32(40 + frame * 24, true)
  }

  uncompressedSize(frame: number): number {
    return this.#view.getUint32(44 + frame * 24, true)
  }
}

const FRAME_INDEX_MAGIC = 'QZSTIDX1'
const MAX_FRAME_BYTES = 1 << 30

/**
 * The frame index of a compressed segment.
 * @param onDamage hears that it is missing or damaged; when it returns, the index is rebuilt from the frames
 * @throws ReplayError corrupt `frame-index-missing`, `frame-index-damaged`, through `onDamage`
 */
export function readFrameIndex(entry: SegmentEntry, onDamage: (error: ReplayError) => void): FrameIndex {
  try {
    return decodeFrameIndex(entry)
  } catch (error) {
    if (!(error instanceof ReplayError)) throw error
    const compressed = entry.folder.load(entry.name)
    if (compressed === null) throw error // its bytes are not at hand to rebuild it from
    onDamage(error)
    const bytes = indexFrames(readWhole(compressed))
    const view = new DataView(bytes.buffer)
    return new FrameIndex(view, view.getUint32(12, true), Number(view.getBigUint64(16, true)))
  }
}

function decodeFrameIndex({ id: segment, folder, name, path }: SegmentEntry): FrameIndex {
  const place = { category: 'corrupt', path: `${path}.idx`, segment } as const
  const file = folder.load(`${name}.idx`)
  if (file === null) {
    const message = 'a compressed segment needs its frame index, and there is none; restore it, or decompress the segment with zstd -d'
    throw new ReplayError('frame-index-missing', message, place)
  }
  const bytes = readWhole(file)
  const damaged = (what: string): ReplayError => new ReplayError('frame-index-damaged', `frame index: ${what}`, place)
  if (bytes.length < 24) throw damaged(`expected at least 24 bytes, found ${bytes.length}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const magic = Buffer.from(bytes.buffer, bytes.byteOffset, 8).toString('latin1')
  if (magic !== FRAME_INDEX_MAGIC) throw damaged(`expected magic ${FRAME_INDEX_MAGIC}, found ${JSON.stringify(magic)}`)
  if (view.getUint16(8, true) !== 1) throw damaged(`expected version 1, found ${view.getUint16(8, true)}`)
  if (view.getUint16(10, true) !== 24) throw damaged(`expected a header of 24 bytes, found ${view.getUint16(10, true)}`)
  const blockBytes = view.getUint32(12, true)
  const frames = view.getBigUint64(16, true)
  if (BigInt(bytes.length - 24) !== frames * 24n) throw damaged(`${frames} frames need ${24n + frames * 24n} bytes, found ${bytes.length}`)
  const index = new FrameIndex(view, blockBytes, Number(frames))
  for (let frame = 0; frame < index.frameCount; frame++) {
    const isLast = frame === index.frameCount - 1
    const size = index.uncompressedSize(frame)
    if (
      index.uncompressedOffset(frame) !== frame * blockBytes ||
      size > blockBytes ||
      size > MAX_FRAME_BYTES ||
      (size < blockBytes && !isLast) ||
      size === 0
    ) {
      throw damaged(`frame ${frame} at ${index.uncompressedOffset(frame)} with ${size} bytes does not fit blocks of ${blockBytes} bytes`)
    }
  }
  return index
}
