import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { runFiles } from '../../core/job/run-files.ts'
import { runLocally } from '../../core/job/run-local.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { tableSum } from '../support/job-runs.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const ROUNDS = 6
const root = temporaryFolder('run-kill')
const archive = path.join(root, 'archive')
const job = path.resolve(import.meta.dirname, '../../examples/flow-job.ts')
const argumentsOf = (table: string): string[] => [
  'run',
  job,
  '--archive',
  archive,
  '--table',
  table,
  '--slice',
  '1h',
  '--param',
  'every=10s',
]

/** Runs the command in a process of its own and ends it after a while; whether it was ended before it was done. */
async function runAndEnd(table: string, signal: 'SIGKILL' | 'SIGTERM', afterMs: number): Promise<boolean> {
  const bin = path.resolve(import.meta.dirname, '../../cli/bin.mjs')
  const child = spawn(process.execPath, [bin, ...argumentsOf(table), '--quiet'], { stdio: 'ignore' })
  const ended = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)))
  // From the moment that there is a plan.
  while (child.exitCode === null && plansOf(table).length === 0) await setTimeout(5)
  await setTimeout(afterMs)
  child.kill(signal)
  return (await ended) !== 0
}

function plansOf(table: string): string[] {
  return fs.globSync('_chronicle/runs/*/plan.json', { cwd: table }).map((file) => file.split(path.sep)[2]!)
}

beforeAll(async () => {
  await generateArchive(archive, { symbols: 2, messages: 60_000, seed: 5, segmentBytes: 1 << 20 })
})

describe('a run that is ended at any moment', () => {
  let expected = ''

  beforeAll(async () => {
    const whole = path.join(root, 'whole')
    const { code, err } = await runCli(...argumentsOf(whole), '--json')
    expect(code, err).toBe(0)
    expected = await tableSum(new FileStore(whole))
  })

  it.each(['SIGKILL', 'SIGTERM'] as const)('by %s is gone on from, or done again, to the same table', async (signal) => {
    let endedEarly = 0
    for (let round = 0; round < ROUNDS; round++) {
      const table = path.join(root, `${signal}-${round}`)
      const startedMs = performance.now()
      if (await runAndEnd(table, signal, (round * 400) / ROUNDS)) endedEarly++
      expect(performance.now() - startedMs).toBeLessThan(20_000)
      const [run] = plansOf(table)
      const store = new FileStore(table)
      if (round % 2 === 0) {
        await runLocally({ tableUri: table, run: run!, workers: 2, clock: Date.now, random: Math.random })
        // Again: nothing is left to do, and nothing changes.
        const again = await runLocally({ tableUri: table, run: run!, workers: 2, clock: Date.now, random: Math.random })
        expect(again).toMatchObject({ rows: 0, messages: 0, partitions: { failed: 0 }, commit: { state: 'unchanged' } })
      } else expect((await runCli(...argumentsOf(table), '--json')).code).toBe(0)
      expect(await tableSum(store)).toBe(expected)
    }
    expect(endedEarly).toBeGreaterThan(0)
  })

  it('is refused when it was cancelled', async () => {
    const table = path.join(root, 'SIGKILL-0')
    const [run] = plansOf(table)
    await new FileStore(table).put(runFiles(run!).cancel, new Uint8Array())
    await expect(runLocally({ tableUri: table, run: run!, workers: 1, clock: Date.now, random: Math.random })).rejects.toMatchObject({
      code: 'run-cancelled',
    })
  })
})

describe('a run with partitions that fail', () => {
  it('says how many, why, and how to run the first alone; with tolerance the rest is committed', async () => {
    const symbols = fs.readdirSync(path.join(archive, 'v1/synthetic'))
    const make = (tolerance: number): string => {
      const file = path.join(root, `failing-${String(tolerance).replace('.', '-')}.ts`)
      fs.writeFileSync(
        file,
        `import { defineJob } from 'chronicle-replay'
export default defineJob({ name: 'failing', streams: ['trades'], tolerance: ${tolerance}, columns: { price: 'f64' },
  create: (_, { symbol }) => ({ trade(t, out) { if (symbol === '${symbols[0]}') throw new Error('no'); out.price = t.price; out.emit() } }) })\n`,
      )
      return file
    }
    for (const tolerance of [0, 1]) {
      const table = path.join(root, `failing-${tolerance}`)
      const { code, out, err } = await runCli('run', make(tolerance), '--archive', archive, '--table', table, '--json')
      expect(code, err).toBe(4)
      expect(JSON.parse(out)).toMatchObject({
        state: tolerance === 0 ? 'refused' : 'committed',
        partitions: { failed: 2 },
        failures: [{ code: 'job-threw', partitions: 2 }],
      })
      expect(err).toContain('alone: chronicle-replay run')
    }
  })

  it('needs an archive and a table, and says so', async () => {
    expect(await runCli('run', 'bars', '--archive', archive)).toMatchObject({ code: 2, err: expect.stringContaining('--table') })
    expect(await runCli('run', 'barz', '--archive', archive, '--table', 'x')).toMatchObject({
      code: 2,
      err: expect.stringContaining('bars?'),
    })
  })

  it('with --dry-run says what it would do and writes nothing', async () => {
    const table = path.join(root, 'dry')
    const { code, out } = await runCli('run', 'bars', '--archive', archive, '--table', table, '--dry-run', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ job: 'bars', partitions: { cached: 0, stale: 0 } })
    expect(fs.existsSync(table)).toBe(false)
  })
})
