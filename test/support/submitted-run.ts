import { bundleJob, loadJob } from '../../core/job/bundle.ts'
import { engineHash } from '../../core/job/engine-hash.ts'
import type { ParamGrid } from '../../core/job/job-definition.ts'
import { outlineJob } from '../../core/job/job-outline.ts'
import { newRunId, runFiles } from '../../core/plan/run/run-files.ts'
import { type RunRequest, writeRequest } from '../../core/plan/run-request.ts'
import { readCommittedParts } from '../../core/plan/table/committed-parts.ts'
import { openStore } from '../../core/store/open-store.ts'

let runs = 0

/** Writes what `submit` writes of a run, and returns the run's URI. */
export async function submitRun(
  job: string,
  tableUri: string,
  { params, ...more }: Pick<RunRequest, 'archive'> & Partial<RunRequest> & { readonly params?: ParamGrid },
): Promise<string> {
  const table = openStore(tableUri)
  const bundle = await bundleJob(job)
  const run = newRunId(1_723_161_255_000 + 1000 * runs++, Math.random)
  const outline = outlineJob(await loadJob(bundle.code, job), params, await readCommittedParts(table))
  await table.put(runFiles(run).bundle, Buffer.from(bundle.code))
  await writeRequest(table, { version: 1, run, createdMs: 1, bundle: bundle.hash, engine: await engineHash(), outline, ...more })
  return `${tableUri}/${runFiles(run).folder.replace(/\/$/, '')}`
}
