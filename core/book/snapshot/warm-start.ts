import { ReplayError } from '../../errors.ts'
import type { MessageBatch } from '../../message/batch.ts'
import type { MessageSource } from '../../message/source.ts'
import { MODE_L3 } from '../../protocol/book-event.ts'
import type { L2Book } from '../l2-book.ts'
import { L3Book } from '../l3-book.ts'
import type { SequencePolicy } from '../sequence/sequence-policy.ts'
import { loadL2Payload, loadL3Payload } from './snapshot-payload.ts'
import type { LoadedSnapshot } from './snapshot-store.ts'

/**
 * Puts a book, and with a sidecar the policy too, into the state of a snapshot. Go on with `batchesBehind`.
 * @throws ReplayError corrupt `snapshot-payload`; input `snapshot-mode` for a snapshot of the other kind of book
 */
export function restoreBook(snapshot: LoadedSnapshot, book: L2Book | L3Book, policy?: SequencePolicy): void {
  const isL3 = book instanceof L3Book
  if ((snapshot.header.bookMode === MODE_L3) !== isL3) {
    throw new ReplayError(
      'snapshot-mode',
      `expected a snapshot of an ${isL3 ? 'L3' : 'L2'} book, found book mode ${snapshot.header.bookMode}`,
      { category: 'input', path: snapshot.entry.key },
    )
  }
  if (isL3) loadL3Payload(book, snapshot.payload, snapshot.header.bookHash)
  else loadL2Payload(book, snapshot.payload)
  if (snapshot.sidecar !== null) policy?.restore(snapshot.sidecar.policy)
}

/**
 * The messages behind a snapshot, of a source that reads the log directory it belongs to.
 *
 * With a sidecar, those behind its position. Without one (the peer's snapshots), from the first with a greater
 * sequence on, which is the same as long as the log's sequences do not restart.
 */
export async function* batchesBehind(source: MessageSource, snapshot: LoadedSnapshot): AsyncGenerator<MessageBatch, void, undefined> {
  const position = snapshot.sidecar?.position ?? null
  // The first record with the snapshot's own sequence lies at the position, or before it in an earlier session.
  if (!(await source.seekToSeq(position === null ? snapshot.header.seq + 1n : snapshot.header.seq))) return
  let isBehind = position === null
  for (let batch = await source.nextBatch(); batch !== null; batch = await source.nextBatch()) {
    if (!isBehind && position !== null) {
      batch.narrow((row) => isAfter(batch.at(row).segment, batch.at(row).segmentOffset, position))
      if (batch.length === 0) continue
      isBehind = true
    }
    yield batch
  }
}

function isAfter(segment: number, offset: number, position: { readonly segment: number; readonly offset: number }): boolean {
  return segment > position.segment || (segment === position.segment && offset > position.offset)
}
