import type { L2Book } from '../book/l2-book.ts'

/** What a feed took in a call. */
export interface FedEntries {
  bookEvents: number
  trades: number
  /** Address of the last one. */
  last: number
  /** The greatest time among them, in microseconds, and in nanoseconds as two words. */
  clockMicros: number
  clockLow: number
  clockHigh: number
}

/** Takes messages in place of the columns that hear of book events and trades, many in a call of the kernel. */
export interface HeldFeed {
  /** What the last call took. */
  readonly fed: FedEntries
  /** Whether it can take what comes now. */
  ready(): boolean
  /**
   * Takes the entries between two addresses of the book's memory, up to one that is not before a time, or at which there is more to do;
   * gives where that lies.
   * @param book judges events
   */
  feed(book: L2Book, from: number, to: number, untilMicros: number): number
}
