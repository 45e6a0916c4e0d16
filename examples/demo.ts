/**
 * `npm start`: makes a small synthetic archive, replays all its symbols in a pool of worker threads into Parquet,
 * and asks DuckDB about the result.
 */
import fs from 'node:fs'
import path from 'node:path'
import { generateArchive, MultiSymbolReplay, openQuery } from '../core/index.ts'

const folder = path.resolve('demo')
const archive = path.join(folder, 'archive')
const trades = path.join(folder, 'trades')

fs.rmSync(folder, { recursive: true, force: true })
fs.mkdirSync(trades, { recursive: true })

console.log('1. A synthetic archive: 8 symbols, 2 days, books, trades and tickers')
const { messages } = await generateArchive(archive, { symbols: 8, messages: 100_000, seed: 1 })
console.log(`   ${messages.toLocaleString('en-US')} messages in ${path.relative('.', archive)}\n`)

console.log('2. Every symbol replayed in a pool of worker threads; its trades into Parquet')
const replay = new MultiSymbolReplay(archive).addAllSymbols().onFailure('abort')
const { results, read, durationMs } = await replay.run(new URL('./trades-pipeline.ts', import.meta.url), { folder: trades })
for (const { symbol, stats } of results) console.log(`   ${symbol}  read ${stats!.read}, wrote ${stats!.written.parquet} trades`)
console.log(`   ${read.toLocaleString('en-US')} messages in ${(durationMs / 1000).toFixed(2)} s\n`)

console.log('3. SQL over the result')
const query = await openQuery(trades)
const sql = `select symbol, count(*) as trades, min(price) as low, max(price) as high,
  round(sum(price * qty) / sum(qty), 4) as vwap from t group by symbol order by symbol`
await query.write(sql, 'table', (text) => void process.stdout.write(text))
await query.close()

console.log(`
Next:
  npx chronicle-replay inspect demo/archive
  npx chronicle-replay replay demo/archive --types trade --decode --csv trades.csv
  npx chronicle-replay query demo/trades "select date_trunc('hour', ts) as hour, count(*) from t group by all order by all"`)
