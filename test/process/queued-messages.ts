import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import type { Message } from '../../core/message/message.ts'

/** A message that is still to be written. */
export interface Queued {
  readonly message: Message
  readonly stream: string
}

/** The messages of a day's streams by record time; each stream keeps its order, in which times may step back. */
export async function queuedMessages(day: string, names: readonly string[]): Promise<Queued[]> {
  const streams = await Promise.all(names.map((stream) => messagesOf(`${day}/${stream}`, stream)))
  const queued: Queued[] = []
  for (;;) {
    const heads = streams.filter(({ length }) => length > 0)
    if (heads.length === 0) return queued
    const first = heads.reduce((least, one) => (one[0]!.message.timestampNs < least[0]!.message.timestampNs ? one : least))
    queued.push(first.shift()!)
  }
}

async function messagesOf(log: string, stream: string): Promise<Queued[]> {
  const reader = await ReplayReader.open(log)
  const messages: Queued[] = []
  for (let message = await reader.next(); message !== null; message = await reader.next()) messages.push({ message, stream })
  await reader.close()
  return messages
}
