import { JsonMembers } from '../../files/json-scan.ts'
import { Instant } from '../../messages/instant.ts'
import type { InstrumentOutput } from '../../messages/instrument-output.ts'
import { BinanceDiff } from './binance-diff.ts'
import { type BinanceSnapshot, WaitingSnapshot } from './binance-snapshot.ts'
import { BookLevels } from './book-levels.ts'
import { type RecentDiff, RecentDiffs } from './recent-diffs.ts'
import type { RecordedRow } from './recorded-row.ts'

/** Diffs that wait for the first snapshot of a book: no more bytes, and not for longer. Then they are written without one. */
const MAX_WAITING_BYTES = 16 << 20
const MAX_WAITING_SECONDS = 600
/** Diffs that were written, kept for a snapshot that is older than they are. */
const MAX_RECENT_BYTES = 1 << 20

/** Bytes that wait, of all books. */
export interface WaitingBytes {
  bytes: number
}
const MAX_ALL_WAITING_BYTES = 96 << 20

/**
 * The book of a symbol of Binance: snapshots of the REST interface come some time after the diffs that they belong to. Diffs that
 * are not older than a snapshot follow it, also those that were received before it.
 */
export class BinanceBook {
  readonly #instrument: InstrumentOutput
  readonly #isFutures: boolean
  readonly #row: RecordedRow
  readonly #waiting: WaitingBytes
  readonly #levels = new BookLevels()
  readonly #recent = new RecentDiffs()
  readonly #members = new JsonMembers()
  readonly #again = new BinanceDiff()
  /** In the order of receipt. */
  readonly #later: WaitingSnapshot[] = []
  /** Until the first snapshot. */
  #isWaiting = true
  readonly #waitsUntil = new Instant()
  /** `lastUpdateId` of the last snapshot; −1: there was none. */
  #snapshotId = -1
  /** Last id of the diff before; −1: none since the snapshot. */
  #previous = -1
  /** Of the last diff that was received. */
  readonly #event = new Instant()

  constructor(instrument: InstrumentOutput, isFutures: boolean, row: RecordedRow, waiting: WaitingBytes) {
    this.#instrument = instrument
    this.#isFutures = isFutures
    this.#row = row
    this.#waiting = waiting
  }

  /** Takes a diff. @param start of its JSON */
  diff(diff: BinanceDiff, start: number, end: number): void {
    while (this.#later.length > 0 && this.#later[0]!.received.isBefore(this.#row.received)) this.#takeLater()
    this.#event.copy(diff.event)
    const recent = this.#recent
    const row = this.#row
    if (!this.#isWaiting) {
      if (this.#isOld(diff.last)) row.tally.leave(OLD)
      else if (this.#write(diff, true)) {
        recent.add(diff.bytes, start, end, diff.last, row, true)
        if (recent.size > MAX_RECENT_BYTES) recent.drop(recent.count >> 1 || 1)
      }
      return
    }
    if (recent.count === 0) this.#waitsUntil.copy(row.received).add(MAX_WAITING_SECONDS * 1e9)
    recent.add(diff.bytes, start, end, diff.last, row, false)
    this.#waiting.bytes += end - start
    const isTooMuch = recent.size > MAX_WAITING_BYTES || this.#waiting.bytes > MAX_ALL_WAITING_BYTES
    if (isTooMuch || this.#waitsUntil.isBefore(row.received)) this.#stopWaiting()
  }

  /** Takes a snapshot that was received now. */
  snapshot({ id, event, isDated, bytes, bidsStart, bidsEnd, asksStart, asksEnd }: BinanceSnapshot): void {
    const row = this.#row
    const { book } = this.#instrument
    if (!isDated && this.#event.isZero) row.tally.note('snapshots without a time')
    const exchange = isDated ? event : this.#event.isZero ? row.received : this.#event
    book.beginMessage('snapshot', row.received, exchange, id)
    const problem = this.#levels.put(book, true, bytes, bidsStart, bidsEnd) ?? this.#levels.put(book, false, bytes, asksStart, asksEnd)
    if (problem !== null) {
      row.refuseLevels(problem)
      return
    }
    const end = book.end()
    if (end === 'out-of-range') {
      row.tally.refuse(end)
      return
    }
    row.settle(end === 'written')
    if (this.#snapshotId >= 0) row.tally.note('further snapshots')
    this.#snapshotId = id
    this.#previous = -1
    this.#follow()
  }

  /** Keeps a snapshot that lies in another file, until what was received before it is taken. */
  snapshotLater(snapshot: BinanceSnapshot): void {
    const later = new WaitingSnapshot(snapshot, this.#row)
    let at = this.#later.length
    while (at > 0 && later.received.isBefore(this.#later[at - 1]!.received)) at--
    this.#later.splice(at, 0, later)
  }

  /** Nothing more is to come. */
  finish(): void {
    while (this.#later.length > 0) this.#takeLater()
    if (this.#isWaiting) this.#stopWaiting()
    if (this.#snapshotId < 0) this.#row.tally.note('books without a snapshot')
  }

  #takeLater(): void {
    const { snapshot, received, path, line } = this.#later.shift()!
    this.#at(path, line, received.low, received.high, () => this.snapshot(snapshot))
  }

  /** No snapshot came: what waited is written as it is. */
  #stopWaiting(): void {
    this.#follow()
    const recent = this.#recent
    for (let i = 0; i < recent.count; i++) recent.at(i).isWritten = true
    while (recent.size > MAX_RECENT_BYTES) recent.drop(recent.count >> 1 || 1)
  }

  /** Diffs that were received before the snapshot, but are not older, follow it. */
  #follow(): void {
    const recent = this.#recent
    const row = this.#row
    if (this.#isWaiting) this.#waiting.bytes -= recent.size
    this.#isWaiting = false
    let old = 0
    for (let i = 0; i < recent.count; i++) {
      const diff = recent.at(i)
      if (!this.#isOld(diff.last)) this.#at(diff.path, diff.line, diff.receivedLow, diff.receivedHigh, () => this.#writeAgain(diff))
      else {
        if (old === i) old++
        if (!diff.isWritten) row.tally.leave(OLD)
      }
    }
    recent.drop(old)
  }

  #writeAgain(diff: RecentDiff): void {
    // What was read once is read again.
    this.#members.scanObject(this.#recent.bytes, diff.start, diff.end)
    this.#again.read(this.#members, this.#isFutures)
    if (this.#write(this.#again, !diff.isWritten) && diff.isWritten) this.#row.tally.note('diffs repeated behind a snapshot')
    diff.isWritten = true
  }

  /** Does something with a row that was received before. */
  #at(path: string, line: number, low: number, high: number, take: () => void): void {
    const row = this.#row
    const now = { path: row.path, line: row.line, isCut: row.isCut, low: row.received.low, high: row.received.high }
    row.path = path
    row.line = line
    row.isCut = false
    row.received.setWords(low, high)
    take()
    row.path = now.path
    row.line = now.line
    row.isCut = now.isCut
    row.received.setWords(now.low, now.high)
  }

  /** The snapshot holds what it says. */
  #isOld(last: number): boolean {
    return this.#snapshotId >= 0 && (this.#isFutures ? last < this.#snapshotId : last <= this.#snapshotId)
  }

  /** False: it is not written, which was told. */
  #write(diff: BinanceDiff, isNew: boolean): boolean {
    const row = this.#row
    const { book } = this.#instrument
    this.#checkChain(diff)
    book.beginMessage('diff', row.received, diff.event, diff.last)
    book.setUpdateIds(diff.first, diff.last, diff.previous)
    const { bytes } = diff
    const problem =
      this.#levels.put(book, true, bytes, diff.bidsStart, diff.bidsEnd) ??
      this.#levels.put(book, false, bytes, diff.asksStart, diff.asksEnd)
    if (problem !== null) {
      if (isNew) row.refuseLevels(problem)
      return false
    }
    const end = book.end()
    if (!isNew) return end === 'written'
    if (end === 'out-of-range') row.tally.refuse(end)
    else row.settle(end === 'written')
    return end === 'written'
  }

  #checkChain({ first, last, previous }: BinanceDiff): void {
    const before = this.#previous
    const id = this.#snapshotId
    this.#previous = last
    if (before >= 0) {
      if (this.#isFutures ? previous !== before : first !== before + 1) this.#row.tally.note(BROKEN)
      return
    }
    // The first one holds the id of the snapshot, or goes on from it.
    const next = this.#isFutures ? id : id + 1
    if (id >= 0 && (first > next || last < next) && !(this.#isFutures && previous === id)) this.#row.tally.note(BROKEN)
  }
}

const BROKEN = 'chain broken'
const OLD = 'older than the snapshot'
