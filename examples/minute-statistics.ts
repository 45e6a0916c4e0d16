/**
 * Statistics by minute over all symbols of an archive, in one call: a job of one's own is run into a table, in worker threads, and SQL is
 * asked what came out. A second time nothing is left to run.
 *
 *     node examples/minute-statistics.ts demo/archive demo/minutes
 */
import path from 'node:path'
import { FileStore, openTable, runJob } from '../core/index.ts'

const [archive = 'demo/archive', table = 'demo/minutes'] = process.argv.slice(2)
const job = path.join(import.meta.dirname, 'bars-job.ts')
const { run, rows, version } = await runJob({ job, archive, table, params: { every: '1m' } })
console.log(run === null ? `nothing to do: version ${version}` : `run ${run}: ${rows} rows, version ${version}`)

const query = await openTable(new FileStore(table))
const statistics = await query.rows(`
  select symbol, count(*) as minutes, sum(trades)::bigint as trades, round(avg(high / low - 1) * 1e4, 3) as range_bps
  from t group by symbol order by symbol`)
for (const { symbol, minutes, trades, range_bps } of statistics)
  console.log(`${symbol}  ${minutes} minutes, ${trades} trades, ${range_bps} bps from low to high`)
await query.close()
