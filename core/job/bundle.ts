import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { ReplayError } from '../errors.ts'
import { nearest } from '../nearest-word.ts'
import { bundleFailure, bundleModule, runModule } from '../user-module.ts'
import { BUILTIN_JOBS } from './builtin/index.ts'
import { isJob } from './define-job.ts'
import type { JobDefinition } from './job-definition.ts'
import { blockedGlobals, findEffects, type JobEffect, requirePureModule } from './job-effects.ts'
import { sourceOf } from './job-stack.ts'

/** The code of a job: one JavaScript file, whose hash is its version. */
export interface JobBundle {
  readonly code: string
  /** SHA-256 of the code, 32 hex digits. */
  readonly hash: string
  /** Source map, JSON; absent for a built-in job. It is no part of the hash: moving a comment changes no rows. */
  readonly map?: string
  /** What it depends on besides messages and parameters, as far as its words tell; absent for a built-in job. */
  readonly effects?: readonly JobEffect[]
}

/** What a run sets in place of what the job says. */
export interface JobSettings {
  /** `maxSkew` of the job. */
  readonly maxSkew?: string | undefined
}

/** Begin of a built-in job's code. */
const BUILTIN_STUB = 'module.exports = require("chronicle-replay").BUILTIN_JOBS['

/**
 * Bundles a job module (`bundleModule`), or makes the stub of a built-in job.
 * @param job name of a built-in job, or path of a module in TypeScript or JavaScript
 * @param settings become part of the code, so that rows of other settings are other rows
 * @throws ReplayError input `job-unknown`, `job-bundle`
 */
export async function bundleJob(job: string, settings: JobSettings = {}): Promise<JobBundle> {
  if (Object.hasOwn(BUILTIN_JOBS, job)) return bundleOf(`${BUILTIN_STUB}${JSON.stringify(job)}]\n`, settings)
  if (!fs.statSync(job, { throwIfNoEntry: false })?.isFile()) throw unknownJob(job)
  try {
    const { code, map } = await bundleModule(job)
    return { ...bundleOf(code, settings), map, effects: findEffects(code, map) }
  } catch (error) {
    throw new ReplayError('job-bundle', `the job module cannot be bundled: ${bundleFailure(error)}`, {
      category: 'input',
      path: job,
      cause: error,
    })
  }
}

/**
 * Runs a bundle and gives its job.
 * @param name what to call it in stack traces, e.g. the module's path
 * @param map its source map, for errors
 * @param blocksEffects whether what reaches beyond messages and parameters throws `job-effect`
 * @throws ReplayError input `job-failed` when the module throws, `job-missing` when it exports no job
 */
export async function loadJob(code: string, name: string, map?: string, blocksEffects = false): Promise<JobDefinition> {
  let exports: unknown
  try {
    const guard = blocksEffects ? { globals: blockedGlobals(), requireModule: requirePureModule } : undefined
    // A thread of a built-in job has no use for the rest of the library, and is up without it in two thirds of the time.
    const library = code.startsWith(BUILTIN_STUB) ? { BUILTIN_JOBS } : undefined
    exports = await runModule(code, name, guard, library)
  } catch (error) {
    if (error instanceof ReplayError) throw error
    const source = error instanceof Error ? sourceOf(error.stack ?? '', name, map) : null
    const at = source === null ? '' : ` at ${source}`
    throw new ReplayError('job-failed', `the job module throws when it is loaded: ${String(error)}${at}`, {
      category: 'input',
      path: name,
      cause: error,
    })
  }
  const job = isJob(exports) ? exports : (exports as { readonly default?: unknown } | null)?.default
  if (isJob(job)) return job
  throw new ReplayError('job-missing', 'expected a module with `export default defineJob({ … })`', { category: 'input', path: name })
}

function bundleOf(module: string, { maxSkew }: JobSettings): JobBundle {
  const code =
    maxSkew === undefined
      ? module
      : `${module};module.exports = { ...(module.exports.default ?? module.exports), maxSkew: ${JSON.stringify(maxSkew)} }\n`
  return { code, hash: createHash('sha256').update(code).digest('hex').slice(0, 32) }
}

function unknownJob(job: string): ReplayError {
  const names = Object.keys(BUILTIN_JOBS)
  const near = nearest(job, names)
  return new ReplayError(
    'job-unknown',
    `no built-in job and no module ${JSON.stringify(job)}${near === null ? '' : `, did you mean ${near}?`} Built-in: ${names.join(', ')}`,
    { category: 'input' },
  )
}
