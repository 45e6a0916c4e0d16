import fs from 'node:fs'
import os from 'node:os'
import { CASES } from './cases.ts'
import { type Paired, type Place, runPairs } from './pairs.ts'

/** A line of README's table: a case in turn with its peer. */
interface Figure {
  readonly name: string
  readonly text: string
  readonly peer: string
  /** Ratio to the peer, at least. */
  readonly asked?: number
}

/** What the README tells. Bare loops come first: they say what the minutes were worth. */
const FIGURES: readonly Figure[] = [
  { name: 'bare-scan', text: '*bare* walk over records', peer: 'bare-crc' },
  { name: 'scan', text: 'scan without CRC', peer: 'bare-scan' },
  { name: 'scan-crc', text: 'scan, every CRC checked', peer: 'bare-crc', asked: 1.4 },
  { name: 'filter', text: 'time + type filter through `ReplayPipeline`, CRC of what passes', peer: 'bare-filter' },
  { name: 'filter-csv', text: 'filter + CSV', peer: 'bare-crc' },
  { name: 'parquet-tickers', text: 'tickers into Parquet', peer: 'bare-crc' },
  { name: 'seek', text: 'open + seek by time', peer: 'zstd-seek' },
  { name: 'zstd-scan', text: 'scan of `.q.zst`', peer: 'bare-zstd', asked: 0.8 },
  { name: 'l2-book', text: 'L2 book from a log, CRC checked', peer: 'bare-crc', asked: 0.45 },
  { name: 'l3-book', text: 'L3 book from a log, CRC checked', peer: 'bare-crc', asked: 0.5 },
  { name: 'features-parquet', text: 'four features per event into Parquet', peer: 'bare-crc', asked: 0.2 },
  { name: 'partitioned-days', text: 'the four features as a job, a part per day', peer: 'features-parquet', asked: 0.9 },
  { name: 'sweep-32', text: 'sweep of 32 variants, a row per second', peer: 'sweep-1', asked: 0.87 },
  { name: 'run-2', text: 'a job over 8 symbols, 2 workers', peer: 'run-1', asked: 1.85 },
]

/** Where the table stands in a Markdown file. */
const BEGIN = '<!-- figures: npm run bench -- --into README.md -->'
const END = '<!-- figures end -->'

/**
 * Measures what the README tells, each case in turn with its peer, and puts the table into a file, between two comments.
 * @param names the cases to measure; others have no line
 */
export function measureFigures(file: string, names: readonly string[] | null, pairs: number, place: Place): void {
  const text = fs.readFileSync(file, 'utf8')
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`${file}: expected "${BEGIN}" and "${END}"`)
  const startedMs = Date.now()
  const lines = FIGURES.filter(({ name }) => names?.includes(name) ?? true).map((figure) => {
    const line = lineOf(figure, runPairs(figure.name, { line: figure.peer, isCase: true }, pairs, place))
    console.log(line)
    return line
  })
  const head = [
    headOf(startedMs, pairs, place),
    '',
    '| case | per second | beside | ratio | asked for | peak RSS |',
    '| --- | --- | --- | --- | --- | --- |',
  ]
  // Read again: measuring takes a while.
  const now = fs.readFileSync(file, 'utf8')
  const [first, last] = [now.indexOf(BEGIN), now.indexOf(END)]
  fs.writeFileSync(file, `${now.slice(0, first)}${[BEGIN, ...head, ...lines, ''].join('\n')}${now.slice(last)}`)
}

function headOf(startedMs: number, pairs: number, { messages }: Place): string {
  const date = new Date(startedMs).toISOString().slice(0, 10)
  const load = os.loadavg()[1]!.toFixed(0)
  return (
    `Measured on ${date}: Node ${process.versions.node}, ${os.cpus().length} cores (load ${load} in the last five minutes), ` +
    `${Number(messages).toLocaleString('en')} messages of 64 bytes in page cache, one thread unless it says otherwise. Each case runs in ` +
    `turn with the one beside it, ${pairs} pairs of processes: medians, the spread of ratios in brackets. *Bare* is a loop without library.`
  )
}

function lineOf({ name, text, peer, asked }: Figure, paired: Omit<Paired, 'unit'>): string {
  const { perSecond, peerPerSecond, ratio, least, greatest, maxRssBytes } = paired
  const cells = [
    text,
    `${rateOf(perSecond)} ${CASES[name]!.unit}`,
    `\`${peer}\` ${rateOf(peerPerSecond)}`,
    `${ratio.toFixed(2)} (${least.toFixed(2)}–${greatest.toFixed(2)})`,
    asked === undefined ? '' : `≥ ${asked}`,
    `${(maxRssBytes / 1e6).toFixed(0)} MB`,
  ]
  return `| ${cells.join(' | ')} |`
}

function rateOf(perSecond: number): string {
  return perSecond >= 1e5 ? `${(perSecond / 1e6).toFixed(2)} M` : Math.round(perSecond).toLocaleString('en')
}
