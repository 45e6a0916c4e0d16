/**
 * `control.meta`, 512 bytes shared between a queue's writer and its readers (docs/format.md, control.meta), little-endian.
 * Four 128-byte lines, so that fields of different rhythm do not share a cache line; the rest is zero.
 *
 * | offset | type | field             | unit, sentinel                                                     |
 * |      0 | u32  | magic             | 0x4348524e ("NRHC")                                                |
 * |      4 | u32  | version           | 3                                                                  |
 * |      8 | u32  | initState         | 1 = being created, 2 = ready                                       |
 * |     16 | u64  | writerEpoch       | +1 per opening for writing, first 1                                |
 * |     24 | u64  | segmentBytes      | bytes of every segment                                             |
 * |    128 | u32  | segmentGeneration | seqlock of the next and writeOffset: odd = being changed; +2 per opening and per roll |
 * |    132 | u32  | currentSegment    | id                                                                 |
 * |    256 | u64  | writeOffset       | next free byte of the current segment                              |
 * |    264 | u64  | heartbeatNs       | nanoseconds since the epoch; set on open, append and roll; no timer |
 * |    384 | u32  | notifySeq         | futex word of chronicle-rs; +1 per append and per roll             |
 * |    388 | u32  | waitersPending    | belongs to the readers: never written here                         |
 */
import fs from 'node:fs'
import path from 'node:path'
import { diskFull, needingRoom } from '../../disk-full.ts'
import { ReplayError } from '../../errors.ts'
import { folderOf } from '../stores/disk-folder.ts'
import type { LoadedFile, LogFolder } from '../stores/log-folder.ts'
import { DATA_OFFSET, MIN_SEGMENT_BYTES } from './segment.ts'

export const CONTROL_NAME = 'control.meta'
export const CONTROL_BYTES = 512

/** The fields of a control block, read together. */
export interface ControlState {
  readonly writerEpoch: bigint
  /** Bytes of every segment of the queue. */
  readonly segmentBytes: number
  /** Odd: a roll was under way, and (currentSegment, writeOffset) may not belong together. */
  readonly segmentGeneration: number
  readonly currentSegment: number
  /** Everything below it in the current segment is committed. */
  readonly writeOffset: number
  /** Time of the writer's last change, nanoseconds since the epoch; 0 = never. */
  readonly heartbeatNs: bigint
  readonly notifySeq: number
  readonly waitersPending: number
}

/**
 * Segment size of a queue, or null when the log (a directory's path, or a folder) has no control block (an offline log) or one still being created.
 * @throws ReplayError corrupt `control-truncated`, `control-magic`, `control-version`, `control-segment-size`
 */
export function readSegmentBytes(log: string | LogFolder): number | null {
  const control = ControlReader.open(log)
  if (control === null) return null
  try {
    return control.read().segmentBytes
  } catch (error) {
    if (error instanceof ReplayError && error.code === 'control-not-ready') return null
    throw error
  } finally {
    control.close()
  }
}

/**
 * Validates and decodes a control block.
 * @throws ReplayError corrupt `control-truncated`, `control-magic`, `control-version`, `control-segment-size`; transient `control-not-ready`
 */
export function decodeControl(bytes: Uint8Array, file: string): ControlState {
  const place = { category: 'corrupt', path: file } as const
  if (bytes.length < CONTROL_BYTES) {
    throw new ReplayError('control-truncated', `control block: expected ${CONTROL_BYTES} bytes, found ${bytes.length}`, place)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, CONTROL_BYTES)
  if (view.getUint32(INIT_STATE, true) !== READY) {
    throw new ReplayError(
      'control-not-ready',
      `control block: expected state ${READY} (ready), found ${view.getUint32(INIT_STATE, true)}; its writer is creating it`,
      {
        category: 'transient',
        path: file,
      },
    )
  }
  const magic = view.getUint32(0, true)
  if (magic !== MAGIC)
    throw new ReplayError(
      'control-magic',
      `control block magic: expected 0x4348524e, found 0x${magic.toString(16).padStart(8, '0')}`,
      place,
    )
  const version = view.getUint32(4, true)
  if (version !== VERSION) throw new ReplayError('control-version', `control block version: expected ${VERSION}, found ${version}`, place)
  const segmentBytes = Number(view.getBigUint64(SEGMENT_BYTES, true))
  if (segmentBytes < MIN_SEGMENT_BYTES || !Number.isSafeInteger(segmentBytes)) {
    throw new ReplayError(
      'control-segment-size',
      `control block segment size: expected at least ${MIN_SEGMENT_BYTES} bytes, found ${segmentBytes}`,
      place,
    )
  }
  return {
    writerEpoch: view.getBigUint64(WRITER_EPOCH, true),
    segmentBytes,
    segmentGeneration: view.getUint32(GENERATION, true),
    currentSegment: view.getUint32(CURRENT_SEGMENT, true),
    writeOffset: Number(view.getBigUint64(WRITE_OFFSET, true)),
    heartbeatNs: view.getBigUint64(HEARTBEAT, true),
    notifySeq: view.getUint32(NOTIFY_SEQ, true),
    waitersPending: view.getUint32(WAITERS_PENDING, true),
  }
}

/** Reads a control block that a writer may be changing. */
export class ControlReader {
  readonly path: string
  readonly #file: LoadedFile
  readonly #bytes = new Uint8Array(CONTROL_BYTES)
  readonly #view = new DataView(this.#bytes.buffer)
  readonly #again = new Uint32Array(1)
  readonly #againBytes = new Uint8Array(this.#again.buffer)

  /** Null when the log (a directory's path, or a folder) has no control block. */
  static open(log: string | LogFolder): ControlReader | null {
    const folder = folderOf(log)
    try {
      const file = folder.load(CONTROL_NAME)
      return file === null ? null : new ControlReader(file)
    } catch (error) {
      throw new ReplayError('control-unreadable', `cannot open the control block: ${(error as Error).message}`, {
        category: 'input',
        path: `${folder.path}/${CONTROL_NAME}`,
        cause: error,
      })
    }
  }

  private constructor(file: LoadedFile) {
    this.path = file.path
    this.#file = file
  }

  /**
   * All fields; (currentSegment, writeOffset) belong together unless segmentGeneration is odd,
   * which happens when a writer died in the few instructions of a roll.
   */
  read(): ControlState {
    this.#readConsistent()
    return decodeControl(this.#bytes, this.path)
  }

  /** writeOffset when `segment` is the current one, -1 when it is an earlier or later one. Allocates nothing. */
  writeOffsetOf(segment: number): number {
    const consistent = this.#readConsistent()
    if (this.#view.getUint32(CURRENT_SEGMENT, true) !== segment) return -1
    if (!consistent) return DATA_OFFSET // trust nothing: records are then looked at one by one
    return this.#view.getUint32(WRITE_OFFSET, true) + this.#view.getUint32(WRITE_OFFSET + 4, true) * 0x1_0000_0000
  }

  close(): void {
    this.#file.close()
  }

  #readConsistent(): boolean {
    for (let attempt = 0; attempt < MAX_SEQLOCK_READS; attempt++) {
      const got = this.#file.read(this.#bytes, 0, CONTROL_BYTES, 0)
      if (got < CONTROL_BYTES) decodeControl(this.#bytes.subarray(0, got), this.path)
      const generation = this.#view.getUint32(GENERATION, true)
      if (generation % 2 === 1) continue
      this.#file.read(this.#againBytes, 0, 4, GENERATION)
      if (this.#again[0] === generation) return true
    }
    return false
  }
}

/** The control block as its writer sees it. Only the holder of the writer lock may have one. */
export class ControlWriter {
  readonly path: string
  readonly #descriptor: number
  readonly #scratch = new Uint8Array(16)
  readonly #view = new DataView(this.#scratch.buffer)
  #generation: number
  #notifySeq: number

  /** Opens the control block of a queue, creating one for an empty queue (segment 0, offset 64, epoch 0) when there is none. */
  static openOrCreate(directory: string, segmentBytes: number): { control: ControlWriter; state: ControlState } {
    const file = path.join(directory, CONTROL_NAME)
    if (!fs.existsSync(file)) create(directory, segmentBytes)
    const descriptor = needingRoom(file, 'control block', () => fs.openSync(file, 'r+'))
    try {
      const bytes = new Uint8Array(CONTROL_BYTES)
      const got = fs.readSync(descriptor, bytes, 0, CONTROL_BYTES, 0)
      const state = decodeControl(bytes.subarray(0, got), file)
      return { control: new ControlWriter(file, descriptor, state), state }
    } catch (error) {
      fs.closeSync(descriptor)
      throw error
    }
  }

  private constructor(file: string, descriptor: number, state: ControlState) {
    this.path = file
    this.#descriptor = descriptor
    this.#generation = state.segmentGeneration
    this.#notifySeq = state.notifySeq
  }

  setWriterEpoch(epoch: bigint): void {
    this.#view.setBigUint64(0, epoch, true)
    this.#write(8, WRITER_EPOCH)
  }

  /** Moves the writer to another segment, so that readers see segment and offset change together. */
  moveTo(segment: number, writeOffset: number): void {
    const odd = ((this.#generation & ~1) + 1) >>> 0
    this.#generation = (odd + 1) >>> 0
    this.#writePair(odd, segment)
    this.#view.setBigUint64(0, BigInt(writeOffset), true)
    this.#write(8, WRITE_OFFSET)
    this.#writePair(this.#generation, segment)
  }

  /** Says that everything below `writeOffset` is committed, at time `nowMs` (milliseconds since the epoch). */
  advance(writeOffset: number, nowMs: number): void {
    this.#view.setUint32(0, writeOffset, true)
    this.#view.setUint32(4, Math.floor(writeOffset / 0x1_0000_0000), true)
    this.#view.setBigUint64(8, BigInt(nowMs) * 1_000_000n, true)
    this.#write(16, WRITE_OFFSET)
  }

  heartbeat(nowMs: number): void {
    this.#view.setBigUint64(0, BigInt(nowMs) * 1_000_000n, true)
    this.#write(8, HEARTBEAT)
  }

  /**
   * Tells readers that poll notifySeq that `count` things happened. It does not wake those of chronicle-rs that
   * sleep on the futex (Node cannot): they notice when their own wait times out.
   */
  notify(count: number): void {
    this.#notifySeq = (this.#notifySeq + count) >>> 0
    this.#view.setUint32(0, this.#notifySeq, true)
    this.#write(4, NOTIFY_SEQ)
  }

  sync(): void {
    needingRoom(this.path, 'control block', () => fs.fsyncSync(this.#descriptor))
  }

  close(): void {
    fs.closeSync(this.#descriptor)
  }

  /** Generation and segment in one aligned 8-byte write. */
  #writePair(generation: number, segment: number): void {
    this.#view.setUint32(0, generation, true)
    this.#view.setUint32(4, segment, true)
    this.#write(8, GENERATION)
  }

  /** Its block is there already, but some file systems write it elsewhere. @throws ReplayError input `disk-full` */
  #write(length: number, offset: number): void {
    try {
      fs.writeSync(this.#descriptor, this.#scratch, 0, length, offset)
    } catch (cause) {
      throw diskFull(cause, this.path, 'control block') ?? cause
    }
  }
}

/** Written aside and renamed, so that nobody sees half a block. @throws ReplayError input `disk-full` */
function create(directory: string, segmentBytes: number): void {
  const bytes = new Uint8Array(CONTROL_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC, true)
  view.setUint32(4, VERSION, true)
  view.setUint32(INIT_STATE, READY, true)
  view.setBigUint64(SEGMENT_BYTES, BigInt(segmentBytes), true)
  view.setBigUint64(WRITE_OFFSET, BigInt(DATA_OFFSET), true)
  const aside = path.join(directory, 'control.tmp')
  needingRoom(aside, 'control block', () => {
    fs.writeFileSync(aside, bytes)
    fs.renameSync(aside, path.join(directory, CONTROL_NAME))
  })
}

const MAGIC = 0x4348524e
const VERSION = 3
const READY = 2
const INIT_STATE = 8
const WRITER_EPOCH = 16
const SEGMENT_BYTES = 24
const GENERATION = 128
const CURRENT_SEGMENT = 132
const WRITE_OFFSET = 256
const HEARTBEAT = 264
const NOTIFY_SEQ = 384
const WAITERS_PENDING = 388
/** A roll changes the pair within microseconds; a generation that stays odd this long has no living writer. */
const MAX_SEQLOCK_READS = 100
