import type { ObjectStore } from '../../store/object-store.ts'
import { readHistory } from '../../table/delta-history.ts'
import { findTable } from '../../table/delta-log.ts'
import { decodeRanges } from '../index-ranges.ts'
import { readPlanHead } from './plan-document.ts'
import { runFiles } from './run-files.ts'

/**
 * Tells whether a run may still commit: it was planned, is not cancelled, and not all of its partitions are in the table as
 * it is at this call. A run that nobody resumes stays open until it is cancelled.
 */
export async function findOpenRuns(table: ObjectStore): Promise<(run: string) => Promise<boolean>> {
  const committed = new Map<string, number>()
  const state = await findTable(table)
  // Newest first: a run's last commit says all that the run brought.
  for await (const { info } of readHistory(table, state?.version ?? -1)) {
    const { run, partitions } = info
    if (run !== undefined && typeof partitions === 'string' && !committed.has(run)) committed.set(run, decodeRanges(partitions).size)
  }
  return async (run) => {
    const { plan, cancel } = runFiles(run)
    if ((await table.get(plan)) === null || (await table.get(cancel)) !== null) return false
    const head = await readPlanHead(table, run)
    return (committed.get(run) ?? 0) < head.partitions
  }
}
