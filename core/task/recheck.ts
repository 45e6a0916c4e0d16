import fs from 'node:fs'
import { snapshotLog } from '../book/snapshot/snapshot-log.ts'
import { dayOfDate, isoTime } from '../instant.ts'
import { jobTiming } from '../job/define-job.ts'
import type { JobDefinition } from '../job/job-definition.ts'
import { leastCommon, windowOfVariants } from '../job/job-outline.ts'
import { usesBook } from '../job/row-schema.ts'
import type { Variant } from '../job/variants.ts'
import { isBookStream, windowStartNs } from '../plan/archive/instrument-days.ts'
import { DAY_NS } from '../plan/cells.ts'
import { type CheckFinding, findingOf, type PartitionCheck } from '../plan/run/partition-check.ts'
import type { Receipt } from '../plan/run/receipt.ts'
import type { InstrumentShare, PlannedPartition } from '../plan/run/task-share.ts'
import { shortHash } from '../plan/short-hash.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { Random } from '../synthetic/random.ts'
import { addChecksums } from '../table/table-checksum.ts'
import { makeTemporaryFolder } from '../temporary-folder.ts'
import { PartPacker } from './part-packer.ts'
import { runPass } from './pass.ts'
import type { PassOptions, PassResult } from './pass-plan.ts'
import { ShareFolders } from './pass-start.ts'
import { firstDifference, type PartRows } from './row-difference.ts'
import { ScratchParts } from './scratch-parts.ts'

export interface RecheckOptions {
  /** The share that the partition is of. */
  readonly share: InstrumentShare
  readonly variants: readonly Variant[]
  readonly archive: ObjectStore
  /** As of `ShareFolders`. */
  readonly restarts: ObjectStore | undefined
  /** The job, loaded anew: nothing that its module keeps is to be carried over. */
  readonly loadJob: () => Promise<JobDefinition>
  /** As of the run's passes; `table` has the run's rows. */
  readonly pass: Omit<PassOptions, 'folders' | 'job' | 'parts'>
  /** What starts are drawn by, beside the partition. */
  readonly seed: string
  /** The run's pass began with this partition. */
  readonly isFirst: boolean
}

/** Rows as the run has made them. */
type MadeRows = Pick<Receipt, 'part' | 'checksum'>

/**
 * Makes a partition of a run a second time as another slicing, or another cut into tasks, would, and compares the rows bit for
 * bit. What a job keeps longer than its window says shows then, because it is not there, or is there from further back:
 *
 * - Where bars leave room, the partition is cut at random into pieces that begin at their own windows. For a book, restart points
 *   are made for them in the scratch folder, as the `snapshots` job would.
 * - Else it is begun at its own window, and once more a day earlier, where the task may read that.
 *
 * @throws ReplayError those of a pass, but for what the job throws, which is a finding; the reason of the signal
 */
export async function recheck(partition: PlannedPartition, made: MadeRows, options: RecheckOptions): Promise<PartitionCheck> {
  const scratch = makeTemporaryFolder('check-', options.pass.scratch)
  try {
    return await new Recheck(partition, made, options, scratch).run()
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true })
  }
}

/** Pieces of a partition at most. */
const MAX_PIECES = 8
/** All pieces together warm up for at most so many times the partition's length, unless there are two. */
const MAX_LEAD = 4

/** A way of making the rows of a partition. */
interface Remake {
  readonly text: string
  /** Ends of the pieces with the start of the first, nanoseconds since the epoch. */
  readonly bounds: readonly bigint[]
  /** State begins as if the partition began here. */
  readonly beginsNs: bigint
  /** Not as the run made it. */
  readonly isOther: boolean
}

class Recheck {
  readonly #partition: PlannedPartition
  readonly #made: MadeRows
  readonly #options: RecheckOptions
  readonly #scratch: string
  readonly #random: Random
  #passes = 0

  constructor(partition: PlannedPartition, made: MadeRows, options: RecheckOptions, scratch: string) {
    this.#partition = partition
    this.#made = made
    this.#options = options
    this.#scratch = scratch
    this.#random = new Random(Number.parseInt(shortHash(`${options.seed} ${partition.index}`).slice(0, 12), 16))
  }

  async run(): Promise<PartitionCheck> {
    const remakes = this.#remakes(await this.#options.loadJob())
    const starts: string[] = []
    for (const remake of remakes) {
      starts.push(remake.text)
      const finding = await this.#try(remake)
      if (finding !== null) return { starts, isTelling: true, finding }
    }
    return { starts, isTelling: remakes.some(({ isOther }) => isOther), finding: null }
  }

  #remakes(job: JobDefinition): Remake[] {
    const { startNs, endNs } = this.#partition
    const { isFirst, share, variants } = this.#options
    const window = windowOfVariants(job, variants)
    const bounds = window.wholeDay ? [startNs, endNs] : this.#cut(job, window.beforeNs)
    if (bounds.length > 2) {
      const text = `in ${bounds.length - 1} pieces, from ${bounds.slice(0, -1).map(isoTime).join(', ')}`
      return [{ text, bounds, beginsNs: startNs, isOther: true }]
    }
    const alone = { text: `alone, from ${isoTime(startNs)}`, bounds, beginsNs: startNs, isOther: !isFirst }
    const dayNs = startNs - (startNs % DAY_NS)
    const beginsNs = startNs > dayNs && !window.wholeDay ? dayNs : dayNs - DAY_NS
    // A run that skips, and a book without restart points, begin there in any case.
    const hasMore = share.folders.some(({ date }) => BigInt(dayOfDate(date)) * DAY_NS < windowStartNs(startNs, window))
    if (beginsNs < 0n || !hasMore) return [alone]
    return [alone, { text: `from further back, ${isoTime(beginsNs)}`, bounds, beginsNs, isOther: true }]
  }

  /** Random cuts between bars of all variants; none where there is no room. */
  #cut(job: JobDefinition, beforeNs: number): bigint[] {
    const { startNs, endNs } = this.#partition
    const lengthNs = endNs - startNs
    const { variants, pass } = this.#options
    const everyNs = variants.reduce<bigint | null>(
      (most, { params }) => leastCommon(most, jobTiming(job, { ...job.params, ...params }).everyNs),
      null,
    )
    const unitNs = everyNs ?? (lengthNs % SECOND_NS === 0n ? SECOND_NS : 1000n)
    const units = Number(lengthNs / unitNs)
    const affordable = beforeNs === 0 ? MAX_PIECES : Math.floor((MAX_LEAD * Number(lengthNs)) / beforeNs)
    // Where damage is skipped, passes begin with whole days.
    const pieces = Math.min(units, pass.onCorrupt === 'skip' ? 2 : Math.max(2, Math.min(MAX_PIECES, affordable)))
    const cuts = new Set<number>()
    while (cuts.size < pieces - 1) cuts.add(1 + this.#random.below(units - 1))
    const between = [...cuts].sort((a, b) => a - b).map((cut) => startNs + BigInt(cut) * unitNs)
    return [startNs, ...between, endNs]
  }

  async #try(remake: Remake): Promise<CheckFinding | null> {
    const { startNs, endNs, venue, symbol } = this.#partition
    const first = await this.#make(remake, new ScratchParts(this.#scratch, false))
    if (first.threw === null && isSame(first.checksum, this.#made.checksum)) return null
    // Once more, for rows to look at, and to see whether they are the same this time.
    const store = new ScratchParts(this.#scratch, true)
    const again = await this.#make(remake, store)
    const place = { venue, symbol, startNs: String(startNs), endNs: String(endNs) }
    const isRepeatable = first.threw !== null || again.threw !== null || isSame(again.checksum, first.checksum)
    const code = isRepeatable ? 'state-outlives-window' : 'rows-not-repeatable'
    const difference = again.threw === null ? await this.#difference(store, again) : null
    const cellNs = BigInt(difference?.cellNs ?? startNs)
    const againFromNs = again.failedNs ?? (remake.beginsNs < startNs ? remake.beginsNs : remake.bounds.findLast((bound) => bound <= cellNs))
    const { name: job } = await this.#options.loadJob()
    return findingOf({ code, job, ...place, againFromNs: String(againFromNs ?? startNs) }, difference, again.threw)
  }

  async #difference(store: ScratchParts, { parts }: MadeAgain): ReturnType<typeof firstDifference> {
    const { pass } = this.#options
    const { startNs, endNs } = this.#partition
    const { part } = this.#made
    const ours: PartRows = { store: pass.table, parts: part === null ? [] : [part] }
    return firstDifference(ours, { store, parts }, pass.columns, [startNs, endNs])
  }

  /** All pieces of a partition, each by a pass of its own. */
  async #make({ bounds, beginsNs }: Remake, store: ScratchParts): Promise<MadeAgain> {
    const { archive, restarts, pass, share, variants } = this.#options
    const job = await this.#options.loadJob()
    const window = windowOfVariants(job, variants)
    let folders = new ShareFolders(archive, share, pass.onCorrupt, restarts)
    if (bounds.length > 2 && usesBook(job) && pass.onCorrupt !== 'skip') folders = await this.#withRestartPoints(folders, job)
    const results: PassResult[] = []
    const scratch = this.#scratch
    for (const [i, endNs] of bounds.slice(1).entries()) {
      const startNs = bounds[i]!
      const piece = { ...this.#partition, startNs, endNs }
      const start = await folders.startOf(beginsNs < startNs && i === 0 ? { ...piece, startNs: beginsNs } : piece, window, job)
      // Each a name of its own in the scratch folder.
      const attempt = `${pass.attempt}c${this.#passes++}`
      const parts = new PartPacker({ table: store, run: pass.run, attempt, scratch, isAlone: () => true })
      const own = { attempt, parts, job: await this.#options.loadJob(), folders }
      const end = await runPass({ partitions: [piece], variants, start, window }, { ...pass, ...own, onProgress: () => {} })
      if (end.isAborted) pass.signal?.throwIfAborted()
      if (end.error?.code === 'job-threw') return { ...sumOf(results), threw: end.error.message, failedNs: startNs }
      if (end.error !== null) throw end.error
      results.push(...end.done)
    }
    return { ...sumOf(results), threw: null, failedNs: null }
  }

  /** Folders whose books may go on from restart points in the scratch folder; made where the archive has none on the way. */
  async #withRestartPoints(folders: ShareFolders, job: JobDefinition): Promise<ShareFolders> {
    const { archive, pass, share, variants } = this.#options
    const { startNs, endNs, date } = this.#partition
    const window = windowOfVariants(job, variants)
    const start = await folders.startOf(this.#partition, window, job)
    if (start.restart !== null) return folders
    const scratched = new ShareFolders(archive, share, pass.onCorrupt, new ScratchParts(this.#scratch, true))
    const books = share.folders.filter(
      (folder) => isBookStream(folder.stream) && folder.date <= date && (start.bookDay === null || dayOfDate(folder.date) >= start.bookDay),
    )
    const everyNs = (endNs - startNs) / BigInt(MAX_PIECES)
    const onProgress = (): void => pass.signal?.throwIfAborted()
    await snapshotLog(
      books.map((folder) => scratched.logOf(folder)),
      { everyNs: everyNs > 0n ? everyNs : 1n, between: [windowStartNs(startNs, window), endNs], onGap: job.onGap, onProgress },
    )
    return scratched
  }
}

interface MadeAgain {
  readonly checksum: Receipt['checksum']
  readonly parts: readonly NonNullable<Receipt['part']>[]
  /** What the job threw, and the start of the piece; null: nothing. */
  readonly threw: string | null
  readonly failedNs: bigint | null
}

function sumOf(results: readonly PassResult[]): Pick<MadeAgain, 'checksum' | 'parts'> {
  const { rows, sum } = addChecksums(results.map(({ checksum }) => ({ rows: checksum.rows, sum: BigInt(checksum.sum) })))
  return { checksum: { rows, sum: String(sum) }, parts: results.flatMap(({ part }) => part ?? []) }
}

function isSame(a: Receipt['checksum'], b: Receipt['checksum']): boolean {
  return a.rows === b.rows && a.sum === b.sum
}

const SECOND_NS = 1_000_000_000n
