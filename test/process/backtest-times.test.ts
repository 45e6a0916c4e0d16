import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { FileStore } from '../../core/store/file-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { runCli } from '../support/run-cli.ts'
import { tableRows } from '../support/table-lines.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('backtest-times')
const job = (name: string): string => path.resolve(import.meta.dirname, `../support/jobs/${name}.ts`)
const table = (name: string): string => path.join(root, name)

interface OrderRow {
  readonly event: string | null
  readonly measured: string
  readonly order_id: bigint
  readonly session_ns: bigint
  readonly exchange_ns: bigint
  readonly local_ns: bigint
}

describe('a latency table that ends before the data', { timeout: 120_000 }, () => {
  it('goes on with its last row, in whatever slices', async () => {
    const archive = path.join(root, 'archive')
    await generateArchive(archive, { symbols: 1, messages: 9000, seed: 8, days: 2, stepBack: 0 })
    for (const slice of ['1d', '3h']) {
      const words = ['--archive', archive, '--param', 'measured=to six,a year before', '--slice', slice, '--table', table(slice)]
      const { code, err } = await runCli('run', job('measured-latency'), ...words)
      expect(code, err).toBe(0)
    }
    const sums = await Promise.all(['1d', '3h'].map(async (slice) => (await runCli('checksum', table(slice))).out))
    expect(sums[0]).toBe(sums[1])

    const rows = (await tableRows(new FileStore(table('1d')))) as unknown as OrderRow[]
    const keyOf = ({ measured, session_ns, order_id }: OrderRow): string => `${measured} ${session_ns} ${order_id}`
    const sent = new Map(rows.filter(({ event }) => event === 'sent').map((row) => [keyOf(row), row.local_ns]))
    const beginNs = BigInt(Date.UTC(2024, 0, 1)) * 1_000_000n
    const counts = { measured: 0, after: 0, 'a year before': 0 }
    for (const row of rows.filter(({ event }) => event === 'accepted')) {
      const sentNs = sent.get(keyOf(row))!
      const atNs = Number(sentNs - beginNs)
      const [entryNs, responseNs] = [Number(row.exchange_ns - sentNs), Number(row.local_ns - row.exchange_ns)]
      if (row.measured === 'a year before') {
        counts['a year before']++
        expect([entryNs, responseNs]).toEqual([700e6, 400e6])
      } else if (atNs >= 21_600e9) {
        counts.after++
        expect([entryNs, responseNs]).toEqual([300e6, 200e6])
      } else {
        counts.measured++
        expect(entryNs).toBe(Math.trunc((200e6 / 21_600e9) * Math.max(0, atNs)) + 100e6)
      }
    }
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(50)
  })
})

describe('days on which clocks change', { timeout: 120_000 }, () => {
  it.each([
    ['2024-03-10', 'America/New_York'],
    ['2024-10-27', 'Europe/Berlin'],
  ])('are days of UTC like others: %s in %s', async (from, TZ) => {
    const archive = path.join(root, from)
    const days = ['--symbols', '1', '--messages', '9000', '--days', '2', '--seed', '8', '--step-back', '0', '--from', from]
    command('UTC', 'generate', archive, ...days)
    const told = ['UTC', TZ].map((zone) => {
      const out = table(`${from}-${zone.replace('/', '-')}`)
      const words = ['--archive', archive, '--param', 'tick=0.0001', '--table', out, '--no-types']
      command(zone, 'run', job('small-evening'), ...words)
      const statistics = JSON.parse(command(zone, 'statistics', out, '--by', 'day', '--json')) as { date: string; samples: number }[]
      return { statistics, checksum: command(zone, 'checksum', out) }
    })
    expect(told[1]).toEqual(told[0])
    const whole = told[0]!.statistics.filter(({ samples }) => samples > 1)
    expect(whole.map(({ samples }) => samples).every((samples) => samples > 280 && samples <= 288)).toBe(true)
    expect(whole[0]!.date).toBe(from)
  })
})

/** As from a shell on a machine of a time zone. */
function command(TZ: string, ...words: string[]): string {
  const cli = path.resolve(import.meta.dirname, '../../cli/bin.mjs')
  return execFileSync(process.execPath, ['--conditions=chronicle-replay-source', cli, ...words], {
    env: { ...process.env, TZ },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}
