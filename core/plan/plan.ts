import { NO_FACTS } from './archive/archive-facts.ts'
import type { ArchiveListing } from './archive/archive-listing.ts'
import { lookAtFolders } from './archive/folder-reach.ts'
import { InstrumentDays } from './archive/instrument-days.ts'
import { findMissingStreams } from './archive/missing-streams.ts'
import { restartsOf } from './archive/planned-restarts.ts'
import { withRestartsAt } from './archive/restart-places.ts'
import { listSelection } from './archive/selection.ts'
import { wantsOf } from './archive/wanted-streams.ts'
import type { CellGrid } from './cells.ts'
import { chooseChecked } from './check-choice.ts'
import { wantedOf } from './fingerprint.ts'
import type { PartitionLines } from './partition-lines.ts'
import { PartitionJudge, partitionText } from './partition-state.ts'
import { adviceOn, adviceOnReach, effectNotes, otherCodeNotes } from './plan-advice.ts'
import { PlanCollector, type PlannedCell } from './plan-collector.ts'
import { attemptSeconds, estimateCost } from './plan-cost.ts'
import type { PlanOptions } from './plan-options.ts'
import { emptyRange, mattersTo, planGrid, rangeGiven, rangeOf } from './plan-range.ts'
import { appendOnly, otherJob, overlapping, requireInstruments, requireKnown, requireSchema, skippingSnapshots } from './plan-refusals.ts'
import type { PlanHead, PlannedCheck } from './run/plan-document.ts'
import type { WritablePlan } from './run/plan-writer.ts'
import { shareTextOf } from './share-text.ts'
import { ForeignRows } from './table/foreign-rows.ts'
import { findGoneCells, inOrder, withGone } from './table/gone-cells.ts'
import { NO_PARTS } from './table/live-parts.ts'
import { ofOtherCode } from './table/variant-codes.ts'
import { cutTasks, type TaskCut } from './task-cuts.ts'
import { VariantWindows } from './variant-windows.ts'

/** What a plan says of an instrument. */
export interface InstrumentPlan {
  readonly venue: string
  readonly symbol: string
  readonly run: number
  readonly cached: number
  readonly stale: number
  /** Bytes of the cells that run. */
  readonly bytes: number
}

/** A plan in memory. Nothing is written until `writePlan`. */
export interface RunPlan extends WritablePlan {
  readonly instruments: readonly InstrumentPlan[]
  /** Every partition in the range, cached ones included, by instrument and time. */
  cells(): Iterable<PlannedCell>
  /** What to do about a plan that reads too much; empty when there is nothing to say. */
  readonly advice: readonly string[]
  /** What other programs did to the table that the plan leaves as it is. */
  readonly notes: readonly string[]
  /** Lines of partitions, and the days that those of an instrument may read. */
  readonly partitions: PartitionLines
  readonly listing: ArchiveListing
}

/**
 * Plans a run: from the archive's listing and what is known of archive and table. Of folders that nobody knows, a look at the indexes
 * of their first and last segment says what days their records are of.
 * @throws ReplayError input: those of `listSelection`, `cellGrid`, `cellsOfRange`; `table-job`, `variants-changed`, `cell-overlap`,
 *   `range-empty`, `instrument-missing`, `snapshots-skip`, `table-schema`, `table-append-only`, `foreign-rows`, `foreign-pack`
 */
export async function planRun(options: PlanOptions): Promise<RunPlan> {
  const { archive, outline, code, live = NO_PARTS, facts = NO_FACTS } = options
  if (live.job !== null && live.job !== outline.name) throw otherJob(live.job, outline.name)
  requireSchema(live, outline)
  const isSkipping = options.onCorrupt === 'skip'
  if (isSkipping && outline.writesRestartPoints) throw skippingSnapshots(outline.name)
  const variants = [...outline.asked, ...outline.live]
  const windows = new VariantWindows(variants)
  requireKnown(live, windows)
  const grid = planGrid(outline, options.slice)
  const given = rangeGiven(grid, options)
  const listed = options.listing ?? (await listSelection(archive, options, live.withRows(archive.uri)))
  const listing = options.restarts === undefined ? listed : await withRestartsAt(options.restarts, listed)
  const judge = new PartitionJudge(
    { ...code, onCorrupt: options.onCorrupt, restartsTo: outline.writesRestartPoints ? options.restarts?.uri : undefined },
    grid,
    outline.asked.map(({ id }) => id),
    live,
    (ids) => windows.of(ids),
    options.onForeign,
  )
  const foreign = new ForeignRows(live, grid, new Set(variants.map(({ id }) => id)), options.onForeign)
  const wanted = listing.instruments.map((instrument) => ({ instrument, wants: wantsOf(instrument, outline) }))
  const matters = mattersTo(given, grid, windows, outline.usesBook)
  const look = await lookAtFolders({
    ...{ archive, listing, facts },
    folders: wanted.map(({ instrument, wants }) => [instrument, wantedOf(instrument.folders, wants).filter(matters)]),
  })
  const days = wanted.flatMap(({ instrument, wants }) => {
    const { usesBook } = outline
    const days = new InstrumentDays(instrument, wants, { usesBook, facts, reaches: look.reaches, readsWhole: isSkipping })
    return days.days.count === 0 ? [] : [days]
  })
  requireInstruments(outline, days)
  const gone = findGoneCells(live, {
    ...{ grid, selection: options, archive: archive.uri, days, skewNs: windows.skewNs, range: given },
    onOther: ({ venue, symbol, startNs, endNs }) => {
      throw overlapping(partitionText(venue, symbol, startNs), `of ${Number(endNs - startNs) / 1e9} s`)
    },
  })
  const range = given ?? rangeOf(grid, days, gone, windows.skewNs)
  const collector = new PlanCollector(
    grid,
    variants.map(({ id, params }) => ({ id, params })),
  )
  for (const { instrument, cells } of withGone(days, gone)) {
    collector.startInstrument(instrument)
    const inRange = () => inOrder(instrument.cells(grid, range[0], range[1], windows.skewNs), cells)
    const replaced = foreign.replaced(instrument, inRange, (cell, isGone, packs) =>
      isGone ? judge.judgeGone(instrument, cell) : judge.judge(instrument, cell, packs),
    )
    for (const [cell, isGone] of inRange()) {
      if (isGone) {
        collector.addGone(cell, judge.judgeGone(instrument, cell), instrument.placeOf(grid, cell))
        continue
      }
      const startNs = BigInt(cell) * grid.sliceNs
      const overlap = live.overlapping(instrument.venue, instrument.symbol, startNs, startNs + grid.sliceNs)
      if (overlap !== null) throw overlapping(partitionText(instrument.venue, instrument.symbol, startNs), overlap)
      collector.add(cell, judge.judge(instrument, cell, replaced), (judged) =>
        instrument.bytesOf(grid, cell, windows.of(judged.variants), judged.restart),
      )
    }
    instrument.forget()
  }
  foreign.requireAnswer()
  if (live.table?.isAppendOnly === true && collector.counts.stale > 0) throw appendOnly(live.table.uri, collector.counts.stale)
  const { partitions } = collector
  if (collector.cells === 0) throw emptyRange(options, days)
  const { taskBytes = 4 * 2 ** 30, minTasks = 1 } = options
  const tasks = cutTasks(partitions.cuts(), { bytes: collector.bytes, partitions: partitions.count }, taskBytes, minTasks)
  const bytesRead = tasks.reduce((sum, { bytes }) => sum + bytes, 0)
  const cost = estimateCost({
    bytesInRange: collector.bytes,
    bytesRead,
    objects: partitions.objectsRead(tasks),
    partitions: partitions.count,
    tasks: tasks.length,
    variants: outline.asked.length,
  })
  const lastDay = Math.floor((range[1] - 1) / grid.cellsPerDay)
  const missingStreams = findMissingStreams(listing.instruments, outline, Math.floor(range[0] / grid.cellsPerDay), lastDay)
  // Those that share a part with one that runs again run with it.
  const running = new Set([...outline.asked, ...collector.variants].map(({ id }) => id))
  const others = ofOtherCode(live.variants, code).filter(({ id }) => !running.has(id))
  const check = checkOf(options, collector, tasks, grid)
  const restartPoints =
    outline.restartEveryNs === undefined
      ? null
      : await restartsOf(archive, listing, outline, [Math.floor(range[0] / grid.cellsPerDay), lastDay])
  const head: PlanHead = {
    version: 1,
    run: options.run,
    job: outline.name,
    ...(options.source !== undefined && { source: options.source }),
    ...(options.maxSkew !== undefined && { maxSkew: options.maxSkew }),
    ...code,
    ...((options.effects?.length ?? 0) > 0 && { effects: options.effects! }),
    ...(options.blocksEffects === true && { blocksEffects: true }),
    ...(isSkipping && { onCorrupt: 'skip' }),
    ...(options.onForeign !== undefined && { onForeign: options.onForeign }),
    ...(check !== undefined && { check }),
    archive: archive.uri,
    ...(options.restarts !== undefined && { restarts: options.restarts.uri }),
    createdMs: options.createdMs,
    streams: outline.streams === 'all' ? ['all'] : outline.streams,
    clock: outline.clock,
    fromNs: String(BigInt(range[0]) * grid.sliceNs),
    toNs: String(BigInt(range[1]) * grid.sliceNs),
    sliceNs: String(grid.sliceNs),
    tolerance: outline.tolerance,
    ...(missingStreams.length > 0 && { missingStreams }),
    asked: outline.asked.map(({ id }) => id),
    ...(others.length > 0 && { otherCode: others.length }),
    variants: collector.variants,
    variantSets: collector.variantSets,
    columns: outline.columns,
    counts: collector.counts,
    reasons: collector.reasons,
    ...(restartPoints !== null && { restartPoints }),
    ...(listing.findings.length > 0 && { findings: listing.findings }),
    tasks: tasks.length,
    partitions: partitions.count,
    cost,
  }
  const taskSeconds = tasks.map((task) => attemptSeconds(task, outline.asked.length, options.minTaskSeconds))
  const cells = (): Iterable<PlannedCell> => collector.planned()
  const told = {
    advice: [...adviceOn(outline, head, days), ...adviceOnReach(days, look)],
    notes: [...foreign.notes(), ...otherCodeNotes(others.length, live), ...effectNotes(options)],
  }
  const shareText = (task: TaskCut): string => shareTextOf({ head, partitions, listing }, task)
  return {
    head,
    instruments: collector.instruments,
    cells,
    tasks,
    taskSeconds,
    ...told,
    partitions,
    listing: { ...listing, looks: look.looks },
    shareText,
  }
}

/** Which partitions are made a second time. */
function checkOf(
  { outline, run, check }: PlanOptions,
  { partitions, bytes }: PlanCollector,
  tasks: readonly TaskCut[],
  grid: CellGrid,
): PlannedCheck | undefined {
  if (check === undefined || outline.writesRestartPoints) return undefined
  const firsts = new Set(tasks.flatMap((task) => [...partitions.byInstrument(task)].map(({ first }) => first)))
  return chooseChecked(run, check, {
    ...{ count: partitions.count, bytes },
    areWhole: outline.everyNs === String(grid.sliceNs) || outline.asked.some(({ window }) => window.wholeDay),
    isFirst: (index) => firsts.has(index),
    leadOf: (index) => partitions.leadOf(index),
  })
}
