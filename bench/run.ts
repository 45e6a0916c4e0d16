/**
 * `npm run bench [-- --messages N --runs N --cases a,b --folder D --json --help]`: every case in fresh processes, and again
 * after three other pipelines ran in them; the median of the runs. Small by default; the README's figures are of
 * `--messages 8388608` (1 GiB).
 */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { CASES } from './cases.ts'
import { benchLoad } from './load.ts'

interface Run {
  readonly count: number
  readonly ms: number
  readonly maxRssBytes: number
  readonly hash: string
}

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '200000' },
    runs: { type: 'string', default: '5' },
    cases: { type: 'string' },
    folder: { type: 'string', default: path.join(os.tmpdir(), 'chronicle-replay-bench') },
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
  console.log(`npm run bench -- [--messages N] [--runs N] [--cases a,b] [--folder D] [--json]\n\ncases:\n${cases.join('\n')}`)
  process.exit(0)
}
const names = values.cases === undefined ? Object.keys(CASES) : values.cases.split(',')
fs.mkdirSync(values.folder, { recursive: true })
await benchLoad(values.folder, Number(values.messages))

const medians = new Map<string, Run>()
const rows: Record<string, unknown>[] = []
for (const name of ['raw-read', ...names.filter((other) => other !== 'raw-read')]) {
  const spec = CASES[name]
  if (spec === undefined) throw new Error(`no case ${name}; there are: ${Object.keys(CASES).join(', ')}`)
  const fresh = measure(name, false)
  medians.set(name, fresh)
  const polluted = spec.unit === 'bytes' || name.startsWith('bare-') ? null : measure(name, true)
  if (polluted !== null && polluted.hash !== fresh.hash) throw new Error(`${name}: other messages after other pipelines ran`)
  rows.push(rowOf(name, fresh, polluted))
  if (!values.json) console.log(lineOf(rows.at(-1)!))
}
if (values.json) console.log(JSON.stringify({ messages: Number(values.messages), node: process.version, rows }))

function measure(name: string, polluted: boolean): Run {
  const runs = Array.from({ length: Number(values.runs) }, () => {
    const argv = [path.join(import.meta.dirname, 'case.ts'), name, values.folder, values.messages, String(polluted)]
    const { stdout, stderr, status } = spawnSync(process.execPath, argv, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`case ${name} failed:\n${stderr}`)
    return JSON.parse(stdout) as Run
  })
  if (new Set(runs.map(({ hash }) => hash)).size > 1) throw new Error(`${name}: runs disagree`)
  return runs.sort((a, b) => a.count / a.ms - b.count / b.ms)[Math.floor(runs.length / 2)]!
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
    maxRssBytes: fresh.maxRssBytes,
    hash: fresh.hash,
  }
}

function lineOf(row: Record<string, unknown>): string {
  const rate = (value: unknown): string =>
    (value === null ? '-' : Number(value) >= 1e5 ? `${(Number(value) / 1e6).toFixed(2)} M` : Number(value).toFixed(0)).padStart(9)
  const ratio = (value: unknown): string => (value === null ? '-' : Number(value).toFixed(2)).padStart(5)
  return [
    String(row.name).padEnd(20),
    `${rate(row.perSecond)} ${String(row.unit)}/s`.padEnd(22),
    `after others ${rate(row.perSecondAfterOthers)}`,
    `target ${rate(row.target)}`,
    `of raw read ${ratio(row.ofRawRead)}`,
    `of bare ${ratio(row.ofBare)}`,
    `RSS ${(Number(row.maxRssBytes) / 1e6).toFixed(0).padStart(4)} MB`,
    String(row.hash),
  ].join('  ')
}
