import { type KnownOptions, requireOptions } from '../../known-options.ts'
import type { MessageBatch } from '../../message/batch.ts'
import { BatchSource, type MessageSource, NO_GRANT, type SourceGrant, type SourceRequest } from '../../message/source.ts'
import { type LogLocation, openLog } from '../format/log-path.ts'
import type { LogFolder } from '../stores/log-folder.ts'
import { MergedSource } from './merged-source.ts'
import { REPLAY_READER_KEYS, ReplayReader, type ReplayReaderOptions } from './replay-reader.ts'
import { SoundTimes, type TimeSpan } from './sound-times.ts'

const DAY_NS = 86_400_000_000_000n

/** A log, and where reading begins in it. */
export interface ArchiveLog extends LogLocation {
  /**
   * Positions its reader when its day is opened; a seek goes anywhere. Gives the time of the record before, where that is known.
   * @default at its first message
   */
  readonly begin?: ((reader: ReplayReader) => Promise<bigint | undefined>) | undefined
  /** With `soundTimes`: what its record times were planned to reach. @default all that can be believed of its date */
  readonly reach?: TimeSpan | undefined
}

export interface ArchiveSourceOptions extends ReplayReaderOptions {
  /** Record times are looked at, and those that cannot be believed are corrected and flagged: see SoundTimes. @default false */
  readonly soundTimes?: boolean | undefined
  /** With `soundTimes`: hears the least and the greatest time of a log that was read from its begin to its end. */
  readonly onTimes?: ((log: ArchiveLog, minNs: bigint, maxNs: bigint) => void) | undefined
}

const KNOWN: KnownOptions<ArchiveSourceOptions> = { ...REPLAY_READER_KEYS, soundTimes: true, onTimes: true }

/** Logs whose record times lie in the same UTC day; `date` null when their paths do not say. */
interface Day {
  readonly date: string | null
  readonly logs: readonly ArchiveLog[]
}

/** The folders of a day, in the order of its logs. */
interface OpenDay {
  readonly index: number
  readonly folders: Promise<readonly LogFolder[]>
}

/**
 * Reads logs of an archive in time order: the logs of a day merged, one day after the other. Only one day's readers are
 * open at a time, and days outside a pushed-down time range are not opened. Logs without a date in their path count as
 * one day. Where logs are not directories, the folders of the next day are opened meanwhile.
 *
 * Sequences restart in every folder, so `seekToSeq` finds the first day with such a sequence.
 */
export class ArchiveSource extends BatchSource {
  readonly #days: readonly Day[]
  readonly #options: ArchiveSourceOptions
  #request: SourceRequest | null = null
  #next = 0
  #current: MessageSource | null = null
  #ahead: OpenDay | null = null

  /** @param options for each reader; their `symbol` is taken from the path */
  constructor(logs: readonly ArchiveLog[], options: ArchiveSourceOptions = {}) {
    super()
    requireOptions('ArchiveSource', options, KNOWN)
    const byDate = new Map<string | null, ArchiveLog[]>()
    for (const log of logs) byDate.set(log.date, [...(byDate.get(log.date) ?? []), log])
    this.#days = [...byDate].map(([date, dayLogs]) => ({ date, logs: dayLogs })).sort((a, b) => ((a.date ?? '') < (b.date ?? '') ? -1 : 1))
    this.#options = options
  }

  prepare(request: SourceRequest): SourceGrant {
    if (this.#current !== null) {
      // Reading has begun: only the error strategy still comes in time.
      this.#request = { ...request, filter: {} }
      this.#current.prepare?.(this.#request)
      return NO_GRANT
    }
    const hasSymbols =
      this.#options.resolveSymbol !== undefined || this.#days.every(({ logs }) => logs.every(({ symbol }) => symbol !== null))
    this.#request = hasSymbols ? request : { ...request, filter: { ...request.filter, symbols: undefined } }
    return { time: true, types: true, symbols: hasSymbols }
  }

  async close(): Promise<void> {
    this.#next = this.#days.length
    await this.#leaveDay()
    await this.#closeAhead()
  }

  protected async readBatch(): Promise<MessageBatch | null> {
    for (;;) {
      if (this.#current === null && !(await this.#openDay())) return null
      const batch = await this.#current!.nextBatch()
      if (batch !== null) return batch
      await this.#leaveDay()
    }
  }

  protected async seekSeq(seq: bigint): Promise<boolean> {
    return this.#seek((day) => day.seekToSeq(seq))
  }

  protected async seekTimestamp(timestampNs: bigint): Promise<boolean> {
    return this.#seek((day) => day.seekToTimestamp(timestampNs))
  }

  async #seek(seekDay: (day: MessageSource) => Promise<boolean>): Promise<boolean> {
    await this.#leaveDay()
    this.#next = 0
    while (await this.#openDay()) {
      if (await seekDay(this.#current!)) return true
      await this.#leaveDay()
    }
    return false
  }

  async #openDay(): Promise<boolean> {
    const index = this.#matchingFrom(this.#next)
    const day = this.#days[index]
    this.#next = index + 1
    if (day === undefined) return false
    const folders = await this.#foldersOf(index)
    const { soundTimes: _sound, onTimes: _times, ...reading } = this.#options
    const readers: ReplayReader[] = []
    for (const [i, { symbol }] of day.logs.entries())
      readers.push(await ReplayReader.open(folders[i]!, { ...reading, ...(symbol === null ? {} : { symbol }) }))
    const sources = readers.map((reader, i) => this.#timed(reader, day.logs[i]!))
    this.#current = sources.length === 1 ? sources[0]! : new MergedSource(sources, this.#options.checked)
    if (this.#request !== null) this.#current.prepare?.(this.#request)
    for (const [i, { begin }] of day.logs.entries()) {
      const beforeNs = await begin?.(readers[i]!)
      const source = sources[i]!
      if (beforeNs !== undefined && source instanceof SoundTimes) source.goOnBehind(beforeNs)
    }
    this.#openAhead(day, folders)
    return true
  }

  #timed(reader: ReplayReader, log: ArchiveLog): ReplayReader | SoundTimes {
    const { soundTimes, onTimes } = this.#options
    if (soundTimes !== true) return reader
    const { date, reach } = log
    return new SoundTimes(reader, { date, reach, onTimes: (minNs, maxNs) => onTimes?.(log, minNs, maxNs) })
  }

  /** Of the first day from `index` on that may hold what is asked for; the number of days when there is none. */
  #matchingFrom(index: number): number {
    const found = this.#days.findIndex((day, i) => i >= index && this.#mayMatch(day))
    return found < 0 ? this.#days.length : found
  }

  async #foldersOf(index: number): Promise<readonly LogFolder[]> {
    const ahead = this.#ahead
    if (ahead?.index !== index) {
      await this.#closeAhead()
      return openFolders(this.#days[index]!)
    }
    this.#ahead = null
    return ahead.folders
  }

  /** Opens the folders of the day behind this one, if opening takes long, and lets their data follow on that of this one. */
  #openAhead(day: Day, folders: readonly LogFolder[]): void {
    const index = this.#matchingFrom(this.#next)
    const next = this.#days[index]
    if (next === undefined || next.logs.every(({ open }) => open === undefined)) return
    const opening = openFolders(next)
    this.#ahead = { index, folders: opening }
    opening.then(
      (opened) => {
        for (const [i, log] of day.logs.entries()) {
          const follower = opened[next.logs.findIndex(({ stream, symbol }) => stream === log.stream && symbol === log.symbol)]
          if (follower !== undefined) folders[i]!.followedBy?.(follower)
        }
      },
      () => undefined, // thrown to whoever comes to that day
    )
  }

  async #closeAhead(): Promise<void> {
    const ahead = this.#ahead
    this.#ahead = null
    const opened = await ahead?.folders.catch(() => [])
    for (const folder of opened ?? []) folder.close()
  }

  /** Folders are named after the UTC date of their record times (docs/format.md, Archives); a day's slack costs little and forgives a misfiled record. */
  #mayMatch(day: Day): boolean {
    if (this.#request === null || day.date === null) return true
    const { fromNs, toNs } = this.#request.filter
    const startNs = BigInt(Date.parse(`${day.date}T00:00:00Z`)) * 1_000_000n
    return (fromNs === undefined || startNs + 2n * DAY_NS > fromNs) && (toNs === undefined || startNs - DAY_NS < toNs)
  }

  async #leaveDay(): Promise<void> {
    const current = this.#current
    this.#current = null
    await current?.close()
  }
}

/**
 * Reads the logs of each stream one behind the other, and merges the streams by record time. A day of one stream need not end
 * where that of another does, as recorders roll when they please: a merge day by day would put one behind the other.
 */
export function mergedStreams(logs: readonly ArchiveLog[], options: ArchiveSourceOptions): MessageSource {
  const streams = new Map<string, ArchiveLog[]>()
  for (const log of logs) {
    const name = JSON.stringify([log.venue, log.symbol, log.stream])
    streams.set(name, [...(streams.get(name) ?? []), log])
  }
  // Of equal times the first stream comes first, whichever of them has the earliest folder here.
  const inOrder = [...streams].sort(([a], [b]) => (a < b ? -1 : 1))
  const sources = inOrder.map(([, own]) => new ArchiveSource(own, options))
  return sources.length === 1 ? sources[0]! : new MergedSource(sources, options.checked)
}

function openFolders(day: Day): Promise<readonly LogFolder[]> {
  return Promise.all(day.logs.map(openLog))
}
