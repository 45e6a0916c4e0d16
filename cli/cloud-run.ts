import { ReplayError } from '../core/errors.ts'
import { RUNS_FOLDER, splitRunUri } from '../core/job/run-files.ts'
import { findRequest, type RunSubmission } from '../core/job/run-request.ts'
import type { ObjectStore } from '../core/store/object-store.ts'
import { isS3Uri } from '../core/store/open-store.ts'
import { type Cloud, cloudOf } from './cloud-clients.ts'
import type { CommandInput } from './command.ts'

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

/** @throws ReplayError input `usage`, `run-local`, `run-unknown`; corrupt `plan-document` */
export async function openCloudRun(input: CommandInput, command: string): Promise<CloudRun> {
  const { tableUri, run } = runOf(input, command)
  if (!isS3Uri(tableUri)) {
    const message = `run ${run} is of a local table: it runs where it was started, and ends with Ctrl-C; ${command} is for runs that were submitted`
    throw new ReplayError('run-local', message, { category: 'input' })
  }
  const cloud = cloudOf(input)
  const table = cloud.open(tableUri)
  const request = await findRequest(table, run)
  if (request?.submission !== undefined) return { cloud, table, tableUri, run, submission: request.submission }
  const message = request === null ? `run ${run} was never submitted, or has not begun` : `run ${run} was not submitted to a stack`
  throw new ReplayError('run-unknown', message, { category: 'input', path: runUri(tableUri, run) })
}
