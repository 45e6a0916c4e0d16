import type { Variant } from '../../job/variants.ts'
import { countText } from '../../number-text.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import type { TableState } from '../../table/delta-log.ts'
import { type PlanHead, readPlanHead } from '../run/plan-document.ts'
import type { LiveCells } from './live-cells.ts'
import { readPartLedger } from './part-ledger.ts'

/** What made rows: hashes of a job's bundle and of the engine. */
export interface Code {
  readonly bundle: string
  readonly engine: string
}

/** Code that live partitions of a variant are of. */
export interface VariantCode extends Code {
  /** The newest run of it, and when it was planned, milliseconds since the epoch. */
  readonly run: string
  readonly createdMs: number
  readonly partitions: number
}

/** A variant that has live partitions. */
export interface LiveVariant extends Variant {
  /** Newest first; more than one where only some of its partitions were made anew. Empty: the plans of its runs are lost. */
  readonly codes: readonly VariantCode[]
}

/** The plans of the runs that cells are of; null: lost. */
export type Heads = ReadonlyMap<string, PlanHead | null>

/** Reads them, some at a time. */
export async function readHeads(table: ObjectStore, cells: LiveCells): Promise<Heads> {
  return readPlanHeads(table, [...cells.counts.keys()])
}

async function readPlanHeads(table: ObjectStore, runs: readonly string[]): Promise<Heads> {
  const heads = new Map<string, PlanHead | null>()
  for (let at = 0; at < runs.length; at += READS) {
    const some = runs.slice(at, at + READS)
    const read = await Promise.all(some.map((run) => readPlanHead(table, run).catch(() => null)))
    for (const [i, run] of some.entries()) heads.set(run, read[i]!)
  }
  return heads
}

const READS = 16

/** Every variant of a table that has live partitions, by id, with the code that these are of. */
export function liveVariants({ counts }: LiveCells, heads: Heads): LiveVariant[] {
  const params = new Map<string, Variant['params']>()
  for (const head of heads.values()) for (const { id, params: values } of head?.variants ?? []) params.set(id, values)
  const codes = new Map<string, Map<string, VariantCode>>()
  for (const [run, own] of counts) {
    const head = heads.get(run)
    for (const [id, count] of own) {
      const known = codes.get(id) ?? new Map<string, VariantCode>()
      codes.set(id, known)
      if (head == null) continue
      const { bundle, engine, createdMs } = head
      const one = known.get(`${bundle} ${engine}`)
      const newest = one === undefined || one.createdMs < createdMs ? { run, createdMs } : { run: one.run, createdMs: one.createdMs }
      known.set(`${bundle} ${engine}`, { bundle, engine, ...newest, partitions: (one?.partitions ?? 0) + count })
    }
  }
  return [...codes]
    .filter(([id]) => params.has(id))
    .map(([id, of]) => ({ id, params: params.get(id)!, codes: [...of.values()].sort((a, b) => b.createdMs - a.createdMs) }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
}

/**
 * Whether rows may be of several codes, by the runs that were ever committed: what parts hold, which takes long to read of very many, is
 * not looked at.
 */
async function mayHaveSeveralCodes(table: ObjectStore, { txns, metaData }: TableState): Promise<boolean> {
  // Then the log does not know all runs.
  if (metaData.configuration['delta.setTransactionRetentionDuration'] !== undefined) return true
  const heads = await readPlanHeads(table, [...txns.keys()])
  const codes = new Set([...heads.values()].flatMap((head) => (head === null ? [] : [`${head.bundle} ${head.engine}`])))
  return codes.size > 1
}

/** Null: all rows are of the newest code. @throws ReplayError those of `readPartLedger` */
export async function readOtherCode(table: ObjectStore, state: TableState): Promise<OtherCode | null> {
  // A plan that is damaged may be of a run that has no rows any more.
  const may = await mayHaveSeveralCodes(table, state).catch(() => true)
  return may ? otherCodeOf(await readLiveVariants(table, state)) : null
}

/** The variants of a table as it is. */
export async function readLiveVariants(table: ObjectStore, state: TableState): Promise<LiveVariant[]> {
  const { cells } = await readPartLedger(table, state)
  return liveVariants(cells, await readHeads(table, cells))
}

/** Code of the newest run that variants are of; null: there is none. */
export function newestCode(variants: readonly LiveVariant[]): VariantCode | null {
  const newest = variants.flatMap(({ codes }) => codes.slice(0, 1))
  return newest.reduce<VariantCode | null>((best, code) => (best === null || code.createdMs > best.createdMs ? code : best), null)
}

/** Those that have partitions of other code. */
export function ofOtherCode(variants: readonly LiveVariant[], { bundle, engine }: Code): LiveVariant[] {
  return variants.filter(({ codes }) => codes.some((code) => code.bundle !== bundle || code.engine !== engine))
}

/** That rows of a table are of several codes, side by side. */
export interface OtherCode {
  /** Live variants with rows of other code than the newest run's, and all. */
  readonly older: number
  readonly variants: number
  /** The newest run. */
  readonly run: string
}

/** Null: all rows are of the newest code. */
export function otherCodeOf(variants: readonly LiveVariant[]): OtherCode | null {
  const newest = newestCode(variants)
  const older = newest === null ? 0 : ofOtherCode(variants, newest).length
  return older === 0 ? null : { older, variants: variants.length, run: newest!.run }
}

/** For people, without a full stop, as more may follow. */
export function otherCodeText({ older, variants, run }: OtherCode): string {
  const which = older === 1 ? 'variant has' : 'variants have'
  return `${countText(older)} of the ${countText(variants)} live ${which} rows of other code than run ${run}, the newest (job or engine changed since)`
}
