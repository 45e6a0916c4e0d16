import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { ReplayError } from '../../errors.ts'
import { giveBack } from '../../large-piece.ts'
import { type FrameIndex, readFrameIndex } from '../format/frame-index.ts'
import { DATA_OFFSET, segmentIdOf } from '../format/segment.ts'
import { folderOf } from '../stores/disk-folder.ts'
import type { LoadedFile, LogFile, LogFolder, SegmentEntry } from '../stores/log-folder.ts'

/** One segment's bytes, wherever and however they are stored. `bytes` and offsets are those of the uncompressed segment. */
export interface SegmentFile extends LogFile {
  readonly id: number
}

/**
 * The segments of a log in id order. Of `N.q` and `N.q.zst` (compression was interrupted) the plain one counts.
 * @param log a directory's path, or a folder
 * @throws ReplayError input `log-missing` when the directory cannot be listed
 */
export function listSegments(log: string | LogFolder): SegmentEntry[] {
  const folder = folderOf(log)
  let names: readonly string[]
  try {
    names = folder.names()
  } catch (cause) {
    throw new ReplayError('log-missing', `cannot list the log directory: ${(cause as Error).message}`, {
      category: 'input',
      path: folder.path,
      cause,
    })
  }
  const byId = new Map<number, SegmentEntry>()
  for (const name of names) {
    const compressed = name.endsWith('.q.zst')
    const id = segmentIdOf(compressed ? name.slice(0, -4) : name)
    if (id === null || (compressed && byId.has(id))) continue
    byId.set(id, { id, folder, name, path: folder.path.replace(/\/*$/, `/${name}`), compressed })
  }
  return [...byId.values()].sort((a, b) => a.id - b.id)
}

/**
 * @param onDamage hears of compressed data that cannot be decoded; when it returns, that data reads as zeros, and a lost
 * frame index is rebuilt from the frames. @default both are errors
 * @throws ReplayError input `segment-unreadable`; corrupt `frame-index-missing`, `frame-index-damaged`
 */
export function openSegmentFile(entry: SegmentEntry, onDamage: (error: ReplayError) => void = rethrow): SegmentFile {
  return entry.compressed ? new CompressedSegmentFile(entry, onDamage) : new PlainSegmentFile(entry)
}

/** Whether a plain segment holds a record, or something that passes for one. The file is closed. */
export function isOccupied(file: LoadedFile): boolean
export function isOccupied(file: LogFile): boolean | Promise<boolean>
export function isOccupied(file: LogFile): boolean | Promise<boolean> {
  const word = new Uint8Array(4)
  const judge = (): boolean => {
    file.close()
    return word.some((byte) => byte !== 0)
  }
  const read = file.read(word, 0, 4, DATA_OFFSET)
  return typeof read === 'number' ? judge() : read.then(judge)
}

function rethrow(error: ReplayError): void {
  throw error
}

class PlainSegmentFile implements SegmentFile {
  readonly path: string
  readonly id: number
  readonly bytes: number
  readonly #file: LogFile

  constructor({ folder, name, id }: SegmentEntry) {
    this.#file = folder.open(name)
    this.path = this.#file.path
    this.id = id
    this.bytes = this.#file.bytes
  }

  read(target: Uint8Array, start: number, length: number, offset: number): number | Promise<number> {
    return this.#file.read(target, start, length, offset)
  }

  readAhead(offset: number, isLong: boolean, end: number): void {
    this.#file.readAhead?.(offset, isLong, end)
  }

  writtenEnd(offset: number): number {
    return this.#file.writtenEnd?.(offset) ?? this.bytes
  }

  close(): void {
    this.#file.close()
  }
}

/**
 * `.q.zst`: independent zstd frames, one per block of the whole segment, found through `.q.zst.idx` (docs/format.md, Compressed segments).
 * Any block size; a read decodes just the frames it touches and keeps the last one; where reads go on, those behind it are decoded meanwhile.
 */
class CompressedSegmentFile implements SegmentFile {
  readonly path: string
  readonly id: number
  readonly bytes: number
  readonly #file: LogFile
  readonly #frames: FrameIndex
  readonly #onDamage: (error: ReplayError) => void
  readonly #damaged = new Set<number>()
  #decodedFrame = -1
  #decoded: Uint8Array = new Uint8Array(0)
  /** The frames behind the last one, where frames are read one after the other. */
  readonly #ahead = new Map<number, Promise<Uint8Array | ReplayError>>()
  #isClosed = false

  constructor(entry: SegmentEntry, onDamage: (error: ReplayError) => void) {
    const { folder, name, id } = entry
    this.#frames = readFrameIndex(entry, onDamage)
    this.#file = folder.open(name)
    this.path = this.#file.path
    this.id = id
    this.#onDamage = onDamage
    this.bytes = this.#frames.uncompressedBytes
  }

  read(target: Uint8Array, start: number, length: number, offset: number): number | Promise<number> {
    return this.#readOn(target, start, length, offset, 0)
  }

  readAhead(offset: number, isLong: boolean, end: number): void {
    if (offset >= this.bytes) return
    const [first, last] = [this.#frames.frameAt(offset), this.#frames.frameAt(Math.max(offset, Math.min(end, this.bytes) - 1))]
    const compressedEnd = this.#frames.compressedOffset(last) + this.#frames.compressedSize(last)
    this.#file.readAhead?.(this.#frames.compressedOffset(first), isLong, end < this.bytes ? compressedEnd : this.#file.bytes)
  }

  close(): void {
    this.#isClosed = true
    this.#ahead.clear()
    this.#file.close()
  }

  /** Goes on with a read of which `done` bytes are there; a promise as soon as a frame has to be waited for. */
  #readOn(target: Uint8Array, start: number, length: number, offset: number, already: number): number | Promise<number> {
    let done = already
    while (done < length && offset + done < this.bytes) {
      const frame = this.#frames.frameAt(offset + done)
      const loading = frame === this.#decodedFrame ? undefined : this.#load(frame)
      if (loading !== undefined) {
        const there = done
        return loading.then(() => this.#readOn(target, start, length, offset, there))
      }
      const inFrame = offset + done - this.#frames.uncompressedOffset(frame)
      const size = Math.min(length - done, this.#decoded.length - inFrame)
      target.set(this.#decoded.subarray(inFrame, inFrame + size), start + done)
      done += size
    }
    return done
  }

  /** Reads and decodes a frame; undefined when that is done at once. */
  #load(frame: number): Promise<void> | undefined {
    // The first frame is read for the header alone, too.
    const isNext = this.#decodedFrame >= 0 && frame === this.#decodedFrame + 1
    const ahead = this.#ahead.get(frame)
    if (!isNext) this.#ahead.clear()
    this.#ahead.delete(frame)
    if (ahead !== undefined) return ahead.then((decoded) => this.#keep(frame, decoded, isNext))
    const compressed = this.#compressed(frame)
    if (compressed instanceof Promise) return compressed.then((bytes) => this.#keep(frame, this.#decode(frame, bytes), isNext))
    this.#keep(frame, this.#decode(frame, compressed), isNext)
  }

  /** The bytes of a compressed frame; none where the file ends before it does. */
  #compressed(frame: number): Uint8Array | Promise<Uint8Array> {
    const [offset, size] = [this.#frames.compressedOffset(frame), this.#frames.compressedSize(frame)]
    const compressed = new Uint8Array(offset + size > this.#file.bytes ? 0 : size)
    const read = this.#file.read(compressed, 0, compressed.length, offset)
    return typeof read === 'number' ? compressed : read.then(() => compressed)
  }

  #keep(frame: number, decoded: Uint8Array | ReplayError, isNext: boolean): void {
    this.#decodedFrame = frame
    giveBack(this.#decoded)
    if (decoded instanceof ReplayError) {
      if (!this.#damaged.has(frame)) this.#onDamage(decoded)
      this.#damaged.add(frame)
      this.#decoded = new Uint8Array(this.#frames.uncompressedSize(frame))
    } else this.#decoded = decoded
    for (let next = frame + 1; isNext && next <= frame + FRAMES_AHEAD && !this.#isClosed; next++) {
      if (this.#ahead.has(next)) continue
      const end = this.#frames.uncompressedOffset(next - 1) + this.#frames.uncompressedSize(next - 1)
      if (end >= this.bytes || this.#frames.uncompressedSize(next) < MIN_AHEAD_BYTES) return
      const decodedAhead = this.#decodeAhead(next)
      decodedAhead.catch(() => undefined) // whoever reads that far hears of it
      this.#ahead.set(next, decodedAhead)
    }
  }

  /** Decodes in another thread, while what is there already is scanned. */
  async #decodeAhead(frame: number): Promise<Uint8Array | ReplayError> {
    const compressed = await this.#compressed(frame)
    try {
      return this.#truncated(frame) ?? this.#checked(frame, await decompress(compressed, this.#limits(frame)))
    } catch (cause) {
      return this.#undecodable(frame, cause)
    }
  }

  #decode(frame: number, compressed: Uint8Array): Uint8Array | ReplayError {
    try {
      return this.#truncated(frame) ?? this.#checked(frame, zlib.zstdDecompressSync(compressed, this.#limits(frame)))
    } catch (cause) {
      return this.#undecodable(frame, cause)
    }
  }

  #limits(frame: number): zlib.ZstdOptions {
    const expected = this.#frames.uncompressedSize(frame)
    // Where the output is full, zlib takes another piece as large and calls the decoder again to find that nothing follows.
    return { maxOutputLength: Math.max(expected, 1), chunkSize: Math.min(expected + 64, MAX_CHUNK_BYTES) }
  }

  #truncated(frame: number): ReplayError | null {
    const [from, size, { bytes }] = [this.#frames.compressedOffset(frame), this.#frames.compressedSize(frame), this.#file]
    if (from + size <= bytes) return null
    const message = `zstd frame ${frame}: expected ${size} bytes at ${from}, but the file ends at ${bytes}; it was cut short`
    return new ReplayError('frame-truncated', message, this.#placeOf(frame))
  }

  #checked(frame: number, decoded: Uint8Array): Uint8Array | ReplayError {
    const expected = this.#frames.uncompressedSize(frame)
    if (decoded.length === expected) return decoded
    const message = `zstd frame ${frame}: expected ${expected} bytes decoded, found ${decoded.length}`
    return new ReplayError('frame-size', message, this.#placeOf(frame))
  }

  #undecodable(frame: number, cause: unknown): ReplayError {
    const message = `zstd frame ${frame} does not decode: ${(cause as Error).message}`
    return new ReplayError('frame-damaged', message, { ...this.#placeOf(frame), cause })
  }

  #placeOf(frame: number): { category: 'corrupt'; path: string; segment: number; offset: number } {
    return { category: 'corrupt', path: this.path, segment: this.id, offset: this.#frames.uncompressedOffset(frame) }
  }
}

const decompress = promisify(zlib.zstdDecompress) as (bytes: Uint8Array, options: zlib.ZstdOptions) => Promise<Buffer>

/** One is decoded while the one before is scanned, and one waits, so that neither thread does. */
const FRAMES_AHEAD = 2
/** Handing a smaller frame to another thread costs more than decoding it. */
const MIN_AHEAD_BYTES = 256 << 10
/** A damaged size must not make us allocate it. */
const MAX_CHUNK_BYTES = 1 << 24
