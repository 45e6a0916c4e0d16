import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { ReplayError } from '../core/errors.ts'
import { BUILTIN_JOBS } from '../core/job/builtin/index.ts'
import { bundleJob, type JobBundle, loadJob } from '../core/job/bundle.ts'
import { engineHash } from '../core/job/engine-hash.ts'
import { type JobOutline, outlineJob } from '../core/job/job-outline.ts'
import { parseParams } from '../core/job/variants.ts'
import type { RunPlan } from '../core/plan/plan.ts'
import { newRunId } from '../core/plan/run/run-files.ts'
import { planRequest, type RunRequest } from '../core/plan/run-request.ts'
import { readCommittedParts } from '../core/plan/table/committed-parts.ts'
import type { LiveParts } from '../core/plan/table/live-parts.ts'
import { isS3Uri } from '../core/store/open-store.ts'
import { badOption, choiceOption, countOption, listOption, rangeOption, requiredOptions } from './arguments.ts'
import { cloudOf, ENDPOINT } from './cloud-clients.ts'
import type { CommandInput, OptionSpec } from './command.ts'
import { checkJobTypes } from './job-types.ts'
import { requireTablePlace } from './table-store.ts'

/** What is to be done about failing partitions, and about damaged input. */
export const ON_ERROR_CHOICES = ['quarantine', 'abort', 'skip'] as const

export const EFFECT_CHOICES = ['warn', 'block', 'record'] as const
const FOREIGN_CHOICES = ['keep', 'replace'] as const

const ON_ERROR: OptionSpec = {
  value: ON_ERROR_CHOICES.join('|'),
  help: 'when a partition fails: set it aside and finish the others (default), or begin no further task; skip: as quarantine, but damaged records are left out and counted',
}

/** What becomes of code that depends on more than messages and parameters. */
export const EFFECTS: OptionSpec = {
  value: EFFECT_CHOICES.join('|'),
  help: 'of code that reads clock, files, network or random numbers, so that rows that are kept may be wrong: say so (default), make it fail, or only keep it in the plan',
}

const ARCHIVE: OptionSpec = { value: 'U', help: 'archive to read: v1/<venue>/<symbol>/<date>/<stream>/' }
const TABLE: OptionSpec = { value: 'U', help: 'table for the rows' }

/** Options of every command that plans a run. */
export const JOB_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  archive: ARCHIVE,
  table: TABLE,
  venues: { value: 'A,B', help: 'these venues only; a name with a comma in double quotes' },
  symbols: { value: 'A,B', help: 'these symbol codes, on all venues unless --venues narrows it; one with a comma in double quotes' },
  from: { value: 'T', help: 'from T on (ISO 8601, UTC unless it says otherwise, or nanoseconds), a multiple of the slice' },
  to: { value: 'T', help: 'before T' },
  slice: { value: 'D', help: 'length of a partition: 1d (default), 6h, 1h, …; divides a day' },
  param: { value: 'K=V', help: 'a parameter of the job; several values (k=1,2) or several times: a sweep', many: true },
  'all-variants': { help: 'every variant that the table has, besides those of --param' },
  'snapshots-from': { value: 'U', help: 'begin at the restart points that lie there, in place of those beside the logs' },
  'snapshots-to': { value: 'U', help: 'of the job snapshots: write them there, in folders of the same names, and not beside the logs' },
  'max-skew': { value: 'D', help: 'how far exchange time may be off record time, in place of what the job says (5s)' },
  'on-error': ON_ERROR,
  foreign: {
    value: FOREIGN_CHOICES.join('|'),
    help: 'rows that another program changed or added where the run has to write: keep leaves them, replace makes them anew (default: refuse)',
  },
  check: {
    value: 'N|off',
    help: 'make so many partitions, drawn by the run’s id, a second time from other starts, and commit nothing if rows differ (default: some, of code of one’s own that was not yet checked in the table)',
  },
  effects: EFFECTS,
  'no-types': { help: 'do not check the types of the job module' },
  workers: { value: 'N', help: 'worker threads (default: number of processors, or one for each 4 MiB to read)' },
  endpoint: ENDPOINT,
}

/** What a command line asks for, planned and not written. */
export interface PlannedCommand {
  readonly plan: RunPlan
  readonly bundle: JobBundle
  readonly archiveUri: string
  readonly tableUri: string
}

/** Plans the run of a command line; writes nothing. @throws ReplayError input `usage`, and those of `requestOf`, `planRun` */
export async function planCommand(input: CommandInput): Promise<PlannedCommand> {
  const { archive: archiveUri, table: tableUri } = requiredOptions(input, { archive: ARCHIVE, table: TABLE })
  if (!isS3Uri(archiveUri) && !fs.statSync(archiveUri, { throwIfNoEntry: false })?.isDirectory())
    throw badOption('archive', 'the folder of an archive, or s3://…', archiveUri)
  requireTablePlace(tableUri)
  const [name] = input.positionals as [string]
  const cloud = cloudOf(input)
  const [table, archive] = [cloud.open(tableUri), cloud.open(archiveUri)]
  const live = await readCommittedParts(table)
  // Some more tasks than workers: when the first ones are done early, there is something left to share.
  const minTasks = 4 * (countOption(input, 'workers') ?? os.availableParallelism())
  const { request, bundle } = await requestOf(input, name, { archive: archive.uri, live, minTasks, defaultCheck: 'new' })
  const restarts = request.restarts === undefined ? undefined : cloud.open(request.restarts)
  return { plan: await planRequest(request, { archive, table, live, restarts }), bundle, archiveUri, tableUri }
}

/** Where restart points are written to, or begun at; undefined: beside the logs. @throws ReplayError input `usage` */
function restartsPlace(input: CommandInput, { name, writesRestartPoints }: JobOutline): string | undefined {
  const [right, wrong] = writesRestartPoints ? (['to', 'from'] as const) : (['from', 'to'] as const)
  const misplaced = input.text(`snapshots-${wrong}`)
  if (misplaced === undefined) return input.text(`snapshots-${right}`)
  const message = `--snapshots-${wrong}: job ${name} ${writesRestartPoints ? 'writes restart points' : 'begins at restart points'}; that is --snapshots-${right}`
  throw new ReplayError('usage', message, { category: 'input' })
}

/** What a command line asks for. */
export interface AskedRun {
  readonly request: RunRequest
  readonly bundle: JobBundle
}

/**
 * Reads the job and the options that say what to run.
 * @param more the archive's URI, what is in the table, limits of tasks, and what `--check` is by default for code of one's own
 * @throws ReplayError input `usage`, and those of `bundleJob`, `loadJob`, `outlineJob`
 */
export async function requestOf(
  input: CommandInput,
  name: string,
  {
    live,
    defaultCheck,
    ...more
  }: Pick<RunRequest, 'archive' | 'minTasks' | 'taskBytes' | 'minTaskSeconds'> & {
    readonly live: LiveParts
    readonly defaultCheck: 'new' | 'off'
  },
): Promise<AskedRun> {
  const types = input.flag('no-types') ? Promise.resolve() : checkJobTypes(name)
  types.catch(() => {}) // told below, unless the module is no module at all
  const maxSkew = input.text('max-skew')
  const bundle = await bundleJob(name, { maxSkew })
  await types
  const onEffects = choiceOption(input, 'effects', EFFECT_CHOICES) ?? 'warn'
  const job = await loadJob(bundle.code, name, bundle.map, onEffects === 'block')
  if (maxSkew !== undefined && job.clock !== 'exchange') throw badOption('max-skew', 'a job that goes by the exchange’s clock', name)
  const createdMs = Date.now()
  const { fromNs, toNs } = rangeOption(input)
  const slice = input.text('slice')
  const isBuiltin = Object.hasOwn(BUILTIN_JOBS, name)
  const check = checkOption(input) ?? (isBuiltin ? 'off' : defaultCheck)
  const [venues, symbols] = [listOption(input, 'venues'), listOption(input, 'symbols')]
  const onForeign = choiceOption(input, 'foreign', FOREIGN_CHOICES)
  const outline = outlineJob(job, parseParams(job, input.texts('param')), live, input.flag('all-variants'))
  const restarts = restartsPlace(input, outline)
  const request: RunRequest = {
    version: 1,
    run: newRunId(createdMs, Math.random),
    createdMs,
    source: isBuiltin ? name : path.resolve(name),
    bundle: bundle.hash,
    engine: await engineHash(),
    outline,
    ...more,
    ...(restarts !== undefined && { restarts }),
    ...(venues !== undefined && { venues }),
    ...(symbols !== undefined && { symbols }),
    ...(fromNs !== undefined && { fromNs: String(fromNs) }),
    ...(toNs !== undefined && { toNs: String(toNs) }),
    ...(slice !== undefined && { slice }),
    ...(maxSkew !== undefined && { maxSkew }),
    ...(choiceOption(input, 'on-error', ON_ERROR_CHOICES) === 'skip' && { onCorrupt: 'skip' }),
    ...(onForeign !== undefined && { onForeign }),
    ...(bundle.effects !== undefined && bundle.effects.length > 0 && { effects: bundle.effects }),
    ...(onEffects === 'block' && { blocksEffects: true }),
    ...(onEffects === 'warn' && { tellsEffects: true }),
    ...(check !== 'off' && { check }),
  }
  return { request, bundle }
}

/** How many partitions are made a second time. @throws ReplayError input `usage` */
function checkOption(input: CommandInput): number | 'off' | undefined {
  const text = input.text('check')
  if (text === undefined || text === 'off') return text
  if (!/^[1-9]\d{0,8}$/.test(text)) throw badOption('check', 'a number of partitions, or off', text)
  return Number(text)
}
