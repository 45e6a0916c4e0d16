import { type FailureGroup, groupFailures } from '../core/commit/failure-groups.ts'
import type { PlanHead } from '../core/plan/run/plan-document.ts'
import { type OtherCode, readOtherCode } from '../core/plan/table/variant-codes.ts'
import type { ObjectStore } from '../core/store/object-store.ts'
import { findTable } from '../core/table/delta-log.ts'
import { type QualityMap, qualityMapOf } from './quality-map.ts'
import { costOf, type RunCost } from './run-cost.ts'
import { type ReceiptRecord, type RunCommit, type RunRecord, readRunRecord } from './run-record.ts'
import { type RunTimeline, timelineOf } from './run-timeline.ts'
import { checkTotals, type RunTotals, sumRun, type TotalsCheck } from './run-totals.ts'
import { readTableFigures, type TableFigures, type TableFiguresOptions, type VariantView } from './table-figures.ts'

/** How far a run came. */
export type RunState = 'complete' | 'partial' | 'not committed' | 'cancelled'

/** All that a report says, before it is a page. */
export interface ReportModel {
  readonly tableUri: string
  readonly head: PlanHead
  readonly state: RunState
  readonly commits: readonly RunCommit[]
  /** Of the partitions that it was to run, sorted: `venue/symbol`. */
  readonly instruments: readonly string[]
  readonly totals: RunTotals
  readonly checks: readonly TotalsCheck[]
  readonly failures: readonly FailureGroup[]
  readonly timeline: RunTimeline | null
  readonly slowest: readonly ReceiptRecord[]
  readonly quality: QualityMap | null
  /** Null: it did not run on AWS, and nobody asked. */
  readonly cost: RunCost | null
  /** The job as it ran; null when it is gone. */
  readonly code: string | null
  readonly figures: TableFigures
  /** Variants of the table with rows of other code than its newest run; null: there are none. */
  readonly otherCode: OtherCode | null
}

/** What the page's script draws. */
export type ChartData = Pick<ReportModel, 'timeline' | 'quality'> &
  Pick<TableFigures, 'plots' | 'sweep' | 'backtest'> & {
    /** Of the other variants, in the order of the page's choice. */
    readonly others: readonly Pick<VariantView, 'plots' | 'fills'>[]
  }

export interface ReportModelOptions extends TableFiguresOptions {
  /** Id of a run. @default that of the newest commit, else the newest that was planned */
  readonly run?: string | undefined
  /** What it cost at AWS's prices, also where it ran elsewhere. @default false */
  readonly cost?: boolean | undefined
}

const MAX_SLOWEST = 15

/** @throws ReplayError those of `readRunRecord` and `readTableFigures` */
export async function readReport(store: ObjectStore, options: ReportModelOptions = {}): Promise<ReportModel> {
  const record = await readRunRecord(store, options.run)
  const figures = await readTableFigures(store, record, options)
  const totals = sumRun(record)
  return {
    tableUri: store.uri,
    head: record.head,
    state: stateOf(record),
    commits: record.commits,
    instruments: [...new Set([...record.done.values(), ...record.missing].map(({ venue, symbol }) => `${venue}/${symbol}`))].sort(),
    totals,
    checks: checkTotals(record, totals, figures.source === 'table' ? figures.counted : null),
    failures: groupFailures(record.missing, new Map()),
    timeline: timelineOf(record.receipts),
    slowest: slowestOf(record.receipts),
    quality: qualityMapOf(record, figures.quality),
    cost: record.wasSubmitted || options.cost === true ? costOf(record) : null,
    code: record.code,
    figures,
    otherCode: await otherCodeIn(store),
  }
}

/** Nothing may be committed yet; and what other programs made of the table does not undo the report. */
async function otherCodeIn(store: ObjectStore): Promise<OtherCode | null> {
  const table = await findTable(store, { onlyLive: true })
  return table === null ? null : readOtherCode(store, table).catch(() => null)
}

function stateOf({ head, commits, committed, isCancelled }: RunRecord): RunState {
  if (commits.length > 0) return committed.size === head.partitions ? 'complete' : 'partial'
  return isCancelled ? 'cancelled' : 'not committed'
}

function slowestOf(receipts: readonly ReceiptRecord[]): ReceiptRecord[] {
  return receipts
    .filter(({ isWinner }) => isWinner)
    .sort((a, b) => b.timing.durationMs - a.timing.durationMs || a.partition - b.partition)
    .slice(0, MAX_SLOWEST)
}
