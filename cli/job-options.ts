import fs from 'node:fs'
import { readArchiveIndex } from '../core/job/archive-index.ts'
import { bundleJob, type JobBundle, loadJob } from '../core/job/bundle.ts'
import { readCommittedParts } from '../core/job/committed-parts.ts'
import { engineHash } from '../core/job/engine-hash.ts'
import { planRun, type RunPlan } from '../core/job/plan.ts'
import { newRunId } from '../core/job/run-files.ts'
import { parseParams } from '../core/job/variants.ts'
import { FileStore } from '../core/store/file-store.ts'
import { badOption, countOption, listOption, timeOption } from './arguments.ts'
import type { CommandInput, OptionSpec } from './command.ts'

/** Options of every command that plans a run. */
export const JOB_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  archive: { value: 'U', help: 'archive to read: v1/<venue>/<symbol>/<date>/<stream>/' },
  table: { value: 'U', help: 'table for the rows' },
  venues: { value: 'A,B', help: 'these venues only' },
  symbols: { value: 'A,B', help: 'these symbol codes, on all venues unless --venues narrows it' },
  from: { value: 'T', help: 'from T on (ISO 8601 UTC or nanoseconds), a multiple of the slice' },
  to: { value: 'T', help: 'before T' },
  slice: { value: 'D', help: 'length of a partition: 1d (default), 6h, 1h, …; divides a day' },
  param: { value: 'K=V', help: 'a parameter of the job; several values (k=1,2) or several times: a sweep', many: true },
  workers: { value: 'N', help: 'worker threads (default: number of processors)' },
}

/** What a command line asks for, planned and not written. */
export interface PlannedCommand {
  readonly plan: RunPlan
  readonly bundle: JobBundle
  readonly archiveUri: string
  readonly tableUri: string
}

/** Plans the run of a command line; writes nothing. @throws ReplayError input `usage`, and those of `planRun` */
export async function planCommand(input: CommandInput, workers: number): Promise<PlannedCommand> {
  const [archiveUri, tableUri] = [required(input, 'archive'), required(input, 'table')]
  if (!fs.statSync(archiveUri, { throwIfNoEntry: false })?.isDirectory()) throw badOption('archive', 'the folder of an archive', archiveUri)
  const [name] = input.positionals as [string]
  const [table, archive] = [new FileStore(tableUri), new FileStore(archiveUri)]
  const bundle = await bundleJob(name)
  const job = await loadJob(bundle.code, name)
  const createdMs = Date.now()
  const plan = await planRun({
    archive,
    job,
    code: { bundle: bundle.hash, engine: await engineHash() },
    run: newRunId(createdMs, Math.random),
    createdMs,
    params: parseParams(job, input.texts('param')),
    venues: listOption(input, 'venues'),
    symbols: listOption(input, 'symbols'),
    fromNs: timeOption(input, 'from'),
    toNs: timeOption(input, 'to'),
    slice: input.text('slice'),
    live: await readCommittedParts(table),
    facts: await readArchiveIndex(table),
    // Some more tasks than workers: when the first ones are done early, there is something left to share.
    minTasks: 4 * (countOption(input, 'workers') ?? workers),
  })
  return { plan, bundle, archiveUri, tableUri }
}

function required(input: CommandInput, option: string): string {
  const text = input.text(option)
  if (text === undefined || text === '') throw badOption(option, 'a path or URI', '')
  return text
}
