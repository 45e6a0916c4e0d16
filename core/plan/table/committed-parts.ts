import type { Variant } from '../../job/variants.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import { findTable, type TableState } from '../../table/delta-log.ts'
import { requireWriter } from '../../table/table-protocol.ts'
import { type PlanHead, readPlanHead } from '../run/plan-document.ts'
import { LiveCells } from './live-cells.ts'
import { type LivePart, type LiveParts, type LiveTable, NO_PARTS } from './live-parts.ts'
import type { LiveCell } from './pack.ts'
import { readPartLedger } from './part-ledger.ts'

/**
 * What is live in a table, for the next plan: the partitions of the committed parts, those in parts of other programs, and those
 * without rows. Code, engine and parameters come from the plans of the runs that made them; where a plan is lost, its partitions
 * are stale.
 * @throws ReplayError those of `findTable`, `requireWriter`
 */
export async function readCommittedParts(table: ObjectStore): Promise<LiveParts> {
  const state = await findTable(table, { onlyLive: true })
  if (state === null) return NO_PARTS
  requireWriter(state, false, table.uri)
  const { cells: all, packs } = await readPartLedger(table, state)
  const heads = await readHeads(table, all)
  const cells = new LiveCells(all)
  const partOf = ({ variants, fingerprint, inputs, restart, run, pack }: LiveCell): LivePart => {
    const head = heads.get(run)
    return { variants, fingerprint, inputs, restart, bundle: head?.bundle ?? '', engine: head?.engine ?? '', ...(pack && { pack }) }
  }
  return {
    job: state.schema.job,
    table: tableOf(table.uri, state, heads),
    of: (venue, symbol, startNs, endNs) => cells.of(venue, symbol, startNs, endNs).map(partOf),
    *withRows(archive) {
      for (const { venue, symbol, startNs, endNs, run, path, pack } of all) {
        const hasRows = path !== null || (pack !== undefined && pack.paths.length > 0)
        if (hasRows && heads.get(run)?.archive === archive) yield { venue, symbol, startNs: BigInt(startNs), endNs: BigInt(endNs) }
      }
    },
    overlapping: (venue, symbol, startNs, endNs) => cells.overlapping(venue, symbol, startNs, endNs),
    variants: liveVariants(all, heads),
    packs,
  }
}

type Heads = ReadonlyMap<string, PlanHead | null>

/** The plans of the runs that cells are of; null: lost. */
async function readHeads(table: ObjectStore, cells: Iterable<LiveCell>): Promise<Heads> {
  const heads = new Map<string, PlanHead | null>()
  for (const { run } of cells) if (!heads.has(run)) heads.set(run, await readPlanHead(table, run).catch(() => null))
  return heads
}

function tableOf(uri: string, { schema, metaData }: TableState, heads: Heads): LiveTable {
  return { uri, schema, isAppendOnly: metaData.configuration['delta.appendOnly'] === 'true', foreignColumns: foreignColumns(schema, heads) }
}

/** Columns that no run has written, which another program added; none where a plan is lost, as it may have had them. */
function foreignColumns({ columns }: TableState['schema'], heads: Heads): Set<string> {
  const plans = [...heads.values()]
  if (plans.includes(null)) return new Set()
  const own = new Set(plans.flatMap((head) => head!.columns.map(({ name }) => name)))
  return new Set(columns.flatMap(({ name }) => (own.has(name) ? [] : [name])))
}

/** The same of a table that is about to be committed to. */
export async function readForeignColumns(table: ObjectStore, state: TableState, cells: Iterable<LiveCell>): Promise<Set<string>> {
  return foreignColumns(state.schema, await readHeads(table, cells))
}

function liveVariants(cells: readonly LiveCell[], heads: Heads): Variant[] {
  const live = new Set<string>()
  for (const { variants } of cells) for (const id of variants) live.add(id)
  const known = new Map<string, Variant>()
  for (const head of heads.values()) {
    for (const variant of head?.variants ?? []) if (live.has(variant.id)) known.set(variant.id, variant)
  }
  return [...known.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}
