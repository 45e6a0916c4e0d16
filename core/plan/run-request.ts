import { ReplayError } from '../errors.ts'
import type { JobEffect } from '../job/job-effects.ts'
import type { JobOutline } from '../job/job-outline.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { readArchiveIndex } from './archive/archive-index.ts'
import type { ArchiveListing } from './archive/archive-listing.ts'
import { decodeListing, encodeListing } from './archive/handed-listing.ts'
import type { CheckAmount } from './check-choice.ts'
import { planRun, type RunPlan } from './plan.ts'
import { isChecked } from './run/checked-code.ts'
import { runFiles } from './run/run-files.ts'
import { readCommittedParts } from './table/committed-parts.ts'
import type { LiveParts } from './table/live-parts.ts'
import type { OnForeign } from './table/pack.ts'

/**
 * A run as it was asked for: all that planning has to know besides what archive and table say. On AWS it lies in
 * `request.json` of the run's folder, and the job's code is nowhere needed to plan.
 */
export interface RunRequest {
  readonly version: 1
  readonly run: string
  /** Milliseconds since the epoch. */
  readonly createdMs: number
  /** What the job was asked for by; for people only. */
  readonly source?: string
  /** Hash of the job's bundle. */
  readonly bundle: string
  /** Hash of the engine that is to run it. */
  readonly engine: string
  /** URI of the archive. */
  readonly archive: string
  /** URI of where restart points lie. Absent: beside the logs. */
  readonly restarts?: string
  readonly outline: JobOutline
  readonly venues?: readonly string[]
  readonly symbols?: readonly string[]
  /** Half-open, nanoseconds since the epoch. */
  readonly fromNs?: string
  readonly toNs?: string
  readonly slice?: string
  /** Set in place of the job's own; it is in the bundle. */
  readonly maxSkew?: string
  /** Absent: a partition fails whose input is damaged. */
  readonly onCorrupt?: 'skip'
  /** As in `PlanOptions`; `new`: few, of code that was not yet checked in this table. Absent: none. */
  readonly check?: CheckAmount | 'new'
  /** As in the plan's head; `tellsEffects`: with a note. */
  readonly effects?: readonly JobEffect[]
  readonly blocksEffects?: true
  readonly tellsEffects?: true
  /** As in `PlanOptions`. */
  readonly onForeign?: OnForeign
  /** As in `PlanOptions`. */
  readonly taskBytes?: number
  readonly minTasks?: number
  readonly minTaskSeconds?: number
  /** Who carries it out; for those who look after it. */
  readonly submission?: RunSubmission
}

/** An import as it was submitted; what it imports is in its plan, which is there already. */
export interface ImportRequest extends Pick<RunRequest, 'version' | 'run' | 'createdMs' | 'bundle' | 'engine' | 'archive'> {
  readonly submission: RunSubmission
}

/** What carries a run out on AWS. */
export interface RunSubmission {
  readonly stack: string
  readonly stateMachineArn: string
  /** ARNs of the Batch queues in which jobs of the run may be. */
  readonly queues: readonly string[]
  /** CloudWatch log group of the containers; null: not known. */
  readonly logGroup: string | null
  /** vCPUs of a task's container, and of all that may run at once. */
  readonly taskVcpus: number
  readonly maxVcpus: number
  /** Job definition of the tasks; `task-<area>` of tables in an area. */
  readonly definition: 'task' | `task-${string}` | 'snapshots' | 'import'
  /** The most that the run may cost by its estimate, US dollars; null: no limit was given. */
  readonly maxDollars: number | null
  /** The estimate; null: none was made. */
  readonly dollars: { readonly low: number; readonly high: number } | null
}

export interface PlanRequestOptions {
  readonly archive: ObjectStore
  readonly table: ObjectStore
  /** What is in the table, where it was read already. @default reads it */
  readonly live?: LiveParts | undefined
  /** The place that the request names for restart points, opened. @default beside the logs */
  readonly restarts?: ObjectStore | undefined
  /** The archive, where it was listed already. @default lists it */
  readonly listing?: ArchiveListing | undefined
}

/** Plans what was asked for; writes nothing. @throws ReplayError those of `planRun` */
export async function planRequest(request: RunRequest, { archive, table, live, listing, restarts }: PlanRequestOptions): Promise<RunPlan> {
  const { outline, bundle, engine, run, createdMs, source, venues, symbols, fromNs, toNs, slice, maxSkew } = request
  const { taskBytes, minTasks, minTaskSeconds, onCorrupt, onForeign, effects, blocksEffects, tellsEffects } = request
  const check = request.check === 'new' ? ((await isChecked(table, bundle)) ? undefined : 'few') : request.check
  return planRun({
    ...{ archive, outline, code: { bundle, engine }, run, createdMs, source, venues, symbols, slice, maxSkew },
    fromNs: fromNs === undefined ? undefined : BigInt(fromNs),
    toNs: toNs === undefined ? undefined : BigInt(toNs),
    ...{ taskBytes, minTasks, minTaskSeconds, onCorrupt, onForeign, check, effects, blocksEffects, tellsEffects },
    live: live ?? (await readCommittedParts(table)),
    facts: await readArchiveIndex(table),
    ...{ listing, restarts },
  })
}

/** Hands a listing, with what looks into its folders found, to whoever plans what was asked for. */
export async function handListing(table: ObjectStore, { run, archive }: RunRequest, listing: ArchiveListing): Promise<void> {
  await table.put(runFiles(run).listing, encodeListing(archive, listing), 'absent')
}

/** The listing that came with a request; null: none that can be used. */
export async function handedListing(table: ObjectStore, { run, archive }: RunRequest): Promise<ArchiveListing | null> {
  const object = await table.get(runFiles(run).listing)
  return object === null ? null : decodeListing(object.bytes, archive)
}

/** Writes `request.json`, once. @throws ReplayError input `run-exists` */
export async function writeRequest(table: ObjectStore, request: RunRequest | ImportRequest): Promise<void> {
  const key = runFiles(request.run).request
  if ((await table.put(key, Buffer.from(`${JSON.stringify(request, null, 1)}\n`), 'absent')) !== null) return
  throw new ReplayError('run-exists', `run ${request.run} was asked for before`, { category: 'input', path: `${table.uri}/${key}` })
}

/** Null: there is none. @throws ReplayError corrupt `plan-document`, also of an import, which was planned as it was submitted */
export async function findRequest(table: ObjectStore, run: string): Promise<RunRequest | null> {
  const found = await readRequest(table, run)
  if (found === null || Array.isArray((found as Partial<RunRequest>).outline?.asked)) return found as RunRequest | null
  throw damaged(table, run)
}

/** What carries out a run that was submitted, be it a job or an import; null: none was. @throws ReplayError corrupt `plan-document` */
export async function findSubmission(table: ObjectStore, run: string): Promise<RunSubmission | null> {
  return (await readRequest(table, run))?.submission ?? null
}

async function readRequest(table: ObjectStore, run: string): Promise<RunRequest | ImportRequest | null> {
  const object = await table.get(runFiles(run).request)
  if (object === null) return null
  try {
    const found = JSON.parse(Buffer.from(object.bytes).toString()) as Partial<RunRequest> | null
    if (found?.version === 1 && found.run === run) return found as RunRequest
  } catch {
    // Said below.
  }
  throw damaged(table, run)
}

function damaged(table: ObjectStore, run: string): ReplayError {
  const path = `${table.uri}/${runFiles(run).request}`
  return new ReplayError('plan-document', 'expected what a run of version 1 was asked for; submit it again', { category: 'corrupt', path })
}
