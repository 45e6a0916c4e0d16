import type { RecordedRow } from './recorded-row.ts'

/** A diff that was kept as it was received: its JSON is `bytes[start … end)` of the list. */
export interface RecentDiff {
  start: number
  end: number
  receivedLow: number
  receivedHigh: number
  /** Its last update id. */
  last: number
  path: string
  line: number
  isWritten: boolean
}

/** Diffs that a snapshot may still need, in order. */
export class RecentDiffs {
  bytes = new Uint8Array(1 << 14)
  count = 0
  #used = 0
  /** Used again. */
  readonly #diffs: RecentDiff[] = []

  /** Bytes of the diffs. */
  get size(): number {
    return this.#used
  }

  at(index: number): RecentDiff {
    return this.#diffs[index]!
  }

  add(bytes: Uint8Array, start: number, end: number, last: number, row: RecordedRow, isWritten: boolean): void {
    const stop = this.#used + end - start
    if (stop > this.bytes.length) this.#grow(stop)
    this.bytes.set(bytes.subarray(start, end), this.#used)
    let diff = this.#diffs[this.count]
    if (diff === undefined) {
      diff = { start: 0, end: 0, receivedLow: 0, receivedHigh: 0, last: 0, path: '', line: 0, isWritten: false }
      this.#diffs.push(diff)
    }
    diff.start = this.#used
    diff.end = stop
    diff.receivedLow = row.received.low
    diff.receivedHigh = row.received.high
    diff.last = last
    diff.path = row.path
    diff.line = row.line
    diff.isWritten = isWritten
    this.#used = stop
    this.count++
  }

  /** The oldest go. */
  drop(count: number): void {
    if (count === 0) return
    const from = count < this.count ? this.at(count).start : this.#used
    this.bytes.copyWithin(0, from, this.#used)
    this.#used -= from
    this.#diffs.push(...this.#diffs.splice(0, count))
    this.count -= count
    for (let i = 0; i < this.count; i++) {
      const diff = this.at(i)
      diff.start -= from
      diff.end -= from
    }
  }

  #grow(bytes: number): void {
    const more = new Uint8Array(2 * bytes)
    more.set(this.bytes.subarray(0, this.#used))
    this.bytes = more
  }
}
