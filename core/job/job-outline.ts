import type { InstrumentName } from '../backtest/instruments.ts'
import { L2Book } from '../book/l2-book.ts'
import { ReplayError } from '../errors.ts'
import { parseDuration } from '../features/clocks/duration.ts'
import { FeatureBook } from '../features/feature-book.ts'
import { jobTiming } from './define-job.ts'
import type { JobContext, JobDefinition, JobParamDefaults, JobStreams, ParamGrid } from './job-definition.ts'
import type { PlanColumn } from './row-schema.ts'
import { rowSchema, usesBook } from './row-schema.ts'
import type { Variant } from './variants.ts'
import { variantsOf } from './variants.ts'

/** How far rows of a cell look beyond it. */
export interface JobWindow {
  /** Warm-up and skew before the cell, nanoseconds. */
  readonly beforeNs: number
  /** Skew behind it, nanoseconds. */
  readonly afterNs: number
  /** Rows depend on all of their day. */
  readonly wholeDay: boolean
  /** When days begin, nanoseconds after UTC midnight. @default 0 */
  readonly dayStartNs?: number
}

/** A variant, and how far its rows look beyond their cell. */
export interface OutlinedVariant extends Variant {
  readonly window: JobWindow
}

/**
 * What planning has to know of a job: plain JSON, made where the job is loaded, so that a plan can be made elsewhere without
 * running the job's code.
 */
export interface JobOutline {
  readonly name: string
  readonly streams: JobStreams
  readonly clock: 'record' | 'exchange'
  /** Share of partitions, 0 to 1, that may be missing when the run is committed. */
  readonly tolerance: number
  /** Rows depend on a book, and so on all that was before. */
  readonly usesBook: boolean
  /** It writes restart points and no rows. */
  readonly writesRestartPoints: boolean
  /** The least time between them, nanoseconds, decimal; absent: it writes none. */
  readonly restartEveryNs?: string
  /** The schema of the rows. */
  readonly columns: readonly PlanColumn[]
  /** Its sessions go on over all days of an instrument: a run of it takes whole days. */
  readonly isOneSession: boolean
  /** Those that it can run on. @default all */
  readonly instruments?: readonly InstrumentName[]
  /** A cell must be a multiple of it, nanoseconds, decimal; null: of any length. */
  readonly everyNs: string | null
  /** The variants asked for, by id. */
  readonly asked: readonly OutlinedVariant[]
  /** The variants that the table had. */
  readonly live: readonly OutlinedVariant[]
}

/** What a table has: its job, and every variant with rows. */
export interface LiveVariants {
  /** Null for a table that does not exist yet. */
  readonly job: string | null
  readonly variants: readonly Variant[]
}

const DAY_NS = 86_400_000_000_000n
const NO_TABLE: LiveVariants = { job: null, variants: [] }

/**
 * @param params values of parameters, over the job's own sweep and defaults
 * @param live what is in the table; of another job it says nothing here, and `planRun` refuses it
 * @param isAll asks for every variant that the table has, besides those of `params`
 * @throws ReplayError input: those of `variantsOf`, `jobTiming`, `rowSchema`; `variant-params`
 */
export function outlineJob(job: JobDefinition, params: ParamGrid = {}, live: LiveVariants = NO_TABLE, isAll = false): JobOutline {
  const asked = isAll ? allVariants(job, params, live) : variantsOf(job, params)
  const timings = asked.map((variant) => jobTiming(job, variant.params))
  // Bars that do not divide a day are refused, and as the variant has them.
  const odd = timings.find((timing) => timing.everyNs !== null && DAY_NS % timing.everyNs !== 0n)
  const everyNs = odd?.everyNs ?? timings.reduce<bigint | null>((most, timing) => leastCommon(most, timing.everyNs), null)
  const outlined = (variant: Variant): OutlinedVariant => ({
    id: variant.id,
    params: variant.params,
    window: windowOf(job, variant.params),
  })
  return {
    name: job.name,
    streams: job.streams,
    clock: job.clock ?? 'record',
    tolerance: job.tolerance ?? 0,
    usesBook: usesBook(job),
    writesRestartPoints: job.restartPoints !== undefined,
    ...(job.restartPoints !== undefined && { restartEveryNs: restartEveryNs(job, asked) }),
    isOneSession: job.backtest?.session === 'run',
    ...(job.backtest?.instruments != null && { instruments: job.backtest.instruments.names }),
    columns: rowSchema(job, timings),
    everyNs: everyNs === null ? null : String(everyNs),
    asked: asked.map(outlined),
    live: live.job === job.name ? live.variants.map(outlined) : [],
  }
}

/** @throws ReplayError input `duration` */
function restartEveryNs(job: JobDefinition, asked: readonly Variant[]): string {
  return String(Math.min(...asked.map(({ params }) => parseDuration(job.restartPoints!({ ...job.params, ...params })))))
}

/** @throws ReplayError input `variant-params` when the job has other parameters than a variant of the table */
function allVariants(job: JobDefinition, params: ParamGrid, live: LiveVariants): Variant[] {
  const known = live.job === job.name ? live.variants : []
  const names = Object.keys(job.params).sort().join()
  const unfit = known.find((variant) => Object.keys(variant.params).sort().join() !== names)
  if (unfit !== undefined) {
    const message = `variant ${unfit.id} of the table has the parameters ${JSON.stringify(unfit.params)}, and the job has ${names || 'none'}; it cannot be made anew`
    throw new ReplayError('variant-params', message, { category: 'input' })
  }
  const wanted = known.length === 0 || Object.keys(params).length > 0 ? variantsOf(job, params) : []
  const all = new Map([...known, ...wanted].map((variant) => [variant.id, variant]))
  return [...all.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** How far rows of variants that run together look: as far as the one that looks farthest. */
export function windowOfVariants(job: JobDefinition, variants: readonly Variant[]): JobWindow {
  const windows = variants.map(({ params }) => windowOf(job, params))
  return {
    beforeNs: Math.max(0, ...windows.map(({ beforeNs }) => beforeNs)),
    afterNs: Math.max(0, ...windows.map(({ afterNs }) => afterNs)),
    wholeDay: windows.some(({ wholeDay }) => wholeDay),
    dayStartNs: job.backtest?.sessionStartNs ?? 0,
  }
}

/**
 * The window of a variant. Rows at events may sum up what was since the row before, "every N" counts from midnight, and `end`
 * tells of a day: they need their whole day, and so does a session. A live variant may be of a job that had other parameters: what it then needs is
 * not asked for.
 */
function windowOf(job: JobDefinition, given: Variant['params']): JobWindow {
  const params = { ...job.params, ...given }
  const { warmUpNs, skewNs, trigger, everyNs } = jobTiming(job, params)
  // All that an instrument has from its first day on.
  if (job.backtest?.session === 'run') return { beforeNs: FOREVER_NS, afterNs: Number(skewNs), wholeDay: true }
  const wholeDay = job.session === 'day' || (trigger !== null && (trigger.everyEvents > 0 || everyNs === null)) || hearsDayEnds(job, params)
  const dayStartNs = job.backtest?.sessionStartNs ?? 0
  return { beforeNs: Number(warmUpNs + skewNs), afterNs: Number(skewNs), wholeDay, ...(dayStartNs > 0 && { dayStartNs }) }
}

/** Longer than any archive: as far back as there is anything. */
const FOREVER_NS = 2 ** 62

/** Whether a job has an `end`, which only its handlers say: they are made once for this, over an empty book. */
function hearsDayEnds(job: JobDefinition, params: JobParamDefaults): boolean {
  if (job.create === undefined) return false
  const book = usesBook(job) ? new FeatureBook(new L2Book()) : undefined
  try {
    return job.create(params, { book, venue: '', symbol: '', variant: '' } as JobContext).end !== undefined
  } catch {
    // Handlers that cannot be made for no instrument may have one.
    return true
  }
}

/** Bars of all variants have to fit into a cell. */
export function leastCommon(a: bigint | null, b: bigint | null): bigint | null {
  if (a === null || b === null) return a ?? b
  let [x, y] = [a, b]
  while (y !== 0n) [x, y] = [y, x % y]
  return (a / x) * b
}
