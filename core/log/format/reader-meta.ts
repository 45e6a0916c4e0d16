/**
 * `readers/<name>.meta`: where a named reader stands (docs/format.md, Small files). Two slots of 40 bytes, little-endian, written in
 * turn (slot = generation % 2), so that a torn write leaves the position before it:
 *
 * | offset | type | field       | unit, sentinel                                     |
 * |      0 | u64  | segment     | id                                                 |
 * |      8 | u64  | offset      | bytes: header of the next record to read           |
 * |     16 | u64  | heartbeatNs | when it was written, nanoseconds since the epoch   |
 * |     24 | u64  | generation  | +1 per write                                       |
 * |     32 | u32  | crc32       | of the 32 bytes before; so an all-zero slot is invalid |
 * |     36 | 4    | zero        |                                                    |
 *
 * Older sizes are read too: 8 bytes (offset in segment 0) and 16 bytes (segment, offset).
 * `index.meta` has the 16-byte form: a writer's position.
 */
import fs from 'node:fs'
import path from 'node:path'
import { needingRoom } from '../../disk-full.ts'
import { ReplayError } from '../../errors.ts'
import { crc32 } from '../../message/crc32.ts'
import { DATA_OFFSET } from './segment.ts'

export const READERS_DIRECTORY = 'readers'
export const READER_META_BYTES = 80
export const INDEX_META_NAME = 'index.meta'

/** A place between records: the header of the next one. */
export interface LogPosition {
  readonly segment: number
  /** Byte offset in the segment. */
  readonly offset: number
}

/** A stored reader position; heartbeatNs 0 and generation 0 when the file has none. */
export interface ReaderPosition extends LogPosition {
  readonly heartbeatNs: bigint
  readonly generation: bigint
}

/**
 * The stored position of one named reader of a queue. Beware: once `readers/` exists, a chronicle-rs *writer* deletes
 * segments that all its live readers have passed (docs/format.md, Retention).
 */
export class ReaderMeta {
  readonly path: string
  #stored: ReaderPosition | null

  /**
   * Reads the position of reader `name`; nothing is created before the first `store`.
   * @throws ReplayError input `reader-name`; corrupt `reader-meta-size`, `reader-meta-damaged`
   */
  static open(directory: string, name: string): ReaderMeta {
    if (name === '' || name === '.' || name === '..' || /[/\\\0]/.test(name)) {
      throw new ReplayError('reader-name', `reader name: expected a file name without / and \\, got ${JSON.stringify(name)}`, {
        category: 'input',
        path: directory,
      })
    }
    const file = path.join(directory, READERS_DIRECTORY, `${name}.meta`)
    const bytes = readIfPresent(file)
    return new ReaderMeta(file, bytes === null ? null : decodeReaderMeta(bytes, file))
  }

  private constructor(file: string, stored: ReaderPosition | null) {
    this.path = file
    this.#stored = stored
  }

  /** The position last stored, or null. */
  get stored(): ReaderPosition | null {
    return this.#stored
  }

  /** Stores a position and waits until it is on the disk. @throws ReplayError input `disk-full` */
  store(position: LogPosition, nowNs: bigint): void {
    const generation = (this.#stored?.generation ?? 0n) + 1n
    const next: ReaderPosition = { ...position, heartbeatNs: nowNs, generation }
    const start = Number(generation % 2n) * SLOT_BYTES
    if (sizeOf(this.path) === READER_META_BYTES) {
      const descriptor = needingRoom(this.path, 'reader position', () => fs.openSync(this.path, 'r+'))
      try {
        needingRoom(this.path, 'reader position', () => {
          fs.writeSync(descriptor, encodeSlot(next), 0, SLOT_BYTES, start)
          fs.fsyncSync(descriptor)
        })
      } finally {
        fs.closeSync(descriptor)
      }
    } else {
      // A new file, or one of an older size: never a moment without a valid position.
      const bytes = new Uint8Array(READER_META_BYTES)
      bytes.set(encodeSlot(next), start)
      needingRoom(this.path, 'reader position', () => fs.mkdirSync(path.dirname(this.path), { recursive: true }))
      replaceFile(this.path, bytes)
    }
    this.#stored = next
  }
}

/**
 * Decodes any of the three sizes; of two valid slots the newer generation wins.
 * @throws ReplayError corrupt `reader-meta-size`, `reader-meta-damaged`
 */
export function decodeReaderMeta(bytes: Uint8Array, file: string): ReaderPosition {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const none = { heartbeatNs: 0n, generation: 0n }
  if (bytes.length === 8) return { segment: 0, offset: Number(view.getBigUint64(0, true)), ...none }
  if (bytes.length === 16) return { ...decodePosition(view), ...none }
  const place = { category: 'corrupt', path: file } as const
  if (bytes.length !== READER_META_BYTES) {
    throw new ReplayError(
      'reader-meta-size',
      `reader position: expected 80, 16 or 8 bytes, found ${bytes.length}; delete it to start anew`,
      place,
    )
  }
  const slots = [decodeSlot(bytes, 0), decodeSlot(bytes, SLOT_BYTES)].filter((slot) => slot !== null)
  const newest = slots.reduce<ReaderPosition | null>(
    (best, slot) => (best === null || slot.generation > best.generation ? slot : best),
    null,
  )
  if (newest === null) {
    throw new ReplayError(
      'reader-meta-damaged',
      'reader position: neither of its two slots has a valid checksum; delete it to start anew',
      place,
    )
  }
  return newest
}

/** The writer position in `index.meta`, or null when the file is missing or torn (it is only a hint). */
export function readIndexMeta(directory: string): LogPosition | null {
  const bytes = readIfPresent(path.join(directory, INDEX_META_NAME))
  return bytes === null || bytes.length !== 16 ? null : decodePosition(new DataView(bytes.buffer, bytes.byteOffset, 16))
}

export function writeIndexMeta(directory: string, position: LogPosition): void {
  const bytes = new Uint8Array(16)
  encodePosition(new DataView(bytes.buffer), position)
  replaceFile(path.join(directory, INDEX_META_NAME), bytes)
}

/**
 * Writes a small file aside, waits until it is on the disk, and renames it: a crash leaves the old or the new one, whole.
 * @param isDurable false: somebody else waits for the disk
 * @throws ReplayError input `disk-full`
 */
export function replaceFile(file: string, bytes: Uint8Array, isDurable = true): void {
  const aside = `${file}.tmp`
  needingRoom(file, 'file', () => {
    fs.writeFileSync(aside, bytes, { flush: isDurable })
    fs.renameSync(aside, file)
  })
}

const SLOT_BYTES = 40
const SLOT_CHECKED_BYTES = 32

function encodeSlot(position: ReaderPosition): Uint8Array {
  const bytes = new Uint8Array(SLOT_BYTES)
  const view = new DataView(bytes.buffer)
  encodePosition(view, position)
  view.setBigUint64(16, position.heartbeatNs, true)
  view.setBigUint64(24, position.generation, true)
  view.setUint32(SLOT_CHECKED_BYTES, crc32(bytes, 0, SLOT_CHECKED_BYTES), true)
  return bytes
}

function decodeSlot(bytes: Uint8Array, start: number): ReaderPosition | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, SLOT_BYTES)
  if (view.getUint32(SLOT_CHECKED_BYTES, true) !== crc32(bytes, start, start + SLOT_CHECKED_BYTES)) return null
  return { ...decodePosition(view), heartbeatNs: view.getBigUint64(16, true), generation: view.getBigUint64(24, true) }
}

function encodePosition(view: DataView, position: LogPosition): void {
  view.setBigUint64(0, BigInt(position.segment), true)
  view.setBigUint64(8, BigInt(position.offset), true)
}

function decodePosition(view: DataView): LogPosition {
  return { segment: Number(view.getBigUint64(0, true)), offset: Math.max(DATA_OFFSET, Number(view.getBigUint64(8, true))) }
}

function readIfPresent(file: string): Uint8Array | null {
  try {
    return fs.readFileSync(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function sizeOf(file: string): number {
  return fs.statSync(file, { throwIfNoEntry: false })?.size ?? -1
}
