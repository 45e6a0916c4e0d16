import type { NewMessage } from '../../message/batch-builder.ts'
import type { MessageCursor } from '../../message/message.ts'
import {
  BOOK_EVENT_BYTES,
  BOOK_EVENT_RECORD_LENGTH_OFFSET,
  BOOK_EVENT_SEQ_OFFSET,
  BOOK_EVENT_TYPE_OFFSET,
  EVENT_SNAPSHOT,
  MODE_L2,
} from '../../protocol/book-event.ts'
import { TYPE_BOOK_EVENT } from '../../protocol/message-type.ts'
import type { L2Book } from '../l2-book.ts'
import { encodeL2Payload } from './snapshot-payload.ts'

/**
 * The whole book as an L2 snapshot message, to be emitted by a transform.
 * @param event the book event after which the book is as it is: its times, market and native id become the snapshot's.
 * The snapshot's own `seq` is 0 (none): it is not an event of the feed.
 */
export function snapshotMessage(book: L2Book, event: MessageCursor): NewMessage {
  const body = encodeL2Payload(book)
  const payload = new Uint8Array(BOOK_EVENT_BYTES + body.length)
  payload.set(event.payload.subarray(0, BOOK_EVENT_BYTES))
  payload.set(body, BOOK_EVENT_BYTES)
  const view = new DataView(payload.buffer)
  view.setUint32(BOOK_EVENT_RECORD_LENGTH_OFFSET, payload.length, true)
  view.setBigUint64(BOOK_EVENT_SEQ_OFFSET, 0n, true)
  view.setUint8(BOOK_EVENT_TYPE_OFFSET, EVENT_SNAPSHOT)
  view.setUint8(BOOK_EVENT_TYPE_OFFSET + 1, MODE_L2)
  return { typeId: TYPE_BOOK_EVENT, timestampNs: event.timestampNs, seq: event.seq, payload }
}
