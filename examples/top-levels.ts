/**
 * The best three levels of both sides, once a second, into Parquet: built-in columns at the end of a pipeline.
 *
 *     node examples/top-levels.ts demo/archive/v1/synthetic/btcusdt/2024-01-01/book top.parquet
 */
import { FeatureSink, ReplayPipeline, ReplayReader } from '../core/index.ts'

const [log, file = 'top.parquet'] = process.argv.slice(2) as [string, string?]
const sink = new FeatureSink({ columns: 'mid,top:3', trigger: '1s', parquet: file })
const { read } = await ReplayPipeline.fromSource(await ReplayReader.open(log))
  .sink(sink)
  .run()
console.log(`${read} messages, ${sink.stats.rows} rows in ${file}`)
