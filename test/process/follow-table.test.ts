import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { findLogs } from '../../core/log/format/log-path.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { readTable } from '../../core/table/delta-log.ts'
import { runCli } from '../support/run-cli.ts'
import { tableLines, tableRows } from '../support/table-lines.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { type Child, startChild, startProgram } from './child.ts'

const root = temporaryFolder('follow-table')
const BIN = path.resolve(import.meta.dirname, '../../cli/bin.mjs')
const job = (name: string): string => path.resolve(import.meta.dirname, `../support/jobs/${name}.ts`)
const archive = path.join(root, 'archive')
const TIMEOUT_MS = 400_000
const HOUR_NS = 3_600_000_000_000n
const LAST_HOURS_MS = Date.parse('2024-01-03T21:00Z')

beforeAll(async () => {
  await generateArchive(archive, { symbols: 1, messages: 2400, seed: 11, days: 3, streams: ['book', 'trades'] })
})

interface Followed {
  readonly name: string
  /** Folder of the instrument. */
  readonly instrument: string
  readonly table: string
  readonly writer: Child
}

/** Starts to write the archive's days once more, as live logs. */
async function startMarket(name: string): Promise<Followed> {
  const from = path.dirname(path.dirname(findLogs(archive)[0]!.path))
  const instrument = path.join(root, name, path.relative(archive, from))
  const writer = startChild('live-days', from, instrument, 12)
  await writer.printed((line) => Number(line) >= 48)
  return { name, instrument, table: path.join(root, `${name}-table`), writer }
}

function follow({ table, instrument }: Followed, name: string, ...words: string[]): Child {
  return startProgram(process.execPath, [BIN, 'follow', name, instrument, '--table', table, '--quiet', ...words])
}

/** How many commits the table has. */
function commitsOf(table: string): number {
  return fs.globSync('_delta_log/*.json', { cwd: table }).length
}

/** The latest time in the statistics of parts, milliseconds since the epoch. */
function lastTimeOf(table: string): number {
  const logs = fs.globSync('_delta_log/*.json', { cwd: table }).map((name) => fs.readFileSync(path.join(table, name), 'utf8'))
  return Math.max(...logs.flatMap((text) => Array.from(text.matchAll(/ts_ns\\":(\d+)/g), ([, digits]) => Number(digits) / 1e6)))
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20))
}

/** Up to the last cell that was committed, rows are those of a run over the logs. */
async function expectRunRows({ name, table }: Followed, jobName: string, ...words: string[]): Promise<number> {
  const whole = path.join(root, `${name}-run`)
  const { code, err } = await runCli(
    'run',
    jobName,
    '--archive',
    path.join(root, name),
    '--table',
    whole,
    '--quiet',
    '--no-types',
    ...words,
  )
  expect(code, err).toBe(0)
  const found = await tableLines(new FileStore(table))
  const rows = (await tableRows(new FileStore(table))) as unknown as { bar_start_ns: bigint }[]
  const end = rows
    .map(({ bar_start_ns: at }) => at)
    .sort((a, b) => (a < b ? -1 : 1))
    .at(-1)!
  expect(end % HOUR_NS, String(end)).toBe(55n * (HOUR_NS / 60n))
  const inTime = (line: string): boolean => BigInt(/bar_start_ns=(\d+)/.exec(line)![1]!) <= end
  const expected = (await tableLines(new FileStore(whole))).filter(inTime)
  const [inFound, inExpected] = [new Set(found), new Set(expected)]
  const differences = [found.filter((line) => !inExpected.has(line)).slice(0, 2), expected.filter((line) => !inFound.has(line)).slice(0, 2)]
  expect(differences).toEqual([[], []])
  expect(found).toHaveLength(expected.length)
  return found.length
}

describe('follow --table', () => {
  it.each(['small-maker', 'small-evening'])(
    '%s over logs that roll to new days, killed at any time and begun again, appends the rows of a run',
    { timeout: TIMEOUT_MS },
    async (name) => {
      const market = await startMarket(name)
      const { table, writer, instrument } = market
      const words = ['--slice', '1h', '--param', 'offset=0,1', '--param', 'tick=0.0001']
      for (let kills = 1; kills <= 3; kills++) {
        const one = follow(market, job(name), ...words)
        const before = commitsOf(table)
        await until(() => commitsOf(table) > before)
        // At any time: while rows are made, parts put, or a commit is under way.
        await new Promise((resolve) => setTimeout(resolve, 150 * kills * kills))
        one.process.kill('SIGKILL')
        await one.ended
      }
      const last = follow(market, job(name), ...words)
      fs.writeFileSync(path.join(instrument, 'go'), '')
      expect(await writer.ended).toBe(0)
      await until(() => lastTimeOf(table) > LAST_HOURS_MS)
      last.process.kill('SIGINT')
      expect(await last.ended).toBe(0)
      expect(await expectRunRows(market, job(name), ...words)).toBeGreaterThan(1000)
      expect((await runCli('optimize', table)).code).toBe(0)
      expect((await readTable(new FileStore(table))).parts.size).toBe(1)
      // What is there is the same to a run, which makes what is missing or has changed since.
      const { code, err } = await runCli(
        'run',
        job(name),
        '--archive',
        path.join(root, name),
        '--table',
        table,
        '--quiet',
        '--no-types',
        ...words,
      )
      expect(code, err).toBe(0)
      const sums = [table, path.join(root, `${name}-run`)].map(async (place) => JSON.parse((await runCli('checksum', place, '--json')).out))
      const [made, whole] = await Promise.all(sums)
      expect([made.rows, made.sum]).toEqual([whole.rows, whole.sum])
    },
  )

  it('wants logs of an archive, a slice that fits, and the slice that the table has', { timeout: 120_000 }, async () => {
    const market = await startMarket('refused')
    const outside = path.join(root, 'outside', 'trades')
    fs.cpSync(path.join(market.instrument, '2024-01-01', 'trades'), outside, { recursive: true })
    const tellsOf = async (...words: string[]): Promise<readonly [number, string]> => {
      const { code, err } = await runCli('follow', ...words)
      return [code, err]
    }
    const at = ['--table', market.table]
    expect(await tellsOf('bars', outside, ...at)).toEqual([2, expect.stringMatching(/follow-archive.*expected logs of an archive/)])
    expect(await tellsOf('bars', market.instrument, ...at, '--slice', '7h')).toEqual([2, expect.stringMatching(/error slice/)])
    expect(await tellsOf(job('small-runner'), market.instrument, ...at, '--slice', '1h')).toEqual([
      2,
      expect.stringMatching(/slice-cuts-session/),
    ])
    expect(await tellsOf('bars', market.instrument, '--slice', '1h')).toEqual([
      2,
      expect.stringMatching(/--slice: expected it only with --table/),
    ])
    const other = await runCli('run', 'bars', '--archive', archive, ...at, '--slice', '6h', '--param', 'every=1h', '--quiet')
    expect(other.code, other.err).toBe(0)
    expect(await tellsOf('bars', market.instrument, ...at, '--param', 'every=1h')).toEqual([
      2,
      expect.stringMatching(/cell-overlap.*--slice 1h: the table has rows of the instrument by another slicing/),
    ])
    market.writer.process.kill('SIGKILL')
    await market.writer.ended
  })
})
