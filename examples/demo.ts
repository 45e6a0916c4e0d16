/**
 * `npm start`: makes a small synthetic archive, runs a job with a sweep over it, asks DuckDB about the rows and writes a
 * report. It does nothing but give command lines, which it shows, and needs no network.
 */
import fs from 'node:fs'
import path from 'node:path'
import { main } from '../cli/main.ts'
import { commandText } from '../cli/output.ts'

const job = path.relative('.', path.join(import.meta.dirname, 'flow-job.ts'))
fs.rmSync('demo', { recursive: true, force: true })

await step(
  'A synthetic archive: 8 symbols, 2 days; books, trades and tickers',
  'generate demo/archive --symbols 8 --messages 100000 --gaps 4',
)

await step(
  'A job of 30 lines over all of it: trade flow and book imbalance, six variants in one pass',
  `run ${job} --archive demo/archive --table demo/flow --slice 6h --param every=10s,1m --param depth=1,5,20`,
)

await step('What came out, in SQL', 'query demo/flow', [
  `select every, depth, count(*) as rows, round(corr(imbalance, flow), 4) as correlation, count(*) filter (gap) as after_gap
   from t group by every, depth order by every, depth`,
])

await step('A report: one HTML file', 'report demo/flow --out demo/report.html --metric', ['corr(imbalance, flow)'])

console.log(`Open ${path.resolve('demo/report.html')} in a browser. Then try:
  npx chronicle-replay run ${job} --archive demo/archive --table demo/flow --slice 6h --param every=10s --param depth=10
  npx chronicle-replay query demo/flow "select depth, every, avg(abs(flow)) from t group by all order by all"
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
