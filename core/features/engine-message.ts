import type { ErrorPlace } from '../errors.ts'
import { BOOK_EVENT_TYPE_OFFSET, EVENT_RESET, EVENT_SNAPSHOT, MODE_L3 } from '../protocol/book-event.ts'
import { L3_EVENT_TYPE_OFFSET, L3_RESET } from '../protocol/l3-event.ts'

/** `gap`: the sequences show that messages are missing. */
export const MESSAGES_MISSING = 1
/** `gap`: a book event was damaged, so that the book is wrong until its next snapshot or reset. */
export const EVENT_LOST = 2

/** A message on its way through the engine: one reused object, or fields of the buffer that held messages lie in. */
export class EngineMessage {
  /** Message type, e.g. 0x1000. */
  type = 0
  /** The payload: at byte `offset` of `view`, word `at` of `words`; `length` bytes. */
  view: DataView = new DataView(new ArrayBuffer(0))
  offset = 0
  words: Uint32Array = new Uint32Array(0)
  at = 0
  length = 0
  /** A book event's payload in the memory of the book; 0: it is not there. */
  stored = 0
  /** Time on the engine's clock, nanoseconds since the epoch. */
  timeLow = 0
  timeHigh = 0
  /** The same in microseconds, rounded down. */
  micros = 0
  /** Time of its record, nanoseconds since the epoch; with the record clock the same. */
  recordLow = 0
  recordHigh = 0
  /** Position: byte offset ÷ 64 in its segment. */
  positionLow = 0
  /** Position: segment; −1 for a message made by a transform. */
  positionHigh = -1
  /** What the sequence policy says, VERDICT_APPLY and so on. */
  verdict = 0
  /** 0, MESSAGES_MISSING or EVENT_LOST: what is missing before this one. */
  gap = 0
  /** 1: the book is not to be trusted from here on. */
  gapOpen = 0
  /** Log directory. */
  path = ''
}

/** Whether a book event is of orders, not of levels. */
export function isL3({ words, at }: EngineMessage): boolean {
  return ((words[at + (BOOK_EVENT_TYPE_OFFSET >>> 2)]! >>> 8) & 0xff) === MODE_L3
}

/** Whether a book event replaces or clears the book. */
export function isRestart(message: EngineMessage): boolean {
  const kind = message.words[message.at + (BOOK_EVENT_TYPE_OFFSET >>> 2)]! & 0xffff
  return kind === EVENT_SNAPSHOT || kind === EVENT_RESET || isL3Reset(message)
}

export function isL3Reset(message: EngineMessage): boolean {
  return isL3(message) && (message.words[message.at + (L3_EVENT_TYPE_OFFSET >>> 2)]! & 0xff) === L3_RESET
}

/** Where a message is, for an error. */
export function placeOf({ path, positionLow, positionHigh }: EngineMessage): ErrorPlace {
  return { ...(path !== '' && { path }), ...(positionHigh >= 0 && { segment: positionHigh, offset: positionLow * 64 }) }
}
