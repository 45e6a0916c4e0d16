import type { MessageCursor } from '../message/message.ts'
import { BOOK_EVENT_BYTES, BOOK_EVENT_TYPE_OFFSET, EVENT_DIFF, EVENT_RESET, EVENT_SNAPSHOT, MODE_L3 } from '../protocol/book-event.ts'
import { L3_EVENT_BYTES, L3_EVENT_TYPE_OFFSET, L3_RESET } from '../protocol/l3-event.ts'
import { TYPE_BOOK_EVENT } from '../protocol/message-type.ts'

export function isBookEvent({ typeId, length }: MessageCursor): boolean {
  return typeId === TYPE_BOOK_EVENT && length >= BOOK_EVENT_BYTES
}

/** How a message begins a book, so that nothing before it matters to that; `other`: it does not. */
export function bookStartOf(message: MessageCursor): 'snapshot' | 'reset' | 'other' {
  if (!isBookEvent(message)) return 'other'
  const { view, payloadOffset, length } = message
  // Event type, book mode.
  const kind = view.getUint16(payloadOffset + BOOK_EVENT_TYPE_OFFSET, true)
  if (kind === EVENT_SNAPSHOT) return 'snapshot'
  if (kind === EVENT_RESET) return 'reset'
  const isL3Event = kind === (EVENT_DIFF | (MODE_L3 << 8)) && length >= L3_EVENT_BYTES
  return isL3Event && view.getUint8(payloadOffset + L3_EVENT_TYPE_OFFSET) === L3_RESET ? 'reset' : 'other'
}
