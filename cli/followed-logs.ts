import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ReplayError } from '../core/errors.ts'
import type { JobDefinition } from '../core/job/job-definition.ts'
import { usesBook } from '../core/job/row-schema.ts'
import { pathParts } from '../core/log/format/archive-place.ts'
import { findLogs, identifyLog, type LogIdentity, type LogLocation } from '../core/log/format/log-path.ts'
import { logOfDayBefore } from '../core/log/reading/day-tail.ts'
import { StreamWatch } from '../core/log/reading/stream-watch.ts'
import { isBookStream } from '../core/plan/archive/instrument-days.ts'

/** How often it is looked for what has to be there before anything is read. */
const LOOK_MS = 200

/** Logs of one instrument that are followed: those that there are, and those that begin later. */
export class FollowedLogs {
  readonly venue: string
  readonly symbol: string
  readonly #job: JobDefinition
  /** Of places that are not logs, or not yet. */
  readonly #watches: readonly StreamWatch[]
  readonly #known = new Set<string>()
  #logs: readonly LogLocation[]

  /**
   * The logs of a job's streams. Of a stream with logs of several days the first one: the others are gone over to. A place that is not
   * there yet is waited for, where an archive or a bus is there that it may come to be in.
   * @param places logs, or folders of them
   * @throws ReplayError input `follow-logs`, `log-missing`
   */
  constructor(job: JobDefinition, places: readonly string[]) {
    this.#job = job
    const folders = places.map((place) => place.replace(/(?<=.)\/+$/, ''))
    const found = folders.map((place) => ({ place, logs: logsAt(place) }))
    const logs = found
      .flatMap(({ logs }) => logs)
      .filter(({ stream, path: log }) => folders.includes(log) || stream === null || this.#wants(stream))
    this.#logs = firstLogs(logs)
    for (const { stream } of this.#logs) if (stream !== null) this.#known.add(stream)
    this.#watches = found.flatMap(({ place, logs }) => {
      const first = logs[0]?.path
      if (first === place) return []
      const options = { wants: (stream: string) => this.#wants(stream), known: this.#known }
      // Of a place above an instrument's: the first day that it has.
      return StreamWatch.of(place, options) ?? (first === undefined ? [] : (StreamWatch.of(path.dirname(first), options) ?? []))
    })
    const all: readonly Pick<LogIdentity, 'venue' | 'symbol'>[] = [...logs, ...this.#watches]
    const instruments = new Set(all.map(({ venue, symbol }) => `${venue}/${symbol}`))
    const days = new Set(logs.map(({ stream, date, path: log }) => `${stream ?? log} ${date}`))
    const [first] = all
    if (first === undefined || instruments.size > 1 || days.size !== logs.length) throw notOneInstrument(logs)
    this.venue = first.venue ?? ''
    this.symbol = first.symbol ?? ''
  }

  /** Those that there are, the first of each stream. */
  get logs(): readonly LogLocation[] {
    return this.#logs
  }

  /** That of the book; null: none. */
  get book(): LogLocation | null {
    return this.#logs.find(({ stream }) => stream !== null && isBookStream(stream)) ?? null
  }

  /** Streams that are to be followed, and that nobody has begun to write. */
  get awaited(): readonly string[] {
    const { streams } = this.#job
    const named = this.#watches.flatMap(({ stream }) => stream ?? [])
    const all = this.#watches.length === named.length ? named : streams === 'all' ? [] : streams
    const has = (stream: string): boolean => this.#known.has(stream) || (stream === 'book' && this.book !== null)
    return [...new Set(all)].filter((stream) => !has(stream))
  }

  /** First logs of the streams that have begun since the last look. */
  begun(): readonly string[] {
    const paths = this.#watches.flatMap((watch) => watch.look())
    this.#logs = [...this.#logs, ...paths.map((log) => ({ path: log, ...identifyLog(path.resolve(log)) }))]
    return paths
  }

  /** Whether reading may begin: without its book a job would make rows of nothing. */
  get isReady(): boolean {
    return this.#logs.length > 0 && !(usesBook(this.#job) && this.awaited.some(isBookStream))
  }

  /** Waits until reading may begin. @throws what the signal is aborted with */
  async ready(signal: AbortSignal): Promise<void> {
    while (!this.isReady) {
      await sleep(LOOK_MS, undefined, { signal }).catch(() => {})
      signal.throwIfAborted()
      this.begun()
    }
  }

  #wants(stream: string): boolean {
    const { streams } = this.#job
    return streams === 'all' || (streams as readonly string[]).includes(isBookStream(stream) ? 'book' : stream)
  }
}

/** @throws ReplayError input `log-missing` where nobody could ever write one */
function logsAt(place: string): LogLocation[] {
  try {
    return findLogs(place)
  } catch (error) {
    if (error instanceof ReplayError && error.code === 'log-missing' && StreamWatch.of(place) !== null) return []
    throw error
  }
}

/** Of each stream that of the first day. */
function firstLogs(logs: readonly LogLocation[]): LogLocation[] {
  const firsts = new Map<string, LogLocation>()
  for (const log of logs) {
    const name = log.stream ?? log.path
    const first = firsts.get(name)
    if (first === undefined || (log.date ?? '') < (first.date ?? '')) firsts.set(name, log)
  }
  return [...firsts.values()]
}

function notOneInstrument(logs: readonly LogLocation[]): ReplayError {
  const told = logs.map(({ path: log }) => log).slice(0, 5)
  const message = `expected the logs of one instrument, one per stream and day, found ${told.join(', ') || 'none'}`
  return new ReplayError('follow-logs', message, { category: 'input' })
}

/** Those of the day before, where they are there: rows may depend on it. */
export function withDayBefore(logs: readonly LogLocation[]): LogLocation[] {
  return logs.map((log) => {
    const before = logOfDayBefore(log.path)
    return before === null ? log : { ...log, path: before, date: pathParts(before).at(-2) ?? null }
  })
}

/** The archive that logs lie in. @throws ReplayError input `follow-archive` */
export function archiveOf(logs: readonly LogLocation[]): string {
  const roots = new Set(logs.map((log) => (log.date === null ? null : path.resolve(log.path, '../../../../..'))))
  const [root] = roots
  if (roots.size === 1 && root != null && logs.every((log) => pathParts(path.resolve(log.path)).at(-5) === 'v1')) return root
  const message = `--table: expected logs of an archive, v1/<venue>/<symbol>/<date>/<stream>, as a run over it would read them; found ${logs[0]?.path}`
  throw new ReplayError('follow-archive', message, { category: 'input' })
}
