import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { findLogs } from '../../core/log/format/log-path.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { type Child, startChild, startProgram } from './child.ts'

const root = temporaryFolder('follow')
const BIN = path.resolve(import.meta.dirname, '../../cli/bin.mjs')
const MAKER = path.resolve(import.meta.dirname, '../support/jobs/small-maker.ts')
const archive = path.join(root, 'archive')
const TIMEOUT_MS = 180_000
/** What rows wait for, at most: the skew, and messages of the next bar. */
const BEHIND_NS = 1_300_000_000_000n

const DIED_IN = '{"venue":"synth'

type Row = Readonly<Record<string, unknown>>

beforeAll(async () => {
  await generateArchive(archive, { symbols: 1, messages: 3000, seed: 3, days: 1, streams: ['book', 'trades'] })
})

describe('follow', () => {
  it('a backtest over logs that are written, killed and begun again, makes the rows of a run', { timeout: TIMEOUT_MS }, async () => {
    const { day, writer } = await startMarket('paper')
    const out = path.join(root, 'paper.jsonl')
    const first = startFollow(MAKER, day, '--out', out)
    await until(() => rowsOf(out).length > 20)
    first.process.kill('SIGKILL')
    await first.ended
    // As if it had died in the middle of a line.
    fs.appendFileSync(out, DIED_IN)
    const second = startFollow(MAKER, day, '--out', out)
    // On busy cores the first one has come to so many rows, too: what it died in is gone when the second has begun, which then listens to signals.
    await until(() => rowsOf(out).length > 60 && !fs.readFileSync(out, 'utf8').endsWith(DIED_IN))
    await new Promise((resolve) => setTimeout(resolve, 200))
    second.process.kill('SIGINT')
    expect(await second.ended).toBe(0)
    const before = rowsOf(out)
    const third = startFollow(MAKER, day, '--out', out)
    fs.writeFileSync(path.join(day, 'go'), '')
    expect(await writer.ended).toBe(0)
    await until(() => rowsOf(out).length > before.length && lastEnd(rowsOf(out)) >= lastMessageNs() - BEHIND_NS)
    third.process.kill('SIGINT')
    expect(await third.ended).toBe(0)
    const rows = rowsOf(out)
    expect(rows.slice(0, before.length)).toEqual(before)
    await expectRunRows(MAKER, 'paper', rows)
    expect(rows.some(({ kind }) => kind === 'fill')).toBe(true)
  })

  it('prints rows as they come, from a time on', { timeout: TIMEOUT_MS }, async () => {
    const { day, writer } = await startMarket('bars')
    const printed = path.join(root, 'bars.jsonl')
    const follow = startFollow('bars', path.join(day, 'trades'), '--param', 'every=10m', '--from', '2024-01-01T06:00:00Z', '--json')
    const lines: string[] = []
    follow.process.stdout!.setEncoding('utf8').on('data', (text: string) => {
      lines.push(text)
      fs.writeFileSync(printed, lines.join(''))
    })
    fs.writeFileSync(path.join(day, 'go'), '')
    expect(await writer.ended).toBe(0)
    await until(() => lastEnd(rowsOf(printed)) >= lastMessageNs() - BEHIND_NS)
    follow.process.kill('SIGINT')
    expect(await follow.ended).toBe(0)
    const rows = rowsOf(printed)
    expect(rows[0]!.bar_start_ns).toBe('1704088800000000000')
    await expectRunRows('bars', 'bars', rows, '--param', 'every=10m', '--from', '2024-01-01T06:00:00Z', '--slice', '6h')
  })

  it.each([
    ['snapshots', 'not-followed', 'makes no rows'],
    ['bars', 'queue-missing', 'no queue here'],
  ])('of %s over a finished log: %s', async (job, code, told) => {
    const { code: exit, err } = await runCli('follow', job, path.join(path.dirname(findLogs(archive)[0]!.path), 'trades'))
    expect(exit).toBe(2)
    expect(err).toContain(code)
    expect(err).toContain(told)
  })
})

/** Starts to write the archive's day once more, as live logs. */
async function startMarket(name: string): Promise<{ day: string; writer: Child }> {
  const from = path.dirname(findLogs(archive)[0]!.path)
  const day = path.join(root, name, path.relative(archive, from))
  const writer = startChild('live-market', from, day, 8)
  await writer.printed((line) => line === 'opened')
  for (const stream of ['book', 'trades']) fs.copyFileSync(path.join(from, stream, 'meta.json'), path.join(day, stream, 'meta.json'))
  await writer.printed((line) => Number(line) >= 64)
  return { day, writer }
}

function startFollow(...words: string[]): Child {
  return startProgram(process.execPath, [BIN, 'follow', ...words])
}

function rowsOf(file: string): Row[] {
  if (!fs.existsSync(file)) return []
  const text = fs.readFileSync(file, 'utf8')
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row)
}

function lastEnd(rows: readonly Row[]): bigint {
  return rows.reduce((last, { bar_end_ns: end }) => (BigInt(String(end ?? 0)) > last ? BigInt(String(end)) : last), 0n)
}

function lastMessageNs(): bigint {
  const { event_time_range } = JSON.parse(
    fs.readFileSync(path.join(findLogs(archive)[1]!.path, 'meta.json'), 'utf8').replaceAll(/\b(\d{17,})\b/g, '"$1"'),
  ) as { event_time_range: [string, string] }
  return BigInt(event_time_range[1])
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20))
}

/** The rows are those of a run over the finished logs, up to the last bar that has ended. */
async function expectRunRows(job: string, name: string, rows: readonly Row[], ...words: string[]): Promise<void> {
  const table = path.join(root, `table-${name}`)
  const { status, stderr } = spawnSync(
    process.execPath,
    [BIN, 'run', job, '--archive', path.join(root, name), '--table', table, ...words],
    {
      encoding: 'utf8',
    },
  )
  expect(status, stderr).toBe(0)
  const { out } = await runCli('query', table, 'from t', '--format', 'json')
  const made = JSON.parse(out.trim().startsWith('[') ? out : `[${out.trim().split('\n').join(',')}]`) as Row[]
  const end = lastEnd(rows)
  const expected = made.filter(({ bar_end_ns: at }) => BigInt(String(at)) <= end)
  const columns = Object.keys(rows[0]!)
  const text = (row: Row): string => JSON.stringify(columns.map((column) => [column, row[column] === null ? null : String(row[column])]))
  const [found, wanted] = [rows.map(text), expected.map(text)]
  const [inFound, inWanted] = [new Set(found), new Set(wanted)]
  const differences = [found.filter((line) => !inWanted.has(line)).slice(0, 2), wanted.filter((line) => !inFound.has(line)).slice(0, 2)]
  expect(differences).toEqual([[], []])
  expect(rows).toHaveLength(expected.length)
  expect(rows.length).toBeGreaterThan(50)
}
