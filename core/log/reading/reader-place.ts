import fs from 'node:fs'
import path from 'node:path'
import { ReplayError } from '../../errors.ts'
import { RECORD_ALIGNMENT } from '../../message/record.ts'
import type { ControlReader } from '../format/control.ts'
import { type LogPosition, READERS_DIRECTORY, ReaderMeta } from '../format/reader-meta.ts'
import { DATA_OFFSET } from '../format/segment.ts'
import { listSegments } from './segment-file.ts'

/**
 * Where a live reader starts. `resume`: at the position stored under its name (none stored: the oldest segment), an error
 * when that segment is gone; `resume-snapshot`: gone = the oldest segment; `resume-latest`: gone = the writer's position;
 * `latest`: the writer's position; `earliest`: the oldest segment.
 */
export type QueueStart = 'resume' | 'resume-snapshot' | 'resume-latest' | 'latest' | 'earliest'

/** A live reader's place in its queue: where it starts, what it commits, and the heartbeat that says it lives. */
export class ReaderPlace {
  readonly start: LogPosition
  readonly #directory: string
  readonly #meta: ReaderMeta | null
  /** What heartbeats repeat: only `commit` moves a stored position. */
  #committed: LogPosition
  #beatMs = 0

  /**
   * @param name what positions are stored under; undefined = nothing is stored
   * @throws ReplayError input `position-gone`, `position-invalid`, `reader-name`, `reader-unnamed`; corrupt `reader-meta-*`
   */
  constructor(directory: string, control: ControlReader, name: string | undefined, start: QueueStart) {
    this.#directory = directory
    this.#meta = name === undefined ? null : ReaderMeta.open(directory, name)
    this.start = this.#startPosition(control, start)
    this.#committed = this.#meta?.stored ?? this.start
  }

  /**
   * Stores a position durably.
   * @throws ReplayError input `reader-unnamed`
   */
  commit(position: LogPosition): void {
    this.#named('commit').store(position, nowNs())
    this.#committed = position
    this.#beatMs = Date.now()
  }

  /**
   * To be called often: tells a chronicle-rs writer, which deletes what its readers have passed, that this one lives and
   * what it still needs. It deletes only where there is a `readers/`, and ignores readers silent for 30 s.
   */
  beat(): void {
    const now = Date.now()
    if (this.#meta === null || now - this.#beatMs < HEARTBEAT_MS) return
    this.#beatMs = now
    if (fs.existsSync(path.join(this.#directory, READERS_DIRECTORY))) this.#meta.store(this.#committed, nowNs())
  }

  #startPosition(control: ControlReader, start: QueueStart): LogPosition {
    if (start === 'latest') return headOf(control)
    if (start === 'earliest') return oldestOf(this.#directory)
    const { stored, path: file } = this.#named(`start ${start}`)
    if (stored === null) return oldestOf(this.#directory)
    if (listSegments(this.#directory).some((entry) => entry.id === stored.segment)) {
      return { segment: stored.segment, offset: checkedOffset(stored.offset, control.read().segmentBytes, file) }
    }
    if (start === 'resume-snapshot') return oldestOf(this.#directory)
    if (start === 'resume-latest') return headOf(control)
    throw new ReplayError(
      'position-gone',
      `the stored position is in segment ${stored.segment}, which is gone; start with resume-snapshot (oldest) or resume-latest (newest) instead`,
      { category: 'input', path: file },
    )
  }

  #named(what: string): ReaderMeta {
    if (this.#meta !== null) return this.#meta
    throw new ReplayError('reader-unnamed', `${what} needs a name that the position is stored under; give the reader one`, {
      category: 'input',
      path: this.#directory,
    })
  }
}

/** The start of the oldest segment, compressed ones included. */
export function oldestOf(directory: string): LogPosition {
  return { segment: listSegments(directory)[0]?.id ?? 0, offset: DATA_OFFSET }
}

/** The wall clock, nanoseconds since the epoch: heartbeats are compared between processes. */
export function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}

function headOf(control: ControlReader): LogPosition {
  const { currentSegment, writeOffset, segmentGeneration } = control.read()
  return { segment: currentSegment, offset: segmentGeneration % 2 === 0 ? writeOffset : DATA_OFFSET }
}

function checkedOffset(offset: number, segmentBytes: number, file: string): number {
  // A segment that was read to its end leaves the end as position, whatever its size.
  if (offset % RECORD_ALIGNMENT === 0 || offset === segmentBytes) return offset
  throw new ReplayError(
    'position-invalid',
    `stored position: expected a multiple of ${RECORD_ALIGNMENT}, found ${offset}; delete it to start anew`,
    {
      category: 'input',
      path: file,
    },
  )
}

/** As chronicle-rs. */
const HEARTBEAT_MS = 1000
