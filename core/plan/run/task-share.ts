import { ReplayError } from '../../errors.ts'
import type { PlannedUnit } from '../../import/import-plan.ts'
import type { TimeSpan } from '../../log/reading/sound-times.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import { cellDate } from '../cells.ts'
import type { PlanHead, TaskEntry } from './plan-document.ts'
import { readTasks } from './plan-document.ts'
import { runFiles } from './run-files.ts'

/** An object of the archive as listed by the plan; read it with `ifMatch: etag`. */
export interface InputObject {
  /** Name in its folder. */
  readonly name: string
  /** Bytes. */
  readonly size: number
  readonly etag: string
}

/** A stream-day folder. */
export interface InputFolder {
  /** Key in the archive with its last `/`. */
  readonly key: string
  /** UTC day, `YYYY-MM-DD`. */
  readonly date: string
  readonly stream: string
  /** Digest of the objects. */
  readonly digest: string
  readonly objects: readonly InputObject[]
  /** Its UTC day together with what its records reach beyond that, as the run was planned. Absent: its UTC day. */
  readonly reach?: TimeSpan
}

/** A partition that a run computes. */
export interface PlannedPartition {
  /** Among the partitions of the plan, from 0. */
  readonly index: number
  readonly venue: string
  readonly symbol: string
  /** UTC day of the cell, `YYYY-MM-DD`. */
  readonly date: string
  /** The cell, nanoseconds since the epoch, half-open. */
  readonly startNs: bigint
  readonly endNs: bigint
  readonly state: 'run' | 'stale'
  /** Number of its reason in the head. */
  readonly reason: number
  /** Number of its set of variants in the head. */
  readonly variantSet: number
  /** See fingerprint.ts. */
  readonly restart: string
  readonly inputs: string
  readonly fingerprint: string
  /** Bytes of the cell, about: of its day's segments, its share of the day. */
  readonly bytes: number
}

/** What a task does for one instrument: its partitions in order of time, and the folders they may read. */
export interface InstrumentShare {
  readonly venue: string
  readonly symbol: string
  /** In order of date, then stream. */
  readonly folders: readonly InputFolder[]
  readonly partitions: readonly PlannedPartition[]
  /** In a run that imports: the files of its one partition, which is of no instrument but has the format and the first file as names. */
  readonly unit?: PlannedUnit
}

/** Line of a share: an instrument begins; one of its folders; one of its partitions; the files of a unit that is imported. */
export type ShareLine =
  | readonly ['i', venue: string, symbol: string]
  | readonly ['u', unit: PlannedUnit]
  | readonly [
      'f',
      date: string,
      stream: string,
      digest: string,
      objects: readonly (string | number)[],
      ...reach: readonly [fromNs: string, toNs: string] | readonly [],
    ]
  | readonly [
      'p',
      cell: number,
      state: 'run' | 'stale',
      reason: number,
      variantSet: number,
      restart: string,
      inputs: string,
      fingerprint: string,
      bytes: number,
    ]

/** What a task has to do, by one read. @throws ReplayError corrupt `plan-document` */
export async function readTaskShare(table: ObjectStore, head: PlanHead, entry: TaskEntry): Promise<InstrumentShare[]> {
  const key = runFiles(head.run).share(entry.file)
  const object = await table.get(key, { range: { start: entry.at, end: entry.at + entry.length } })
  const path = `${table.uri}/${key}`
  if (object?.bytes.length !== entry.length) throw damaged(path)
  return decodeShare(new TextDecoder().decode(object.bytes), BigInt(head.sliceNs), entry, path)
}

/**
 * All partitions of a plan in order, a few tasks' shares in memory at a time.
 * @param onFolder hears of every folder that a task may read; of one that several may read several times
 */
export async function* readPartitions(
  table: ObjectStore,
  head: PlanHead,
  onFolder?: (folder: InputFolder) => void,
): AsyncGenerator<PlannedPartition & Pick<InstrumentShare, 'unit'> & { readonly task: string }> {
  const tasks = await readTasks(table, head.run)
  for (let at = 0; at < tasks.length; at += READ_AT_ONCE) {
    const read = async (entry: TaskEntry) => ({ task: entry.task, shares: await readTaskShare(table, head, entry) })
    for (const { task, shares } of await Promise.all(tasks.slice(at, at + READ_AT_ONCE).map(read))) {
      for (const { folders, partitions, unit } of shares) {
        if (onFolder !== undefined) for (const folder of folders) onFolder(folder)
        for (const partition of partitions) yield { ...partition, task, ...(unit !== undefined && { unit }) }
      }
    }
  }
}

const READ_AT_ONCE = 16

function decodeShare(text: string, sliceNs: bigint, entry: TaskEntry, path: string): InstrumentShare[] {
  const shares: { venue: string; symbol: string; folders: InputFolder[]; partitions: PlannedPartition[]; unit?: PlannedUnit }[] = []
  let index = entry.first
  for (const lineText of text.split('\n')) {
    if (lineText === '') continue
    const line = JSON.parse(lineText) as ShareLine
    if (line[0] === 'i') {
      shares.push({ venue: line[1], symbol: line[2], folders: [], partitions: [] })
      continue
    }
    const share = shares.at(-1)
    if (share === undefined) throw damaged(path)
    const { venue, symbol } = share
    if (line[0] === 'u') share.unit = line[1]
    else if (line[0] === 'f') {
      const [, date, stream, digest, objects, fromNs, toNs] = line
      share.folders.push({
        ...{ key: folderKey(venue, symbol, date, stream), date, stream, digest, objects: objectsOf(objects) },
        ...(fromNs !== undefined && toNs !== undefined && { reach: { fromNs: BigInt(fromNs), toNs: BigInt(toNs) } }),
      })
    } else {
      const [, cell, state, reason, variantSet, restart, inputs, fingerprint, bytes] = line
      const startNs = BigInt(cell) * sliceNs
      const times = { date: cellDate(startNs), startNs, endNs: startNs + sliceNs }
      share.partitions.push({ index: index++, venue, symbol, ...times, state, reason, variantSet, restart, inputs, fingerprint, bytes })
    }
  }
  if (index !== entry.first + entry.partitions) throw damaged(path)
  return shares
}

/** Key of a stream-day folder in an archive. */
export function folderKey(venue: string, symbol: string, date: string, stream: string): string {
  return `v1/${venue}/${symbol}/${date}/${stream}/`
}

/** @param flat `name, size, etag, name, …` */
export function objectsOf(flat: readonly (string | number)[]): InputObject[] {
  return Array.from({ length: flat.length / 3 }, (_, i) => ({
    name: flat[3 * i] as string,
    size: flat[3 * i + 1] as number,
    etag: flat[3 * i + 2] as string,
  }))
}

function damaged(path: string): ReplayError {
  return new ReplayError('plan-document', 'expected the share of a task; plan the run again', { category: 'corrupt', path })
}
