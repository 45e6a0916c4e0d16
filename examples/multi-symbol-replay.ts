/**
 * Every symbol of an archive replayed in a pool of worker threads, its trades into a Parquet file of its own:
 *
 *   node examples/multi-symbol-replay.ts demo/archive trades
 */
import fs from 'node:fs'
import { MultiSymbolReplay } from '../core/index.ts'

const [archive, folder] = process.argv.slice(2) as [string, string]
fs.mkdirSync(folder, { recursive: true })

const replay = new MultiSymbolReplay(archive).addAllSymbols().onFailure('abort')
const { results, read, durationMs } = await replay.run(new URL('./trades-pipeline.ts', import.meta.url), { folder })

for (const { symbol, stats } of results) console.log(`${symbol}  read ${stats!.read}, wrote ${stats!.written.parquet} trades`)
console.log(`${read.toLocaleString('en-US')} messages in ${(durationMs / 1000).toFixed(2)} s`)
