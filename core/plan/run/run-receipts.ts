import type { ObjectStore } from '../../store/object-store.ts'
import { type FolderFact, FolderFacts } from '../archive/archive-facts.ts'
import type { DamagePlace } from './damage-report.ts'
import type { MessageCounts } from './message-counts.ts'
import type { PlanHead } from './plan-document.ts'
import { decodeReceipts, type Receipt } from './receipt.ts'
import { faultOf } from './receipt-check.ts'
import { runFiles } from './run-files.ts'
import { type InputFolder, type PlannedPartition, readPartitions } from './task-share.ts'

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

/**
 * What the tasks of a run have achieved. A receipt that is not of the plan's fingerprint does not count.
 * @param onReceipt hears every receipt, also those that count for nothing, in the order in which the first one wins
 * @throws ReplayError corrupt `receipt`, `plan-document`
 */
export async function readRunReceipts(table: ObjectStore, head: PlanHead, onReceipt?: (receipt: Receipt) => void): Promise<RunReceipts> {
  const { candidates, errors, facts } = await readCandidates(table, head.run, runFiles(head.run).receipts, onReceipt)
  const done = new Map<number, DoneReceipt>()
  const missing: MissingPartition[] = []
  const onFolder = (folder: InputFolder): void => void facts.add(plannedFact(folder))
  for await (const { index, task, venue, symbol, startNs, endNs, bytes, fingerprint } of readPartitions(table, head, onFolder)) {
    const receipt = candidates.get(index)
    if (receipt !== undefined && isOf(receipt, { venue, symbol, startNs, endNs, fingerprint })) done.set(index, receipt)
    else missing.push({ partition: index, task, venue, symbol, startNs, endNs, bytes, error: errors.get(index)?.error ?? null })
  }
  return { done, missing, facts }
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
  const { candidates, errors } = await readCandidates(table, run, runFiles(run).taskReceipts(task))
  return { done: new Map([...candidates].map(([index, { fingerprint }]) => [index, fingerprint])), failed: errors }
}

/** Of each partition the first receipt without an error, the last one with an error; in order of the objects' keys. */
async function readCandidates(table: ObjectStore, run: string, prefix: string, onReceipt?: (receipt: Receipt) => void) {
  const candidates = new Map<number, DoneReceipt>()
  const errors = new Map<number, FailedReceipt>()
  const facts = new FolderFacts()
  for await (const { key, receipts } of readReceipts(table, prefix)) {
    for (const receipt of receipts) {
      const { partition, attempt, error } = receipt
      const fault = faultOf(receipt, run, key)
      if (fault !== null) {
        const message = `a receipt of ${table.uri}/${key} does not count: ${fault}`
        errors.set(partition, { attempt, error: { code: 'receipt-refused', category: 'corrupt', message } })
        continue
      }
      onReceipt?.(receipt)
      for (const fact of receipt.facts) facts.add(fact)
      if (error !== null) errors.set(partition, { attempt, error })
      else if (!candidates.has(partition)) candidates.set(partition, lean(receipt))
    }
  }
  return { candidates, errors, facts }
}

interface ReceiptsObject {
  readonly key: string
  readonly receipts: readonly Receipt[]
}

/** The receipts objects in order of their keys, several read at a time: a run has thousands. */
async function* readReceipts(table: ObjectStore, prefix: string): AsyncGenerator<ReceiptsObject, void, undefined> {
  const keys: string[] = []
  for await (const { key } of table.list(prefix)) keys.push(key)
  for (let at = 0; at < keys.length; at += READ_AT_ONCE) {
    const read = async (key: string): Promise<ReceiptsObject> => {
      const object = await table.get(key)
      return { key, receipts: object === null ? [] : decodeReceipts(object.bytes, `${table.uri}/${key}`) }
    }
    yield* await Promise.all(keys.slice(at, at + READ_AT_ONCE).map(read))
  }
}

const READ_AT_ONCE = 32

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
