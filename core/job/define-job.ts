import type { InstrumentName } from '../backtest/instruments.ts'
import { marketTerms } from '../backtest/market-terms.ts'
import { ReplayError } from '../errors.ts'
import { parseDuration } from '../features/clocks/duration.ts'
import { planTrigger } from '../features/clocks/trigger.ts'
import { type KnownOptions, requireOptions } from '../known-options.ts'
import {
  JOB_MARK,
  type JobBacktest,
  type JobColumns,
  type JobColumnType,
  type JobDefinition,
  type JobParamDefaults,
  type JobSpec,
  type JobStream,
  type JobStreams,
  type JobTiming,
} from './job-definition.ts'
import { resolveFeatures } from './job-features.ts'
import { RESERVED_COLUMNS } from './row-schema.ts'

/**
 * Defines a job; a job module exports it by default. Types of handlers come from `params`, `columns` and `streams`.
 * @throws ReplayError input `job-invalid`
 */
export function defineJob<const P extends JobParamDefaults, const C extends JobColumns, const S extends JobStreams>(
  spec: JobSpec<P, C, S>,
): JobDefinition {
  requireSpec(spec.name, 'defineJob', spec, JOB_OPTIONS)
  return checkedJob({ params: {}, ...spec, [JOB_MARK]: 1 } as unknown as JobDefinition)
}

/** Gives a job back, checked as `defineJob` checks. @throws ReplayError input `job-invalid` */
export function checkedJob(job: JobDefinition): JobDefinition {
  checkJob(job)
  return job
}

/** Refuses an option that is misspelt, and so would do nothing. @throws ReplayError input `job-invalid` */
export function requireSpec(name: unknown, maker: string, spec: object, known: Readonly<Record<string, true>>): void {
  try {
    requireOptions(maker, spec, known)
  } catch (error) {
    throw invalid(String(name), error instanceof Error ? error.message : String(error))
  }
}

/** Whether a value was made by `defineJob`. */
export function isJob(value: unknown): value is JobDefinition {
  return typeof value === 'object' && value !== null && JOB_MARK in value
}

/** @throws ReplayError input `job-invalid`, `trigger`, `duration` naming the job */
export function jobTiming(job: JobDefinition, params: JobParamDefaults): JobTiming {
  const given = checked(job, 'trigger', () => (typeof job.trigger === 'function' ? job.trigger(params) : job.trigger))
  const warmUp = checked(job, 'warmUp', () => (typeof job.warmUp === 'function' ? job.warmUp(params) : job.warmUp))
  const trigger = given === undefined ? null : checked(job, 'trigger', () => planTrigger(given))
  const everyNs = trigger === null || trigger.barMicros === 0 ? null : BigInt(trigger.barMicros) * 1000n
  if (job.clock === 'exchange' && everyNs === null) throw invalid(job.name, 'clock exchange: expected a trigger with `every`')
  if (job.backtest !== undefined) {
    checkMarket(job, job.backtest, params, null)
    checkSession(job, job.backtest, everyNs!)
  }
  const duration = (what: string, text: string): bigint => checked(job, what, () => BigInt(parseDuration(text)))
  return {
    trigger,
    everyNs,
    warmUpNs: greater(
      warmUp === undefined ? 0n : duration('warmUp', warmUp),
      checked(job, 'features', () => BigInt(Math.max(0, ...resolveFeatures(job, params).map(({ warmUpNs }) => warmUpNs)))),
    ),
    skewNs: job.clock === 'exchange' ? duration('maxSkew', job.maxSkew ?? '5s') : 0n,
  }
}

const JOB_OPTIONS: KnownOptions<JobSpec<JobParamDefaults, JobColumns, JobStreams>> = {
  name: true,
  streams: true,
  params: true,
  sweep: true,
  columns: true,
  trigger: true,
  fill: true,
  clock: true,
  maxSkew: true,
  warmUp: true,
  session: true,
  tolerance: true,
  onGap: true,
  beyondRange: true,
  features: true,
  create: true,
  pipeline: true,
  restartPoints: true,
}
const STREAMS: readonly string[] = ['book', 'trades', 'ticker'] satisfies JobStream[]
const TYPES: readonly string[] = ['f64', 'i64', 'i32', 'bool', 'string'] satisfies JobColumnType[]
const NAME = /^[a-z][a-z0-9-]{0,63}$/
const WORD = /^[A-Za-z][A-Za-z0-9_]{0,63}$/

/** Plain JavaScript has no types: everything that the types promise is checked. */
function checkJob(job: JobDefinition): void {
  const { name, streams, columns, params, tolerance } = job
  if (typeof name !== 'string' || !NAME.test(name)) throw invalid(String(name), `name: expected a-z, 0-9 and "-", found ${show(name)}`)
  if (streams !== 'all' && !(Array.isArray(streams) && streams.length > 0 && streams.every((stream) => STREAMS.includes(stream)))) {
    throw invalid(name, `streams: expected 'all' or some of ${STREAMS.join(', ')}; found ${show(streams)}`)
  }
  for (const [param, value] of Object.entries(requireRecord(name, 'params', params))) {
    if (!WORD.test(param) || RESERVED_COLUMNS.has(param))
      throw invalid(name, `params: ${show(param)} is no name for a parameter, which is a column`)
    if (!['number', 'string', 'boolean'].includes(typeof value))
      throw invalid(name, `params.${param}: expected a number, text or boolean as default, found ${show(value)}`)
    if (typeof value === 'number' && !Number.isFinite(value))
      throw invalid(name, `params.${param}: expected a finite number, found ${value}`)
  }
  checkColumns(name, requireRecord(name, 'columns', columns), params)
  for (const [key, choices] of [
    ['clock', ['record', 'exchange']],
    ['onGap', ['quarantine', 'ignore', 'abort']],
    ['beyondRange', ['error', 'null']],
    ['session', ['day']],
  ] as const) {
    const value: string | undefined = job[key]
    if (value !== undefined && !(choices as readonly string[]).includes(value))
      throw invalid(name, `${key}: expected ${choices.join(' or ')}, found ${show(value)}`)
  }
  if (tolerance !== undefined && !(tolerance >= 0 && tolerance <= 1))
    throw invalid(name, `tolerance: expected a share from 0 to 1, found ${show(tolerance)}`)
  for (const key of ['create', 'features', 'pipeline', 'restartPoints'] as const) {
    if (job[key] !== undefined && typeof job[key] !== 'function')
      throw invalid(name, `${key}: expected a function, found ${show(job[key])}`)
  }
  const makers = [job.create, job.features, job.pipeline, job.restartPoints, job.backtest]
  if (makers.every((maker) => maker === undefined)) {
    throw invalid(name, 'expected one of create, features, pipeline: nothing makes its rows')
  }
  if (job.pipeline !== undefined) {
    const other = (['create', 'features', 'restartPoints', 'trigger', 'fill', 'clock', 'onGap', 'session'] as const).find(
      (key) => job[key] !== undefined,
    )
    if (other !== undefined) throw invalid(name, `${other}: a job with a pipeline has none; its rows are those of context.rows`)
  }
  jobTiming(job, params)
  for (const instrument of job.backtest?.instruments?.names ?? []) checkMarket(job, job.backtest!, params, instrument)
}

/** Bars of a session are its own. */
function checkSession({ name }: JobDefinition, { sessionStartNs }: JobBacktest, everyNs: bigint): void {
  if (BigInt(sessionStartNs) % everyNs === 0n) return
  throw invalid(
    name,
    `session: start: expected a time at which a bar begins, as bars are aligned to UTC midnight; ${sessionStartNs / 1e9} s after it lie within bars of ${everyNs} ns`,
  )
}

/** The shift can be no more than the skew: what is further off than that is not believed. */
function checkMarket(job: JobDefinition, { market }: JobBacktest, params: JobParamDefaults, instrument: InstrumentName | null): void {
  const what = instrument === null ? 'backtest' : `instruments: ${instrument.venue}/${instrument.symbol}`
  const { localShiftNs } = checked(job, what, () => marketTerms(market(params, instrument)))
  const skewNs = checked(job, 'maxSkew', () => parseDuration(job.maxSkew ?? '5s'))
  if (Math.abs(localShiftNs) <= skewNs) return
  throw invalid(job.name, `market: localShift: expected at most maxSkew (${skewNs} ns), found ${localShiftNs} ns; raise maxSkew`)
}

function checkColumns(name: string, columns: Readonly<Record<string, unknown>>, params: JobParamDefaults): void {
  const seen = new Set<string>()
  for (const [column, type] of Object.entries(columns)) {
    if (!WORD.test(column)) throw invalid(name, `columns: ${show(column)} is no column name: expected letters, digits and "_"`)
    const lower = column.toLowerCase()
    if (RESERVED_COLUMNS.has(lower))
      throw invalid(name, `columns: ${column} is a column that every table has, or a word of its own; choose another name`)
    if (Object.keys(params).some((param) => param.toLowerCase() === lower))
      throw invalid(name, `columns: ${column} is a parameter, and so a column already`)
    // DuckDB and others take names without regard to case.
    if (seen.has(lower)) throw invalid(name, `columns: ${column} is there twice (upper and lower case are one)`)
    seen.add(lower)
    if (typeof type !== 'string' || !TYPES.includes(type))
      throw invalid(name, `columns.${column}: expected one of ${TYPES.join(', ')}; found ${show(type)}`)
  }
}

function requireRecord(name: string, what: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>
  throw invalid(name, `${what}: expected an object, found ${show(value)}`)
}

/** What a part of the definition gives, its errors with the job's name. */
function checked<T>(job: JobDefinition, what: string, give: () => T): T {
  try {
    return give()
  } catch (error) {
    // Whatever the job's own code throws is for its author.
    throw invalid(job.name, `${what}: ${error instanceof ReplayError ? error.message : `throws ${String(error)}`}`)
  }
}

function greater(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

function invalid(name: string, message: string): ReplayError {
  return new ReplayError('job-invalid', `job ${name}: ${message}`, { category: 'input' })
}

function show(value: unknown): string {
  return typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? String(value))
}
