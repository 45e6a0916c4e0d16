import { createHash } from 'node:crypto'
import { type ImportHow, unitId } from '../../import/import-how.ts'
import type { ImportPlan, PlannedUnit } from '../../import/import-plan.ts'
import { isImported } from '../../import/import-records.ts'
import type { OwnImporter } from '../../import/own-importer.ts'
import { inTurns } from '../../in-turns.ts'
import { dayOfDate } from '../../instant.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import { DAY_NS } from '../cells.ts'
import { attemptSeconds, estimateCost, IMPORT } from '../plan-cost.ts'
import type { PlanHead } from '../run/plan-document.ts'
import type { WritablePlan } from '../run/plan-writer.ts'
import type { ShareLine } from '../run/task-share.ts'
import { cutTasks, type TaskCut } from '../task-cuts.ts'

export interface ImportRunOptions {
  readonly archive: ObjectStore
  readonly plan: ImportPlan
  readonly how: ImportHow
  /** What these files give takes the place of what is there. */
  readonly replaces: boolean
  /** The user's importer; null: the formats' own. */
  readonly own: OwnImporter | null
  /** Hash of the engine. */
  readonly engine: string
  readonly run: string
  /** Milliseconds since the epoch. */
  readonly createdMs: number
  /** About the bytes of a task. @default 1 GiB */
  readonly taskBytes?: number | undefined
  /** Rather more and smaller tasks than fewer. @default 1 */
  readonly minTasks?: number | undefined
  /** Seconds that an attempt at a task is given at least. @default 900 */
  readonly minTaskSeconds?: number | undefined
}

export interface ImportRunPlan extends WritablePlan {
  /** What is imported, in order of its partitions. */
  readonly units: readonly PlannedUnit[]
  /** Units that were imported before, in the same way. */
  readonly known: readonly PlannedUnit[]
  /** The code of the user's importer, or nothing: the run's bundle. */
  readonly bundle: string
}

/** Files that are left out and are named in a plan. */
const MAX_LEFT_OUT = 1000
const LOOKS_AT_ONCE = 32
const TASK_BYTES = 2 ** 30

/**
 * Plans a run that imports: a partition for each unit that is not in the archive yet, by venue, symbol and day, whatever the order in
 * which the files were named. No task writes a log that another one could: they stage theirs, and the commit puts them into their places.
 */
export async function planImportRun(options: ImportRunOptions): Promise<ImportRunPlan> {
  const { archive, plan, how, replaces, own, engine, run, createdMs, minTasks = 1, taskBytes = TASK_BYTES } = options
  const bundle = own?.code ?? ''
  const code = { bundle: createHash('sha256').update(bundle).digest('hex').slice(0, 32), engine }
  const all = plan.units.map((unit) => ({ unit, id: unitId(unit, how), place: placeOf(unit) })).sort(byPlace)
  const isKnown = replaces ? [] : await inTurns(all, LOOKS_AT_ONCE, ({ id }) => isImported(archive, id))
  const todo = all.filter((_, i) => isKnown[i] !== true)
  const known = all.flatMap(({ unit }, i) => (isKnown[i] === true ? [unit] : []))
  const cuts = todo.map(({ unit }, instrument) => ({
    instrument,
    bytes: { from: 0, start: 0, end: bytesOf(unit) },
    canRestart: true,
  }))
  const bytes = todo.reduce((sum, { unit }) => sum + bytesOf(unit), 0)
  const tasks = cutTasks(cuts, { bytes, partitions: todo.length }, taskBytes, minTasks)
  const objects = todo.reduce((sum, { unit }) => sum + unit.files.length, 0)
  const head: PlanHead = {
    version: 1,
    run,
    job: 'import',
    ...code,
    archive: archive.uri,
    createdMs,
    streams: ['all'],
    clock: 'record',
    fromNs: '0',
    toNs: '0',
    sliceNs: String(DAY_NS),
    // What can be imported is, whatever else is damaged.
    tolerance: 1,
    asked: [],
    variants: [],
    variantSets: [[]],
    columns: [],
    counts: { run: todo.length, cached: known.length, stale: 0 },
    reasons: todo.length === 0 ? [] : [{ state: 'run', reason: 'not imported yet', partitions: todo.length, first: nameOf(todo[0]!.unit) }],
    imports: {
      ...{ how, replaces, own: own?.path ?? null },
      digest: digestOf(all, replaces, code),
      known: known.reduce((sum, { files }) => sum + files.length, 0),
      leftOut: plan.leftOut.slice(0, MAX_LEFT_OUT),
      leftOutFiles: plan.leftOut.length,
      unread: plan.unread.slice(0, MAX_LEFT_OUT),
    },
    tasks: tasks.length,
    partitions: todo.length,
    cost: estimateCost({
      bytesInRange: bytes,
      bytesRead: bytes,
      objects,
      partitions: todo.length,
      tasks: tasks.length,
      variants: 1,
      speed: IMPORT,
    }),
  }
  return {
    ...{ head, tasks, units: todo.map(({ unit }) => unit), known, bundle },
    taskSeconds: tasks.map((task) => attemptSeconds(task, 1, options.minTaskSeconds, IMPORT)),
    shareText: (task) => shareText(todo, task),
  }
}

interface PlacedUnit {
  readonly unit: PlannedUnit
  readonly id: string
  /** Sorts units by what their logs are of, as far as the files tell. */
  readonly place: string
}

function placeOf({ files: [first] }: PlannedUnit): string {
  return [first!.venue ?? '', first!.symbols?.[0] ?? '', first!.dates?.[0] ?? ''].join('\n')
}

function byPlace(a: PlacedUnit, b: PlacedUnit): number {
  return a.place < b.place ? -1 : a.place > b.place ? 1 : a.id < b.id ? -1 : 1
}

function bytesOf({ files }: PlannedUnit): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0)
}

function nameOf({ importer, files }: PlannedUnit): string {
  return `${importer}/${files[0]!.name}`
}

function digestOf(units: readonly PlacedUnit[], replaces: boolean, { bundle, engine }: Pick<PlanHead, 'bundle' | 'engine'>): string {
  const hash = createHash('sha256').update(JSON.stringify([replaces, bundle, engine]))
  for (const { id } of units) hash.update(`\n${id}`)
  return hash.digest('hex').slice(0, 32)
}

function shareText(units: readonly PlacedUnit[], { first, partitions }: TaskCut): string {
  const lines = units.slice(first, first + partitions).flatMap(({ unit, id }): ShareLine[] => [
    ['i', unit.importer, unit.files[0]!.name],
    ['u', unit],
    ['p', dayOf(unit), 'run', 0, 0, 'origin', '', id, bytesOf(unit)],
  ])
  return `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`
}

/** The first day that the files name; the epoch where they name none. */
function dayOf({ files: [first] }: PlannedUnit): number {
  const date = first!.dates?.[0]
  return date === undefined ? 0 : dayOfDate(date)
}
