import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import vm from 'node:vm'
import type { BuildFailure } from 'esbuild'
import { ReplayError } from '../errors.ts'
import { nearest } from '../nearest-word.ts'
import { BUILTIN_JOBS } from './builtin/index.ts'
import { isJob } from './define-job.ts'
import type { JobDefinition } from './job-definition.ts'
import { jobLibrary } from './job-library.ts'

/** The code of a job: one JavaScript file, whose hash is its version. */
export interface JobBundle {
  readonly code: string
  /** SHA-256 of the code, 32 hex digits. */
  readonly hash: string
}

/** What a run sets in place of what the job says. */
export interface JobSettings {
  /** `maxSkew` of the job. */
  readonly maxSkew?: string | undefined
}

/**
 * Bundles a job module, or makes the stub of a built-in job. The same sources give the same bytes wherever they lie:
 * paths are relative to the module, and there is no source map. `chronicle-replay` stays outside: it is the host's.
 * @param job name of a built-in job, or path of a module in TypeScript or JavaScript
 * @param settings become part of the code, so that rows of other settings are other rows
 * @throws ReplayError input `job-unknown`, `job-bundle`
 */
export async function bundleJob(job: string, settings: JobSettings = {}): Promise<JobBundle> {
  if (Object.hasOwn(BUILTIN_JOBS, job))
    return bundleOf(`module.exports = require("chronicle-replay").BUILTIN_JOBS[${JSON.stringify(job)}]\n`, settings)
  const entry = path.resolve(job)
  if (!fs.statSync(entry, { throwIfNoEntry: false })?.isFile()) throw unknownJob(job)
  // Only here: the image runs bundles and makes none.
  const { build } = await import('esbuild')
  try {
    const result = await build({
      entryPoints: [`./${path.basename(entry)}`],
      absWorkingDir: path.dirname(entry),
      bundle: true,
      write: false,
      // A function body: it loads anywhere, and its `require` decides what `chronicle-replay` is.
      format: 'cjs',
      platform: 'node',
      target: 'node24',
      external: ['chronicle-replay'],
      sourcemap: false,
      legalComments: 'none',
      charset: 'utf8',
      treeShaking: true,
      // Settings of the place where the module happens to lie must not change its code.
      tsconfigRaw: {},
      logLevel: 'silent',
    })
    return bundleOf(result.outputFiles[0]!.text, settings)
  } catch (error) {
    throw new ReplayError('job-bundle', `the job module cannot be bundled: ${reasonOf(error)}`, {
      category: 'input',
      path: job,
      cause: error,
    })
  }
}

/**
 * Runs a bundle and gives its job.
 * @param name what to call it in stack traces, e.g. the module's path
 * @throws ReplayError input `job-failed` when the module throws, `job-missing` when it exports no job
 */
export async function loadJob(code: string, name: string): Promise<JobDefinition> {
  const library = await jobLibrary().load()
  const own = createRequire(import.meta.url)
  const module: { exports: unknown } = { exports: {} }
  const requireOf = (id: string): unknown => (id === 'chronicle-replay' ? library : own(id))
  try {
    const run = vm.compileFunction(code, ['module', 'exports', 'require'], { filename: name }) as (...given: unknown[]) => void
    run(module, module.exports, requireOf)
  } catch (error) {
    if (error instanceof ReplayError) throw error
    throw new ReplayError('job-failed', `the job module throws when it is loaded: ${String(error)}`, {
      category: 'input',
      path: name,
      cause: error,
    })
  }
  const { exports } = module
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

function reasonOf(error: unknown): string {
  const [first] = (error as Partial<BuildFailure>).errors ?? []
  if (first === undefined) return error instanceof Error ? error.message : String(error)
  const { location, text } = first
  return location === null ? text : `${text} (${location.file}:${location.line})`
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
