import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { FileStore } from '../../core/store/file-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { runCli } from '../support/run-cli.ts'
import { tableRows } from '../support/table-lines.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('backtest-instruments')
const archive = path.join(root, 'archive')
const JOBS = path.resolve(import.meta.dirname, '../support/jobs')
const job = path.join(root, 'priced-quotes.ts')
const HOUR_NS = 3_600_000_000_000n

interface Row {
  readonly kind: string
  readonly symbol: string
  readonly place: string | null
  readonly price: number | null
  readonly quantity: number | null
  readonly fee: number | null
  readonly position: number | null
  readonly fills: bigint | null
  readonly session_ns: bigint | null
  readonly order_id: bigint | null
  readonly event: string | null
  readonly reason: string | null
  readonly leaves: number | null
  readonly local_ns: bigint | null
  /** Microseconds. */
  readonly ts: bigint
  readonly ts_ns: bigint
  readonly bar_start_ns: bigint | null
}

beforeAll(async () => {
  await generateArchive(archive, { symbols: 2, messages: 8000, seed: 4, days: 3, stepBack: 0 })
  fs.cpSync(path.join(JOBS, 'priced-quotes.ts'), job)
  fs.cpSync(path.join(JOBS, 'instruments.json'), path.join(root, 'instruments.json'))
}, 60_000)

async function run(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  return runCli('run', job, '--archive', archive, '--no-types', ...words)
}

const rowsOf = async (table: string): Promise<Row[]> => (await tableRows(new FileStore(path.join(root, table)))) as unknown as Row[]

/** The file as it is, with some of it changed, while a test runs. */
async function withInstruments(change: (file: { synthetic: Record<string, unknown> }) => void, test: () => Promise<void>): Promise<void> {
  const place = path.join(root, 'instruments.json')
  const before = fs.readFileSync(place, 'utf8')
  const file = JSON.parse(before) as { synthetic: Record<string, unknown> }
  change(file)
  fs.writeFileSync(place, JSON.stringify(file))
  try {
    await test()
  } finally {
    fs.writeFileSync(place, before)
  }
}

describe('markets of an instruments file', () => {
  it('are those of each symbol, and part of what a partition depends on', { timeout: 240_000 }, async () => {
    const table = ['--table', path.join(root, 'table'), '--json']
    const first = await run(...table)
    expect(first.code, first.err).toBe(0)
    const fills = (await rowsOf('table')).filter(({ kind }) => kind === 'fill')
    for (const symbol of ['btcusdt', 'ethusdt']) {
      const own = fills.filter((row) => row.symbol === symbol)
      expect(own.length).toBeGreaterThan(5)
      const isOnTick = ({ price }: Row): boolean => Math.abs(price! / 0.0001 - Math.round(price! / 0.0001)) < 1e-4
      // Each bids one tick of its own below the best.
      expect(own.every(isOnTick)).toBe(symbol === 'btcusdt')
      for (const { price, quantity, fee } of own) {
        expect(fee).toBeCloseTo(symbol === 'ethusdt' ? 0.5 : -0.0001 * price! * quantity!, 9)
      }
    }
    await expectOrderRows()
    const { partitions } = JSON.parse(first.out) as { partitions: { run: number } }
    expect(JSON.parse((await run(...table)).out)).toMatchObject({ partitions: { run: 0, stale: 0, cached: partitions.run } })
    await withInstruments(
      ({ synthetic }) => {
        synthetic.ethusdt = { tick: 0.00005, lot: 0.01 }
      },
      async () => {
        const changed = await run(...table, '--dry-run')
        expect(JSON.parse(changed.out)).toMatchObject({ partitions: { run: 0, stale: partitions.run, cached: 0 } })
      },
    )
  })

  it('one that is missing is one message, before anything runs', async () => {
    await withInstruments(
      ({ synthetic }) => {
        delete synthetic.ethusdt
      },
      async () => {
        const table = path.join(root, 'missing')
        const { code, err } = await run('--table', table)
        expect([code, err]).toEqual([
          2,
          expect.stringMatching(/instrument-missing.*do not have synthetic\/ethusdt: name it with its tick, lot and fees/),
        ])
        expect(fs.existsSync(table)).toBe(false)
        const { code: found } = await run('--table', table, '--symbols', 'btcusdt', '--check', 'off', '--quiet')
        expect(found).toBe(0)
      },
    )
  }, 120_000)
})

/** Everything that happened to an order is a row with why, and fills are among them. */
async function expectOrderRows(): Promise<void> {
  const rows = (await rowsOf('table')).filter(({ symbol }) => symbol === 'btcusdt')
  const orders = rows.filter(({ kind }) => kind === 'order')
  expect(
    orders.every(({ event, reason, leaves, order_id: id }) => event !== null && reason !== null && leaves !== null && id !== null),
  ).toBe(true)
  const counted = Object.groupBy(orders, ({ event }) => event!)
  for (const event of ['sent', 'accepted', 'cancel-sent', 'canceled']) expect(counted[event]!.length, event).toBeGreaterThan(50)
  const placeOf = ({ session_ns: session, order_id: id, local_ns: at, quantity }: Row): string => `${session} ${id} ${at} ${quantity}`
  const fills = [...(counted.filled ?? []), ...(counted['partially-filled'] ?? [])]
  expect(fills.map(placeOf).sort()).toEqual(
    rows
      .filter(({ kind }) => kind === 'fill')
      .map(placeOf)
      .sort(),
  )
  // Steps are taken at the ends of bars, and what they send is of that bar.
  for (const { bar_start_ns: at, local_ns: sent } of counted.sent!) expect(sent! - at!).toBe(HOUR_NS / 2n)
  for (const { local_ns: at, ts_ns: exact, ts } of orders) expect([exact, ts]).toEqual([at, at! / 1000n])
}

describe('sessions from a time of day on', () => {
  it('begin flat there, go on over midnight, and do not depend on the slice', { timeout: 240_000 }, async () => {
    for (const slice of ['1d', '2h']) {
      const { code, err } = await run('--table', path.join(root, `slice-${slice}`), '--slice', slice, '--check', '3', '--quiet')
      expect(code, err).toBe(0)
    }
    const sums = await Promise.all(
      ['1d', '2h'].map(async (slice) => JSON.parse((await runCli('checksum', path.join(root, `slice-${slice}`), '--json')).out)),
    )
    expect(new Set(sums.map(({ rows, sum }) => `${rows} ${sum}`)).size).toBe(1)
    const samples = (await rowsOf('slice-2h')).filter(
      ({ kind, symbol, session_ns: at }) => kind === 'sample' && symbol === 'btcusdt' && at !== null,
    )
    samples.sort((a, b) => (a.bar_start_ns! < b.bar_start_ns! ? -1 : 1))
    for (const { session_ns: begin, bar_start_ns: at } of samples) {
      expect(begin! % (24n * HOUR_NS)).toBe(17n * HOUR_NS)
      expect(at! - begin! >= 0n && at! - begin! < 24n * HOUR_NS).toBe(true)
    }
    expect(new Set(samples.map(({ session_ns: begin }) => begin)).size).toBe(4)
    const endingAt = (hours: bigint): Row[] =>
      samples.filter(({ bar_start_ns: at }) => at! % (24n * HOUR_NS) === hours * HOUR_NS - HOUR_NS / 2n)
    const beginningAt = (hours: bigint): Row[] => samples.filter(({ bar_start_ns: at }) => at! % (24n * HOUR_NS) === hours * HOUR_NS)
    expect(endingAt(17n).every(({ fills }) => fills! > 3n)).toBe(true)
    expect(beginningAt(17n).every(({ fills }) => fills! < 3n)).toBe(true)
    expect(beginningAt(0n).some(({ position }) => position! > 0.02)).toBe(true)
  })
})
