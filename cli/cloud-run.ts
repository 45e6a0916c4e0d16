import { ReplayError } from '../core/errors.ts'
import { RUNS_FOLDER, runFiles, splitRunUri } from '../core/plan/run/run-files.ts'
import { findSubmission, type RunSubmission } from '../core/plan/run-request.ts'
import type { ObjectStore } from '../core/store/object-store.ts'
import { isS3Uri } from '../core/store/open-store.ts'
import { type Cloud, cloudOf } from './cloud-clients.ts'
import type { CommandInput } from './command.ts'
import { commandText } from './output.ts'

/** A run on S3. */
export interface CloudRun {
  readonly cloud: Cloud
  readonly table: ObjectStore
  readonly tableUri: string
  readonly run: string
  readonly submission: RunSubmission
}

/** The table and id of the run that a command line names. @throws ReplayError input `usage`, `run-id` */
export function runOf(input: CommandInput, command: string): { readonly tableUri: string; readonly run: string } {
  const [given] = input.positionals as [string]
  const split = splitRunUri(given)
  const table = input.text('table')
  if (split !== null) {
    if (table === undefined) return { tableUri: split.table, run: split.run }
    throw new ReplayError('usage', `${command}: the URI of a run tells its table, so that --table is one too many`, { category: 'input' })
  }
  if (table !== undefined) return { tableUri: table.replace(/(?<=.)\/+$/, ''), run: given }
  const expected = `<table>/${RUNS_FOLDER}<id>, or an id with --table`
  throw new ReplayError('usage', `${command}: expected ${expected}; found ${JSON.stringify(given)}`, { category: 'input' })
}

/** The URI of a run, with which it is found again. */
export function runUri(tableUri: string, run: string): string {
  return `${tableUri.replace(/\/+$/, '')}/${RUNS_FOLDER}${run}`
}

/** The run, which has to be on AWS. @throws ReplayError input `run-local`, and those of `findCloudRun` */
export async function openCloudRun(input: CommandInput, command: string): Promise<CloudRun> {
  const found = await findCloudRun(input, command)
  if (found !== null) return found
  const { tableUri, run } = runOf(input, command)
  const message = `run ${run} was not submitted: it runs where it was started, and ends with Ctrl-C; ${command} is for runs on AWS; see: ${commandText(['chronicle-replay', 'report', tableUri, '--run', run])}`
  throw new ReplayError('run-local', message, { category: 'input' })
}

/**
 * The run if it was submitted; null for one that runs where it was started, be its table here or on S3.
 * @throws ReplayError input `usage`, `run-unknown`; corrupt `plan-document`
 */
export async function findCloudRun(input: CommandInput, command: string): Promise<CloudRun | null> {
  const { tableUri, run } = runOf(input, command)
  if (!isS3Uri(tableUri)) return null
  const cloud = cloudOf(input)
  const table = cloud.open(tableUri)
  const submission = await findSubmission(table, run)
  if (submission !== null) return { cloud, table, tableUri, run, submission }
  if ((await table.get(runFiles(run).plan)) !== null) return null
  const message = `run ${run} was never submitted, or has not begun`
  throw new ReplayError('run-unknown', message, { category: 'input', path: runUri(tableUri, run) })
}
