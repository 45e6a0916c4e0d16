import { ReplayError } from '../../errors.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import { runFiles } from './run-files.ts'

/** Marks a run as cancelled, which is for good: its tasks stop at their next partition, and it is not committed any more. */
export async function markCancelled(table: ObjectStore, run: string): Promise<void> {
  // Whoever was first: the mark is there.
  await table.put(runFiles(run).cancel, new Uint8Array(), 'absent')
}

export async function isCancelled(table: ObjectStore, run: string): Promise<boolean> {
  return (await table.get(runFiles(run).cancel)) !== null
}

/** @throws ReplayError input `run-cancelled` */
export async function requireNotCancelled(table: ObjectStore, run: string): Promise<void> {
  if (!(await isCancelled(table, run))) return
  throw new ReplayError('run-cancelled', `run ${run} was cancelled, so it goes no further and is not committed; start a new run`, {
    category: 'input',
    path: `${table.uri}/${runFiles(run).cancel}`,
  })
}
