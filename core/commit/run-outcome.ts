import { ReplayError } from '../errors.ts'
import { runFiles } from '../plan/run/run-files.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { CommitResult } from './commit-result.ts'
import type { FailureGroup } from './failure-groups.ts'

/** What the last commit of a submitted run came to: `outcome.json` in its folder. */
export interface RunOutcome
  extends Pick<
    CommitResult,
    'run' | 'version' | 'partitions' | 'added' | 'removed' | 'messages' | 'imported' | 'skipped' | 'check' | 'warning'
  > {
  /** `partial`: committed, and some partitions are missing. `refused`: too many are missing, or `check` has findings, so that nothing was committed. */
  readonly state: 'committed' | 'unchanged' | 'partial' | 'refused'
  /** Why partitions are missing. */
  readonly failures: readonly FailureGroup[]
  /** The attempt that committed, and when: milliseconds since the epoch. */
  readonly attempt: string
  readonly endedMs: number
}

export function outcomeOf(result: CommitResult, attempt: Pick<RunOutcome, 'attempt' | 'endedMs'>): RunOutcome {
  const { run, version, partitions, added, removed, messages, imported, skipped, check, warning, failures } = result
  const state = result.state !== 'refused' && partitions.missing > 0 ? 'partial' : result.state
  return {
    run,
    state,
    version,
    partitions,
    added,
    removed,
    failures,
    messages,
    ...(imported !== undefined && { imported: { ...imported, folders: imported.folders.slice(0, MAX_FOLDERS) } }),
    ...(skipped !== undefined && { skipped }),
    ...(check !== undefined && { check }),
    warning,
    ...attempt,
  }
}

/** Folders that an outcome names. */
const MAX_FOLDERS = 1000

/** Over that of an earlier commit: after a resumption it is another. */
export async function writeOutcome(table: ObjectStore, outcome: RunOutcome): Promise<void> {
  await table.put(runFiles(outcome.run).outcome, Buffer.from(`${JSON.stringify(outcome, null, 1)}\n`))
}

/** Null: nothing was committed yet. @throws ReplayError corrupt `run-outcome` */
export async function readOutcome(table: ObjectStore, run: string): Promise<RunOutcome | null> {
  const { outcome } = runFiles(run)
  const object = await table.get(outcome)
  if (object === null) return null
  try {
    const found = JSON.parse(Buffer.from(object.bytes).toString()) as Partial<RunOutcome> | null
    if (found?.run === run && found.partitions !== undefined) return found as RunOutcome
  } catch {
    // Said below.
  }
  throw new ReplayError('run-outcome', 'expected the outcome of a run; commit it again', {
    category: 'corrupt',
    path: `${table.uri}/${outcome}`,
  })
}
