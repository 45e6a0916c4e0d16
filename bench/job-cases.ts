import fs from 'node:fs'
import path from 'node:path'
import { runLocally } from '../core/commit/run-local.ts'
import '../core/provide-library.ts'
import { bundleJob, loadJob } from '../core/job/bundle.ts'
import { engineHash } from '../core/job/engine-hash.ts'
import { outlineJob } from '../core/job/job-outline.ts'
import { planRun } from '../core/plan/plan.ts'
import { writePlan } from '../core/plan/run/plan-writer.ts'
import { newRunId } from '../core/plan/run/run-files.ts'
import { FileStore } from '../core/store/file-store.ts'
import type { BenchCase, MessageHash, Timed } from './bench-case.ts'
import type { BenchLoad } from './load.ts'
import { runJob, tableSum } from './made/job-run.ts'

const VARIANTS = 32

/**
 * Jobs from plan to commit, the worker threads of the `run` cases included. What they are compared with:
 * 32 variants take at most 4 times as long as one (0.25), a job at most 1.15 times as long as its features in a plain pipeline
 * (0.87 of `features-parquet`), two workers half as long as one (1.8).
 */
export const JOB_CASES: Readonly<Record<string, BenchCase>> = {
  'sweep-1': { unit: 'messages', run: (load, hash) => sweep('depth-job', load, 1, hash) },
  'sweep-32': { unit: 'messages', bare: 'sweep-1', run: (load, hash) => sweep('depth-job', load, VARIANTS, hash) },
  'sweep-trades-1': { unit: 'messages', run: (load, hash) => sweep('../../examples/flow-job', load, 1, hash) },
  'sweep-trades-32': {
    unit: 'messages',
    bare: 'sweep-trades-1',
    run: (load, hash) => sweep('../../examples/flow-job', load, VARIANTS, hash),
  },
  'partitioned-days': { unit: 'rows', bare: 'features-parquet', run: (load, hash) => partitioned(load, '1d', hash) },
  'partitioned-hours': { unit: 'rows', bare: 'features-parquet', run: (load, hash) => partitioned(load, '1h', hash) },
  'job-seconds': { unit: 'messages', bare: 'features-seconds', run: (load, hash) => seconds(load, 0, hash) },
  'job-seconds-row': { unit: 'messages', bare: 'features-seconds', run: (load, hash) => seconds(load, 1, hash) },
  'run-1': { unit: 'messages', run: (load, hash) => wholeRun(load, 1, hash) },
  'run-2': { unit: 'messages', bare: 'run-1', run: (load, hash) => wholeRun(load, 2, hash) },
}

function sweep(job: string, { dense, folder, bookMessages }: BenchLoad, variants: number, hash: MessageHash | null): Promise<Timed> {
  const params = { depth: Array.from({ length: variants }, (_, i) => i + 1) }
  return timed(folder, hash, async (table) => {
    await runJob({ archive: new FileStore(dense), table, job: jobFile(job), params })
    return bookMessages
  })
}

function partitioned({ l2, folder }: BenchLoad, slice: string, hash: MessageHash | null): Promise<Timed> {
  return timed(folder, hash, async (table) => {
    const { commit } = await runJob({ archive: new FileStore(l2), table, job: jobFile('events-job'), slice })
    return commit!.added.rows
  })
}

function seconds({ dense, folder, bookMessages }: BenchLoad, handler: number, hash: MessageHash | null): Promise<Timed> {
  return timed(folder, hash, async (table) => {
    await runJob({ archive: new FileStore(dense), table, job: jobFile('seconds-job'), params: { handler: [handler] } })
    return bookMessages
  })
}

/** Eight symbols, a task for each: as `chronicle-replay run` does it. */
function wholeRun({ symbols, folder }: BenchLoad, workers: number, hash: MessageHash | null): Promise<Timed> {
  return timed(folder, hash, async (table) => {
    const bundle = await bundleJob(jobFile('events-job'))
    const createdMs = Date.now()
    const plan = await planRun({
      archive: new FileStore(symbols),
      outline: outlineJob(await loadJob(bundle.code, 'events-job.ts')),
      code: { bundle: bundle.hash, engine: await engineHash() },
      run: newRunId(createdMs, Math.random),
      createdMs,
      minTasks: 4 * workers,
    })
    await writePlan(table, plan, bundle.code)
    const { failures, messages } = await runLocally({
      tableUri: table.uri,
      run: plan.head.run,
      workers,
      clock: Date.now,
      random: Math.random,
    })
    if (failures.length > 0) throw new Error(failures[0]!.message)
    return messages
  })
}

/** Runs into a table of its own, whose checksum is not timed. */
async function timed(folder: string, hash: MessageHash | null, run: (table: FileStore) => Promise<number>): Promise<Timed> {
  const table = new FileStore(fs.mkdtempSync(path.join(folder, 'table-')))
  try {
    const startedMs = performance.now()
    const count = await run(table)
    const ms = performance.now() - startedMs
    if (hash !== null) hash.addNumbers(Float64Array.from(Buffer.from(await tableSum(table))))
    return { count, ms }
  } finally {
    fs.rmSync(table.uri, { recursive: true, force: true })
  }
}

function jobFile(name: string): string {
  return path.join(import.meta.dirname, 'jobs', `${name}.ts`)
}
