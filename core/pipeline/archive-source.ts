import type { LogLocation } from '../log/log-path.ts'
import { ReplayReader, type ReplayReaderOptions } from '../log/replay-reader.ts'
import type { MessageBatch } from './batch.ts'
import { MergedSource } from './merged-source.ts'
import { BatchSource, type MessageSource, NO_GRANT, type SourceGrant, type SourceRequest } from './source.ts'

const DAY_NS = 86_400_000_000_000n

/** Logs whose record times lie in the same UTC day; `date` null when their paths do not say. */
interface Day {
  readonly date: string | null
  readonly logs: readonly LogLocation[]
}

/**
 * Reads logs of an archive in time order: the logs of a day merged, one day after the other. Only one day's readers are
 * open at a time, and days outside a pushed-down time range are not opened. Logs without a date in their path count as
 * one day.
 *
 * Sequences restart in every folder, so `seekToSeq` finds the first day with such a sequence.
 */
export class ArchiveSource extends BatchSource {
  readonly #days: readonly Day[]
  readonly #options: ReplayReaderOptions
  #request: SourceRequest | null = null
  #next = 0
  #current: MessageSource | null = null

  /** @param options for each reader; their `symbol` is taken from the path */
  constructor(logs: readonly LogLocation[], options: ReplayReaderOptions = {}) {
    super()
    const byDate = new Map<string | null, LogLocation[]>()
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
    while (this.#next < this.#days.length) {
      const day = this.#days[this.#next++]!
      if (!this.#mayMatch(day)) continue
      const readers: ReplayReader[] = []
      for (const log of day.logs)
        readers.push(await ReplayReader.open(log.path, { ...this.#options, ...(log.symbol === null ? {} : { symbol: log.symbol }) }))
      this.#current = readers.length === 1 ? readers[0]! : new MergedSource(readers, this.#options.checked)
      if (this.#request !== null) this.#current.prepare?.(this.#request)
      return true
    }
    return false
  }

  /** Folders are named after the UTC date of their record times (FORMAT.md §19); a day's slack costs little and forgives a misfiled record. */
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
