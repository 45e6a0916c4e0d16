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
  /** Time on the engine's clock, nanoseconds since the epoch. */
  timeLow = 0
  timeHigh = 0
  /** The same in microseconds, rounded down. */
  micros = 0
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
