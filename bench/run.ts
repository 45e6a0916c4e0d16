/**
 * `npm run bench [-- --messages N --runs N --cases a,b --folder D --fresh --json --help]`: every case in fresh processes, and
 * again after three other pipelines ran in them (not with `--fresh`); the median of the runs. With `--against` each case runs in turn with a peer, a case or
 * any command line, and what counts is the median of their ratios. `--into README.md` measures in this way what the README tells,
 * and writes its table. Small by default; figures to tell are of `--messages 8388608` (1 GiB).
 */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { CASES } from './cases.ts'
import { measureFigures } from './figures.ts'
import { benchLoad } from './load.ts'
import { type Paired, type Run, runCase, runPairs } from './pairs.ts'

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '200000' },
    runs: { type: 'string', default: '5' },
    cases: { type: 'string' },
    against: { type: 'string' },
    into: { type: 'string' },
    folder: { type: 'string', default: path.join(os.tmpdir(), 'chronicle-replay-bench') },
    fresh: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  const cases = Object.entries(CASES).map(([name, { unit, bare, target }]) =>
    [`  ${name.padEnd(24)} ${unit}/s`, bare && `compared with ${bare}`, target && `asked for: ${target.toLocaleString('en')}`]
      .filter(Boolean)
      .join(' · '),
  )
  console.log(
    `npm run bench -- [--messages N] [--runs N] [--cases a,b] [--folder D] [--fresh] [--json]\n                 [--against CASE|COMMAND] [--into README.md]\n\ncases:\n${cases.join('\n')}`,
  )
  process.exit(0)
}
const names = values.cases === undefined ? Object.keys(CASES) : values.cases.split(',')
fs.mkdirSync(values.folder, { recursive: true })
await benchLoad(values.folder, Number(values.messages))

if (values.into !== undefined) {
  measureFigures(values.into, values.cases === undefined ? null : names, Number(values.runs), values)
  process.exit(0)
}
if (values.against !== undefined) {
  compare(values.against)
  process.exit(0)
}
const medians = new Map<string, Run>()
const rows: Record<string, unknown>[] = []
for (const name of ['raw-read', ...names.filter((other) => other !== 'raw-read')]) {
  const spec = CASES[name]
  if (spec === undefined) throw new Error(`no case ${name}; there are: ${Object.keys(CASES).join(', ')}`)
  const fresh = measure(name, false)
  medians.set(name, fresh)
  const polluted = values.fresh || name === 'raw-read' || name.startsWith('bare-') ? null : measure(name, true)
  if (polluted !== null && polluted.hash !== fresh.hash) throw new Error(`${name}: other messages after other pipelines ran`)
  rows.push(rowOf(name, fresh, polluted))
  if (!values.json) console.log(lineOf(rows.at(-1)!))
}
if (values.json) console.log(JSON.stringify({ messages: Number(values.messages), node: process.version, rows }))

function measure(name: string, isPolluted: boolean): Run {
  const runs = Array.from({ length: Number(values.runs) }, () => runCase(name, values, isPolluted))
  if (new Set(runs.map(({ hash }) => hash)).size > 1) throw new Error(`${name}: runs disagree`)
  return runs.sort((a, b) => a.count / a.ms - b.count / b.ms)[Math.floor(runs.length / 2)]!
}

function compare(peer: string): void {
  const pairs = Number(values.runs)
  const rows = names.map((name) => {
    const spec = CASES[name]
    if (spec === undefined) throw new Error(`no case ${name}; there are: ${Object.keys(CASES).join(', ')}`)
    const row: Paired = { ...runPairs(name, { line: peer, isCase: peer in CASES }, pairs, values), unit: spec.unit }
    if (!values.json) console.log(pairedLine(name, row))
    return { name, ...row }
  })
  if (values.json) console.log(JSON.stringify({ messages: Number(values.messages), node: process.version, against: peer, pairs, rows }))
}

function pairedLine(name: string, { perSecond, peerPerSecond, ratio, least, greatest, unit }: Paired): string {
  return `${name.padEnd(20)}  ${rateText(perSecond)} ${unit}/s  peer ${rateText(peerPerSecond)}/s  ratio ${ratio.toFixed(2)} (${least.toFixed(2)} to ${greatest.toFixed(2)})`
}

function rowOf(name: string, fresh: Run, polluted: Run | null): Record<string, unknown> {
  const spec = CASES[name]!
  const perSecond = (run: Run): number => (run.count / run.ms) * 1000
  const raw = medians.get('raw-read')!
  const bare = spec.bare === undefined ? undefined : medians.get(spec.bare)
  const bytes = spec.unit === 'messages' ? (fresh.count * 128 * 1000) / fresh.ms : undefined
  return {
    name,
    unit: spec.unit,
    perSecond: perSecond(fresh),
    perSecondAfterOthers: polluted === null ? null : perSecond(polluted),
    target: spec.target ?? null,
    bytesPerSecond: bytes ?? null,
    ofRawRead: bytes === undefined ? null : bytes / perSecond(raw),
    ofBare: bare === undefined ? null : perSecond(fresh) / perSecond(bare),
    perCpuSecond: (fresh.count / fresh.cpuMs) * 1000,
    maxRssBytes: fresh.maxRssBytes,
    hash: fresh.hash,
  }
}

function lineOf(row: Record<string, unknown>): string {
  const ratio = (value: unknown): string => (value === null ? '-' : Number(value).toFixed(2)).padStart(5)
  return [
    String(row.name).padEnd(20),
    `${rateText(row.perSecond)} ${String(row.unit)}/s`.padEnd(22),
    `after others ${rateText(row.perSecondAfterOthers)}`,
    `target ${rateText(row.target)}`,
    `of raw read ${ratio(row.ofRawRead)}`,
    `of bare ${ratio(row.ofBare)}`,
    `a CPU second ${rateText(row.perCpuSecond)}`,
    `RSS ${(Number(row.maxRssBytes) / 1e6).toFixed(0).padStart(4)} MB`,
    String(row.hash),
  ].join('  ')
}

function rateText(value: unknown): string {
  return (value === null ? '-' : Number(value) >= 1e5 ? `${(Number(value) / 1e6).toFixed(2)} M` : Number(value).toFixed(0)).padStart(9)
}
