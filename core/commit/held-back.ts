import { inTurns } from '../in-turns.ts'
import type { PlanHead } from '../plan/run/plan-document.ts'
import type { DoneReceipt, MissingPartition } from '../plan/run/run-receipts.ts'
import type { LiveCell } from '../plan/table/pack.ts'
import { isOfDay, liesWithin, mayHold, type Pack, whyKept } from '../plan/table/pack.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { readHistory } from '../table/delta-history.ts'
import type { TableState } from '../table/delta-log.ts'

export interface PacksQuery {
  readonly table: ObjectStore
  readonly head: PlanHead
  readonly state: TableState | null
  readonly packs: readonly Pack[]
  /** Receipts that are not committed yet, and the live partitions that each replaces. */
  readonly covered: ReadonlyMap<DoneReceipt, readonly LiveCell[]>
  /** Milliseconds since the epoch. */
  readonly nowMs: number
}

/** What of a run can be committed. */
export interface HeldBack {
  readonly fresh: readonly DoneReceipt[]
  /** Packs of other programs that these receipts replace, whole. */
  readonly replaced: ReadonlySet<Pack>
  /** The others, and why. */
  readonly heldBack: readonly MissingPartition[]
}

/**
 * Sorts out what a run can commit after what other programs did to the table since it was planned. A pack is taken out whole or
 * not at all: when some of its partitions do not come with this run, the others are held back, so that no row is there twice.
 */
export async function settlePacks(query: PacksQuery): Promise<HeldBack> {
  const { packs, covered, head } = query
  const fresh = new Set(covered.keys())
  const heldBack: MissingPartition[] = []
  const hold = (receipt: DoneReceipt, code: string, message: string): void => {
    if (fresh.delete(receipt)) heldBack.push(missingOf(receipt, code, message))
  }
  for (const receipt of await withoutPart(query)) {
    hold(receipt, 'part-gone', 'its part was removed before the commit, by a VACUUM of another program it seems; plan and run again')
  }
  for (let size = -1; size !== fresh.size; ) {
    size = fresh.size
    for (const pack of packs) {
      const met = [...fresh].filter((receipt) => isMet(receipt, pack, covered.get(receipt)!, head))
      if (met.length === 0) continue
      const reason = whyNot(pack, met, covered, head)
      if (reason !== null) for (const receipt of met) hold(receipt, 'foreign-rows', `${reason}; plan and run again`)
    }
  }
  const replaced = new Set(packs.filter((pack) => [...fresh].some((receipt) => isMet(receipt, pack, covered.get(receipt)!, head))))
  return { fresh: [...fresh], replaced, heldBack }
}

/** Whether a partition has rows in a pack, or the pack rows of no run where the partition's go. */
function isMet(receipt: DoneReceipt, pack: Pack, covered: readonly LiveCell[], { onForeign }: PlanHead): boolean {
  if (covered.some((cell) => cell.pack === pack)) return true
  // Own rows are replaced beside those of others, and new ones may be what the others are.
  if (pack.added === null || (onForeign === 'keep' && covered.length > 0)) return false
  const [startNs, endNs] = [BigInt(receipt.startNs), BigInt(receipt.endNs)]
  return isOfDay(pack, receipt, startNs) && mayHold(pack, startNs, endNs)
}

/** Why a pack cannot be taken out for these receipts; null when it can. */
function whyNot(
  pack: Pack,
  met: readonly DoneReceipt[],
  covered: ReadonlyMap<DoneReceipt, readonly LiveCell[]>,
  { onForeign, fromNs, toNs }: PlanHead,
): string | null {
  const kept = whyKept(pack, onForeign)
  if (kept !== null) return `its rows were changed, taken out or brought by another program, ${kept}, since the run was planned`
  const replaced = new Set(
    met.flatMap((receipt) =>
      covered
        .get(receipt)!
        .filter((cell) => cell.pack === pack)
        .map(nameOf),
    ),
  )
  if (pack.cells.some((cell) => !replaced.has(nameOf(cell)))) {
    return `its rows lie in one part with those of partitions that this run has not brought (${pack.by})`
  }
  if (pack.added === null || liesWithin(pack, BigInt(fromNs), BigInt(toNs))) return null
  return `beside it lie rows of another program, ${pack.added}, that reach beyond the run's range`
}

function nameOf({ startNs, endNs, variants }: LiveCell): string {
  return `${startNs}/${endNs}/${variants.join(' ')}`
}

/**
 * Receipts whose part is not there any more. Looked for only where a VACUUM of another program is told of since the plan, or may
 * have been: it removes what no version names, once it is old enough, and our parts are such until they are committed.
 */
async function withoutPart({ table, head, state, covered, nowMs }: PacksQuery): Promise<DoneReceipt[]> {
  const receipts = [...covered.keys()].filter(({ part }) => part !== null)
  const isOld = receipts.some(({ endedMs }) => nowMs - endedMs > VACUUM_AGE_MS)
  if (receipts.length === 0 || !(isOld || (state !== null && (await wasVacuumed(table, state, head.createdMs))))) return []
  const found = await inTurns(receipts, LOOKS_AT_ONCE, ({ part }) => table.get(part!.path, { range: { start: 0, end: 1 } }))
  return receipts.filter((_, i) => found[i] === null)
}

async function wasVacuumed(table: ObjectStore, state: TableState, sinceMs: number): Promise<boolean> {
  for await (const { info } of readHistory(table, state.version)) {
    if (info.timestamp !== undefined && info.timestamp < sinceMs) return false
    if (info.operation?.startsWith('VACUUM') === true) return true
  }
  return false
}

function missingOf({ partition, venue, symbol, startNs, endNs }: DoneReceipt, code: string, message: string): MissingPartition {
  const place = { venue, symbol, startNs: BigInt(startNs), endNs: BigInt(endNs) }
  return { partition, task: '', ...place, bytes: 0, error: { code, category: 'input', message } }
}

/** Delta's default retention, after which VACUUM removes. */
const VACUUM_AGE_MS = 7 * 86_400_000
const LOOKS_AT_ONCE = 32
