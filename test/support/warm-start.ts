import fs from 'node:fs'
import path from 'node:path'
import type { BookReplay } from '../../core/book/book-replay.ts'
import { stateOf } from '../../core/book/book-state.ts'
import { type LoadedSnapshot, SnapshotStore } from '../../core/book/snapshot/snapshot-store.ts'
import { batchesBehind, restoreBook } from '../../core/book/snapshot/warm-start.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { MODE_L3 } from '../../core/protocol/book-event.ts'
import { FileStore } from '../../core/store/file-store.ts'

/** All snapshots of a log directory, of all markets. */
export async function loadSnapshots(log: string): Promise<LoadedSnapshot[]> {
  const loaded: LoadedSnapshot[] = []
  for (const folder of fs.globSync(path.join(log, 'snapshots/*/*')).sort()) {
    const [venueId, marketId] = folder.split(path.sep).slice(-2).map(Number) as [number, number]
    const store = new SnapshotStore(new FileStore(log), '', venueId, marketId)
    for (const entry of await store.list()) loaded.push(await store.load(entry))
  }
  return loaded
}

/** Replays whole logs, one after the other; what they are is in the replay's books and policy. */
export async function replayLogs(logs: readonly string[], replay: BookReplay): Promise<void> {
  for (const log of logs) {
    const reader = await ReplayReader.open(log)
    for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch())
      for (const message of batch) replay.apply(message)
    await reader.close()
  }
}

/** Goes on behind a snapshot of `log` to its end, then through the logs after it. */
export async function warmStart(snapshot: LoadedSnapshot, log: string, after: readonly string[], replay: BookReplay): Promise<void> {
  const { bookMode, marketId } = snapshot.header
  restoreBook(snapshot, bookMode === MODE_L3 ? replay.books.l3Book(marketId) : replay.books.l2Book(marketId), replay.policy)
  const reader = await ReplayReader.open(log)
  for await (const batch of batchesBehind(reader, snapshot)) for (const message of batch) replay.apply(message)
  await reader.close()
  await replayLogs(after, replay)
}

/** Everything that must be equal after a warm start and after a replay from the beginning. */
export function stateOfReplay(replay: BookReplay): unknown {
  const { l2, l3 } = replay.books
  const books = [...l2, ...l3].map(([marketId, book]) => [marketId, stateOf(book, Number.POSITIVE_INFINITY)])
  return { books, policy: replay.policy.state() }
}
