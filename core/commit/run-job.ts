import os from 'node:os'
import path from 'node:path'
import { ReplayError } from '../errors.ts'
import { parseInstant } from '../instant.ts'
import { BUILTIN_JOBS } from '../job/builtin/index.ts'
import { bundleJob, loadJob } from '../job/bundle.ts'
import { engineHash } from '../job/engine-hash.ts'
import type { ParamGrid } from '../job/job-definition.ts'
import { effectsText } from '../job/job-effects.ts'
import { outlineJob } from '../job/job-outline.ts'
import { type KnownOptions, requireOptions } from '../known-options.ts'
import { writePlan } from '../plan/run/plan-writer.ts'
import { newRunId } from '../plan/run/run-files.ts'
import { planRequest } from '../plan/run-request.ts'
import { readCommittedParts } from '../plan/table/committed-parts.ts'
import { openStore } from '../store/open-store.ts'
import { findTable } from '../table/delta-log.ts'
import { type IdlePartition, idleText } from '../task/idle-partition.ts'
import type { FailureGroup } from './failure-groups.ts'
import { type RunProgress, runLocally } from './run-local.ts'

export interface RunJobOptions {
  /** Name of a built-in job, or path of a module whose default export is a job. */
  readonly job: string
  /** Folder or `s3://…` of the archive. */
  readonly archive: string
  /** Folder or `s3://…` of the table; made where there is none. */
  readonly table: string
  /** Values of parameters; several of one are variants. @default those of the job */
  readonly params?: ParamGrid | undefined
  /** @default all that the archive has */
  readonly venues?: readonly string[] | undefined
  readonly symbols?: readonly string[] | undefined
  /** Half-open, e.g. `2024-08-08` or `2024-08-08T12:00:00Z`; multiples of the slice. @default the days that the archive has */
  readonly from?: string | undefined
  readonly to?: string | undefined
  /** Length of a partition, e.g. `1h`. @default '1d' */
  readonly slice?: string | undefined
  /** Worker threads. @default as many as the machine runs at once, or fewer where there is little to read: one for each 4 MiB times a variant */
  readonly workers?: number | undefined
  /** `skip`: damaged records are left out and counted. @default 'abort': their partitions fail */
  readonly onCorrupt?: 'skip' | 'abort' | undefined
  /** `new`: code that this table has not seen makes a few partitions twice, and rows that differ are refused. @default 'new', of built-in jobs 'off' */
  readonly check?: 'new' | 'off' | undefined
  /**
   * What becomes of code that reaches for clock, files, network, random numbers or environment: `warn` tells of it (a warning of the
   * process, `CHRONICLE_REPLAY_EFFECTS`), `block` makes such calls throw `job-effect`, `record` only keeps it in the plan. @default 'warn'
   */
  readonly effects?: 'warn' | 'block' | 'record' | undefined
  /** Folder or `s3://…` where restart points lie: the job `snapshots` writes them there, others begin at them. @default beside the logs */
  readonly restarts?: string | undefined
  /** Of an S3 service that is not AWS. */
  readonly endpoint?: string | undefined
  /** Ends the run; what is done can be gone on from with `resume`. */
  readonly signal?: AbortSignal | undefined
  /** Called four times a second and at the end. */
  readonly onProgress?: ((progress: RunProgress) => void) | undefined
  /** Hears of a partition of which nothing was read for `idleMs`, once a stop. @default a warning of the process, `CHRONICLE_REPLAY_IDLE` */
  readonly onIdle?: ((at: IdlePartition) => void) | undefined
  /** Milliseconds. @default 60,000 */
  readonly idleMs?: number | undefined
}

export interface RunJobResult {
  /** Null: nothing was to be done, all rows are in the table. */
  readonly run: string | null
  /** Version of the table; −1: there is none. */
  readonly version: number
  /** Rows that the run added. */
  readonly rows: number
  readonly partitions: { readonly run: number; readonly cached: number; readonly stale: number; readonly failed: number }
  /** What failed, where the job tolerates that some does. */
  readonly failures: readonly FailureGroup[]
}

const KNOWN: KnownOptions<RunJobOptions> = {
  ...{ job: true, archive: true, table: true, params: true, venues: true, symbols: true, from: true, to: true, slice: true },
  ...{ workers: true, onCorrupt: true, effects: true, restarts: true, check: true, endpoint: true, signal: true },
  ...{ onProgress: true, onIdle: true, idleMs: true },
}

/**
 * Runs a job over an archive into a table, here, in worker threads: plan, tasks and commit. What is in the table already does not run again.
 * @throws ReplayError input `unknown-option`, `run-refused` (more failed than the job tolerates; nothing is committed, what is done is
 * kept), and those of `bundleJob`, `planRequest`, `runLocally`; the reason of the signal
 */
export async function runJob(options: RunJobOptions): Promise<RunJobResult> {
  requireOptions('runJob', options, KNOWN)
  const { job: name, archive, table: tableUri, params, from, to, endpoint, signal, onProgress } = options
  const { onIdle = warnOfIdle, idleMs, effects: onEffects = 'warn' } = options
  const { workers, check = Object.hasOwn(BUILTIN_JOBS, name) ? 'off' : 'new' } = options
  const table = openStore(tableUri, { endpoint })
  const bundle = await bundleJob(name)
  const { effects = [] } = bundle
  if (onEffects === 'warn' && effects.length > 0) process.emitWarning(effectsText(effects), { code: 'CHRONICLE_REPLAY_EFFECTS' })
  const live = await readCommittedParts(table)
  const createdMs = Date.now()
  const archiveStore = openStore(archive, { endpoint })
  const plan = await planRequest(
    {
      version: 1,
      run: newRunId(createdMs, Math.random),
      createdMs,
      source: Object.hasOwn(BUILTIN_JOBS, name) ? name : path.resolve(name),
      bundle: bundle.hash,
      engine: await engineHash(),
      archive: archiveStore.uri,
      outline: outlineJob(await loadJob(bundle.code, name, bundle.map, onEffects === 'block'), params, live),
      minTasks: 4 * (workers ?? os.availableParallelism()),
      ...(options.venues !== undefined && { venues: options.venues }),
      ...(options.symbols !== undefined && { symbols: options.symbols }),
      ...(from !== undefined && { fromNs: String(parseInstant(from, 'from')) }),
      ...(to !== undefined && { toNs: String(parseInstant(to, 'to')) }),
      ...(options.slice !== undefined && { slice: options.slice }),
      ...(options.onCorrupt === 'skip' && { onCorrupt: 'skip' as const }),
      ...(check === 'new' && { check }),
      ...(effects.length > 0 && { effects }),
      ...(onEffects === 'block' && { blocksEffects: true as const }),
    },
    {
      archive: archiveStore,
      table,
      live,
      restarts: options.restarts === undefined ? undefined : openStore(options.restarts, { endpoint }),
    },
  )
  const { run, counts, partitions } = plan.head
  if (partitions === 0) {
    const version = (await findTable(table))?.version ?? -1
    return { run: null, version, rows: 0, partitions: { ...counts, failed: 0 }, failures: [] }
  }
  await writePlan(table, plan, bundle.code, bundle.map)
  const result = await runLocally({
    tableUri,
    endpoint,
    run,
    workers,
    clock: Date.now,
    random: Math.random,
    signal,
    onProgress,
    onIdle,
    idleMs,
  })
  const { version, rows, failures } = result
  if (result.commit.state !== 'refused') return { run, version, rows, partitions: result.partitions, failures }
  const [finding] = result.commit.check?.findings ?? []
  const [failure] = failures
  const why =
    finding?.message ?? (failure === undefined ? '' : `${failure.message} (${failure.partitions} partitions, first ${failure.first})`)
  throw new ReplayError('run-refused', `run ${run} is not committed: ${why}; what is done is kept`, {
    category: failure?.category ?? 'input',
    path: tableUri,
  })
}

function warnOfIdle(at: IdlePartition): void {
  process.emitWarning(idleText(at), { code: 'CHRONICLE_REPLAY_IDLE' })
}
