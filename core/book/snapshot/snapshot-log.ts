import { type LogLocation, openLog } from '../../log/format/log-path.ts'
import { ReplayReader } from '../../log/reading/replay-reader.ts'
import { SoundTimes } from '../../log/reading/sound-times.ts'
import type { LogFolder } from '../../log/stores/log-folder.ts'
import { LoopTurns } from '../../loop-turns.ts'
import { type MessageBatch, TIME_UNUSABLE } from '../../message/batch.ts'
import type { MessageCursor } from '../../message/message.ts'
import type { ReadIssue } from '../../message/source.ts'
import { FileStore } from '../../store/file-store.ts'
import { APPLIED } from '../apply-result.ts'
import { BookReplay, type BookReplayOptions } from '../book-replay.ts'
import { bookStartOf } from '../book-start.ts'
import { bookSettingsOf, type LogBookSettings } from '../log-settings.ts'
import type { SequenceFinding } from '../sequence/sequence-finding.ts'
import type { GapPolicy } from '../sequence/sequence-policy.ts'
import { RestartPoints } from './restart-points.ts'
import { SnapshotInputs, segmentVersions } from './snapshot-inputs.ts'

export interface SnapshotLogOptions {
  /** Record time between restart points, nanoseconds; buckets are aligned to the epoch, so to UTC days too. */
  readonly everyNs: bigint
  /** Record times, nanoseconds: points from the bucket of the first on, and none behind the second, up to where the logs are read. @default all */
  readonly between?: readonly [fromNs: bigint, toNs: bigint] | undefined
  /** @default 'quarantine': none is written from a gap to the market's next snapshot or reset */
  readonly onGap?: GapPolicy | undefined
  /** Damage: an error, or left out. @default 'abort' */
  readonly onCorrupt?: 'abort' | 'skip' | undefined
  readonly onFinding?: ((finding: SequenceFinding) => void) | undefined
  readonly onIssue?: ((issue: ReadIssue) => void) | undefined
  /** Called after every batch with the messages read so far. */
  readonly onProgress?: ((messages: number) => void) | undefined
}

export interface SnapshotLogResult {
  readonly messages: number
  /** Snapshot files written. */
  readonly written: number
  /** Restart points that were there already. */
  readonly existing: number
}

/**
 * Writes restart points for the books of one stream: one log, or its day folders in ascending order, read as one pass
 * with the state carried over.
 *
 * A restart point is the state *before* the first message of a bucket of record time, so that a slice beginning there
 * has nothing to catch up, and one more at the end of each folder. Its position is the last message before, of any type.
 * Sequences and file names: RestartPoints. A repeated call writes nothing new.
 * @throws ReplayError as ReplayReader and BookReplay; what was written before stays valid
 */
export async function snapshotLog(days: readonly LogLocation[], options: SnapshotLogOptions): Promise<SnapshotLogResult> {
  const pass = new SnapshotPass(options)
  for (const day of days) if (!pass.isOver) await pass.read(day)
  return pass.result()
}

/** Everything besides the segments that the books of a pass depend on: what `SnapshotInputs` begins with. */
export function snapshotSettings(settings: LogBookSettings, onGap: GapPolicy, onCorrupt: 'abort' | 'skip'): BookReplayOptions {
  // Where lost events are ignored, later ones name orders that were among them.
  return { ...settings, onGap, onCorrupt, onUnknownOrder: onGap === 'ignore' ? 'skip' : onCorrupt }
}

class SnapshotPass {
  /** No further point is wanted. */
  isOver = false
  readonly #options: SnapshotLogOptions
  readonly #turns = new LoopTurns()
  #messages = 0
  #written = 0
  #existing = 0
  /** One since the last folder that begins whole. */
  #current: { readonly replay: BookReplay; readonly inputs: SnapshotInputs; readonly points: RestartPoints } | null = null
  // End of the current bucket, as words; 0 = there is none yet.
  #endLow = 0
  #endHigh = 0

  constructor(options: SnapshotLogOptions) {
    this.#options = options
    const { everyNs, between } = options
    if (between !== undefined) this.#setEnd(between[0] - (between[0] % everyNs))
  }

  result(): SnapshotLogResult {
    const { written, existing } = this.#current?.points ?? { written: 0, existing: 0 }
    return { messages: this.#messages, written: this.#written + written, existing: this.#existing + existing }
  }

  async read(day: LogLocation): Promise<void> {
    const { onCorrupt = 'abort', onIssue, onProgress } = this.#options
    const folder = await openLog(day)
    const reader = await ReplayReader.open(folder, { onCorrupt, ...(onIssue !== undefined && { onIssue }) })
    // One wild time would end all restart points of a day.
    const source = new SoundTimes(reader, { date: day.date })
    try {
      let isFirst = true
      for (let batch = await source.nextBatch(); batch !== null && !this.isOver; batch = await source.nextBatch()) {
        if (batch.length > 0) {
          if (isFirst) this.#enter(day, folder, batch.at(batch.rowAt(0)))
          isFirst = false
          await this.#take(batch)
        }
        onProgress?.(this.#messages)
        await this.#turns.next()
      }
      if (!isFirst && !this.isOver) await this.#current!.points.write()
    } finally {
      await source.close()
    }
  }

  #enter(day: LogLocation, folder: LogFolder, first: MessageCursor): void {
    // The path names one instrument, so its first message speaks for the whole folder.
    if (this.#current === null || (day.symbol !== null && bookStartOf(first) !== 'other')) this.#begin(folder)
    const { inputs, points } = this.#current!
    inputs.enterFolder(day.date, segmentVersions(folder))
    points.enterFolder(day.home ?? { store: new FileStore(day.path), prefix: '' }, day.date)
  }

  /** Starts anew, so that what is written from here on does not depend on how many days before were read. */
  #begin(folder: LogFolder): void {
    const { onGap = 'quarantine', onCorrupt = 'abort', onFinding } = this.#options
    const { written, existing } = this.result()
    this.#written = written
    this.#existing = existing
    const settings = snapshotSettings(bookSettingsOf(folder), onGap, onCorrupt)
    const replay = new BookReplay({ ...settings, onFinding })
    const inputs = new SnapshotInputs(settings)
    this.#current = { replay, inputs, points: new RestartPoints(replay, inputs) }
  }

  async #take(batch: MessageBatch): Promise<void> {
    const { replay, points } = this.#current!
    const { timeWords, timeFlags } = batch
    for (let k = 0; k < batch.length; k++) {
      const row = batch.rowAt(k)
      const high = timeWords[2 * row + 1]!
      if (high > this.#endHigh || (high === this.#endHigh && timeWords[2 * row]! >= this.#endLow)) {
        // A name that was taken is tried again before the next message.
        if (await points.write()) this.#enterBucket(batch.at(row).timestampNs)
      }
      const message = batch.at(row)
      if (timeFlags !== null && timeFlags[row] === TIME_UNUSABLE) {
        replay.policy.check(message)
        replay.policy.lose(batch.originAt(row).path, true)
        continue
      }
      points.observe(message, replay.apply(message) === APPLIED)
    }
    this.#messages += batch.length
  }

  #enterBucket(timestampNs: bigint): void {
    const { everyNs, between } = this.#options
    const endNs = (timestampNs / everyNs + 1n) * everyNs
    this.isOver = between !== undefined && endNs > between[1]
    this.#setEnd(endNs)
  }

  #setEnd(endNs: bigint): void {
    this.#endLow = Number(endNs & 0xffff_ffffn)
    this.#endHigh = Number(endNs >> 32n)
  }
}
