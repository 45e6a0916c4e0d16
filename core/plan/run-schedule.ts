import { ReplayError } from '../errors.ts'
import { parseDuration } from '../features/clocks/duration.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { cellGrid } from './cells.ts'
import { durationText } from './fitting-slice.ts'
import { runFiles } from './run/run-files.ts'
import type { RunRequest } from './run-request.ts'
import { shortHash } from './short-hash.ts'

/**
 * A request that is pinned for a schedule, with the code of its job: `<table>/_chronicle/schedules/<id>/`. A run of the schedule
 * has the id `<time>-<schedule>`, so that to start it twice is one run; it takes the last whole cells before that time.
 */
export interface PinnedRequest extends Omit<RunRequest, 'run' | 'createdMs' | 'fromNs' | 'toNs'> {
  /** How far back a run reaches, a multiple of the slice, e.g. `1d`. */
  readonly last: string
}

/** Folder of the schedules in a table's store. */
const SCHEDULES_FOLDER = '_chronicle/schedules/'

/** Writes a schedule; the same one again is the same. Returns its id: the hash of what is pinned, 8 hex digits. */
export async function writeSchedule(table: ObjectStore, pinned: PinnedRequest, bundle: string): Promise<string> {
  rangeBefore(pinned, 0)
  const text = `${JSON.stringify(pinned, null, 1)}\n`
  const id = shortHash(text).slice(0, 8)
  const files = scheduleFiles(id)
  await table.put(files.bundle, Buffer.from(bundle), 'absent')
  await table.put(files.request, Buffer.from(text), 'absent')
  return id
}

/**
 * Makes the request of a scheduled run out of what is pinned, and writes it with the bundle into the run's folder.
 * @throws ReplayError input `run-unknown` when the run's id is not one of a schedule
 */
export async function adoptSchedule(table: ObjectStore, run: string): Promise<RunRequest> {
  const source = scheduleFiles(run.slice(-8))
  const [request, bundle] = [await table.get(source.request), await table.get(source.bundle)]
  if (request === null || bundle === null) {
    const message = `run ${run} was never submitted, and there is no schedule ${run.slice(-8)}`
    throw new ReplayError('run-unknown', message, { category: 'input', path: `${table.uri}/${source.request}` })
  }
  const { last, ...pinned } = JSON.parse(Buffer.from(request.bytes).toString()) as PinnedRequest
  const createdMs = timeOfRun(run)
  const made: RunRequest = { ...pinned, run, createdMs, ...rangeBefore({ ...pinned, last }, createdMs) }
  const files = runFiles(run)
  await table.put(files.bundle, bundle.bytes, 'absent')
  // Whoever does the same at the same moment writes the same.
  await table.put(files.request, Buffer.from(`${JSON.stringify(made, null, 1)}\n`), 'absent')
  return made
}

/** @throws ReplayError input `schedule-range`, and those of `cellGrid` */
function rangeBefore({ slice, last, outline }: Pick<PinnedRequest, 'slice' | 'last' | 'outline'>, timeMs: number) {
  const { sliceNs } = cellGrid(slice ?? '1d', outline.everyNs === null ? null : BigInt(outline.everyNs))
  const lastNs = BigInt(parseDuration(last))
  if (lastNs <= 0n || lastNs % sliceNs !== 0n) {
    const [below, above] = [lastNs - (lastNs % sliceNs), lastNs - (lastNs % sliceNs) + sliceNs].map(durationText)
    const message = `a schedule reaches back a multiple of its slice of ${slice ?? '1d'}: ${below === '0d' ? above : `${below} or ${above}`}; found ${last}`
    throw new ReplayError('schedule-range', message, { category: 'input' })
  }
  const toNs = ((BigInt(timeMs) * 1_000_000n) / sliceNs) * sliceNs
  return { fromNs: String(toNs - lastNs), toNs: String(toNs) }
}

/** Milliseconds of `20240808T120000Z-…`. */
function timeOfRun(run: string): number {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-/.exec(run) ?? []
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))
}

function scheduleFiles(id: string): { readonly request: string; readonly bundle: string } {
  return { request: `${SCHEDULES_FOLDER}${id}/request.json`, bundle: `${SCHEDULES_FOLDER}${id}/bundle.js` }
}
