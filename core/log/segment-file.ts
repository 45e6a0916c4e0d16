import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import { ReplayError } from '../errors.ts'
import { type FrameIndex, readFrameIndex } from './frame-index.ts'
import { DATA_OFFSET, segmentIdOf } from './segment.ts'

/** One segment's bytes, wherever and however they are stored. Offsets are those of the uncompressed segment. */
export interface SegmentFile {
  readonly path: string
  readonly id: number
  /** Length of the uncompressed segment. */
  readonly bytes: number
  /** Reads up to `length` bytes at `offset` into `target` at `start`; returns how many (0 at the end). */
  read(target: Uint8Array, start: number, length: number, offset: number): number | Promise<number>
  close(): void | Promise<void>
}

/** A segment of a log directory, as listed. */
export interface SegmentEntry {
  readonly id: number
  readonly path: string
  readonly compressed: boolean
}

/**
 * The segments of a log directory in id order. Of `N.q` and `N.q.zst` (compression was interrupted) the plain one counts.
 * @throws ReplayError input `log-missing` when the directory cannot be listed
 */
export function listSegments(directory: string): SegmentEntry[] {
  let names: string[]
  try {
    names = fs.readdirSync(directory)
  } catch (cause) {
    throw new ReplayError('log-missing', `cannot list the log directory: ${(cause as Error).message}`, {
      category: 'input',
      path: directory,
      cause,
    })
  }
  const byId = new Map<number, SegmentEntry>()
  for (const name of names) {
    const compressed = name.endsWith('.q.zst')
    const id = segmentIdOf(compressed ? name.slice(0, -4) : name)
    if (id === null || (compressed && byId.has(id))) continue
    byId.set(id, { id, path: path.join(directory, name), compressed })
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

/**
 * Whether a plain segment holds a record, or something that passes for one.
 * @throws ReplayError input `segment-unreadable`
 */
export function isOccupied(path: string): boolean {
  const descriptor = openForReading(path)
  try {
    const word = new Uint8Array(4)
    readFully(descriptor, word, 0, 4, DATA_OFFSET)
    return word.some((byte) => byte !== 0)
  } finally {
    fs.closeSync(descriptor)
  }
}

function rethrow(error: ReplayError): void {
  throw error
}

class PlainSegmentFile implements SegmentFile {
  readonly path: string
  readonly id: number
  readonly bytes: number
  readonly #descriptor: number

  constructor(entry: SegmentEntry) {
    this.path = entry.path
    this.id = entry.id
    this.#descriptor = openForReading(entry.path)
    this.bytes = fs.fstatSync(this.#descriptor).size
  }

  read(target: Uint8Array, start: number, length: number, offset: number): number {
    return readFully(this.#descriptor, target, start, length, offset)
  }

  close(): void {
    fs.closeSync(this.#descriptor)
  }
}

/**
 * `.q.zst`: independent zstd frames, one per block of the whole segment, found through `.q.zst.idx` (FORMAT.md §12).
 * Any block size; a read decodes just the frames it touches and keeps the last one.
 */
class CompressedSegmentFile implements SegmentFile {
  readonly path: string
  readonly id: number
  readonly bytes: number
  readonly #descriptor: number
  readonly #compressedBytes: number
  readonly #frames: FrameIndex
  readonly #onDamage: (error: ReplayError) => void
  readonly #damaged = new Set<number>()
  #decodedFrame = -1
  #decoded: Uint8Array = new Uint8Array(0)

  constructor(entry: SegmentEntry, onDamage: (error: ReplayError) => void) {
    this.path = entry.path
    this.id = entry.id
    this.#onDamage = onDamage
    this.#frames = readFrameIndex(entry.path, entry.id, onDamage)
    this.#descriptor = openForReading(entry.path)
    this.#compressedBytes = fs.fstatSync(this.#descriptor).size
    this.bytes = this.#frames.uncompressedBytes
  }

  read(target: Uint8Array, start: number, length: number, offset: number): number {
    let done = 0
    while (done < length && offset + done < this.bytes) {
      const frame = this.#frames.frameAt(offset + done)
      this.#decode(frame)
      const inFrame = offset + done - this.#frames.uncompressedOffset(frame)
      const size = Math.min(length - done, this.#decoded.length - inFrame)
      target.set(this.#decoded.subarray(inFrame, inFrame + size), start + done)
      done += size
    }
    return done
  }

  close(): void {
    fs.closeSync(this.#descriptor)
  }

  #decode(frame: number): void {
    if (frame === this.#decodedFrame) return
    try {
      this.#decoded = this.#decodeSound(frame)
    } catch (error) {
      if (!(error instanceof ReplayError)) throw error
      if (!this.#damaged.has(frame)) this.#onDamage(error)
      this.#damaged.add(frame)
      this.#decoded = new Uint8Array(this.#frames.uncompressedSize(frame))
    }
    this.#decodedFrame = frame
  }

  #decodeSound(frame: number): Uint8Array {
    const expected = this.#frames.uncompressedSize(frame)
    const from = this.#frames.compressedOffset(frame)
    const size = this.#frames.compressedSize(frame)
    const place = { category: 'corrupt', path: this.path, segment: this.id, offset: this.#frames.uncompressedOffset(frame) } as const
    if (from + size > this.#compressedBytes) {
      throw new ReplayError(
        'frame-truncated',
        `zstd frame ${frame}: expected ${size} bytes at ${from}, but the file ends at ${this.#compressedBytes}; it was cut short`,
        place,
      )
    }
    const compressed = new Uint8Array(size)
    readFully(this.#descriptor, compressed, 0, size, from)
    let decoded: Uint8Array
    try {
      const chunkSize = Math.min(Math.max(expected, 64), MAX_CHUNK_BYTES)
      decoded = zlib.zstdDecompressSync(compressed, { maxOutputLength: Math.max(expected, 1), chunkSize })
    } catch (cause) {
      throw new ReplayError('frame-damaged', `zstd frame ${frame} does not decode: ${(cause as Error).message}`, { ...place, cause })
    }
    if (decoded.length !== expected) {
      throw new ReplayError('frame-size', `zstd frame ${frame}: expected ${expected} bytes decoded, found ${decoded.length}`, place)
    }
    return decoded
  }
}

/** A damaged size must not make us allocate it. */
const MAX_CHUNK_BYTES = 1 << 24

function openForReading(file: string): number {
  try {
    return fs.openSync(file, 'r')
  } catch (cause) {
    throw new ReplayError('segment-unreadable', `cannot open the segment: ${(cause as Error).message}`, {
      category: 'input',
      path: file,
      cause,
    })
  }
}

function readFully(descriptor: number, target: Uint8Array, start: number, length: number, offset: number): number {
  let done = 0
  while (done < length) {
    const got = fs.readSync(descriptor, target, start + done, length - done, offset + done)
    if (got === 0) break
    done += got
  }
  return done
}
