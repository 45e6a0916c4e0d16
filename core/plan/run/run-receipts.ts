import type { ObjectStore } from '../../store/object-store.ts'
import { type FolderFact, FolderFacts } from '../archive/archive-facts.ts'
import type { LiveCell } from '../table/pack.ts'
import type { DamagePlace } from './damage-report.ts'
import type { MessageCounts } from './message-counts.ts'
import { type PlanHead, readTasks, type TaskEntry } from './plan-document.ts'
import { decodeReceipts, type Receipt } from './receipt.ts'
import { faultOf } from './receipt-check.ts'
import { runFiles } from './run-files.ts'
import { type InputFolder, type InstrumentShare, type PlannedPartition, readTaskShare } from './task-share.ts'

/** What counts of a winning receipt. */
export type DoneReceipt = Pick<
  Receipt,
  | 'partition'
  | 'venue'
  | 'symbol'
  | 'date'
  | 'startNs'
  | 'endNs'
  | 'variants'
  | 'fingerprint'
  | 'soundFingerprint'
  | 'damage'
  | 'check'
  | 'imported'
  | 'inputs'
  | 'restart'
  | 'part'
  | 'checksum'
  | 'minTsNs'
  | 'maxTsNs'
> & {
  /** When it was written, milliseconds since the epoch. */
  readonly endedMs: number
  /** Without what is empty, as most is. */
  readonly messages: Pick<MessageCounts, 'read'> & Partial<Omit<MessageCounts, 'read' | 'warmUp'>>
}

/** A planned partition without a winning receipt. */
export interface MissingPartition {
  readonly partition: number
  readonly task: string
  readonly venue: string
  readonly symbol: string
  /** Nanoseconds since the epoch. */
  readonly startNs: bigint
  readonly endNs: bigint
  /** As planned. */
  readonly bytes: number
  /** Of its last failed attempt; null when none told. */
  readonly error: Receipt['error']
}

export interface RunReceipts {
  /** The winning receipt of each partition: the first without an error, in order of the objects' keys. */
  readonly done: ReadonlyMap<number, DoneReceipt>
  readonly missing: readonly MissingPartition[]
  /** What was learnt of the archive: what the plan took folders to reach, and what tasks told. */
  readonly facts: FolderFacts
}

/** What became of a task: of its partitions, in order, and the parts that hold their rows. */
export interface TaskOutcome {
  readonly done: readonly DoneReceipt[]
  readonly missing: readonly MissingPartition[]
  /** Parts with rows of a winning receipt. */
  readonly parts: readonly MadePart[]
}

/** A part that an attempt made. */
export interface MadePart {
  readonly path: string
  /** Bytes. */
  readonly size: number
  /** Of the whole part; those of all its cells may be fewer, where an attempt gave up partitions whose rows were in it already. */
  readonly rows: number
  /** In order of rows. */
  readonly cells: readonly { readonly receipt: DoneReceipt; readonly cell: LiveCell; readonly isWinner: boolean }[]
}

export interface OutcomeListeners {
  /** Hears every receipt, also those that count for nothing, in the order in which the first one wins. */
  readonly onReceipt?: ((receipt: Receipt) => void) | undefined
  /** Is told what was learnt of the archive. */
  readonly facts?: FolderFacts | undefined
}

/**
 * What the tasks of a run have achieved, task by task in order of the plan, so that memory does not grow with partitions. A receipt that
 * is not of the plan's fingerprint does not count, nor does one of another task's partition.
 * @throws ReplayError corrupt `receipt`, `plan-document`
 */
export async function* readTaskOutcomes(
  table: ObjectStore,
  head: PlanHead,
  { onReceipt, facts }: OutcomeListeners = {},
): AsyncGenerator<TaskOutcome, void, undefined> {
  const keys = new Map<string, string[]>()
  const { receipts } = runFiles(head.run)
  for await (const { key } of table.list(receipts)) {
    const task = key.slice(receipts.length, key.lastIndexOf('-'))
    keys.set(task, [...(keys.get(task) ?? []), key])
  }
  const tasks = await readTasks(table, head.run)
  for (let at = 0; at < tasks.length; at += TASKS_AT_ONCE) {
    const read = async (entry: TaskEntry) => ({
      entry,
      shares: await readTaskShare(table, head, entry),
      objects: await Promise.all((keys.get(entry.task) ?? []).map((key) => readReceipts(table, key))),
    })
    for (const { entry, shares, objects } of await Promise.all(tasks.slice(at, at + TASKS_AT_ONCE).map(read))) {
      yield outcomeOf({ head, shares, task: entry.task, candidates: candidatesOf(table, head.run, objects, { onReceipt, facts }), facts })
    }
  }
}

/** @throws as `readTaskOutcomes` */
export async function readRunReceipts(table: ObjectStore, head: PlanHead, onReceipt?: (receipt: Receipt) => void): Promise<RunReceipts> {
  const done = new Map<number, DoneReceipt>()
  const missing: MissingPartition[] = []
  const facts = new FolderFacts()
  for await (const outcome of readTaskOutcomes(table, head, { onReceipt, facts })) {
    for (const receipt of outcome.done) done.set(receipt.partition, receipt)
    missing.push(...outcome.missing)
  }
  return { done, missing, facts }
}

/** The partitions of a run that have no winning receipt. @throws as `readTaskOutcomes` */
export async function readMissing(table: ObjectStore, head: PlanHead): Promise<MissingPartition[]> {
  const missing: MissingPartition[] = []
  for await (const outcome of readTaskOutcomes(table, head)) missing.push(...outcome.missing)
  return missing
}

interface OutcomeQuery {
  readonly head: PlanHead
  readonly shares: readonly InstrumentShare[]
  readonly task: string
  readonly candidates: Candidates
  readonly facts: FolderFacts | undefined
}

function outcomeOf({ head, shares, task, candidates, facts }: OutcomeQuery): TaskOutcome {
  const done: DoneReceipt[] = []
  const missing: MissingPartition[] = []
  const winners = new Set<DoneReceipt>()
  for (const { folders, partitions } of shares) {
    for (const folder of folders) facts?.add(plannedFact(folder))
    for (const { index, venue, symbol, startNs, endNs, bytes, fingerprint } of partitions) {
      const receipt = candidates.first.get(index)
      if (receipt !== undefined && isOf(receipt, { venue, symbol, startNs, endNs, fingerprint })) {
        done.push(receipt)
        winners.add(receipt)
      } else
        missing.push({ partition: index, task, venue, symbol, startNs, endNs, bytes, error: candidates.errors.get(index)?.error ?? null })
    }
  }
  const parts = [...candidates.parts.values()].filter((receipts) => receipts.some((receipt) => winners.has(receipt)))
  return { done, missing, parts: parts.map((receipts) => madePart(receipts, head.run, winners)) }
}

function madePart(receipts: readonly DoneReceipt[], run: string, winners: ReadonlySet<DoneReceipt>): MadePart {
  const sorted = [...receipts].sort((a, b) => a.part!.firstRow - b.part!.firstRow)
  const { path, size, rows } = sorted[0]!.part!
  return { path, size, rows, cells: sorted.map((receipt) => ({ receipt, cell: cellOf(receipt, run), isWinner: winners.has(receipt) })) }
}

/** The partition of a receipt, as tables tell of it. */
export function cellOf(receipt: DoneReceipt, run: string): LiveCell {
  const { venue, symbol, startNs, endNs, variants, inputs, restart, part, checksum } = receipt
  const fingerprint = receipt.soundFingerprint ?? receipt.fingerprint
  const path = part?.path ?? null
  return { venue, symbol, startNs, endNs, variants, fingerprint, inputs, restart, run, path, ...checksum }
}

type PlannedCell = Pick<PlannedPartition, 'venue' | 'symbol' | 'startNs' | 'endNs' | 'fingerprint'>

function isOf(receipt: DoneReceipt, { venue, symbol, startNs, endNs, fingerprint }: PlannedCell): boolean {
  return (
    receipt.fingerprint === fingerprint &&
    receipt.venue === venue &&
    receipt.symbol === symbol &&
    receipt.startNs === String(startNs) &&
    receipt.endNs === String(endNs)
  )
}

function plannedFact({ key, digest, reach }: InputFolder): FolderFact {
  return { folder: key, digest, reach: reach === undefined ? null : [String(reach.fromNs), String(reach.toNs)] }
}

/** What attempts at one task have told. */
export interface TaskReceipts {
  /** Fingerprints of the partitions that came out, of the first receipt. */
  readonly done: ReadonlyMap<number, string>
  /** The last failure of a partition, and the attempt that it happened in. */
  readonly failed: ReadonlyMap<number, FailedReceipt>
}

export interface FailedReceipt {
  readonly attempt: string
  readonly error: NonNullable<Receipt['error']>
}

/** @throws ReplayError corrupt `receipt` */
export async function readTaskReceipts(table: ObjectStore, run: string, task: string): Promise<TaskReceipts> {
  const objects: ReceiptsObject[] = []
  for await (const { key } of table.list(runFiles(run).taskReceipts(task))) objects.push(await readReceipts(table, key))
  const { first, errors } = candidatesOf(table, run, objects, {})
  return { done: new Map([...first].map(([index, { fingerprint }]) => [index, fingerprint])), failed: errors }
}

/** What the receipts of a task say that count. */
interface Candidates {
  /** Of each partition the first receipt without an error, in order of the objects' keys. */
  readonly first: ReadonlyMap<number, DoneReceipt>
  /** The last one with an error. */
  readonly errors: ReadonlyMap<number, FailedReceipt>
  /** By key of a part all receipts with rows in it. */
  readonly parts: ReadonlyMap<string, readonly DoneReceipt[]>
}

function candidatesOf(
  table: ObjectStore,
  run: string,
  objects: readonly ReceiptsObject[],
  { onReceipt, facts }: OutcomeListeners,
): Candidates {
  const first = new Map<number, DoneReceipt>()
  const errors = new Map<number, FailedReceipt>()
  const parts = new Map<string, DoneReceipt[]>()
  for (const { key, receipts } of objects) {
    for (const receipt of receipts) {
      const { partition, attempt, error } = receipt
      const fault = faultOf(receipt, run, key)
      if (fault !== null) {
        const message = `a receipt of ${table.uri}/${key} does not count: ${fault}`
        errors.set(partition, { attempt, error: { code: 'receipt-refused', category: 'corrupt', message } })
        continue
      }
      onReceipt?.(receipt)
      for (const fact of receipt.facts) facts?.add(fact)
      if (error !== null) {
        errors.set(partition, { attempt, error })
        continue
      }
      const own = lean(receipt)
      if (!first.has(partition)) first.set(partition, own)
      if (own.part === null) continue
      const known = parts.get(own.part.path)
      if (known === undefined) parts.set(own.part.path, [own])
      else known.push(own)
    }
  }
  return { first, errors, parts }
}

interface ReceiptsObject {
  readonly key: string
  readonly receipts: readonly Receipt[]
}

async function readReceipts(table: ObjectStore, key: string): Promise<ReceiptsObject> {
  const object = await table.get(key)
  return { key, receipts: object === null ? [] : decodeReceipts(object.bytes, `${table.uri}/${key}`) }
}

/** A run has thousands of tasks. */
const TASKS_AT_ONCE = 16

/** Of each reason the first place. */
function firstOfEach(places: readonly DamagePlace[]): DamagePlace[] {
  return places.filter(({ code }, i) => places.findIndex((place) => place.code === code) === i)
}

/** Without what only reports need: a run may have very many. */
function lean(receipt: Receipt): DoneReceipt {
  const { partition, venue, symbol, date, startNs, endNs, variants, fingerprint, inputs, restart } = receipt
  const { part, checksum, minTsNs, maxTsNs, timing } = receipt
  const endedMs = Math.round(timing.startedMs + timing.durationMs)
  const cell = { partition, venue, symbol, date, startNs, endNs }
  const { soundFingerprint, damage, check, imported } = receipt
  const { read, leftOut, noted, warnings, places, skewNs } = receipt.messages
  const messages = {
    read,
    ...(Object.keys(leftOut).length > 0 && { leftOut }),
    ...(Object.keys(noted).length > 0 && { noted }),
    ...(warnings !== undefined && { warnings }),
    ...(places !== undefined && { places: firstOfEach(places) }),
    ...(skewNs !== undefined && { skewNs }),
  }
  const told = {
    ...(soundFingerprint !== undefined && { soundFingerprint }),
    ...(check !== undefined && { check }),
    ...(imported !== undefined && { imported }),
    ...(damage !== undefined && { damage: { ...damage, places: damage.places.slice(0, 1) } }),
  }
  return { ...cell, ...told, messages, variants, fingerprint, inputs, restart, part, checksum, minTsNs, maxTsNs, endedMs }
}
