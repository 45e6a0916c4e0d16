import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { findLogs } from '../../core/log/format/log-path.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { QueueWriter } from '../../core/log/writing/queue-writer.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { type Child, startChild, startProgram } from './child.ts'

const root = temporaryFolder('follow-late')
const BIN = path.resolve(import.meta.dirname, '../../cli/bin.mjs')
const MAKER = path.resolve(import.meta.dirname, '../support/jobs/small-maker.ts')
const archive = path.join(root, 'archive')
const TIMEOUT_MS = 300_000
/** What rows wait for, at most: the skew, and messages of the next bar. */
const BEHIND_MS = 1_300_000

interface Row {
  readonly kind: string
  readonly bar_end_ns: string | number
}

interface Follow {
  readonly child: Child
  rows(): Row[]
  said(): string
}

/** Of an archive of its own, in which nothing is yet. */
interface Place {
  readonly archive: string
  readonly instrument: string
}

beforeAll(async () => {
  await generateArchive(archive, { symbols: 1, messages: 2400, seed: 11, days: 2, streams: ['book', 'trades'] })
})

const from = (): string => path.dirname(path.dirname(findLogs(archive)[0]!.path))

function newPlace(name: string): Place {
  const place = path.join(root, name)
  fs.mkdirSync(path.join(place, 'v1'), { recursive: true })
  return { archive: place, instrument: path.join(place, path.relative(archive, from())) }
}

function follow(name: string, ...words: string[]): Follow {
  const [out, err] = [path.join(root, `${name}.jsonl`), path.join(root, `${name}.txt`)]
  const line = `exec "$0" "$@" 2> '${err}'`
  const child = startProgram('sh', ['-c', line, process.execPath, BIN, 'follow', ...words, '--out', out])
  const textOf = (file: string): string => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '')
  const lines = (): string[] => textOf(out).split('\n').slice(0, -1)
  return { child, rows: () => lines().map((text) => JSON.parse(text) as Row), said: () => textOf(err) }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20))
}

const lastEndMs = (rows: readonly Row[]): number => Math.max(0, ...rows.map(({ bar_end_ns: end }) => Number(end) / 1e6))

/** The last message of the archive's last day, milliseconds since the epoch. */
async function lastMs(): Promise<number> {
  let last = 0n
  const reader = await ReplayReader.open(findLogs(archive).at(-2)!.path)
  for await (const { timestampNs } of reader) if (timestampNs > last) last = timestampNs
  return Number(last) / 1e6
}

/** The rows are those of a run over the finished logs, up to the last bar that has ended. */
async function expectRunRows(place: Place, job: string, rows: readonly Row[], ...words: string[]): Promise<void> {
  const table = `${place.archive}-table`
  const { code, err } = await runCli('run', job, '--archive', place.archive, '--table', table, '--no-types', '--quiet', ...words)
  expect(code, err).toBe(0)
  const { out } = await runCli('query', table, 'from t', '--format', 'json')
  const made = JSON.parse(out) as Row[]
  const end = Math.max(...rows.map(({ bar_end_ns: at }) => Number(at)))
  const columns = Object.keys(rows[0]!) as (keyof Row)[]
  const textOf = (row: Row): string => JSON.stringify(columns.map((column) => (row[column] === null ? null : String(row[column]))))
  const expected = made.filter(({ bar_end_ns: at }) => Number(at) <= end)
  expect(rows.map(textOf).sort()).toEqual(expected.map(textOf).sort())
}

describe('follow of an instrument that nobody has begun to write', () => {
  it('waits, begins with the book, and takes in trades that begin half a day later', { timeout: TIMEOUT_MS }, async () => {
    const place = newPlace('late')
    const { child, rows, said } = follow('late', MAKER, place.instrument, '--param', 'tick=0.0001')
    await until(() => said().includes('waits for trades'))
    expect(said()).toMatch(/waits for book of synthetic\/btcusdt, which nobody has begun to write\nwaits for trades of /)
    const writer = startChild('live-days', from(), place.instrument, 12, 'late')
    await until(() => /\/2024-01-01\/trades begins at 2024-01-01T1[2-9]:\S+, and is followed\n/.test(said()))
    fs.writeFileSync(path.join(place.instrument, 'seen'), '')
    fs.writeFileSync(path.join(place.instrument, 'go'), '')
    expect(await writer.ended).toBe(0)
    const end = (await lastMs()) - BEHIND_MS
    await until(() => lastEndMs(rows()) >= end)
    child.process.kill('SIGINT')
    expect(await child.ended).toBe(0)
    expect(said()).not.toContain('left out')
    expect(rows().filter(({ kind }) => kind === 'fill').length).toBeGreaterThan(50)
    await expectRunRows(place, MAKER, rows(), '--param', 'tick=0.0001')
  })

  it('tells how much of a stream that begins too late is behind what was read', { timeout: TIMEOUT_MS }, async () => {
    const place = newPlace('behind')
    const write = async (stream: string): Promise<void> => {
      const log = path.join('2024-01-01', stream)
      const writer = QueueWriter.open(path.join(place.instrument, log), { segmentBytes: 65_536 })
      for await (const { typeId, timestampNs, payload } of await ReplayReader.open(path.join(from(), log)))
        writer.appendWithTimestamp(typeId, timestampNs, payload)
      writer.close()
    }
    await write('book')
    const { child, said } = follow('behind', MAKER, path.join(place.instrument, '2024-01-01'), '--param', 'tick=0.0001')
    await until(() => said().includes('live: '))
    expect(said()).toMatch(/^waits for trades of synthetic\/btcusdt/)
    await write('trades')
    await until(() => said().includes('trades begins'))
    expect(said()).toMatch(
      /trades begins at 2024-01-01T\S+, and is followed; \d+ of its messages so far are before 2024-01-01T\S+, up to which others/,
    )
    child.process.kill('SIGINT')
    expect(await child.ended).toBe(0)
    expect(said()).toMatch(/left out: \d+ of \d[\d,]* messages\n {2}late \d+\n/)
  })

  it('waits for a log that is named', { timeout: TIMEOUT_MS }, async () => {
    const place = newPlace('named')
    const { child, rows, said } = follow('named', 'bars', path.join(place.instrument, '2024-01-01/trades'), '--param', 'every=10m')
    await until(() => said().includes('waits for trades of synthetic/btcusdt'))
    const writer = startChild('live-days', from(), place.instrument, 12)
    await until(() => rows().length > 20)
    fs.writeFileSync(path.join(place.instrument, 'go'), '')
    expect(await writer.ended).toBe(0)
    child.process.kill('SIGINT')
    expect(await child.ended).toBe(0)
    await expectRunRows(place, 'bars', rows(), '--param', 'every=10m')
  })

  it('ends on Ctrl-C while it waits, and does not wait where there is no archive', { timeout: TIMEOUT_MS }, async () => {
    const { child, said } = follow('nothing', 'bars', newPlace('nothing').instrument)
    await until(() => said().includes('waits for trades'))
    child.process.kill('SIGINT')
    expect(await child.ended).toBe(0)
    expect(said()).toContain('interrupted: nothing was read')
    const { code, err } = await runCli('follow', 'bars', path.join(root, 'nowhere/v1/okx/btc-usdt'))
    expect([code, err]).toEqual([2, expect.stringContaining('log-missing')])
  })
})
