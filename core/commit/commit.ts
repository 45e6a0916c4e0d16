import { ReplayError } from '../errors.ts'
import { isoTime } from '../instant.ts'
import { FolderFacts } from '../plan/archive/archive-facts.ts'
import { addToArchiveIndex } from '../plan/archive/archive-index.ts'
import { decodeRanges, encodeRanges } from '../plan/index-ranges.ts'
import { noteChecked } from '../plan/run/checked-code.ts'
import { type PartitionCheck, tallyChecks } from '../plan/run/partition-check.ts'
import { type PlanHead, readPlanHead } from '../plan/run/plan-document.ts'
import { requireNotCancelled } from '../plan/run/run-cancel.ts'
import { type MissingPartition, readTaskOutcomes } from '../plan/run/run-receipts.ts'
import { changeRecord } from '../plan/table/cell-record.ts'
import { readForeignColumns } from '../plan/table/committed-parts.ts'
import type { LiveCells } from '../plan/table/live-cells.ts'
import type { LiveCell } from '../plan/table/pack.ts'
import { emptyLedger, readPartLedger } from '../plan/table/part-ledger.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { commitTable, type TableChange } from '../table/delta-commit.ts'
import type { TableState } from '../table/delta-log.ts'
import { columnsTag, PARTITION_COLUMNS } from '../table/table-schema.ts'
import { commitImport } from './commit-import.ts'
import type { CommitResult } from './commit-result.ts'
import { lastCommitOf } from './committed-version.ts'
import { DamageSums } from './damage-tally.ts'
import { type DoneCell, type DonePart, DoneParts } from './done-parts.ts'
import { FailureGroups } from './failure-groups.ts'
import { settlePacks } from './held-back.ts'
import { MessageSums } from './left-out-tally.ts'
import { nameWord } from './name-word.ts'
import { PartChange } from './part-change.ts'

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
 * - New rows of a partition, or that it came out without rows, take out the live rows of its cell whose variants it covers; what lies in
 *   one part with those is copied.
 * - Committing again adds what was missing before, or nothing.
 *
 * @throws ReplayError input `run-unknown`, `run-cancelled`, `cell-overlap`, `variant-overlap`, and those of `commitTable`
 */
export async function commitRun(table: ObjectStore, run: string, options: CommitRunOptions): Promise<CommitResult> {
  const head = await readPlanHead(table, run)
  if (head.imports !== undefined) return commitImport(table, head)
  await requireNotCancelled(table, run)
  const made = await readMade(table, head)
  const { missing, facts, check } = made
  const toldOf = (heldBack: readonly MissingPartition[]) => {
    for (const partition of heldBack) missing.groups.add(partition)
    const count = missing.count + heldBack.length
    return {
      ...{ run, heldBack, missing: [...missing.first, ...heldBack].slice(0, MAX_MISSING), failures: missing.groups.list() },
      partitions: { planned: head.partitions, done: made.done - heldBack.length, missing: count },
      ...made.told,
      ...(check !== undefined && { check }),
    }
  }
  const hasFindings = check !== undefined && check.findings.length > 0
  const keepFacts = (): Promise<unknown> =>
    addToArchiveIndex(table, facts).then(
      () => null,
      (error: unknown) => error,
    )
  if (missing.failed > head.tolerance * head.partitions || (hasFindings && options.ignoreCheck !== true)) {
    // Partitions may be missing for something that was not known of the archive: the next plan is to know it.
    return { ...toldOf([]), state: 'refused', version: -1, added: NOTHING, removed: { parts: 0 }, warning: warningOf(await keepFacts()) }
  }
  let changed: RunChange['told'] | null = null
  let heldBack: readonly MissingPartition[] = []
  const word = `c${nameWord(options.random)}`
  let tries = 0
  const committing = commitTable(table, {
    ...options,
    run,
    async decide(state) {
      await requireNotCancelled(table, run)
      const decided = await decideChange({ table, head, parts: made.parts, state, options, attempt: `${word}t${tries++}` })
      changed = decided.change?.told ?? null
      heldBack = decided.heldBack
      return decided.change
    },
    // A checkpoint takes memory enough by itself.
    onWritten: () => made.parts.clear(),
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

/** What a run has come to, by its plan and receipts: a task in memory at a time, and of each partition some tens of bytes. */
async function readMade(table: ObjectStore, head: PlanHead) {
  const parts = new DoneParts()
  const facts = new FolderFacts()
  const [messages, damage, groups] = [new MessageSums(), new DamageSums(), new FailureGroups()]
  const checks: PartitionCheck[] = []
  const first: MissingPartition[] = []
  let [done, count, failed] = [0, 0, 0]
  for await (const outcome of readTaskOutcomes(table, head, { facts })) {
    parts.add(outcome, head.run)
    done += outcome.done.length
    for (const receipt of outcome.done) {
      messages.add(receipt)
      damage.add(receipt)
      if (receipt.check !== undefined) checks.push(receipt.check)
    }
    for (const partition of outcome.missing) {
      count++
      // What changed since it was planned, as a day that is still being written, is left for a later run: it failed at nothing.
      if (partition.error?.code !== 'input-changed') failed++
      groups.add(partition)
      if (first.length < MAX_MISSING) first.push(partition)
    }
  }
  return {
    ...{ parts, facts, done },
    missing: { first, count, failed, groups },
    check: head.check && tallyChecks(head.check.seed, checks),
    told: { messages: messages.totals(), ...(head.onCorrupt === 'skip' && { skipped: damage.totals() }) },
  }
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

interface DecideQuery {
  readonly table: ObjectStore
  readonly head: PlanHead
  readonly parts: DoneParts
  readonly state: TableState | null
  readonly options: CommitRunOptions
  /** Names what is written for this try. */
  readonly attempt: string
}

async function decideChange({ table, head, parts, state, options, attempt }: DecideQuery): Promise<Decision> {
  const { random, clock } = options
  const { run } = head
  const committed = state === null ? new Set<number>() : await committedPartitions(table, state, head, clock())
  const isFresh = ({ isWinner, partition }: DoneCell): boolean => isWinner && !committed.has(partition)
  if (!hasAny(parts, isFresh)) return { change: null, heldBack: [] }
  const ledger = state === null ? emptyLedger() : await readPartLedger(table, state)
  const covering = (cell: LiveCell): LiveCell[] => coveredBy(cell, ledger.cells, run)
  const made = (): Iterable<DonePart> => parts.all()
  const settled = await settlePacks({
    table,
    head,
    state,
    packs: ledger.packs,
    made,
    oldestMs: parts.oldestMs,
    isFresh,
    coveredBy: covering,
    nowMs: clock(),
  })
  const heldBack = [...settled.heldBack.values()]
  const isBrought = (done: DoneCell): boolean => isFresh(done) && !settled.heldBack.has(done.partition)
  const schema = { job: head.job, columns: head.columns.filter(({ name }) => !PARTITION_COLUMNS.some((partition) => partition === name)) }
  const change = new PartChange({ table, state, ledger, run, attempt, columns: columnsTag(schema), nowMs: clock() })
  try {
    const brought: number[] = []
    for (const { part, cells, bounds } of made()) {
      const own = cells.filter(isBrought)
      if (own.length === 0) continue
      for (const { partition, cell } of own) {
        brought.push(partition)
        for (const found of covering(cell)) if (found.pack === undefined) change.replace(found)
        if (part === null) change.addRowless(cell)
      }
      if (part !== null) await change.addPart({ ...part, bounds: bounds!, cells, endedMs: own[0]!.endedMs }, own)
    }
    if (brought.length === 0) return { change: null, heldBack }
    for (const pack of settled.replaced) change.replacePack(pack)
    const { adds, removes, rows, bytes } = await change.finish()
    const all = [...committed, ...brought].sort((a, b) => a - b)
    const added = { partitions: brought.length, parts: adds.length, rows, bytes }
    const removed = { parts: removes.length }
    const packs = ledger.packs.filter((pack) => !settled.replaced.has(pack))
    const version = (state?.version ?? -1) + 1
    const record = await changeRecord(table, { before: ledger.record, empty: change.rowless, packs, version, random })
    const versionChange: RunChange = {
      schema,
      foreignColumns: await foreignColumnsOf(table, head, state, ledger.cells),
      adds,
      removes,
      txns: record.txns,
      info: {
        // Delta on Spark takes `job` for a structure of its own, and reads no table that says otherwise.
        jobName: head.job,
        bundle: head.bundle,
        engine: head.engine,
        parameters: head.variants.slice(0, MAX_VARIANTS_TOLD),
        partitions: encodeRanges(all),
        planned: head.partitions,
        added,
        removed,
        ...record.info,
      },
      told: { added, removed },
    }
    return { change: versionChange, heldBack }
  } finally {
    change.close()
  }
}

function hasAny(parts: DoneParts, isWanted: (done: DoneCell) => boolean): boolean {
  for (const { cells } of parts.all()) if (cells.some(isWanted)) return true
  return false
}

/** Plans are read for it only where the table has a column that the rows lack. */
async function foreignColumnsOf(
  table: ObjectStore,
  head: PlanHead,
  state: TableState | null,
  cells: LiveCells,
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

function warningOf(error: unknown): string | null {
  if (error === null || error === undefined) return null
  return error instanceof Error ? error.message : String(error)
}

const NOTHING = { partitions: 0, parts: 0, rows: 0, bytes: 0 } as const
const MAX_MISSING = 1000
const MAX_VARIANTS_TOLD = 100
