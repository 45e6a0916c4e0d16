import type { LogBookSettings } from '../book/log-settings.ts'
import { ReplayError } from '../errors.ts'
import { jobError } from '../job/job-stack.ts'
import { usesBook } from '../job/row-schema.ts'
import { isBookStream } from '../plan/archive/instrument-days.ts'
import type { InputFolder } from '../plan/run/task-share.ts'
import { FeaturePass } from './feature-pass.ts'
import type { PassOptions, PassPlan, PassResult } from './pass-plan.ts'
import type { ChangedFolder, ShareFolders } from './pass-start.ts'
import { PipelinePass } from './pipeline-pass.ts'

/** The end of a pass: what is done, and what stopped it; `inWarmUp`: before its first partition that is not done began. */
export interface PassEnd {
  readonly done: readonly PassResult[]
  readonly error: ReplayError | null
  readonly inWarmUp: boolean
  /** The signal came: partitions that are neither done nor failed are given up. */
  readonly isAborted: boolean
}

/** Runs a pass; the rows of a cell go into a part as soon as it is over. */
export async function runPass(plan: PassPlan, options: PassOptions): Promise<PassEnd> {
  const { folders } = options
  const inputs = folders.foldersOf(plan.start, plan.partitions.at(-1)!.endNs, plan.window)
  let pass: FeaturePass | PipelinePass | null = null
  try {
    const changed = await folders.firstChanged(inputs)
    if (changed !== null) return await runBefore(plan, changed, options)
    if (options.job.pipeline !== undefined) pass = new PipelinePass(plan, inputs, options)
    else pass = new FeaturePass(plan, inputs, await settingsOf(plan, inputs, options), options)
    await pass.run()
    // What was read is what was planned only if it still is.
    const meanwhile = await folders.firstChanged(inputs)
    if (meanwhile !== null) return endBefore(plan, meanwhile, pass.done, folders)
    if (usesBook(options.job)) await folders.learn(inputs.filter(({ stream }) => isBookStream(stream)))
    return { done: pass.done, error: null, inWarmUp: false, isAborted: false }
  } catch (cause) {
    await pass?.rest()
    // Whatever was found in a folder that is still being written is no more than that.
    const changed = await folders.firstChanged(inputs).catch(() => null)
    if (options.signal?.aborted === true) {
      const done = pass?.done ?? []
      return { done: changed === null ? done : endBefore(plan, changed, done, folders).done, error: null, inWarmUp: false, isAborted: true }
    }
    const error = await errorOf(cause, plan, pass, options)
    if (pass === null || (changed === null && error.code === 'input-changed')) return { done: [], error, inWarmUp: true, isAborted: false }
    await pass.settle(false).catch(() => undefined)
    // A part that could not be finished is of an earlier partition than what failed meanwhile.
    const broken = await pass.rest()
    if (changed !== null && pass.done.length >= countBefore(plan, changed, folders)) return endBefore(plan, changed, pass.done, folders)
    return {
      done: pass.done,
      error: broken === null ? error : await errorOf(broken, plan, pass, options),
      inWarmUp: pass.isInWarmUp,
      isAborted: false,
    }
  } finally {
    pass?.abandon()
  }
}

/** Runs the partitions that do not read a folder which changed. */
async function runBefore(plan: PassPlan, changed: ChangedFolder, options: PassOptions): Promise<PassEnd> {
  const partitions = plan.partitions.slice(0, countBefore(plan, changed, options.folders))
  const inWarmUp = changed.folder.date < plan.partitions[0]!.date
  if (partitions.length === 0) return { done: [], error: changed.error, inWarmUp, isAborted: false }
  const end = await runPass({ ...plan, partitions }, options)
  return end.error !== null || end.isAborted ? end : { ...end, error: changed.error, inWarmUp: false }
}

/** Of a pass over a folder that changed meanwhile stays what came out before; the rest has parts already, so that it is left as a whole. */
function endBefore(plan: PassPlan, changed: ChangedFolder, done: readonly PassResult[], folders: ShareFolders): PassEnd {
  return { done: done.slice(0, countBefore(plan, changed, folders)), error: changed.error, inWarmUp: true, isAborted: false }
}

function countBefore({ partitions, start, window }: PassPlan, { folder }: ChangedFolder, folders: ShareFolders): number {
  const at = partitions.findIndex(({ endNs }) => folders.foldersOf(start, endNs, window).some(({ key }) => key === folder.key))
  return at < 0 ? partitions.length : at
}

/** How the book of a pass is to be built; null without one. */
async function settingsOf({ start }: PassPlan, inputs: readonly InputFolder[], options: PassOptions): Promise<LogBookSettings | null> {
  if (start.restart !== null) return start.restart.settings
  const book = usesBook(options.job) ? inputs.find(({ stream }) => isBookStream(stream)) : undefined
  return book === undefined ? null : options.folders.settingsOf(book)
}

/** What a job throws is the job's: its file is in the stack. Anything else that is no ReplayError is ours. */
async function errorOf(
  cause: unknown,
  { partitions }: PassPlan,
  pass: FeaturePass | PipelinePass | null,
  { job, jobFile, sourceMap }: PassOptions,
): Promise<ReplayError> {
  if (cause instanceof ReplayError) return cause
  const { venue, symbol } = partitions[0]!
  const error = jobError(cause, job.name, jobFile, await sourceMap().catch(() => undefined))
  if (error !== null)
    return new ReplayError(error.code, error.message, {
      category: 'input',
      cause,
      instrument: `${venue}/${symbol}`,
      ...pass?.placeOf(cause),
    })
  const stack = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
  return new ReplayError('task-failed', stack, { category: 'bug', cause })
}
