import { ReplayError } from '../errors.ts'
import { isoTime } from '../instant.ts'
import { addToArchiveIndex } from '../plan/archive/archive-index.ts'
import { decodeRanges, encodeRanges } from '../plan/index-ranges.ts'
import { noteChecked } from '../plan/run/checked-code.ts'
import { tallyChecks } from '../plan/run/partition-check.ts'
import { type PlanHead, readPlanHead } from '../plan/run/plan-document.ts'
import { requireNotCancelled } from '../plan/run/run-cancel.ts'
import { type DoneReceipt, type MissingPartition, readRunReceipts } from '../plan/run/run-receipts.ts'
import { EMPTY_CELLS, EMPTY_OBJECT, encodeRecord, writeRecord } from '../plan/table/cell-record.ts'
import { readForeignColumns } from '../plan/table/committed-parts.ts'
import { LiveCells, tagsOf } from '../plan/table/live-cells.ts'
import type { LiveCell } from '../plan/table/pack.ts'
import { readPartLedger } from '../plan/table/part-ledger.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { AddFile } from '../table/delta-action.ts'
import { commitTable, type TableChange } from '../table/delta-commit.ts'
import type { TableState } from '../table/delta-log.ts'
import { columnsTag, PARTITION_COLUMNS } from '../table/table-schema.ts'
import { commitImport } from './commit-import.ts'
import type { CommitResult } from './commit-result.ts'
import { lastCommitOf } from './committed-version.ts'
import { tallyDamage } from './damage-tally.ts'
import { groupFailures } from './failure-groups.ts'
import { type HeldBack, settlePacks } from './held-back.ts'
import { tallyMessages } from './left-out-tally.ts'

export interface CommitRunOptions {
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** Numbers in [0, 1). */
  readonly random: () => number
  /** Whether rows are committed that came out otherwise when they were made a second time. @default false */
  readonly ignoreCheck?: boolean | undefined
  /** Waits so many milliseconds. @default a timer */
  readonly pause?: (ms: number) => Promise<unknown>
}

/**
 * Commits what the tasks of a run have done, as one version of the table, by its plan and receipts alone.
 *
 * - Of each partition the first receipt wins, and once committed it stays: later receipts of the run change nothing.
 * - A new part, or a partition that came out without rows, takes out every live part of its cell whose variants it covers.
 * - Committing again adds what was missing before, or nothing.
 *
 * @throws ReplayError input `run-unknown`, `run-cancelled`, `cell-overlap`, `variant-overlap`, and those of `commitTable`
 */
export async function commitRun(table: ObjectStore, run: string, options: CommitRunOptions): Promise<CommitResult> {
  const head = await readPlanHead(table, run)
  if (head.imports !== undefined) return commitImport(table, head)
  await requireNotCancelled(table, run)
  let done: ReadonlyMap<number, DoneReceipt> = new Map()
  const { missing, facts } = await readRunReceipts(table, head).then((receipts) => {
    done = receipts.done
    return { missing: receipts.missing, facts: receipts.facts }
  })
  const partitions = { planned: head.partitions, done: done.size, missing: missing.length }
  const toldOf = (heldBack: readonly MissingPartition[]) => {
    const all = [...missing, ...heldBack]
    return {
      ...{ run, heldBack, missing: all.slice(0, MAX_MISSING), failures: groupFailures(all, new Map()) },
      partitions: { ...partitions, done: partitions.done - heldBack.length, missing: all.length },
      ...skipped,
    }
  }
  const check =
    head.check &&
    tallyChecks(
      head.check.seed,
      [...done.values()].flatMap((receipt) => receipt.check ?? []),
    )
  const hasFindings = check !== undefined && check.findings.length > 0
  const skipped = {
    messages: tallyMessages(done.values()),
    ...(head.onCorrupt === 'skip' && { skipped: tallyDamage(done.values()) }),
    ...(check !== undefined && { check }),
  }
  const keepFacts = (): Promise<unknown> =>
    addToArchiveIndex(table, facts).then(
      () => null,
      (error: unknown) => error,
    )
  // What changed since it was planned, as a day that is still being written, is left for a later run: it failed at nothing.
  const failed = missing.filter(({ error }) => error?.code !== 'input-changed').length
  if (failed > head.tolerance * head.partitions || (hasFindings && options.ignoreCheck !== true)) {
    // Partitions may be missing for something that was not known of the archive: the next plan is to know it.
    return { ...toldOf([]), state: 'refused', version: -1, added: NOTHING, removed: { parts: 0 }, warning: warningOf(await keepFacts()) }
  }
  let changed: RunChange['told'] | null = null
  let heldBack: readonly MissingPartition[] = []
  const committing = commitTable(table, {
    ...options,
    run,
    async decide(state) {
      await requireNotCancelled(table, run)
      const decided = await decideChange(table, head, done, state, options)
      changed = decided.change?.told ?? null
      heldBack = decided.heldBack
      return decided.change
    },
    // Of very many parts a checkpoint takes memory enough by itself.
    onWritten: () => {
      done = new Map()
    },
  })
  const outcome = await committing.catch((error: unknown) => {
    throw withAdvice(error, run)
  })
  const indexError = await keepFacts()
  // Without the note the next run checks again.
  if (check !== undefined && check.telling > 0 && !hasFindings) await noteChecked(table, head.bundle, check).catch(() => undefined)
  const { added, removed } = (outcome.written ? (changed as RunChange['told'] | null) : null) ?? { added: NOTHING, removed: { parts: 0 } }
  const state = outcome.written ? 'committed' : 'unchanged'
  return { ...toldOf(heldBack), state, version: outcome.version, added, removed, warning: warningOf(outcome.checkpointError ?? indexError) }
}

/**
 * What a table may be by the time of the commit and was not when the run was planned: to resume the run is in vain as long as the
 * table is so.
 */
const NEEDS_OTHER_TABLE: ReadonlySet<string> = new Set(['table-job', 'table-schema', 'table-protocol', 'table-append-only'])
const NEEDS_NEW_PLAN: ReadonlySet<string> = new Set(['cell-overlap', 'variant-overlap', 'run-forgotten'])

/** Whether to resume a run is in vain after this error of its commit. */
export function isInVain(error: unknown): boolean {
  return error instanceof ReplayError && (NEEDS_OTHER_TABLE.has(error.code) || NEEDS_NEW_PLAN.has(error.code))
}

function withAdvice(error: unknown, run: string): unknown {
  if (!(error instanceof ReplayError) || !NEEDS_OTHER_TABLE.has(error.code)) return error
  const message = `${error.message}. The table changed while run ${run} was on its way: nothing is committed, and resume commits its rows only when the table is mended; else run the job again, into another table`
  return new ReplayError(error.code, message, { category: error.category, cause: error })
}

type RunChange = TableChange & { readonly told: Pick<CommitResult, 'added' | 'removed'> }

interface Decision {
  /** Null: all that can be brought is in the table. */
  readonly change: RunChange | null
  readonly heldBack: readonly MissingPartition[]
}

async function decideChange(
  table: ObjectStore,
  head: PlanHead,
  done: ReadonlyMap<number, DoneReceipt>,
  state: TableState | null,
  { random, clock }: CommitRunOptions,
): Promise<Decision> {
  const committed = state === null ? new Set<number>() : await committedPartitions(table, state, head, clock())
  const all = [...done.values()].filter(({ partition }) => !committed.has(partition))
  if (all.length === 0) return { change: null, heldBack: [] }
  const ledger = state === null ? { cells: [], packs: [], record: '' } : await readPartLedger(table, state)
  const live = new LiveCells(ledger.cells)
  const covered = new Map(all.map((receipt) => [receipt, coveredBy(cellOf(receipt, head.run), live, head.run)]))
  const settled: HeldBack = await settlePacks({ table, head, state, packs: ledger.packs, covered, nowMs: clock() })
  const { fresh, heldBack, replaced } = settled
  if (fresh.length === 0) return { change: null, heldBack }
  const schema = { job: head.job, columns: head.columns.filter(({ name }) => !PARTITION_COLUMNS.some((partition) => partition === name)) }
  const columns = columnsTag(schema)

  const adds: AddFile[] = []
  const removes: AddFile[] = [...replaced].flatMap(({ paths }) => paths.map((path) => state!.parts.get(path)!))
  const emptyAfter = new Set(ledger.cells.filter(({ path, pack }) => path === null && pack === undefined))
  let [rows, bytes] = [0, 0]
  for (const receipt of fresh) {
    const cell = cellOf(receipt, head.run)
    for (const found of covered.get(receipt)!) {
      if (found.pack !== undefined) continue
      if (found.path === null) emptyAfter.delete(found)
      else removes.push(state!.parts.get(found.path)!)
    }
    if (receipt.part === null) {
      emptyAfter.add(cell)
      continue
    }
    adds.push(addOf(receipt, receipt.part, { ...tagsOf(cell), columns, sum: receipt.checksum.sum }))
    rows += receipt.checksum.rows
    bytes += receipt.part.size
  }

  const partitions = [...committed, ...fresh.map(({ partition }) => partition)].sort((a, b) => a - b)
  const added = { partitions: fresh.length, parts: adds.length, rows, bytes }
  const removed = { parts: removes.length }
  const packs = ledger.packs.filter((pack) => !replaced.has(pack))
  const record = encodeRecord([...emptyAfter], packs)
  const written = record === ledger.record ? null : await writeRecord(table, record, random)
  const version = (state?.version ?? -1) + 1
  const change: RunChange = {
    schema,
    foreignColumns: await foreignColumnsOf(table, head, state, ledger.cells),
    adds,
    removes,
    ...(written !== null && {
      txns: [
        { appId: EMPTY_CELLS, version },
        { appId: EMPTY_OBJECT, version: written.object },
      ],
    }),
    info: {
      job: head.job,
      bundle: head.bundle,
      engine: head.engine,
      parameters: head.variants.slice(0, MAX_VARIANTS_TOLD),
      partitions: encodeRanges(partitions),
      planned: head.partitions,
      added,
      removed,
      ...(written !== null && { emptyCells: written.key }),
    },
    told: { added, removed },
  }
  return { change, heldBack }
}

/** Plans are read for it only where the table has a column that the rows lack. */
async function foreignColumnsOf(
  table: ObjectStore,
  head: PlanHead,
  state: TableState | null,
  cells: readonly LiveCell[],
): Promise<ReadonlySet<string> | undefined> {
  const own = new Set(head.columns.map(({ name }) => name))
  if (state === null || state.schema.columns.every(({ name }) => own.has(name))) return undefined
  return readForeignColumns(table, state, cells)
}

/** The partitions that earlier commits of this run brought; each commit repeats those before it. */
async function committedPartitions(
  table: ObjectStore,
  state: TableState,
  { run, createdMs }: PlanHead,
  nowMs: number,
): Promise<Set<number>> {
  if (!state.txns.has(run)) {
    requireRemembered(state, run, nowMs - createdMs, table.uri)
    return new Set()
  }
  const last = await lastCommitOf(table, state, run)
  if (last !== null) return decodeRanges(typeof last.info.partitions === 'string' ? last.info.partitions : '')
  throw new ReplayError('table-log-damaged', `run ${run} was committed, but no version of the log says what it brought; restore the log`, {
    category: 'corrupt',
    path: table.uri,
  })
}

/** A table may be told to forget runs: then an old one may have been committed, and its rows replaced since. */
function requireRemembered({ metaData }: TableState, run: string, ageMs: number, path: string): void {
  const property = metaData.configuration['delta.setTransactionRetentionDuration']
  const [, count, unit] = /(\d+)\s*(week|day|hour|minute|second)s?/.exec(property ?? '') ?? []
  if (property === undefined || (unit !== undefined && ageMs < Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS])) return
  const message = `the table forgets runs (delta.setTransactionRetentionDuration: ${property}), so that nobody knows whether run ${run} was committed; plan and run again`
  throw new ReplayError('run-forgotten', message, { category: 'input', path })
}

const UNIT_MS = { week: 604_800_000, day: 86_400_000, hour: 3_600_000, minute: 60_000, second: 1000 } as const

/** The live partitions that `cell` replaces. @throws ReplayError input `cell-overlap`, `variant-overlap` */
function coveredBy(cell: LiveCell, live: LiveCells, run: string): LiveCell[] {
  const { venue, symbol, startNs, endNs, variants } = cell
  const [start, end] = [BigInt(startNs), BigInt(endNs)]
  const name = `${venue}/${symbol} ${isoTime(start)} to ${isoTime(end)}`
  const other = live.overlapping(venue, symbol, start, end)
  if (other !== null) {
    const message = `run ${run} has rows of ${name}, and the table has rows of ${other}, from another --slice; run again with the table's slice, or into another table`
    throw new ReplayError('cell-overlap', message, { category: 'input' })
  }
  return live.of(venue, symbol, startNs, endNs).filter((found) => {
    const covered = found.variants.filter((id) => variants.includes(id)).length
    if (covered === 0 || covered === found.variants.length) return covered > 0
    const message = `another run brought some variants of ${name} in one part with others since run ${run} was planned; plan and run again`
    throw new ReplayError('variant-overlap', message, { category: 'input' })
  })
}

function cellOf(receipt: DoneReceipt, run: string): LiveCell {
  const { venue, symbol, startNs, endNs, variants, inputs, restart, part } = receipt
  const fingerprint = receipt.soundFingerprint ?? receipt.fingerprint
  return { venue, symbol, startNs, endNs, variants, fingerprint, inputs, restart, run, path: part?.path ?? null }
}

/** The part of a receipt as tables list it. */
export function addOf(receipt: DoneReceipt, part: { path: string; size: number }, tags: Record<string, string>): AddFile {
  const partitionValues = Object.fromEntries(PARTITION_COLUMNS.map((name) => [name, receipt[name]]))
  const { path, size } = part
  return { path, partitionValues, size, modificationTime: receipt.endedMs, dataChange: true, stats: statsOf(receipt), tags }
}

/** Times are written as digits: JSON.stringify has no exact 64-bit numbers. */
function statsOf({ checksum, minTsNs, maxTsNs }: DoneReceipt): string {
  if (minTsNs === null || maxTsNs === null) return `{"numRecords":${checksum.rows}}`
  return `{"numRecords":${checksum.rows},"minValues":{"ts_ns":${minTsNs}},"maxValues":{"ts_ns":${maxTsNs}},"nullCount":{"ts_ns":0}}`
}

function warningOf(error: unknown): string | null {
  if (error === null || error === undefined) return null
  return error instanceof Error ? error.message : String(error)
}

const NOTHING = { partitions: 0, parts: 0, rows: 0, bytes: 0 } as const
const MAX_MISSING = 1000
const MAX_VARIANTS_TOLD = 100
