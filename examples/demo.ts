/**
 * `npm start`: makes a small synthetic archive, runs a job with a sweep over it, asks DuckDB about the rows and writes a
 * report. It does nothing but give command lines, which it shows, and needs no network.
 */
import fs from 'node:fs'
import path from 'node:path'
import { main } from '../cli/main.ts'
import { commandText } from '../cli/output.ts'

const job = path.relative('.', path.join(import.meta.dirname, 'signal-sweep-job.ts'))
fs.rmSync('demo', { recursive: true, force: true })

await step(
  'A synthetic archive: 8 symbols, 2 days; books, trades and tickers. What is to be found in it: imbalance pulls at the price, for a while',
  'generate demo/archive --symbols 8 --messages 100000 --gaps 4',
)

await step(
  'A job of ten lines over all of it: imbalance of the book and mid price, in nine variants that share one pass',
  `run ${job} --archive demo/archive --table demo/signal --slice 6h --param every=10s,1m,5m --param depth=1,5,20`,
)

await step('Does imbalance tell where the price goes in the next bar? A correlation per variant, in SQL', 'query demo/signal', [
  `select every, depth, count(*) as bars, round(corr(imbalance, change), 3) as correlation,
     round(corr(imbalance, change) * sqrt(count(*)), 1) as t
   from (select *, lead(mid) over (partition by symbol, variant order by ts) / mid - 1 as change from t)
   where change is not null group by every, depth order by bars desc, depth`,
])

await step(
  'The same as a heat map, with the archive behind it: a report, one HTML file',
  'report demo/signal --out demo/report.html --metric',
  ['corr(imbalance, next_mid / mid - 1)'],
)

console.log(`Yes, best over 5 levels and for a short time: that is how the market was made. Its messages are few and its variants many, so that
starting threads and writing rows is most of the time above; README has the speed of long logs.

Open ${path.resolve('demo/report.html')} in a browser. Then try:
  npx chronicle-replay run ${job} --archive demo/archive --table demo/signal --slice 6h --param every=10s --param depth=10
  npx chronicle-replay query demo/signal "select depth, every, avg(abs(imbalance)) from t group by all order by all"
  npx chronicle-replay inspect demo/archive`)

/** Shows a command line and carries it out; one that fails ends the demo. */
async function step(what: string, command: string, more: readonly string[] = []): Promise<void> {
  const argv = [...command.split(' '), ...more]
  console.log(`${what}\n$ npx chronicle-replay ${commandText(argv).replaceAll(/\s+/g, ' ')}`)
  const code = await main(argv, {
    out: (data) => void process.stdout.write(data),
    // The demo itself says what comes next.
    err: (text) => void process.stderr.write(text.replace(/^next: .*\n/m, '')),
    redraws: process.stderr.isTTY === true,
    outIsTerminal: process.stdout.isTTY === true,
  })
  if (code !== 0) process.exit(code)
  console.log()
}
