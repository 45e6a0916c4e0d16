import { ReplayError } from '../../errors.ts'
import { isoTime } from '../../instant.ts'
import { type MessageBatch, TIME_DIFFERS, TIME_STEPPED_BACK, TIME_UNUSABLE, TIME_WILD } from '../../message/batch.ts'
import { BatchSource, type MessageSource, NO_GRANT, type SourceGrant, type SourceRequest } from '../../message/source.ts'
import type { SeekIndex } from '../format/seek-index.ts'
import { DATA_OFFSET } from '../format/segment.ts'

const DAY_NS = 86_400_000_000_000n

/** A half-open range of record times, nanoseconds since the epoch. */
export interface TimeSpan {
  readonly fromNs: bigint
  readonly toNs: bigint
}

/**
 * The record times that can be believed in a folder of a date: recorders roll at local midnight, or late, or early, so they
 * may lie a day outside of its UTC day.
 * @param date `YYYY-MM-DD`
 */
export function believableSpan(date: string): TimeSpan {
  const startNs = BigInt(Date.parse(`${date}T00:00:00Z`)) * 1_000_000n
  return { fromNs: startNs > DAY_NS ? startNs - DAY_NS : 0n, toNs: startNs + 2n * DAY_NS }
}

/** A reader of one log, as this source needs it. */
export interface TimedLog extends MessageSource {
  readonly path: string
  /** The segment that the log begins with. */
  readonly firstSegment: number
  /** Greatest time that the index of a segment knows, if it knows the record with this sequence; null: nobody knows. */
  latestIndexed(segment: number, seq: bigint): bigint | null
  /** The seek index of a segment with its entries; null: there is none to compare with. */
  entriesOf(segment: number): SeekIndex | null
}

export interface SoundTimesOptions {
  /** UTC day of the log's folder, `YYYY-MM-DD`; null: it has none, and only the times beside one speak for or against it. */
  readonly date: string | null
  /** What the folder was planned to reach: a believed time outside is an error. @default all that can be believed */
  readonly reach?: TimeSpan | undefined
  /** Hears the least and the greatest time of the log once all of it has been read, and when one lies outside of `reach`. */
  readonly onTimes?: ((minNs: bigint, maxNs: bigint) => void) | undefined
}

/** A jump of record time that is looked into, nanoseconds. */
const JUMP_NS = 60e9
/** Records behind a jump ahead that may take it back, and behind a jump back. */
const LOOK_AHEAD = 8
const LOOK_AHEAD_BACK = 2
/** Wild times in a row up to which a book event is known to belong where it lies. */
const MAX_RUN = 8
/** Of a time as a double. */
const ROUNDING_NS = 512

type Verdict = 'believed' | 'wild' | 'stepped-back' | 'undecided'

/**
 * A log whose record times can be built upon. A record's header has no checksum, and recorders have clocks: one wild time would
 * keep back all that lies behind it, or end a day.
 *
 * A time is wild when it lies more than a day outside of its folder's, or when it jumps by more than a minute and a record right
 * behind it goes on from where time was before. A clock that steps and stays there is believed. What is wild gets the time of the
 * record before it, so that it keeps its place, and a flag (`MessageBatch.timeFlags`): whoever takes the batch decides whether
 * to do without the message. All of it follows from the records around it, so that it is the same wherever reading began.
 */
export class SoundTimes extends BatchSource {
  readonly #inner: TimedLog
  readonly #options: SoundTimesOptions
  readonly #span: TimeSpan | null
  /** Times between these need no look, unless they jump; doubles are exact enough, as the edges are looked at. */
  readonly #fromNs: number
  readonly #toNs: number
  /** Last believed time, NaN when there is none; and its words. */
  #last = Number.NaN
  #lastLow = 0
  #lastHigh = 0
  /** Wild times in a row. */
  #run = 0
  /** The first record lies inside the log, before all that is wanted. */
  #isBegunInside = false
  #isOver = false
  /** The first batch was seen: it says whether reading began inside the log. */
  #hasBegun = false
  readonly #extremes = new TimeExtremes()
  /** A believed time outside of what was planned. */
  #beyondNs: bigint | null = null
  /** Index of the segment being read, and its first entry that was not compared. */
  #segment = -1
  #index: SeekIndex | null = null
  #entry = 0
  /** Copies of the rows that what follows decides about, and the batch that follows. */
  #undecided: MessageBatch | null = null
  #next: MessageBatch | null = null

  /** @param inner closed with this */
  constructor(inner: TimedLog, options: SoundTimesOptions) {
    super()
    this.#inner = inner
    this.#options = options
    this.#span = options.date === null ? null : believableSpan(options.date)
    const { fromNs, toNs } = options.reach ?? this.#span ?? ALL
    this.#fromNs = Number(fromNs) + ROUNDING_NS
    this.#toNs = Number(toNs) - ROUNDING_NS
  }

  /** Reading goes on behind a record of this time. */
  goOnBehind(timestampNs: bigint): void {
    const [low, high] = [Number(timestampNs & 0xffff_ffffn), Number(timestampNs >> 32n)]
    this.#hasBegun = true
    this.#last = high * WORD + low
    this.#lastLow = low
    this.#lastHigh = high
  }

  /** No part of a filter is handed on: what is left out says nothing of the times beside it. */
  prepare(request: SourceRequest): SourceGrant {
    this.#inner.prepare?.({ ...request, filter: {} })
    return NO_GRANT
  }

  async close(): Promise<void> {
    this.#isOver = true
    await this.#inner.close()
  }

  protected async readBatch(): Promise<MessageBatch | null> {
    const batch = await this.#readJudged()
    if (this.#beyondNs !== null) await this.#refuse(this.#beyondNs)
    return batch
  }

  protected async seekSeq(seq: bigint): Promise<boolean> {
    this.#forget()
    return this.#inner.seekToSeq(seq)
  }

  protected async seekTimestamp(timestampNs: bigint): Promise<boolean> {
    this.#forget()
    return this.#inner.seekToTimestamp(timestampNs)
  }

  async #readJudged(): Promise<MessageBatch | null> {
    if (this.#undecided !== null) return this.#settle(this.#undecided)
    const batch = this.#next ?? (await this.#take())
    this.#next = null
    if (batch === null) {
      this.#end()
      return null
    }
    const decided = this.#judge(batch, null)
    if (decided < batch.length) {
      this.#undecided = batch.copyOf(decided)
      batch.keepFirst(decided)
    }
    return batch
  }

  async #take(): Promise<MessageBatch | null> {
    const batch = await this.#inner.nextBatch()
    if (batch === null) return null
    if (!this.#hasBegun && batch.length > 0) this.#begin(batch)
    this.#compare(batch)
    return batch
  }

  /** Decides about the last rows of a batch by those of the next. */
  async #settle(kept: MessageBatch): Promise<MessageBatch> {
    let undecided = kept
    let next = await this.#take()
    // Too short to tell: it is decided about with them.
    while (next !== null && next.length < 2 * LOOK_AHEAD) {
      undecided = undecided.copyOf(0, next)
      next = await this.#take()
    }
    this.#undecided = null
    this.#next = next
    this.#isOver = next === null
    this.#judge(undecided, next)
    return undecided
  }

  /** Flags records that their segment's index has another time for. Where both are of the same record, its sequence is the same. */
  #compare(batch: MessageBatch): void {
    if (batch.count === 0) return
    const { segment, bufferStart } = batch.originAt(0)
    if (segment !== this.#segment) {
      this.#segment = segment
      this.#index = segment < 0 ? null : this.#inner.entriesOf(segment)
      this.#entry = 0
    }
    const index = this.#index
    if (index === null) return
    const { offsets, count } = batch
    let row = 0
    // A seek may have gone back.
    if (this.#entry > 0 && index.offsetAt(this.#entry - 1) >= bufferStart + offsets[0]!) this.#entry = 0
    for (; this.#entry < index.entryCount; this.#entry++) {
      const offset = index.offsetAt(this.#entry) - bufferStart
      while (row < count && offsets[row]! < offset) row++
      if (row === count) return
      if (offsets[row] !== offset) continue
      const { seq, timestampNs } = batch.at(row)
      if (seq === index.seqAt(this.#entry) && timestampNs !== index.timestampNsAt(this.#entry)) batch.flagTime(row, TIME_DIFFERS)
    }
  }

  #begin(batch: MessageBatch): void {
    this.#hasBegun = true
    const { segment, segmentOffset } = batch.at(batch.rowAt(0))
    this.#isBegunInside = segment !== this.#inner.firstSegment || segmentOffset !== DATA_OFFSET
    this.#extremes.isWhole = !this.#isBegunInside
  }

  #end(): void {
    this.#isOver = true
    const { isWhole, isEmpty, leastNs, mostNs } = this.#extremes
    if (isWhole && !isEmpty && this.#beyondNs === null) this.#options.onTimes?.(leastNs, mostNs)
    this.#extremes.isWhole = false // told
  }

  #forget(): void {
    this.#last = Number.NaN
    this.#run = 0
    this.#undecided = null
    this.#next = null
    this.#isOver = false
    this.#hasBegun = false
    this.#isBegunInside = false
    this.#extremes.forget()
  }

  /**
   * Judges rows until one cannot be judged without those behind the batch; how many were.
   * @param next the batch that follows; null: it was not read yet, or there is none
   */
  #judge(batch: MessageBatch, next: MessageBatch | null): number {
    for (let k = this.#passInOrder(batch, 0); k < batch.length; k = this.#passInOrder(batch, k + 1)) {
      const row = batch.rowAt(k)
      const time = timeOf(batch, row)
      const jump = time - this.#last
      if (!(time > this.#fromNs && time < this.#toNs && jump <= JUMP_NS && jump >= -JUMP_NS)) {
        const verdict = this.#lookAt(batch, k, next)
        if (verdict === 'undecided') return k
        if (verdict === 'wild') {
          this.#correct(batch, k, next)
          continue
        }
        if (verdict === 'stepped-back') batch.flagTime(row, TIME_STEPPED_BACK)
      }
      this.#believe(batch, row, time)
    }
    return batch.length
  }

  /** Takes rows from the k-th on whose times go on from the last one, of which none needs a look; gives the first that does. */
  #passInOrder(batch: MessageBatch, k: number): number {
    if (!(this.#last > this.#fromNs)) return k
    const { timeWords, selection, length } = batch
    let high = this.#lastHigh
    let low = this.#lastLow
    // A time of the same high word is at most four seconds later, and compared without a double.
    let ends = (high + 1) * WORD <= this.#toNs
    let next = k
    for (; next < length; next++) {
      const row = selection === null ? next : selection[next]!
      const nextLow = timeWords[2 * row]!
      const nextHigh = timeWords[2 * row + 1]!
      if (!(nextHigh === high && nextLow >= low && ends)) {
        const last = high * WORD + low
        const time = nextHigh * WORD + nextLow
        if (!(time >= last && time - last <= JUMP_NS && time < this.#toNs)) break
        high = nextHigh
        ends = (high + 1) * WORD <= this.#toNs
      }
      low = nextLow
    }
    if (next > k) this.#believe(batch, batch.rowAt(next - 1), high * WORD + low)
    return next
  }

  #believe({ timeWords }: MessageBatch, row: number, time: number): void {
    const extremes = this.#extremes
    const low = timeWords[2 * row]!
    const high = timeWords[2 * row + 1]!
    this.#last = time
    this.#lastLow = low
    this.#lastHigh = high
    this.#run = 0
    this.#isBegunInside = false
    if (time >= extremes.most) {
      extremes.most = time
      extremes.mostLow = low
      extremes.mostHigh = high
    }
    if (time <= extremes.least) {
      extremes.least = time
      extremes.leastLow = low
      extremes.leastHigh = high
    }
  }

  #lookAt(batch: MessageBatch, k: number, next: MessageBatch | null): Verdict {
    const row = batch.rowAt(k)
    const timeNs = BigInt.asUintN(64, batch.times[row]!)
    if (!isWithin(timeNs, this.#span ?? ALL)) return this.#lacksTime(batch, k, next) ? 'undecided' : 'wild'
    const verdict = this.#isBegunInside ? 'believed' : this.#judgeJump(batch, k, next)
    const { reach } = this.#options
    if (reach !== undefined && (verdict === 'believed' || verdict === 'stepped-back') && !isWithin(timeNs, reach)) this.#beyondNs ??= timeNs
    return verdict
  }

  #judgeJump(batch: MessageBatch, k: number, next: MessageBatch | null): Verdict {
    const time = timeOf(batch, batch.rowAt(k))
    const last = this.#last
    if (time < last - JUMP_NS) {
      for (let ahead = 1; ahead <= LOOK_AHEAD_BACK; ahead++) {
        const [of, row] = this.#following(batch, k + ahead, next)
        if (of === null) return this.#isOver ? 'stepped-back' : 'undecided'
        if (this.#isBelievable(of, row) && timeOf(of, row) >= last - JUMP_NS) return 'wild'
      }
      return 'stepped-back'
    }
    if (time <= last + JUMP_NS) return 'believed'
    if (Number.isNaN(last)) return this.#judgeFirst(batch, k, next)
    for (let ahead = 1; ahead <= LOOK_AHEAD; ahead++) {
      const [of, row] = this.#following(batch, k + ahead, next)
      if (of === null) return this.#isOver ? this.#judgeByIndex(batch, k) : 'undecided'
      if (!this.#isBelievable(of, row)) continue
      const then = timeOf(of, row)
      if (then < time - JUMP_NS) return then < last - JUMP_NS ? 'believed' : 'wild'
    }
    return 'believed'
  }

  /** With nothing before it a time is wild when most of those behind it lie before it. */
  #judgeFirst(batch: MessageBatch, k: number, next: MessageBatch | null): Verdict {
    const [own, row] = this.#following(batch, k, next)
    const time = timeOf(own!, row)
    let [seen, before] = [0, 0]
    for (let ahead = 1; ahead <= LOOK_AHEAD; ahead++) {
      const [of, at] = this.#following(batch, k + ahead, next)
      if (of === null && !this.#isOver) return 'undecided'
      if (of === null) break
      if (!this.#isBelievable(of, at)) continue
      seen++
      if (timeOf(of, at) < time - JUMP_NS) before++
    }
    return before > seen / 2 ? 'wild' : 'believed'
  }

  /** The log ends: a jump ahead is one if the index saw it. */
  #judgeByIndex(batch: MessageBatch, k: number): Verdict {
    const { segment, seq, timestampNs } = batch.at(batch.rowAt(k))
    const latestNs = segment < 0 ? null : this.#inner.latestIndexed(segment, seq)
    return latestNs !== null && timestampNs > latestNs ? 'wild' : 'believed'
  }

  #correct(batch: MessageBatch, k: number, next: MessageBatch | null): void {
    const row = batch.rowAt(k)
    const [low, high] = Number.isNaN(this.#last) ? this.#firstTime(batch, k, next) : [this.#lastLow, this.#lastHigh]
    batch.timeWords[2 * row] = low
    batch.timeWords[2 * row + 1] = high
    batch.flagTime(row, ++this.#run > MAX_RUN ? TIME_UNUSABLE : TIME_WILD)
  }

  /** Nothing sound has come before it, and what comes behind it cannot be told yet. */
  #lacksTime(batch: MessageBatch, k: number, next: MessageBatch | null): boolean {
    return Number.isNaN(this.#last) && !this.#isOver && next === null && k + 2 * LOOK_AHEAD >= batch.length
  }

  /** For a wild time that nothing sound lies before: the first time behind it that will be believed, else the begin of the day. */
  #firstTime(batch: MessageBatch, k: number, next: MessageBatch | null): readonly [low: number, high: number] {
    for (let ahead = 1; ahead <= LOOK_AHEAD; ahead++) {
      const [of, row] = this.#following(batch, k + ahead, next)
      if (of === null || !this.#isBelievable(of, row) || this.#judgeFirst(batch, k + ahead, next) === 'wild') continue
      return [of.timeWords[2 * row]!, of.timeWords[2 * row + 1]!]
    }
    const startNs = this.#span === null ? 0n : this.#span.toNs - 2n * DAY_NS
    return [Number(startNs & 0xffff_ffffn), Number(startNs >> 32n)]
  }

  /** The k-th selected row of a batch, also where it lies in the next one; null: it does not lie there either. */
  #following(batch: MessageBatch, k: number, next: MessageBatch | null): readonly [of: MessageBatch | null, row: number] {
    if (k < batch.length) return [batch, batch.rowAt(k)]
    const at = k - batch.length
    return next !== null && at < next.length ? [next, next.rowAt(at)] : [null, 0]
  }

  #isBelievable(batch: MessageBatch, row: number): boolean {
    return isWithin(BigInt.asUintN(64, batch.times[row]!), this.#span ?? ALL)
  }

  /** Finds out what the log reaches, and says so. */
  async #refuse(beyondNs: bigint): Promise<never> {
    const { path } = this.#inner
    const { reach, onTimes } = this.#options
    if (!this.#extremes.isWhole) {
      await this.#inner.seekToTimestamp(0n)
      this.#forget()
    }
    while ((await this.#readJudged()) !== null);
    const { leastNs, mostNs } = this.#extremes
    onTimes?.(leastNs, mostNs)
    const found = `records from ${isoTime(leastNs)} to ${isoTime(mostNs)}`
    const message = `expected record times from ${isoTime(reach!.fromNs)} up to ${isoTime(reach!.toNs)}, as the run was planned; found ${found} (the first outside: ${isoTime(beyondNs)}). A new run knows it: run again`
    throw new ReplayError('folder-reach', message, { category: 'input', path })
  }
}

/** The least and the greatest believed time; as doubles, for comparing, and as words. */
class TimeExtremes {
  /** From the first record on. */
  isWhole = false
  least = Number.POSITIVE_INFINITY
  leastLow = 0
  leastHigh = 0
  most = Number.NEGATIVE_INFINITY
  mostLow = 0
  mostHigh = 0

  get leastNs(): bigint {
    return timeNsOf(this.leastLow, this.leastHigh)
  }

  get mostNs(): bigint {
    return timeNsOf(this.mostLow, this.mostHigh)
  }

  get isEmpty(): boolean {
    return this.most < this.least
  }

  forget(): void {
    this.isWhole = false
    this.least = Number.POSITIVE_INFINITY
    this.most = Number.NEGATIVE_INFINITY
  }
}

const WORD = 2 ** 32
/** What `ts_ns`, an i64, holds. */
const ALL: TimeSpan = { fromNs: 0n, toNs: 2n ** 63n }

function isWithin(timeNs: bigint, { fromNs, toNs }: TimeSpan): boolean {
  return timeNs >= fromNs && timeNs < toNs
}

function timeOf({ timeWords }: MessageBatch, row: number): number {
  return timeWords[2 * row + 1]! * WORD + timeWords[2 * row]!
}

function timeNsOf(low: number, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low)
}
