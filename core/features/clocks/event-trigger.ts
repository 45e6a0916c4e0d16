import type { FeatureBook } from '../feature-book.ts'
import type { TriggerPlan } from './trigger.ts'

/** Says which events make a row; what it counts and compares is the kernel's (core/book/kernel/rows/event-trigger.as). */
export class EventTrigger {
  /** Of the kernel's `EventTrigger`, in the memory of the book. */
  readonly address: number
  readonly #book: FeatureBook

  constructor({ everyEvents, onBook, onTrade, onBestPrice }: TriggerPlan, book: FeatureBook) {
    this.#book = book
    this.address = this.#kernel.newEventTrigger(everyEvents, onBook ? 1 : 0, onTrade ? 1 : 0, onBestPrice ? 1 : 0) >>> 0
  }

  /** Start of a pass. */
  start(): void {
    this.#kernel.startTrigger(this.address, this.#book.view)
  }

  dayEnds(): void {
    this.#kernel.endTriggerDay(this.address)
  }

  trade(): boolean {
    return this.#kernel.tradeTriggers(this.address) !== 0
  }

  /**
   * @param restarted the event replaced or cleared the book
   * @param isReset it only cleared it
   */
  book(restarted: boolean, isReset: boolean): boolean {
    return this.#kernel.bookTriggers(this.address, this.#book.view, restarted ? 1 : 0, isReset ? 1 : 0) !== 0
  }

  get #kernel() {
    return this.#book.source.memory.kernel
  }
}
