import { missingInstruments } from '../backtest/instruments.ts'
import { ReplayError } from '../errors.ts'
import { dateOfDay, isoTime } from '../instant.ts'
import { effectsText, type JobEffect } from '../job/job-effects.ts'
import type { JobOutline, JobWindow, OutlinedVariant } from '../job/job-outline.ts'
import { PARTITION_COLUMNS } from '../job/row-schema.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { mergeSchemas } from '../table/table-schema.ts'
import { type ArchiveFacts, NO_FACTS } from './archive/archive-facts.ts'
import type { ArchiveListing, ListedFolder, ListedInstrument } from './archive/archive-listing.ts'
import { dayReach } from './archive/day-spans.ts'
import { type LookResult, lookAtFolders } from './archive/folder-reach.ts'
import { InstrumentDays, isBookStream } from './archive/instrument-days.ts'
import { findMissingStreams } from './archive/missing-streams.ts'
import { type BookFolder, estimateRestarts, MAX_RESTART_LOOKS, type RestartEstimate } from './archive/restart-estimate.ts'
import { withRestartsAt } from './archive/restart-places.ts'
import { listSelection } from './archive/selection.ts'
import { type CellGrid, cellGrid, cellsOfRange, DAY_NS } from './cells.ts'
import { type CheckAmount, chooseChecked } from './check-choice.ts'
import { type FingerprintBase, type OnCorrupt, wantedOf } from './fingerprint.ts'
import type { PartitionLines } from './partition-lines.ts'
import { PartitionJudge, partitionText } from './partition-state.ts'
import { PlanCollector, type PlannedCell } from './plan-collector.ts'
import { attemptSeconds, estimateCost } from './plan-cost.ts'
import type { PlanHead, PlannedCheck } from './run/plan-document.ts'
import type { WritablePlan } from './run/plan-writer.ts'
import { folderKey, objectsOf } from './run/task-share.ts'
import { shareTextOf } from './share-text.ts'
import { ForeignRows } from './table/foreign-rows.ts'
import { findGoneCells, type GoneCells, inOrder, withGone } from './table/gone-cells.ts'
import { type LiveParts, NO_PARTS } from './table/live-parts.ts'
import type { OnForeign } from './table/pack.ts'
import { ofOtherCode } from './table/variant-codes.ts'
import { cutTasks, type TaskCut } from './task-cuts.ts'

export interface PlanOptions {
  readonly archive: ObjectStore
  /** Of the job with its variants (`outlineJob`). */
  readonly outline: JobOutline
  /** Hashes of the job's bundle and of the engine. */
  readonly code: Pick<FingerprintBase, 'bundle' | 'engine'>
  /** What becomes of damaged input. @default 'abort': its partitions fail */
  readonly onCorrupt?: OnCorrupt | undefined
  /** What becomes of rows that another program changed or brought. @default a run that has to write there is refused */
  readonly onForeign?: OnForeign | undefined
  /** As in the plan's head. @default none, not blocked */
  readonly effects?: readonly JobEffect[] | undefined
  readonly blocksEffects?: true | undefined
  /** Whether a note says so. @default not */
  readonly tellsEffects?: true | undefined
  /** What the job was asked for by, so that advice can repeat it. @default not recorded */
  readonly source?: string | undefined
  /** Set in place of the job's own, so that advice can repeat it; it is in the bundle. */
  readonly maxSkew?: string | undefined
  /** Id of the run, and when it is planned (milliseconds since the epoch). */
  readonly run: string
  readonly createdMs: number
  /** @default all that the archive has */
  readonly venues?: readonly string[] | undefined
  readonly symbols?: readonly string[] | undefined
  /** Half-open, nanoseconds since the epoch, multiples of the slice. @default the days that the archive has */
  readonly fromNs?: bigint | undefined
  readonly toNs?: bigint | undefined
  /** Length of a cell. @default '1d' */
  readonly slice?: string | undefined
  /** What is in the table. @default nothing */
  readonly live?: LiveParts | undefined
  /** What earlier runs learnt of the archive. @default nothing */
  readonly facts?: ArchiveFacts | undefined
  /** About the bytes of a task. @default 4 GiB */
  readonly taskBytes?: number | undefined
  /** Rather more and smaller tasks than fewer. @default 1 */
  readonly minTasks?: number | undefined
  /** Seconds that an attempt at a task is given at least. @default 900 */
  readonly minTaskSeconds?: number | undefined
  /** Partitions that the run makes a second time, from other starts, to compare their rows. @default none */
  readonly check?: CheckAmount | undefined
  /** A listing of the selection that is there already. @default lists the archive */
  readonly listing?: ArchiveListing | undefined
  /** Where restart points lie, in folders of the same names. @default beside the logs */
  readonly restarts?: ObjectStore | undefined
}

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
  const windows = new Windows(variants)
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
      : await restartsOf(options, listing, outline, [Math.floor(range[0] / grid.cellsPerDay), lastDay])
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

function effectNotes({ effects = [], tellsEffects }: PlanOptions): string[] {
  return effects.length > 0 && tellsEffects === true ? [effectsText(effects)] : []
}

/** What the snapshots job will write, by the folders of books in the days of the range. */
function restartsOf(
  { archive }: PlanOptions,
  listing: ArchiveListing,
  outline: JobOutline,
  [firstDay, lastDay]: readonly [number, number],
): Promise<RestartEstimate> {
  const first: BookFolder[] = []
  let [folders, present] = [0, 0]
  for (const instrument of listing.instruments) {
    const inRange = instrument.folders.filter(({ day, stream }) => isBookStream(stream) && day >= firstDay && day <= lastDay)
    const books = wantedOf(inRange, wantsOf(instrument, outline))
    folders += books.length
    for (const { snapshots } of books) present += snapshots
    const [folder] = books
    if (folder === undefined || first.length === MAX_RESTART_LOOKS) continue
    const key = folderKey(instrument.venue, instrument.symbol, dateOfDay(folder.day), folder.stream)
    const objects = objectsOf(JSON.parse(listing.objectsText(folder)) as (string | number)[])
    first.push({ key, objects: objects.map(({ name, size, etag }) => ({ key: key + name, size, etag })) })
  }
  return estimateRestarts(archive, BigInt(outline.restartEveryNs!), { folders, present }, first)
}

/** That the table holds rows of several codes, side by side. */
function otherCodeNotes(others: number, { variants }: LiveParts): string[] {
  if (others === 0) return []
  const which = others === 1 ? 'is' : 'are'
  return [
    `${others} of the ${variants.length} variants of the table ${which} of other code than this run (job or engine changed since) and stay as they are; --all-variants makes them anew, and chronicle-replay variants lists them`,
  ]
}

/** The grid of a job's cells. @throws ReplayError input as `cellGrid`, `slice-cuts-session` */
export function planGrid({ name, everyNs, isOneSession }: JobOutline, slice = '1d'): CellGrid {
  const grid = cellGrid(slice, everyNs === null ? null : BigInt(everyNs))
  if (isOneSession && grid.sliceNs !== DAY_NS) throw sessionCut(name, slice)
  return grid
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

/** The windows of sets of variants: of each set that of the variant which looks farthest. */
class Windows {
  /** The greatest skew, and the farthest look back. */
  readonly skewNs: number
  readonly beforeNs: number
  readonly #windows: ReadonlyMap<string, JobWindow>
  readonly #sets = new Map<string, JobWindow>()

  constructor(variants: readonly OutlinedVariant[]) {
    this.#windows = new Map(variants.map(({ id, window }) => [id, window]))
    this.skewNs = Math.max(0, ...[...this.#windows.values()].map(({ afterNs }) => afterNs))
    this.beforeNs = Math.max(0, ...[...this.#windows.values()].map(({ beforeNs }) => beforeNs))
  }

  has(variant: string): boolean {
    return this.#windows.has(variant)
  }

  of(variants: readonly string[]): JobWindow {
    const key = variants.length === 1 ? variants[0]! : variants.join(' ')
    const known = this.#sets.get(key)
    if (known !== undefined) return known
    const all = variants.flatMap((id) => this.#windows.get(id) ?? [])
    const window = {
      beforeNs: Math.max(0, ...all.map(({ beforeNs }) => beforeNs)),
      afterNs: Math.max(0, ...all.map(({ afterNs }) => afterNs)),
      wholeDay: all.some(({ wholeDay }) => wholeDay),
      dayStartNs: all[0]?.dayStartNs ?? 0,
    }
    this.#sets.set(key, window)
    return window
  }
}

function sessionCut(name: string, slice: string): ReplayError {
  const message = `slice: the session of ${name} goes on over all days of an instrument (session 'run'), and slices of ${slice} would cut its days: expected 1d`
  return new ReplayError('slice-cuts-session', message, { category: 'input' })
}

/** What would run has to have a market. @throws ReplayError input `instrument-missing` */
function requireInstruments({ instruments }: JobOutline, days: readonly InstrumentDays[]): void {
  if (instruments === undefined) return
  const known = new Set(instruments.map(({ venue, symbol }) => `${venue}/${symbol}`))
  const missing = days.filter(({ venue, symbol }) => !known.has(`${venue}/${symbol}`))
  if (missing.length > 0) throw missingInstruments(missing)
}

/** An outline may be older than the table. */
function requireKnown(live: LiveParts, windows: Windows): void {
  const unknown = live.variants.find(({ id }) => !windows.has(id))
  if (unknown === undefined) return
  const message = `another run brought variant ${JSON.stringify(unknown.params)} into the table since this one was asked for; submit it again`
  throw new ReplayError('variants-changed', message, { category: 'input' })
}

/** Which streams of an instrument the job reads. */
function wantsOf(instrument: ListedInstrument, { streams }: JobOutline): (stream: string) => boolean {
  const hasL2 = instrument.folders.some(({ stream }) => stream === 'book')
  return (stream) => {
    if (streams === 'all') return true
    if (isBookStream(stream)) return streams.includes('book') && (stream === 'book' || !hasL2)
    return (streams as readonly string[]).includes(stream)
  }
}

/** Which folders could matter to cells of a range: a book may begin with any that comes before. */
function mattersTo(
  range: readonly [first: number, end: number] | null,
  { cellsPerDay }: CellGrid,
  { beforeNs, skewNs }: Windows,
  usesBook: boolean,
): (folder: ListedFolder) => boolean {
  if (range === null) return () => true
  const [beforeDays, skewDays] = [beforeNs, skewNs].map((ns) => Math.ceil(ns / Number(DAY_NS))) as [number, number]
  // A day more, as whole days may be looked at, and one for what reaches.
  const first = usesBook ? 0 : Math.floor(range[0] / cellsPerDay) - beforeDays - 2
  const last = Math.ceil(range[1] / cellsPerDay) + skewDays + 1
  return ({ day }) => day >= first && day <= last
}

/** Cells of the range that was given; null when both ends are open. @throws ReplayError input as `cellsOfRange` */
function rangeGiven(grid: CellGrid, { fromNs, toNs }: PlanOptions): readonly [number, number] | null {
  if (fromNs === undefined && toNs === undefined) return null
  return cellsOfRange(grid, fromNs ?? 0n, toNs ?? (MAX_NS / DAY_NS) * DAY_NS)
}

const MAX_NS = 2n ** 63n

/** All cells that messages can lie in, or have lain in. */
function rangeOf(grid: CellGrid, days: readonly InstrumentDays[], gone: readonly GoneCells[], skewNs: number): readonly [number, number] {
  let [first, end] = [Number.POSITIVE_INFINITY, 0]
  for (const instrument of days) {
    const own = instrument.cellRange(grid, skewNs)
    first = Math.min(first, own[0])
    end = Math.max(end, own[1])
  }
  for (const { cells } of gone) {
    first = Math.min(first, cells[0]!)
    end = Math.max(end, cells.at(-1)! + 1)
  }
  return end === 0 ? [0, 0] : [Math.max(0, first), end]
}

function adviceOn({ usesBook, writesRestartPoints }: JobOutline, { cost, onCorrupt }: PlanHead, days: readonly InstrumentDays[]): string[] {
  if ((!usesBook && onCorrupt !== 'skip') || writesRestartPoints) return []
  const without = days.filter(
    (instrument) => !instrument.hasSnapshots && instrument.restartOf(BigInt(instrument.days.days.at(-1)! + 1) * DAY_NS - 1n) === 'origin',
  )
  const advice: string[] = []
  if (onCorrupt === 'skip' && cost.amplification > 1.25) {
    advice.push(
      `reads ${cost.amplification.toFixed(1)} times the bytes in range, as damage can only be skipped from the begin of a day on: take a coarser --slice`,
    )
  } else if (cost.amplification > 1.25) {
    advice.push(
      `reads ${cost.amplification.toFixed(1)} times the bytes in range to rebuild books: run the snapshots job first, or take a coarser --slice`,
    )
  }
  if (onCorrupt !== 'skip' && without.some((instrument) => instrument.days.count > 1)) {
    advice.push(
      `${without.length} of ${days.length} instruments have no known restart point, so each is one task: run the snapshots job first to spread them`,
    )
  }
  return advice
}

/** Rows that the table would not take are not made. @throws ReplayError input `table-schema` */
function requireSchema({ table }: LiveParts, { name, columns }: JobOutline): void {
  if (table === null) return
  const own = columns.filter((column) => !PARTITION_COLUMNS.includes(column.name))
  mergeSchemas(table.schema, { job: name, columns: own }, table.uri, table.foreignColumns)
}

function appendOnly(path: string, stale: number): ReplayError {
  const message = `the table is append-only (delta.appendOnly), and ${stale} partitions in it are to be replaced; set the property to false, or use another table`
  return new ReplayError('table-append-only', message, { category: 'input', path })
}

/** Folders whose records are of other days than their names say: nothing is wrong with that, but somebody may want to know. */
function adviceOnReach(days: readonly InstrumentDays[], { reaches, unseen }: LookResult): string[] {
  const advice: string[] = []
  if (reaches.size > 0) {
    const folders = days.reduce((sum, { days: { folders } }) => sum + folders.length, 0)
    const found = days.flatMap(({ venue, symbol, days: { folders } }) => folders.map((folder) => ({ venue, symbol, folder })))
    const { venue, symbol, folder } = found.find((each) => reaches.has(each.folder))!
    const [own, reach] = [dayReach(folder.day), reaches.get(folder)!]
    const beyond = [
      ...(reach.fromNs < own.fromNs ? [`from ${isoTime(reach.fromNs)}`] : []),
      ...(reach.toNs > own.toNs ? [`to ${isoTime(reach.toNs - 1n)}`] : []),
    ]
    const first = folderKey(venue, symbol, dateOfDay(folder.day), folder.stream).slice(0, -1)
    advice.push(
      `${reaches.size} of ${folders} folders hold records of other UTC days (${first}: ${beyond.join(' ')}): each is read with the days that its records belong to`,
    )
  }
  if (unseen > 0) {
    advice.push(
      `${unseen} folders were not looked into, as they have no index or are too many: their records are taken to be of their UTC day, and a task that finds others stops there and says so`,
    )
  }
  return advice
}

function otherJob(found: string, name: string): ReplayError {
  return new ReplayError('table-job', `the table holds rows of job ${found}, not of ${name}; give each job a table of its own`, {
    category: 'input',
  })
}

function skippingSnapshots(name: string): ReplayError {
  const message = `job ${name} writes restart points, which are of whole books only: it stops at damaged input (--on-error quarantine or abort)`
  return new ReplayError('snapshots-skip', message, { category: 'input' })
}

function overlapping(partition: string, other: string): ReplayError {
  const message = `partition ${partition} overlaps rows of another slicing, ${other}; use that --slice, or another table`
  return new ReplayError('cell-overlap', message, { category: 'input' })
}

function emptyRange({ outline, fromNs, toNs }: PlanOptions, days: readonly InstrumentDays[]): ReplayError {
  const streams = outline.streams === 'all' ? 'logs' : `logs of ${outline.streams.join(', ')}`
  if (days.length === 0) return new ReplayError('range-empty', `the instruments have no ${streams}`, { category: 'input' })
  const [first, last] = [Math.min(...days.map((one) => one.days.days[0]!)), Math.max(...days.map((one) => one.days.days.at(-1)!))]
  const message = `no ${streams} from ${timeText(fromNs)} to ${timeText(toNs)}; there are days from ${dayText(first)} to ${dayText(last)}`
  return new ReplayError('range-empty', message, { category: 'input' })
}

function dayText(day: number): string {
  return isoTime(BigInt(day) * DAY_NS).slice(0, 10)
}

function timeText(timeNs: bigint | undefined): string {
  return timeNs === undefined ? 'the beginning or end' : isoTime(timeNs)
}
