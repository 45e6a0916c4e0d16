/** Something that a log lacks; times in microseconds. */
export interface OpenLoss {
  /** Of the log's directory. */
  readonly path: string
  /** Of the log that the book is built of: it is not to be trusted until its next snapshot or reset. */
  readonly isBook: boolean
  /** From here on rows are behind it. */
  readonly fromMicros: number
  /** Of another log: until its next message, and no longer than this. */
  untilMicros: number
}

/**
 * Losses that rows are behind although no message of the log has come to show it: those that are still to begin, and those of
 * other logs than the book's until they end. A book's loss ends with the book that replaces it.
 */
export class OpenLosses {
  /** The next time at which a loss begins or ends; infinite when there is none. */
  next = Number.POSITIVE_INFINITY
  /** Whether any waits for the next message of its log. */
  isWaiting = false
  #coming: OpenLoss[] = []
  #open: OpenLoss[] = []

  /** Whether a loss of another log than the book's is open. */
  get isOpen(): boolean {
    return this.#open.length > 0
  }

  add(loss: OpenLoss): void {
    this.#coming.push(loss)
    this.#coming.sort((a, b) => a.fromMicros - b.fromMicros)
    this.#findNext()
  }

  /** A message of a log comes; `micros`: its time on the clock of rows. */
  meet(path: string, micros: number, isBook: boolean): void {
    // It is behind the loss itself.
    if (isBook) this.#coming = this.#coming.filter((loss) => !loss.isBook || loss.fromMicros <= micros)
    for (const loss of [...this.#coming, ...this.#open]) if (loss.path === path) loss.untilMicros = Math.min(loss.untilMicros, micros)
    this.#findNext()
  }

  /** The next begin or end, if it is not behind `micros`. */
  take(micros: number): { readonly loss: OpenLoss; readonly begins: boolean } | null {
    if (this.next > micros || this.next === Number.POSITIVE_INFINITY) return null
    const ended = this.#open.find(({ untilMicros }) => untilMicros <= this.next)
    const loss = ended ?? this.#coming.shift()!
    if (ended !== undefined) this.#open = this.#open.filter((one) => one !== ended)
    else if (!loss.isBook) this.#open.push(loss)
    this.#findNext()
    return { loss, begins: ended === undefined }
  }

  #findNext(): void {
    const ends = this.#open.map(({ untilMicros, fromMicros }) => Math.max(untilMicros, fromMicros))
    this.next = Math.min(this.#coming[0]?.fromMicros ?? Number.POSITIVE_INFINITY, ...ends)
    this.isWaiting = this.#coming.length + this.#open.length > 0
  }
}
