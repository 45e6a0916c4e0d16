import type { ObjectStore } from '../store/object-store.ts'
import type { FolderFact } from './archive-facts.ts'
import type { PlanHead } from './plan-document.ts'
import { decodeReceipts, type Receipt } from './receipt.ts'
import { runFiles } from './run-files.ts'
import { readPartitions } from './task-share.ts'

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
  | 'inputs'
  | 'restart'
  | 'part'
  | 'checksum'
  | 'minTsNs'
  | 'maxTsNs'
> & {
  /** When it was written, milliseconds since the epoch. */
  readonly endedMs: number
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
  /** Of its last failed attempt; null when none told. */
  readonly error: Receipt['error']
}

export interface RunReceipts {
  /** The winning receipt of each partition: the first without an error, in order of the objects' keys. */
  readonly done: ReadonlyMap<number, DoneReceipt>
  readonly missing: readonly MissingPartition[]
  /** What was learnt of the archive, by folder. */
  readonly facts: ReadonlyMap<string, FolderFact>
}

/**
 * What the tasks of a run have achieved. A receipt that is not of the plan's fingerprint does not count.
 * @throws ReplayError corrupt `receipt`, `plan-document`
 */
export async function readRunReceipts(table: ObjectStore, head: PlanHead): Promise<RunReceipts> {
  const candidates = new Map<number, DoneReceipt>()
  const errors = new Map<number, Receipt['error']>()
  const facts = new Map<string, FolderFact>()
  for await (const { key } of table.list(runFiles(head.run).receipts)) {
    const object = await table.get(key)
    if (object === null) continue
    for (const receipt of decodeReceipts(object.bytes, `${table.uri}/${key}`)) {
      for (const fact of receipt.facts) facts.set(fact.folder, fact)
      if (receipt.error !== null) errors.set(receipt.partition, receipt.error)
      else if (!candidates.has(receipt.partition)) candidates.set(receipt.partition, lean(receipt))
    }
  }
  const done = new Map<number, DoneReceipt>()
  const missing: MissingPartition[] = []
  for await (const { index, task, venue, symbol, startNs, endNs, fingerprint } of readPartitions(table, head)) {
    const receipt = candidates.get(index)
    if (receipt?.fingerprint === fingerprint) done.set(index, receipt)
    else missing.push({ partition: index, task, venue, symbol, startNs, endNs, error: errors.get(index) ?? null })
  }
  return { done, missing, facts }
}

/** Without what only reports need: a run may have very many. */
function lean(receipt: Receipt): DoneReceipt {
  const { partition, venue, symbol, date, startNs, endNs, variants, fingerprint, inputs, restart } = receipt
  const { part, checksum, minTsNs, maxTsNs, timing } = receipt
  const endedMs = Math.round(timing.startedMs + timing.durationMs)
  const cell = { partition, venue, symbol, date, startNs, endNs }
  return { ...cell, variants, fingerprint, inputs, restart, part, checksum, minTsNs, maxTsNs, endedMs }
}
