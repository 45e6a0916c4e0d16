// Commits runs of a table one after the other: <table> <first> <end>. Prints "<run number> <state> <version>" for each.

import { madeRunId } from '../../../bench/made/made-run.ts'
import { commitRun } from '../../../core/commit/commit.ts'
import { FileStore } from '../../../core/store/file-store.ts'

const [table, first, end] = process.argv.slice(2) as [string, string, string]
const store = new FileStore(table)
// Of the made receipts: their parts have no files, and a commit looks for those of parts that are old enough for a VACUUM.
const clock = (): number => 1_723_161_300_000
for (let n = Number(first); n < Number(end); n++) {
  const { state, version, warning } = await commitRun(store, madeRunId(n), { clock, random: Math.random })
  process.stdout.write(`${n} ${state} ${version} ${warning ?? ''}\n`)
}
