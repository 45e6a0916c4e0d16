import { ReplayError } from '../errors.ts'
import { isoTime } from '../instant.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { AddFile } from '../table/delta-action.ts'
import { commitTable, type TableChange } from '../table/delta-commit.ts'
import { readHistory } from '../table/delta-history.ts'
import type { TableState } from '../table/delta-log.ts'
import { columnsTag, PARTITION_COLUMNS } from '../table/table-schema.ts'
import { addToArchiveIndex } from './archive-index.ts'
import { type SkippedDamage, tallyDamage } from './damage-tally.ts'
import { type FailureGroup, groupFailures } from './failure-groups.ts'
import { decodeRanges, encodeRanges } from './index-ranges.ts'
import { type MessageTotals, tallyMessages } from './left-out-tally.ts'
import {
  EMPTY_CELLS,
  EMPTY_FOLDER,
  encodeEmptyCells,
  type LiveCell,
  LiveCells,
  livePartCells,
  readEmptyCells,
  tagsOf,
} from './live-cells.ts'
import { type PlanHead, readPlanHead } from './plan-document.ts'
import { requireNotCancelled } from './run-cancel.ts'
import { type DoneReceipt, type MissingPartition, readRunReceipts } from './run-receipts.ts'

export interface CommitRunOptions {
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** Numbers in [0, 1). */
  readonly random: () => number
  /** Waits so many milliseconds. @default a timer */
  readonly pause?: (ms: number) => Promise<unknown>
}

export interface CommitResult {
  readonly run: string
  /**
   * `committed`: this call wrote a version. `unchanged`: all that is done was in the table. `refused`: more is missing than
   * the job's tolerance allows, so nothing was written.
   */
  readonly state: 'committed' | 'unchanged' | 'refused'
  /** Version of the table; -1 when there is none, or the commit was refused. */
  readonly version: number
  /** Of the plan; done = with a winning receipt, whether committed now or before. */
  readonly partitions: { readonly planned: number; readonly done: number; readonly missing: number }
  /** What this version added and took out. */
  readonly added: { readonly partitions: number; readonly parts: number; readonly rows: number; readonly bytes: number }
  readonly removed: { readonly parts: number }
  /** What became of the messages, of all that is done. */
  readonly messages: MessageTotals
  /** What was left out as damaged, of all that is done; absent in a run that stops at damage. */
  readonly skipped?: SkippedDamage
  /** The first `MAX_MISSING` partitions that are missing. */
  readonly missing: readonly MissingPartition[]
  /** All of them, by cause. */
  readonly failures: readonly FailureGroup[]
  /** Why a checkpoint or the archive index was not written, which harms nothing; null when all is well. */
  readonly warning: string | null
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
  await requireNotCancelled(table, run)
  let done: ReadonlyMap<number, DoneReceipt> = new Map()
  const { missing, facts } = await readRunReceipts(table, head).then((receipts) => {
    done = receipts.done
    return { missing: receipts.missing, facts: receipts.facts }
  })
  const partitions = { planned: head.partitions, done: done.size, missing: missing.length }
  const told = {
    ...{ run, partitions, missing: missing.slice(0, MAX_MISSING), failures: groupFailures(missing, new Map()) },
    messages: tallyMessages(done.values()),
    ...(head.onCorrupt === 'skip' && { skipped: tallyDamage(done.values()) }),
  }
  if (missing.length > head.tolerance * head.partitions) {
    return { ...told, state: 'refused', version: -1, added: NOTHING, removed: { parts: 0 }, warning: null }
  }
  let changed: RunChange['told'] | null = null
  const outcome = await commitTable(table, {
    ...options,
    run,
    async decide(state) {
      await requireNotCancelled(table, run)
      const change = await decideChange(table, head, done, state, options.random)
      changed = change?.told ?? null
      return change
    },
    // Of very many parts a checkpoint takes memory enough by itself.
    onWritten: () => {
      done = new Map()
    },
  })
  const indexError = await addToArchiveIndex(table, facts).then(
    () => null,
    (error: unknown) => error,
  )
  const { added, removed } = (outcome.written ? (changed as RunChange['told'] | null) : null) ?? { added: NOTHING, removed: { parts: 0 } }
  const state = outcome.written ? 'committed' : 'unchanged'
  return { ...told, state, version: outcome.version, added, removed, warning: warningOf(outcome.checkpointError ?? indexError) }
}

type RunChange = TableChange & { readonly told: Pick<CommitResult, 'added' | 'removed'> }

/** Null: all that is done is in the table. */
async function decideChange(
  table: ObjectStore,
  head: PlanHead,
  done: ReadonlyMap<number, DoneReceipt>,
  state: TableState | null,
  random: () => number,
): Promise<RunChange | null> {
  const committed = state === null ? new Set<number>() : await committedPartitions(table, state, head.run)
  const fresh = [...done.values()].filter(({ partition }) => !committed.has(partition))
  if (fresh.length === 0) return null
  const empty = state === null ? [] : await readEmptyCells(table, state)
  const live = new LiveCells(state === null ? empty : [...livePartCells(state), ...empty])
  const schema = { job: head.job, columns: head.columns.filter(({ name }) => !PARTITION_COLUMNS.some((partition) => partition === name)) }
  const columns = columnsTag(schema)

  const adds: AddFile[] = []
  const removes: AddFile[] = []
  const emptyAfter = new Set(empty)
  let [rows, bytes] = [0, 0]
  for (const receipt of fresh) {
    const cell = cellOf(receipt, head.run)
    for (const covered of coveredBy(cell, live, head.run)) {
      if (covered.path === null) emptyAfter.delete(covered)
      else removes.push(state!.parts.get(covered.path)!)
    }
    if (receipt.part === null) {
      emptyAfter.add(cell)
      continue
    }
    adds.push(addOf(receipt, receipt.part, { ...tagsOf(cell), columns, sum: receipt.checksum.sum }))
    rows += receipt.checksum.rows
    bytes += receipt.part.size
  }

  const all = [...committed, ...fresh.map(({ partition }) => partition)].sort((a, b) => a - b)
  const added = { partitions: fresh.length, parts: adds.length, rows, bytes }
  const removed = { parts: removes.length }
  const isSameEmpty = emptyAfter.size === empty.length && empty.every((cell) => emptyAfter.has(cell))
  const emptyKey = isSameEmpty ? null : await writeEmptyCells(table, [...emptyAfter], random)
  return {
    schema,
    adds,
    removes,
    ...(emptyKey !== null && { txns: [{ appId: EMPTY_CELLS, version: (state?.version ?? -1) + 1 }] }),
    info: {
      job: head.job,
      bundle: head.bundle,
      engine: head.engine,
      parameters: head.variants.slice(0, MAX_VARIANTS_TOLD),
      partitions: encodeRanges(all),
      planned: head.partitions,
      added,
      removed,
      ...(emptyKey !== null && { emptyCells: emptyKey }),
    },
    told: { added, removed },
  }
}

/** The partitions that earlier commits of this run brought; each commit repeats those before it. */
async function committedPartitions(table: ObjectStore, state: TableState, run: string): Promise<Set<number>> {
  if (!state.txns.has(run)) return new Set()
  for await (const { info } of readHistory(table, state.version)) {
    if (info.run === run) return decodeRanges(typeof info.partitions === 'string' ? info.partitions : '')
  }
  throw new ReplayError('table-log-damaged', `run ${run} was committed, but no version of the log says what it brought; restore the log`, {
    category: 'corrupt',
    path: table.uri,
  })
}

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

async function writeEmptyCells(table: ObjectStore, cells: readonly LiveCell[], random: () => number): Promise<string> {
  for (;;) {
    const key = `${EMPTY_FOLDER}${Math.floor(random() * 2 ** 52).toString(36)}.jsonl`
    if ((await table.put(key, encodeEmptyCells(cells), 'absent')) !== null) return key
  }
}

function warningOf(error: unknown): string | null {
  if (error === null || error === undefined) return null
  return error instanceof Error ? error.message : String(error)
}

const NOTHING = { partitions: 0, parts: 0, rows: 0, bytes: 0 } as const
const MAX_MISSING = 1000
const MAX_VARIANTS_TOLD = 100
