import type { ErrorPlace } from '../errors.ts'
import { isoTime } from '../instant.ts'
import type { MessageBatch } from '../message/batch.ts'
import type { MessageCursor } from '../message/message.ts'

const PLACES = new WeakMap<object, ErrorPlace>()

/** Notes at which message code of the user threw. What is noted first stays: later on only those hear of it who gave the message on. */
export function notePlace(error: unknown, message: MessageCursor): void {
  if (isToBeNoted(error)) PLACES.set(error, placeOf(message))
}

/** The same of code that was given messages by the batch, at one of which it threw. */
export function noteBatch(error: unknown, batch: MessageBatch): void {
  if (!isToBeNoted(error) || batch.length === 0) return
  // One cursor serves all rows.
  const lastTime = isoTime(batch.at(batch.rowAt(batch.length - 1)).timestampNs)
  const first = placeOf(batch.at(batch.rowAt(0)))
  PLACES.set(error, batch.length === 1 ? first : { ...first, messages: batch.length, lastTime })
}

function isToBeNoted(error: unknown): error is object {
  return typeof error === 'object' && error !== null && !PLACES.has(error)
}

function placeOf(message: MessageCursor): ErrorPlace {
  const { segment, segmentOffset: offset, timestampNs, seq } = message
  const { path } = message.batch.originAt(message.index)
  // A message that a transform made lies in no log.
  const inLog = segment < 0 ? {} : { segment, offset, ...(path !== '' && { path }) }
  return { time: isoTime(timestampNs), seq, ...inLog }
}

/** The message that a thrown error was noted at; nothing where none was. */
export function placeOfFailure(error: unknown): ErrorPlace {
  return (typeof error === 'object' && error !== null ? PLACES.get(error) : undefined) ?? {}
}
