import { MessageBatch } from '../../message/batch.ts'
import { BatchSource, type MessageSource, NO_GRANT, type SourceGrant, type SourceRequest } from '../../message/source.ts'

const CAPACITY = 8192
const NO_ROWS = new Uint16Array(0)

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
  /** Into which rows its next messages come, and how many of them do. */
  rows: Uint16Array
  taken: number
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
    this.#heads = sources.map((source) => ({ source, batch: null, at: 0, timeHigh: 0, timeLow: 0, rows: NO_ROWS, taken: 0 }))
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
    if (head.rows.length < Math.min(CAPACITY, head.batch.length)) head.rows = new Uint16Array(Math.min(CAPACITY, head.batch.offsets.length))
    readTime(head)
  }

  /** Merges until a source has used up its batch (its buffer is needed until then) or the columns are full. */
  #merge(live: readonly Head[]): number {
    const rows = live.length === 2 ? orderPair(live[0]!, live[1]!) : orderRuns(live)
    let firstBuffer = 0
    for (const head of live) {
      this.#take(head, firstBuffer)
      firstBuffer += head.batch!.buffers.length
      head.at += head.taken
      head.taken = 0
      if (head.at < head.batch!.length) readTime(head)
    }
    return rows
  }

  /** Puts the messages that were taken of a head into their rows; column by column, as all of them at once are more than there are registers. */
  #take({ batch, at, rows, taken }: Head, firstBuffer: number): void {
    const { bufferIndex, timeFlags } = batch!
    const sources = batch!.selection ?? inOrder(at + taken)
    const { offsets, lengths, types, seqs, times } = batch!
    const { offsets: toOffsets, lengths: toLengths, types: toTypes, seqs: toSeqs, times: toTimes } = this.#batch
    const buffers = this.#batch.bufferIndex!
    for (let i = 0; i < taken; i++) toOffsets[rows[i]!] = offsets[sources[at + i]!]!
    for (let i = 0; i < taken; i++) toLengths[rows[i]!] = lengths[sources[at + i]!]!
    for (let i = 0; i < taken; i++) toTypes[rows[i]!] = types[sources[at + i]!]!
    for (let i = 0; i < taken; i++) toSeqs[rows[i]!] = seqs[sources[at + i]!]!
    for (let i = 0; i < taken; i++) toTimes[rows[i]!] = times[sources[at + i]!]!
    for (let i = 0; i < taken; i++) buffers[rows[i]!] = firstBuffer + (bufferIndex === null ? 0 : bufferIndex[sources[at + i]!]!)
    if (timeFlags === null) return
    for (let i = 0; i < taken; i++) {
      const flag = timeFlags[sources[at + i]!]!
      if (flag === 0) continue
      this.#flags ??= new Uint8Array(CAPACITY)
      this.#flags[rows[i]!] = flag
    }
  }
}

/** At least so many rows, one behind the other. */
function inOrder(rows: number): Uint32Array {
  if (ALL_ROWS.length < rows) ALL_ROWS = Uint32Array.from({ length: 2 * rows }, (_, i) => i)
  return ALL_ROWS
}

let ALL_ROWS = new Uint32Array(0)

/**
 * The order of two heads' messages; gives how many rows it makes. Of a book and its trades hardly two messages of a log come one behind
 * the other, and nobody foresees where a run ends: which head is next is counted, without a branch.
 */
function orderPair(one: Head, other: Head): number {
  const { at: begin, rows: rowsOfOne } = one
  const { at: otherBegin, rows: rowsOfOther } = other
  const { timeWords: times, selection } = one.batch!
  const { timeWords: otherTimes, selection: otherSelection } = other.batch!
  const end = one.batch!.length
  const otherEnd = other.batch!.length
  let k = begin
  let otherK = otherBegin
  let row = 0
  for (; k < end && otherK < otherEnd && row < CAPACITY; row++) {
    const at = 2 * (selection === null ? k : selection[k]!)
    const otherAt = 2 * (otherSelection === null ? otherK : otherSelection[otherK]!)
    const high = times[at + 1]!
    const otherHigh = otherTimes[otherAt + 1]!
    const isOther = Number(high === otherHigh ? otherTimes[otherAt]! < times[at]! : otherHigh < high)
    // Of the one that does not come now it is written again.
    rowsOfOne[k - begin] = row
    rowsOfOther[otherK - otherBegin] = row
    k += 1 - isOther
    otherK += isOther
  }
  one.taken = k - begin
  other.taken = otherK - otherBegin
  return row
}

/** The order of any heads' messages, run by run: a head keeps its turn as long as it is not behind the second. */
function orderRuns(live: readonly Head[]): number {
  let row = 0
  while (row < CAPACITY) {
    const least = smallest(live, -1)
    if (least < 0) break
    const head = live[least]!
    const second = smallest(live, least)
    const begin = head.at + head.taken
    const end = endOfRun(head, begin, second < 0 ? null : live[second]!, least < second, CAPACITY - row)
    for (let k = begin; k < end; k++) head.rows[head.taken++] = row++
    if (end === head.batch!.length) break
    readTime(head)
  }
  return row
}

/** Where the messages of a head from `begin` on end that come before its rival's first; at most so many. */
function endOfRun({ batch }: Head, begin: number, rival: Head | null, winsTies: boolean, limit: number): number {
  const { selection, timeWords, length } = batch!
  const end = Math.min(length, begin + limit)
  if (rival === null) return end
  const { timeHigh, timeLow } = rival
  let to = begin + 1
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

/** Reads the time of the message behind those taken. */
function readTime(head: Head): void {
  const batch = head.batch!
  const row = batch.rowAt(head.at + head.taken)
  head.timeHigh = batch.timeWords[2 * row + 1]!
  head.timeLow = batch.timeWords[2 * row]!
}
