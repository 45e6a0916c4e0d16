import { inTurns } from '../in-turns.ts'
import type { PlanHead } from '../plan/run/plan-document.ts'
import type { MissingPartition } from '../plan/run/run-receipts.ts'
import type { LiveCell } from '../plan/table/pack.ts'
import { isOfInstrument, liesWithin, mayHold, type Pack, whyKept } from '../plan/table/pack.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { readHistory } from '../table/delta-history.ts'
import type { TableState } from '../table/delta-log.ts'
import type { DoneCell, DonePart } from './done-parts.ts'

export interface PacksQuery {
  readonly table: ObjectStore
  readonly head: PlanHead
  readonly state: TableState | null
  readonly packs: readonly Pack[]
  /** What the run has made. */
  made(): Iterable<DonePart>
  /** When the first of it was done, milliseconds since the epoch. */
  readonly oldestMs: number
  /** Whether a partition is not committed yet, and its receipt counts. */
  isFresh(done: DoneCell): boolean
  /** The live partitions that one replaces. */
  coveredBy(cell: LiveCell): readonly LiveCell[]
  /** Milliseconds since the epoch. */
  readonly nowMs: number
}

/** What of a run cannot be committed. */
export interface HeldBack {
  /** Packs of other programs that the other partitions replace, whole. */
  readonly replaced: ReadonlySet<Pack>
  /** By index, and why. */
  readonly heldBack: ReadonlyMap<number, MissingPartition>
}

/**
 * Sorts out what a run can commit after what other programs did to the table since it was planned. A pack is taken out whole or
 * not at all: when some of its partitions do not come with this run, the others are held back, so that no row is there twice.
 */
export async function settlePacks(query: PacksQuery): Promise<HeldBack> {
  const { packs, head } = query
  const heldBack = new Map<number, MissingPartition>()
  const gone = await goneParts(query)
  const instruments = new Set(packs.map(({ partition: [venue, symbol] }) => `${venue}/${symbol}`))
  const covered = new Map<DoneCell, readonly LiveCell[]>()
  if (gone.size > 0 || packs.length > 0) {
    for (const { part, cells } of query.made()) {
      for (const done of cells) {
        if (!query.isFresh(done)) continue
        const { cell, partition } = done
        if (part !== null && gone.has(part.path)) {
          const message = 'its part was removed before the commit, by a VACUUM of another program it seems; plan and run again'
          heldBack.set(partition, missingOf(done, 'part-gone', message))
        } else if (instruments.has(`${cell.venue}/${cell.symbol}`)) covered.set(done, query.coveredBy(cell))
      }
    }
  }
  const isIn = (pack: Pack) => (done: DoneCell) => isMet(done, pack, covered.get(done)!, head)
  for (let size = -1; size !== covered.size; ) {
    size = covered.size
    for (const pack of packs) {
      const met = [...covered.keys()].filter(isIn(pack))
      if (met.length === 0) continue
      const reason = whyNot(pack, met, covered, head)
      if (reason === null) continue
      for (const done of met) {
        covered.delete(done)
        heldBack.set(done.partition, missingOf(done, 'foreign-rows', `${reason}; plan and run again`))
      }
    }
  }
  return { replaced: new Set(packs.filter((pack) => [...covered.keys()].some(isIn(pack)))), heldBack }
}

/** Whether a partition has rows in a pack, or the pack rows of no run where the partition's go. */
function isMet({ cell: own }: DoneCell, pack: Pack, covered: readonly LiveCell[], { onForeign }: PlanHead): boolean {
  if (covered.some((cell) => cell.pack === pack)) return true
  // Own rows are replaced beside those of others, and new ones may be what the others are.
  if (pack.added === null || (onForeign === 'keep' && covered.length > 0)) return false
  const [startNs, endNs] = [BigInt(own.startNs), BigInt(own.endNs)]
  return isOfInstrument(pack, own) && mayHold(pack, startNs, endNs)
}

/** Why a pack cannot be taken out for these receipts; null when it can. */
function whyNot(
  pack: Pack,
  met: readonly DoneCell[],
  covered: ReadonlyMap<DoneCell, readonly LiveCell[]>,
  { onForeign, fromNs, toNs }: PlanHead,
): string | null {
  const kept = whyKept(pack, onForeign)
  if (kept !== null) return `its rows were changed, taken out or brought by another program, ${kept}, since the run was planned`
  const replaced = new Set(
    met.flatMap((done) =>
      covered
        .get(done)!
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
 * Parts that are not there any more. Looked for only where a VACUUM of another program is told of since the plan, or may
 * have been: it removes what no version names, once it is old enough, and our parts are such until they are committed.
 */
async function goneParts({ table, head, state, made, oldestMs, isFresh, nowMs }: PacksQuery): Promise<Set<string>> {
  const isOld = nowMs - oldestMs > VACUUM_AGE_MS
  if (!(isOld || (state !== null && (await wasVacuumed(table, state, head.createdMs))))) return new Set()
  const fresh: string[] = []
  for (const { part, cells } of made()) if (part !== null && cells.some(isFresh)) fresh.push(part.path)
  const found = await inTurns(fresh, LOOKS_AT_ONCE, (path) => table.get(path, { range: { start: 0, end: 1 } }))
  return new Set(fresh.filter((_, i) => found[i] === null))
}

async function wasVacuumed(table: ObjectStore, state: TableState, sinceMs: number): Promise<boolean> {
  for await (const { info } of readHistory(table, state.version)) {
    if (info.timestamp !== undefined && info.timestamp < sinceMs) return false
    if (info.operation?.startsWith('VACUUM') === true) return true
  }
  return false
}

function missingOf({ partition, cell }: DoneCell, code: string, message: string): MissingPartition {
  const { venue, symbol, startNs, endNs } = cell
  const place = { venue, symbol, startNs: BigInt(startNs), endNs: BigInt(endNs) }
  return { partition, task: '', ...place, bytes: 0, error: { code, category: 'input', message } }
}

/** Delta's default retention, after which VACUUM removes. */
const VACUUM_AGE_MS = 7 * 86_400_000
const LOOKS_AT_ONCE = 32
