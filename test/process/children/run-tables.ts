// Whole runs, one table after the other, each gone on from where an earlier process was ended: <archive> <tables> <first> <end>.
// Prints "ready", then "<number> done" for each. SIGTERM ends it as it ends the command line.
import '../../../core/provide-library.ts'
import fs from 'node:fs'
import path from 'node:path'
import { runLocally } from '../../../core/commit/run-local.ts'
import { bundleJob, loadJob } from '../../../core/job/bundle.ts'
import { FileStore } from '../../../core/store/file-store.ts'
import { planInto } from '../../support/job-runs.ts'

const [archive, tables, first, end] = process.argv.slice(2) as [string, string, string, string]
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort(new Error('SIGTERM')))
const bundle = await bundleJob('book-features')
const job = await loadJob(bundle.code, 'book-features')
process.stdout.write('ready\n')
try {
  for (let n = Number(first); n < Number(end) && !stop.signal.aborted; n++) {
    const table = new FileStore(path.join(tables, String(n)))
    const [planned] = fs.globSync('_chronicle/runs/*/plan.json', { cwd: table.uri })
    const options = { archive: new FileStore(archive), table, bundle, job, params: { every: '5m' }, slice: '6h', minTasks: 4 }
    const run = planned === undefined ? await planInto(options) : planned.split(path.sep)[2]!
    await runLocally({ tableUri: table.uri, run, workers: 1 + (n % 2), clock: Date.now, random: Math.random, signal: stop.signal })
    process.stdout.write(`${n} done\n`)
  }
} catch (error) {
  if (!stop.signal.aborted) throw error
}
// Also where it was asked between two tables.
if (stop.signal.aborted) process.exitCode = 143
