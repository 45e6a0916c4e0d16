import { MessageBatch } from '../../message/batch.ts'
import { BatchSource, type MessageSource, NO_GRANT, type SourceGrant, type SourceRequest } from '../../message/source.ts'

const CAPACITY = 8192

/** One source and how far the merge has come in its current batch. */
interface Head {
  readonly source: MessageSource
  /** null: at the end. */
  batch: MessageBatch | null
  /** Index of the next message in the batch's selection. */
  at: number
  /** Time of that message: high and low word. */
  timeHigh: number
  timeLow: number
}

/**
 * Merges sources by record time: always the smallest head time, ties to the source given first. Each source keeps its
 * own order, also where its times step back. The merged batch points into the sources' buffers: payloads are not copied.
 */
export class MergedSource extends BatchSource {
  readonly #heads: Head[]
  readonly #batch: MessageBatch
  #started = false
  /** Time flags of the rows merged so far; null: none has any. */
  #flags: Uint8Array | null = null

  /** @param sources closed with the merge. At most 65,535. */
  constructor(sources: readonly MessageSource[], checked = false) {
    super()
    this.#heads = sources.map((source) => ({ source, batch: null, at: 0, timeHigh: 0, timeLow: 0 }))
    this.#batch = new MessageBatch(checked)
    this.#batch.allocateColumns(CAPACITY)
    this.#batch.bufferIndex = new Uint16Array(CAPACITY)
  }

  prepare(request: SourceRequest): SourceGrant {
    const isReading = this.isWithinBatch || this.#heads.some(({ batch }) => batch !== null)
    const asked = isReading ? { ...request, filter: {} } : request
    const grants = this.#heads.map(({ source }) => source.prepare?.(asked) ?? NO_GRANT)
    if (isReading) return NO_GRANT
    // A part of the filter counts as applied only if every source applies it; applying it twice does no harm.
    return { time: grants.every((g) => g.time), types: grants.every((g) => g.types), symbols: grants.every((g) => g.symbols) }
  }

  async close(): Promise<void> {
    for (const { source } of this.#heads) await source.close()
  }

  protected async readBatch(): Promise<MessageBatch | null> {
    const batch = this.#batch
    batch.reset(0, 0)
    for (const head of this.#heads) await this.#refill(head)
    this.#started = true
    const live = this.#heads.filter((head) => head.batch !== null)
    if (live.length === 0 && batch.scanned === 0) return null
    const counts = { scanned: batch.scanned, skipped: batch.skipped, bytes: batch.scannedBytes }
    batch.buffers = live.flatMap((head) => head.batch!.buffers)
    this.#flags = null
    const rows = this.#merge(live)
    batch.reset(rows, counts.scanned, counts.skipped, counts.bytes)
    batch.timeFlags = this.#flags
    return batch
  }

  /** Positions every source; found if any has such a message. */
  protected async seekSeq(seq: bigint): Promise<boolean> {
    return this.#seekAll((source) => source.seekToSeq(seq))
  }

  protected async seekTimestamp(timestampNs: bigint): Promise<boolean> {
    return this.#seekAll((source) => source.seekToTimestamp(timestampNs))
  }

  async #seekAll(seek: (source: MessageSource) => Promise<boolean>): Promise<boolean> {
    this.#started = false
    let found = false
    for (const head of this.#heads) {
      head.batch = null
      head.at = 0
      found = (await seek(head.source)) || found
    }
    return found
  }

  /** Reads the source's next batch with messages once the one before is used up; counts what it left out. */
  async #refill(head: Head): Promise<void> {
    if (this.#started && head.batch === null) return
    while (head.batch === null || head.at === head.batch.length) {
      head.batch = await head.source.nextBatch()
      head.at = 0
      if (head.batch === null) return
      this.#batch.scanned += head.batch.scanned
      this.#batch.skipped += head.batch.skipped
      this.#batch.scannedBytes += head.batch.scannedBytes
    }
    readTime(head)
  }

  /** Merges until a source has used up its batch (its buffer is needed until then) or the columns are full. */
  #merge(live: Head[]): number {
    const firstBuffer: number[] = []
    let buffers = 0
    for (const head of live) {
      firstBuffer.push(buffers)
      buffers += head.batch!.buffers.length
    }
    let rows = 0
    while (rows < CAPACITY) {
      const least = smallest(live, -1)
      if (least < 0) break
      const head = live[least]!
      // The head keeps its turn as long as it is not behind the second: runs are cheap.
      const second = smallest(live, least)
      const rival = second < 0 ? null : live[second]!
      const winsTies = least < second
      const begin = head.at
      const end = endOfRun(head, rival, winsTies, CAPACITY - rows)
      this.#take(head.batch!, begin, end, rows, firstBuffer[least]!)
      rows += end - begin
      head.at = end
      if (end === head.batch!.length) return rows
      readTime(head)
    }
    return rows
  }

  /** Takes the selected messages from `begin` to before `end` as rows from `firstRow` on. */
  #take(from: MessageBatch, begin: number, end: number, firstRow: number, firstBuffer: number): void {
    const { selection, offsets, lengths, types, seqWords, timeWords, timeFlags } = from
    const to = this.#batch
    const [toOffsets, toLengths, toTypes, toSeqs, toTimes] = [to.offsets, to.lengths, to.types, to.seqWords, to.timeWords]
    const buffers = to.bufferIndex!
    for (let k = begin, row = firstRow; k < end; k++, row++) {
      const source = selection === null ? k : selection[k]!
      toOffsets[row] = offsets[source]!
      toLengths[row] = lengths[source]!
      toTypes[row] = types[source]!
      toSeqs[2 * row] = seqWords[2 * source]!
      toSeqs[2 * row + 1] = seqWords[2 * source + 1]!
      toTimes[2 * row] = timeWords[2 * source]!
      toTimes[2 * row + 1] = timeWords[2 * source + 1]!
      buffers[row] = firstBuffer + (from.bufferIndex === null ? 0 : from.bufferIndex[source]!)
      if (timeFlags === null || timeFlags[source] === 0) continue
      this.#flags ??= new Uint8Array(CAPACITY)
      this.#flags[row] = timeFlags[source]!
    }
  }
}

/** Where the messages of a head end that come before its rival's first; at most so many. */
function endOfRun({ at, batch }: Head, rival: Head | null, winsTies: boolean, limit: number): number {
  const { selection, timeWords, length } = batch!
  const end = Math.min(length, at + limit)
  if (rival === null) return end
  const { timeHigh, timeLow } = rival
  let to = at + 1
  for (; to < end; to++) {
    const row = selection === null ? to : selection[to]!
    const high = timeWords[2 * row + 1]!
    const low = timeWords[2 * row]!
    if (high > timeHigh || (high === timeHigh && (low > timeLow || (low === timeLow && !winsTies)))) break
  }
  return to
}

/** Index of the head with the smallest time, the first of equals, leaving out `except`; -1 when there is none. */
function smallest(live: readonly Head[], except: number): number {
  let least = -1
  for (let i = 0; i < live.length; i++) {
    if (i !== except && (least < 0 || isBefore(live[i]!, live[least]!, false))) least = i
  }
  return least
}

function isBefore(a: Head, b: Head, orEqual: boolean): boolean {
  if (a.timeHigh !== b.timeHigh) return a.timeHigh < b.timeHigh
  return a.timeLow < b.timeLow || (orEqual && a.timeLow === b.timeLow)
}

function readTime(head: Head): void {
  const batch = head.batch!
  const row = batch.selection === null ? head.at : batch.selection[head.at]!
  head.timeHigh = batch.timeWords[2 * row + 1]!
  head.timeLow = batch.timeWords[2 * row]!
}
