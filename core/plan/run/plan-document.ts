import { ReplayError } from '../../errors.ts'
import type { ImportHow } from '../../import/import-how.ts'
import type { LeftOutFile, UnreadFile } from '../../import/import-plan.ts'
import type { JobEffect } from '../../job/job-effects.ts'
import type { PlanColumn } from '../../job/row-schema.ts'
import type { Variant } from '../../job/variants.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import type { ListingFinding } from '../archive/listing-findings.ts'
import type { RestartEstimate } from '../archive/restart-estimate.ts'
import type { OnForeign } from '../table/pack.ts'
import { runFiles } from './run-files.ts'

/*
 * The plan of a run as written below `<table>/_chronicle/runs/<run>/`:
 *
 * | object               | holds                                                                              |
 * | plan.json            | `PlanHead`: everything that is said once                                           |
 * | tasks.json           | JSON array, one `TaskEntry` per line of `TASK_LINE_BYTES`: a task reads its line only |
 * | shares/NNNNN.jsonl   | the shares of several tasks, one behind the other (task-share.ts)                   |
 * | shares/<planner>.json| the head, where several may plan the same run (plan-writer.ts)                       |
 *
 * Cached partitions are counted in the head and written nowhere. 64-bit values are decimal strings.
 */

/** A stream that a job reads and that instruments of its range do not have, although they have others. */
export interface MissingStream {
  /** `book` stands for `l3`, too. */
  readonly stream: string
  /** Instruments without any of it in the range. */
  readonly instruments: number
  /** Of the other instruments: days with folders of other streams alone, over all of them. */
  readonly days: number
  /** The first place: an instrument, or a day of one. */
  readonly first: string
}

/** Why partitions are in a state, and how many. */
export interface PlanReason {
  readonly state: PartitionState
  /** E.g. `code changed`, `input changed`. */
  readonly reason: string
  readonly partitions: number
  /** The first of them, `venue/symbol/start`. */
  readonly first: string
}

/** `run`: has no rows yet. `cached`: its rows are in the table. `stale`: its rows in the table are to be replaced. */
export type PartitionState = 'run' | 'cached' | 'stale'

/** Which partitions a run makes twice. */
export interface PlannedCheck {
  /** What they, and the other starts, are drawn by: the run's id. */
  readonly seed: string
  /** Indexes among the partitions of the plan, ascending. */
  readonly partitions: readonly number[]
}

export interface PlanHead {
  readonly version: 1
  readonly run: string
  /** Name of the job: a table holds one. */
  readonly job: string
  /** What the job was asked for by: a built-in name or the path of a module; for people only. */
  readonly source?: string
  /** In place of what the job says; it is in the bundle. */
  readonly maxSkew?: string
  /** Hash of the job's bundle: the version of its code. */
  readonly bundle: string
  /** What the code depends on besides messages and parameters, as far as its words tell; absent: nothing. */
  readonly effects?: readonly JobEffect[]
  /** Calls of that kind throw. */
  readonly blocksEffects?: true
  /** Hash of the library that runs it (engine-hash.ts). */
  readonly engine: string
  /** Absent: a partition fails whose input is damaged (`OnCorrupt`). */
  readonly onCorrupt?: 'skip'
  /** What becomes of rows that another program changed or brought. Absent: where they are, nothing is written. */
  readonly onForeign?: OnForeign
  /** Partitions that are made a second time, from other starts, to compare their rows; absent: none. */
  readonly check?: PlannedCheck
  /** URI of the archive. */
  readonly archive: string
  /** URI of the place where restart points lie, in folders of the same names. Absent: beside the logs. */
  readonly restarts?: string
  /** Milliseconds since the epoch. */
  readonly createdMs: number
  readonly streams: readonly string[]
  readonly clock: 'record' | 'exchange'
  /** Half-open range of the cells, nanoseconds since the epoch. */
  readonly fromNs: string
  readonly toNs: string
  /** Length of a cell, nanoseconds; cells begin at its multiples. */
  readonly sliceNs: string
  /** Share of partitions, 0 to 1, that may be missing when the run is committed. */
  readonly tolerance: number
  /** Streams that instruments of the range lack; absent where nothing is missing. */
  readonly missingStreams?: readonly MissingStream[]
  /** The variants asked for. */
  readonly asked: readonly string[]
  /** Variants of the table that do not run and have partitions of other code; absent: none. */
  readonly otherCode?: number
  /** Those and the ones that run again because they share a part with a stale one; partitions refer to them by number. */
  readonly variants: readonly Variant[]
  /** Sets of variants that run together; partitions refer to them by number. */
  readonly variantSets: readonly (readonly number[])[]
  /** The schema of the rows, in order: the columns of every table, parameters, the job's own. */
  readonly columns: readonly PlanColumn[]
  readonly counts: { readonly run: number; readonly cached: number; readonly stale: number }
  readonly reasons: readonly PlanReason[]
  /** What it writes beside the logs; absent: it makes rows. */
  readonly restartPoints?: RestartEstimate
  /** What the archive holds that no job reads; absent: nothing. */
  readonly findings?: readonly ListingFinding[]
  /** Of a run that imports files into the archive, in which its documents lie; absent: it makes rows of a table. */
  readonly imports?: PlannedImports
  readonly tasks: number
  /** Partitions that the tasks run: counts.run + counts.stale. */
  readonly partitions: number
  readonly cost: PlanCost
}

/** What an import was asked for: each of its partitions is a unit, files that are read together. */
export interface PlannedImports {
  readonly how: ImportHow
  /** What these files give takes the place of what is there. */
  readonly replaces: boolean
  /** The module of the user's importer, for messages; its code is the run's bundle. Null: the formats' own importers. */
  readonly own: string | null
  /** Tells this import, of all units that were found, from others. */
  readonly digest: string
  /** Files that were imported before, in the same way. */
  readonly known: number
  /** Files that are not imported, and why: the first `MAX_LEFT_OUT`, and how many there are. */
  readonly leftOut: readonly LeftOutFile[]
  readonly leftOutFiles: number
  /** Of these, those that could not be read: the first `MAX_LEFT_OUT`. Plans of earlier versions have none. */
  readonly unread?: readonly UnreadFile[]
}

/** What a run reads and what it may cost. */
export interface PlanCost {
  /** Bytes of the objects of the cells that run. */
  readonly bytesInRange: number
  /** Bytes that tasks read: these and what lies between restart points and cells. */
  readonly bytesRead: number
  /** bytesRead ÷ bytesInRange. */
  readonly amplification: number
  readonly getRequests: number
  readonly putRequests: number
  readonly vcpuHours: { readonly low: number; readonly high: number }
  /** US dollars. */
  readonly dollars: { readonly low: number; readonly high: number }
  readonly assumptions: readonly string[]
}

/** A line of tasks.json. */
export interface TaskEntry {
  /** `000123`. */
  readonly task: string
  /** Name of the share's file, and where the share lies in it: byte offset and length. */
  readonly file: string
  readonly at: number
  readonly length: number
  /** The partitions: from this index on, so many. */
  readonly first: number
  readonly partitions: number
  /** Bytes to read. */
  readonly bytes: number
  /** No attempt may take longer. */
  readonly seconds: number
}

/** Bytes of a line of tasks.json with its comma and newline; the first begins behind the `[` and newline. */
export const TASK_LINE_BYTES = 192

export function encodePlanHead(head: PlanHead): Uint8Array {
  return encoder.encode(`${JSON.stringify(head, null, 1)}\n`)
}

/** @throws ReplayError input `run-unknown`; corrupt `plan-document` */
export async function readPlanHead(table: ObjectStore, run: string): Promise<PlanHead> {
  const { plan } = runFiles(run)
  const path = `${table.uri}/${plan}`
  const object = await table.get(plan)
  if (object === null)
    throw new ReplayError('run-unknown', `no plan of run ${run}; see: chronicle-replay runs`, { category: 'input', path })
  return decodePlanHead(object.bytes, run, path)
}

/** @throws ReplayError corrupt `plan-document` */
export function decodePlanHead(bytes: Uint8Array, run: string, path: string): PlanHead {
  const head = parseJson(decoder.decode(bytes), path) as Partial<PlanHead> | null
  if (head?.version !== 1 || head.run !== run || !Array.isArray(head.columns) || !Array.isArray(head.variants)) throw damaged(path)
  return head as PlanHead
}

export function encodeTasks(tasks: readonly TaskEntry[]): Uint8Array {
  const lines = tasks.map((task, i) => {
    const line = `${JSON.stringify(task)}${i === tasks.length - 1 ? '' : ','}`.padEnd(TASK_LINE_BYTES - 1)
    if (line.length === TASK_LINE_BYTES - 1) return line
    throw new ReplayError('plan-document', `a line of the task list has more than ${TASK_LINE_BYTES - 1} bytes: ${line}`, {
      category: 'bug',
    })
  })
  return encoder.encode(`[\n${lines.map((line) => `${line}\n`).join('')}]\n`)
}

/** All tasks of a run. @throws as `readPlanHead` */
export async function readTasks(table: ObjectStore, run: string): Promise<TaskEntry[]> {
  const { tasks } = runFiles(run)
  const path = `${table.uri}/${tasks}`
  const object = await table.get(tasks)
  if (object === null) throw new ReplayError('run-unknown', `no task list of run ${run}`, { category: 'input', path })
  const list = parseJson(decoder.decode(object.bytes), path)
  if (!Array.isArray(list)) throw damaged(path)
  return list as TaskEntry[]
}

/** One task, by a read of its line only. @throws ReplayError input `run-unknown`, `task-unknown`; corrupt `plan-document` */
export async function readTask(table: ObjectStore, run: string, task: string): Promise<TaskEntry> {
  const { tasks } = runFiles(run)
  const path = `${table.uri}/${tasks}`
  const start = 2 + Number(task) * TASK_LINE_BYTES
  const isName = /^\d{6,}$/.test(task)
  const object = isName ? await table.get(tasks, { range: { start, end: start + TASK_LINE_BYTES } }) : null
  if (isName && object === null) throw new ReplayError('run-unknown', `no task list of run ${run}`, { category: 'input', path })
  const line = object === null ? '' : decoder.decode(object.bytes).trimEnd().replace(/,$/, '')
  if (!line.startsWith('{'))
    throw new ReplayError('task-unknown', `run ${run} has no task ${JSON.stringify(task)}`, { category: 'input', path })
  const entry = parseJson(line, path) as TaskEntry
  if (entry.task !== task) throw damaged(path)
  return entry
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw damaged(path, cause)
  }
}

function damaged(path: string, cause?: unknown): ReplayError {
  return new ReplayError('plan-document', 'expected a plan of version 1; plan the run again', { category: 'corrupt', path, cause })
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
