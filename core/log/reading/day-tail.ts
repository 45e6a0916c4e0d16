import fs from 'node:fs'
import path from 'node:path'
import type { MessageBatch } from '../../message/batch.ts'
import { archivePlaceOf, isDate, pathParts } from '../format/archive-place.ts'
import { isLogFolder } from '../format/log-path.ts'
import { QueueReader, type QueueReaderOptions } from './queue-reader.ts'
import { ReplayReader } from './replay-reader.ts'

export interface DayTailOptions extends Pick<QueueReaderOptions, 'onCorrupt' | 'onIssue' | 'signal'> {
  /** A log is gone over to. @param path its directory */
  readonly onLog?: ((path: string) => void) | undefined
}

type DayReader = Pick<QueueReader, 'poll' | 'close' | 'atEnd'>

interface NextDay {
  readonly path: string
  readonly reader: DayReader
  readonly first: MessageBatch
}

/** How often a day's end is looked for, milliseconds. */
const LOOK_MS = 200

/**
 * A log that is being written, and in an archive the logs of its later days, as a recorder rolls over to them: the next one is gone over to
 * when its first message is there and nothing new is in the one before. Whoever rolls has written all of a day by then.
 */
export class DayTail {
  readonly #options: DayTailOptions
  #path: string
  #reader: DayReader
  /** Of the next day, and its first messages. */
  #next: NextDay | null = null
  #lookedMs = Number.NEGATIVE_INFINITY

  /** @throws ReplayError as `QueueReader.open`, of the last day that there is: it has to be a log that is being written */
  static async open(path: string, options: DayTailOptions = {}): Promise<DayTail> {
    let last = path
    for (let next = laterLog(last); next !== null; next = laterLog(last)) last = next
    if (last !== path) await (await openQueue(last, options)).close()
    const reader = last === path ? await openQueue(path, options) : await openDay(path, options)
    options.onLog?.(path)
    return new DayTail(path, reader, options)
  }

  private constructor(path: string, reader: DayReader, options: DayTailOptions) {
    this.#path = path
    this.#reader = reader
    this.#options = options
  }

  /** Whether the last look found nothing behind the messages that were read. */
  get atEnd(): boolean {
    return this.#next === null && this.#reader.atEnd
  }

  /** The messages that there are; null: none at the moment. A batch is valid until the next call. */
  async poll(): Promise<MessageBatch | null> {
    const batch = await this.#reader.poll()
    if (batch !== null || !this.#reader.atEnd) return batch
    if (this.#next === null) {
      this.#next = await this.#findNext()
      // Once more: its last messages may have been written since they were looked for.
      return this.#next === null ? null : this.poll()
    }
    const { path, reader, first } = this.#next
    await this.#reader.close()
    this.#path = path
    this.#reader = reader
    this.#next = null
    this.#options.onLog?.(path)
    return first
  }

  async close(): Promise<void> {
    await this.#reader.close()
    await this.#next?.reader.close()
  }

  async #findNext(): Promise<NextDay | null> {
    const nowMs = performance.now()
    if (nowMs - this.#lookedMs < LOOK_MS) return null
    const path = laterLog(this.#path)
    if (path === null) {
      this.#lookedMs = nowMs
      return null
    }
    const reader = await openDay(path, this.#options)
    const first = await reader.poll()
    if (first !== null) return { path, reader, first }
    this.#lookedMs = nowMs
    await reader.close()
    return null
  }
}

/** The log of the same stream of the next day that has one; null: none, or the place of a log says nothing of days. */
export function laterLog(log: string): string | null {
  return logOfDay(log, (dates, own) => dates.find((date) => date > own))
}

/** The log of the same stream of the day right before; null: there is none. */
export function logOfDayBefore(log: string): string | null {
  return logOfDay(log, (dates, own) => dates.find((date) => Date.parse(date) === Date.parse(own) - DAY_MS))
}

/** @param choose of the days that have the stream, ascending */
function logOfDay(log: string, choose: (dates: readonly string[], own: string) => string | undefined): string | null {
  const place = archivePlaceOf(pathParts(path.resolve(log)))
  if (place === null) return null
  const symbol = path.dirname(path.dirname(path.resolve(log)))
  const dates = fs
    .readdirSync(symbol)
    .filter((name) => isDate(name) && isLog(path.join(symbol, name, place.stream)))
    .sort()
  const date = choose(dates, place.date)
  return date === undefined ? null : path.join(path.dirname(path.dirname(log)), date, place.stream)
}

function isLog(directory: string): boolean {
  try {
    return isLogFolder(fs.readdirSync(directory))
  } catch {
    return false
  }
}

async function openQueue(path: string, { onCorrupt, onIssue, signal }: DayTailOptions): Promise<QueueReader> {
  return QueueReader.open(path, {
    ...(onCorrupt && { onCorrupt }),
    ...(onIssue && { onIssue }),
    ...(signal && { signal }),
    start: 'earliest',
  })
}

/** A day that is over may be a log that nobody has written as a queue, or has packed since. */
async function openDay(directory: string, options: DayTailOptions): Promise<DayReader> {
  if (fs.existsSync(path.join(directory, 'control.meta'))) return openQueue(directory, options)
  const { onCorrupt, onIssue } = options
  const reader = await ReplayReader.open(directory, { ...(onCorrupt && { onCorrupt }), ...(onIssue && { onIssue }) })
  let atEnd = false
  return {
    get atEnd() {
      return atEnd
    },
    async poll() {
      const batch = await reader.nextBatch()
      atEnd = batch === null
      return batch
    },
    close: () => reader.close(),
  }
}

const DAY_MS = 86_400_000
