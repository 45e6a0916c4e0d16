import type { ObjectStore } from '../store/object-store.ts'
import { readHistory, type TableVersion } from '../table/delta-history.ts'
import { findTable, type TableState } from '../table/delta-log.ts'

/**
 * The version that the last commit of a run made; null: it has not committed; −1: it has, and the log no longer says by which version. The
 * table itself says it, while `outcome.json` is written behind the version.
 */
export async function committedVersion(table: ObjectStore, run: string): Promise<number | null> {
  const state = await findTable(table)
  if (state?.txns.has(run) !== true) return null
  return (await lastCommitOf(table, state, run))?.version ?? -1
}

/** The newest entry of the table's history that a run made; null: there is none. */
export async function lastCommitOf(table: ObjectStore, { version }: TableState, run: string): Promise<TableVersion | null> {
  for await (const entry of readHistory(table, version)) if (entry.info.run === run) return entry
  return null
}
