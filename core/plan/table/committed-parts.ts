import type { ObjectStore } from '../../store/object-store.ts'
import { findTable, type TableState } from '../../table/delta-log.ts'
import { requireWriter } from '../../table/table-protocol.ts'
import type { LiveCells } from './live-cells.ts'
import { type LivePart, type LiveParts, type LiveTable, NO_PARTS } from './live-parts.ts'
import type { LiveCell } from './pack.ts'
import { readPartLedger } from './part-ledger.ts'
import { type Heads, liveVariants, readHeads } from './variant-codes.ts'

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
  const { cells, packs } = await readPartLedger(table, state)
  const heads = await readHeads(table, cells)
  const partOf = ({ variants, fingerprint, inputs, restart, run, pack }: LiveCell): LivePart => {
    const head = heads.get(run)
    return { variants, fingerprint, inputs, restart, bundle: head?.bundle ?? '', engine: head?.engine ?? '', ...(pack && { pack }) }
  }
  return {
    job: state.schema.job,
    table: tableOf(table.uri, state, heads),
    of: (venue, symbol, startNs, endNs) => cells.of(venue, symbol, startNs, endNs).map(partOf),
    *withRows(archive) {
      for (const { venue, symbol, startNs, endNs, run, path, pack } of cells.all()) {
        const hasRows = path !== null || (pack !== undefined && pack.paths.length > 0)
        if (hasRows && heads.get(run)?.archive === archive) yield { venue, symbol, startNs: BigInt(startNs), endNs: BigInt(endNs) }
      }
    },
    overlapping: (venue, symbol, startNs, endNs) => cells.overlapping(venue, symbol, startNs, endNs),
    variants: liveVariants(cells, heads),
    packs,
  }
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
export async function readForeignColumns(table: ObjectStore, state: TableState, cells: LiveCells): Promise<Set<string>> {
  return foreignColumns(state.schema, await readHeads(table, cells))
}
