import { ReplayError } from '../errors.ts'
import { fingerprintOf, type OnCorrupt } from '../plan/fingerprint.ts'
import { newRunId } from '../plan/run/run-files.ts'
import { changeRecord } from '../plan/table/cell-record.ts'
import type { LiveCell } from '../plan/table/pack.ts'
import { readPartLedger, rowsOf } from '../plan/table/part-ledger.ts'
import { type Heads, readHeads } from '../plan/table/variant-codes.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { AddFile } from '../table/delta-action.ts'
import { commitTable, type TableChange } from '../table/delta-commit.ts'
import { readTable, type TableState } from '../table/delta-log.ts'
import { columnsTag } from '../table/table-schema.ts'
import type { CommitRunOptions } from './commit.ts'
import { nameWord } from './name-word.ts'
import { PartChange } from './part-change.ts'

export interface DropVariantsOptions extends Pick<CommitRunOptions, 'clock' | 'random' | 'pause'> {
  /** Ids. */
  readonly variants: readonly string[]
}

export interface DropVariantsResult {
  /** Rows that are out of the table. */
  readonly rows: number
  /** Partitions that had one of the variants. */
  readonly partitions: number
  /** Parts that are out of the table, and those in their place: with rows of other variants or partitions. */
  readonly removedParts: number
  readonly addedParts: number
  /** Of the table now. */
  readonly version: number
  /** Why a checkpoint was not written, which harms nothing; null when all is well. */
  readonly warning: string | null
}

/** How often variants were dropped, as a txn of the table. */
const DROP = 'chronicle.drop'
const MAX_TOLD = 100

/**
 * Takes variants out of a table, as one version: earlier ones still have them. Of parts that have rows of other variants or partitions a
 * copy without the dropped rows comes into the same version, and what stays is known to be done as before. A version of others that
 * comes first is respected: what it brought stays, but for the variants that are dropped.
 * @throws ReplayError input `variant-foreign`: rows lie in parts of another program; those of `readTable`, `commitTable`, `rewriteParts`
 */
export async function dropVariants(table: ObjectStore, options: DropVariantsOptions): Promise<DropVariantsResult> {
  const { clock, random } = options
  const run = newRunId(clock(), random)
  const word = `c${nameWord(random)}`
  let [tries, dropped] = [0, NOTHING]
  const outcome = await commitTable(table, {
    ...options,
    run: DROP,
    isMaintenance: true,
    async decide(state) {
      const decided = await decideDrop(table, state ?? (await readTable(table)), { ...options, run, attempt: `${word}t${tries++}` })
      dropped = decided?.dropped ?? NOTHING
      return decided?.change ?? null
    },
  })
  const { version, checkpointError } = outcome
  return { ...dropped, version, warning: checkpointError === null ? null : String(checkpointError) }
}

const NOTHING = { rows: 0, partitions: 0, removedParts: 0, addedParts: 0 }

async function decideDrop(
  table: ObjectStore,
  state: TableState,
  { variants, run, attempt, clock, random }: DropVariantsOptions & { readonly run: string; readonly attempt: string },
): Promise<{ readonly change: TableChange; readonly dropped: typeof NOTHING } | null> {
  const ledger = await readPartLedger(table, state)
  const heads = await readHeads(table, ledger.cells)
  const goes = new Set(variants)
  const change = new PartChange({ table, state, ledger, run, attempt, columns: columnsTag(state.schema), nowMs: clock() })
  try {
    let partitions = 0
    for (const cell of ledger.cells.all()) {
      const kept = cell.variants.filter((id) => !goes.has(id))
      if (kept.length === cell.variants.length) continue
      if (cell.pack !== undefined) throw foreignRows(cell, table.uri)
      partitions++
      if (kept.length === 0) change.replace(cell)
      else change.narrow(cell, { ...cell, variants: kept, fingerprint: fingerprintWith(cell, kept, heads) })
    }
    if (partitions === 0) return null
    const { adds, removes } = await change.finish()
    const rows = rowsIn(removes) - rowsIn(adds)
    const version = state.version + 1
    const record = await changeRecord(table, { before: ledger.record, empty: change.rowless, packs: ledger.packs, version, random })
    const parts = { removedParts: removes.length, addedParts: adds.length }
    const told = variants.slice(0, MAX_TOLD).map((id) => `'${id}'`)
    return {
      change: {
        ...{ schema: state.schema, adds, removes, txns: record.txns },
        info: {
          operation: 'DELETE',
          operationParameters: { predicate: JSON.stringify([`variant IN (${told.join(', ')})`]) },
          droppedVariants: variants.slice(0, MAX_TOLD),
          droppedRows: rows,
          added: { parts: adds.length },
          removed: { parts: removes.length },
          ...record.info,
        },
      },
      dropped: { rows, partitions, ...parts },
    }
  } finally {
    change.close()
  }
}

/**
 * What a partition's fingerprint had been, had only some of its variants run, so that it stays done. Where nobody knows any more what it was
 * made of (the plan of its run is lost), it stays as it is, and the next plan makes it anew.
 */
function fingerprintWith(cell: LiveCell, kept: readonly string[], heads: Heads): string {
  const head = heads.get(cell.run)
  const name = `${cell.venue}/${cell.symbol}/${cell.startNs}/${cell.endNs}`
  if (head == null) return cell.fingerprint
  const of = (onCorrupt: OnCorrupt, variants: readonly string[]): string =>
    fingerprintOf({ bundle: head.bundle, engine: head.engine, onCorrupt }, name, cell.inputs, variants)
  const how = (['abort', 'skip'] as const).find((onCorrupt) => of(onCorrupt, cell.variants) === cell.fingerprint)
  return how === undefined ? cell.fingerprint : of(how, kept)
}

function rowsIn(parts: readonly AddFile[]): number {
  return parts.reduce((sum, part) => sum + (rowsOf(part) ?? 0), 0)
}

function foreignRows({ venue, symbol, pack }: LiveCell, path: string): ReplayError {
  const message = `rows of these variants of ${venue}/${symbol} lie in parts of another program (${pack!.by}), with those of others: nothing is dropped; run what is to stay into a new table`
  return new ReplayError('variant-foreign', message, { category: 'input', path })
}
