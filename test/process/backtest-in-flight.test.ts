import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { FileStore } from '../../core/store/file-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { runCli } from '../support/run-cli.ts'
import { tableRows } from '../support/table-lines.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('backtest-in-flight')
const table = path.join(root, 'table')
const LATE = '47m'

interface Row {
  readonly kind: string
  readonly response: string
  readonly session_ns: bigint | null
  readonly bar_end_ns: bigint
  readonly position: number
  readonly fills: bigint
  readonly fills_in_flight: bigint
  readonly position_in_flight: number
}

/** Orders of both variants are the same, so that they are filled alike: one hears of it at once, one much later. */
describe('fills whose reports are on their way', () => {
  let samples: Row[]
  const of = (response: string): Row[] => samples.filter((row) => row.response === response)

  beforeAll(async () => {
    const archive = path.join(root, 'archive')
    await generateArchive(archive, { symbols: 1, messages: 9000, seed: 8, days: 2, stepBack: 0 })
    const job = path.resolve(import.meta.dirname, '../support/jobs/late-reports.ts')
    const words = ['--archive', archive, '--table', table, '--param', `response=0s,${LATE}`, '--check', 'off']
    const { code, err } = await runCli('run', job, ...words)
    expect(code, err).toBe(0)
    samples = ((await tableRows(new FileStore(table))) as unknown as Row[])
      .filter(({ kind, session_ns: session }) => kind === 'sample' && session !== null)
      .sort((a, b) => Number(a.bar_end_ns - b.bar_end_ns))
  }, 60_000)

  it('are in each sample: with what was reported they make the position at the exchange', () => {
    const [prompt, late] = [of('0s'), of(LATE)]
    expect(late.map(({ bar_end_ns: end }) => end)).toEqual(prompt.map(({ bar_end_ns: end }) => end))
    for (const [i, row] of late.entries()) {
      const { fills, position, ...now } = prompt[i]!
      expect([now.fills_in_flight, now.position_in_flight]).toEqual([0n, 0])
      expect(row.fills + row.fills_in_flight).toBe(fills)
      expect(row.position + row.position_in_flight).toBeCloseTo(position, 9)
    }
    expect(late.filter(({ fills_in_flight: fills }) => fills > 3n).length).toBeGreaterThan(100)
  })

  it.each(['whole', 'day'])('are told of the end of each session by statistics: %s', async (by) => {
    const ends = new Map(of(LATE).map((row) => [row.session_ns, row]))
    const { out } = await runCli('statistics', table, '--by', by, '--json')
    const told = JSON.parse(out) as { variant: string; fills_in_flight: string; position_in_flight: number }[]
    const expected = [...ends.values()].map((row) => [Number(row.fills_in_flight), row.position_in_flight]).filter(([fills]) => fills! > 0)
    expect(expected.length).toBeGreaterThanOrEqual(2)
    const found = told.map((row) => [Number(row.fills_in_flight), row.position_in_flight]).filter(([fills]) => fills! > 0)
    if (by === 'day') expect(found).toEqual(expected)
    else expect(found).toEqual([expected.reduce((sum, one) => [sum[0]! + one[0]!, sum[1]! + one[1]!])])
  })
})
