import type { ErrorPlace } from '../errors.ts'
import { isoTime } from '../instant.ts'
import type { MessageCursor } from '../message/message.ts'

const PLACES = new WeakMap<object, ErrorPlace>()

/** Notes at which message code of the user threw. What is noted first stays: later on only those hear of it who gave the message on. */
export function notePlace(error: unknown, message: MessageCursor): void {
  if (typeof error !== 'object' || error === null || PLACES.has(error)) return
  const { segment, segmentOffset: offset, timestampNs, seq } = message
  const { path } = message.batch.originAt(message.index)
  // A message that a transform made lies in no log.
  const inLog = segment < 0 ? {} : { segment, offset, ...(path !== '' && { path }) }
  PLACES.set(error, { time: isoTime(timestampNs), seq, ...inLog })
}

/** The message that a thrown error was noted at; nothing where none was. */
export function placeOfFailure(error: unknown): ErrorPlace {
  return (typeof error === 'object' && error !== null ? PLACES.get(error) : undefined) ?? {}
}
