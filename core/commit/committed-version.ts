import type { ObjectStore } from '../store/object-store.ts'
import { readHistory } from '../table/delta-history.ts'
import { findTable } from '../table/delta-log.ts'

/**
 * The version that the last commit of a run made; null: it has not committed. The table itself says it, while `outcome.json` is written
 * behind the version.
 */
export async function committedVersion(table: ObjectStore, run: string): Promise<number | null> {
  const state = await findTable(table)
  if (state?.txns.has(run) !== true) return null
  for await (const { version, info } of readHistory(table, state.version)) if (info.run === run) return version
  // Versions that a vacuum of the log has taken.
  return 0
}
