import { claimArchive, findInterrupted } from '../plan/imports/import-claim.ts'
import { lockArchive } from '../plan/imports/import-lock.ts'
import type { ImportRunPlan } from '../plan/imports/import-run-plan.ts'
import { type PlanHead, readPlanHead } from '../plan/run/plan-document.ts'
import { writePlan } from '../plan/run/plan-writer.ts'
import type { Receipt } from '../plan/run/receipt.ts'
import { readPartitions } from '../plan/run/task-share.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { openStore } from '../store/open-store.ts'
import { type LocalRunOptions, type LocalRunResult, runLocally } from './run-local.ts'
import { outcomeOf, writeOutcome } from './run-outcome.ts'

/** A unit that could not be imported. */
export interface FailedUnit {
  /** Paths and URIs. */
  readonly files: readonly string[]
  readonly error: NonNullable<Receipt['error']>
}

export interface LocalImport extends LocalRunResult {
  readonly head: PlanHead
  readonly failed: readonly FailedUnit[]
}

/**
 * Carries out an import on this machine: a run in the archive, in worker threads, then its commit. One that was killed is gone on with
 * when the same is planned again. Null: all of it was imported before.
 * @throws ReplayError input `import-active`, and those of `runLocally`
 */
export async function importLocally(plan: ImportRunPlan, options: Omit<LocalRunOptions, 'run'>): Promise<LocalImport | null> {
  return locked(options, async (archive) => {
    const { run, imports } = plan.head
    const interrupted = await findInterrupted(archive, imports!.digest)
    if (interrupted !== null) return carryOut(archive, { ...options, run: interrupted })
    if (plan.head.partitions === 0) return null
    await claimArchive(archive, { run, digest: imports!.digest })
    await writePlan(archive, plan, plan.bundle)
    return carryOut(archive, { ...options, run })
  })
}

/** Goes on with an import on this machine. @throws as `importLocally` */
export async function resumeImport(options: LocalRunOptions): Promise<LocalImport> {
  return locked(options, (archive) => carryOut(archive, options))
}

async function locked<Result>(
  { tableUri, endpoint }: Pick<LocalRunOptions, 'tableUri' | 'endpoint'>,
  work: (archive: ObjectStore) => Promise<Result>,
): Promise<Result> {
  const archive = openStore(tableUri, { endpoint })
  const lock = lockArchive(archive)
  try {
    return await work(archive)
  } finally {
    lock?.release()
  }
}

async function carryOut(archive: ObjectStore, options: LocalRunOptions): Promise<LocalImport> {
  const { run, clock } = options
  const head = await readPlanHead(archive, run)
  await claimArchive(archive, { run, digest: head.imports!.digest })
  const result = await runLocally(options)
  await writeOutcome(archive, outcomeOf(result.commit, { attempt: 'local', endedMs: clock() }))
  return { ...result, head, failed: await failedUnits(archive, head, result) }
}

async function failedUnits(archive: ObjectStore, head: PlanHead, { commit, failures }: LocalRunResult): Promise<FailedUnit[]> {
  const errors = new Map(commit.missing.map(({ partition, error }) => [partition, error]))
  if (errors.size === 0) return []
  // A thread that died told nothing of its partitions.
  const lost = failures.find(({ code }) => commit.missing.every(({ error }) => error?.code !== code)) ?? failures[0]!
  const failed: FailedUnit[] = []
  for await (const { index, unit } of readPartitions(archive, head)) {
    const error = errors.get(index)
    if (error !== undefined) failed.push({ files: unit!.files.map(({ path }) => path), error: error ?? lost })
  }
  return failed
}
