import process from 'node:process'
import { commitRun } from '../../../core/commit/commit.ts'
import { FileStore } from '../../../core/store/file-store.ts'
import { openTable } from '../../../core/table/table-query.ts'
import { makeFirm, planFirm } from '../../support/firm-run.ts'

/*
 * One step of a firm-wide run, as a container of its own: `plan FOLDER SYMBOLS RUN`, `commit FOLDER RUN`; `make FOLDER RUN MODULUS REST`
 * stands for the tasks whose number is, or with a negative rest is not, of that rest; `query FOLDER SYMBOL MONTH`.
 */
const [step, folder, ...rest] = process.argv.slice(2) as [string, string, ...string[]]
const table = new FileStore(folder)
const startedMs = performance.now()
const result = await run()
const { maxRSS } = process.resourceUsage()
console.log(JSON.stringify({ step, result, seconds: (performance.now() - startedMs) / 1000, maxRssMb: Math.round(maxRSS / 1024) }))

async function run(): Promise<unknown> {
  if (step === 'plan') return planFirm(table, Number(rest[0]), rest[1]!)
  if (step === 'commit') {
    const { state, version, partitions, added, removed, warning } = await commitRun(table, rest[0]!, {
      clock: Date.now,
      random: Math.random,
    })
    return { state, version, partitions, added, removed, warning }
  }
  if (step === 'make') {
    const [modulus, wanted] = [Number(rest[1]), Number(rest[2])]
    return makeFirm(table, rest[0]!, (task) => (wanted < 0 ? task % modulus !== -wanted - 1 : task % modulus === wanted))
  }
  const query = await openTable(table)
  const rows = await query.rows(
    `select count(*) as n, sum(price) as price from t where symbol = '${rest[0]}' and date between '${rest[1]}-01' and '${rest[1]}-31'`,
  )
  await query.close()
  return rows
}
