import { BookReplay } from '../core/book/book-replay.ts'
import { L2Book } from '../core/book/l2-book.ts'
import { L3Book } from '../core/book/l3-book.ts'
import { findLogs } from '../core/log/log-path.ts'
import { ReplayReader } from '../core/log/replay-reader.ts'
import type { MessageCursor } from '../core/pipeline/message.ts'
import type { BenchCase, MessageHash } from './cases.ts'

/** Books rebuilt from a log, every CRC checked. The load: one synthetic symbol's book stream, of the shape of chronicle-rs's own. */
export const BOOK_CASES: Readonly<Record<string, BenchCase>> = {
  'l2-book': { unit: 'events', target: 3.5e6, run: (load, hash) => replay(load.l2, new L2Book(), hash) },
  'l2-book-policy': { unit: 'events', run: (load, hash) => replay(load.l2, new BookReplay({ onGap: 'quarantine' }), hash) },
  'l3-book': { unit: 'events', target: 5e6, run: (load, hash) => replay(load.l3, new L3Book(), hash) },
  'l3-book-policy': { unit: 'events', run: (load, hash) => replay(load.l3, new BookReplay({ onGap: 'quarantine' }), hash) },
}

interface Book {
  apply(message: MessageCursor): number
  /** Messages by result: part of what the hash must see. */
  readonly counts: Float64Array
}

async function replay(archive: string, book: Book, hash: MessageHash | null): Promise<number> {
  const [log] = findLogs(archive)
  const reader = await ReplayReader.open(log!.path)
  let events = 0
  for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
    for (let k = 0; k < batch.length; k++) book.apply(batch.at(batch.rowAt(k)))
    events += batch.length
    hash?.add(batch)
  }
  await reader.close()
  hash?.addNumbers(book.counts)
  return events
}
