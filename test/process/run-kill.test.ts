import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundled, tableSum } from '../../bench/made/job-run.ts'
import { runLocally } from '../../core/commit/run-local.ts'
import { decodeReceipts } from '../../core/plan/run/receipt.ts'
import { runFiles } from '../../core/plan/run/run-files.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { findTable, readTable } from '../../core/table/delta-log.ts'
import { planInto, runInThreads } from '../support/job-runs.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { bundledChild } from './child.ts'

const ROUNDS = 4
/** Ends at any moment of task and commit, by two processes side by side; `CHRONICLE_KILLS=100` for a long run. */
const KILLS = Number(process.env.CHRONICLE_KILLS ?? 40)
const root = temporaryFolder('run-kill')
const startRuns = await bundledChild('run-tables')
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
  'every=1m',
  '--no-types',
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

/** Every part that a receipt names is there as it says, and every receipts object is whole. */
function expectWholeObjects(table: string): void {
  for (const name of fs.globSync('_chronicle/runs/*/receipts/*.jsonl', { cwd: table })) {
    for (const { part } of decodeReceipts(fs.readFileSync(path.join(table, name)), name)) {
      if (part !== null) expect(fs.statSync(path.join(table, part.path)).size).toBe(part.size)
    }
  }
}

function plansOf(table: string): string[] {
  return fs.globSync('_chronicle/runs/*/plan.json', { cwd: table }).map((file) => file.split(path.sep)[2]!)
}

beforeAll(async () => {
  await generateArchive(archive, { symbols: 2, messages: 20_000, seed: 5, segmentBytes: 1 << 20 })
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
      expectWholeObjects(table)
      if (round % 2 === 0) {
        const uri = `${table}/_chronicle/runs/${run}`
        const { code, err } = await runCli('resume', uri, '--workers', '2')
        expect(code, err).toBe(0)
        expect(err).toMatch(/\d+ of \d+ partitions are left to run/)
        // Again: nothing is left to do, and nothing changes.
        const again = await runCli('resume', run!, '--table', table, '--json')
        expect(again.code, again.err).toBe(0)
        expect(JSON.parse(again.out)).toMatchObject({
          run,
          state: 'unchanged',
          rows: 0,
          messages: 0,
          partitions: { failed: 0 },
          resumed: [],
        })
      } else expect((await runCli(...argumentsOf(table), '--json')).code).toBe(0)
      expect(await tableSum(store)).toBe(expected)
    }
    expect(endedEarly).toBeGreaterThan(0)
  })

  it(`${KILLS} times, by SIGKILL or SIGTERM at any moment of task and commit: the same table, and never a stray row`, async () => {
    const [small, tables] = ['small', 'tables'].map((name) => path.join(root, name)) as [string, string]
    await generateArchive(small, { symbols: 2, messages: 1500, seed: 8, segmentBytes: 65_536 })
    const whole = new FileStore(path.join(tables, 'whole'))
    const loaded = await bundled('book-features')
    const options = { ...loaded, archive: new FileStore(small), params: { every: '5m' }, slice: '6h', minTasks: 4, workers: 2 }
    await runInThreads({ ...options, table: whole })
    const sum = await tableSum(whole)
    // Two at a time, each with its own tables.
    const ends = await Promise.all(
      [0, 1000].map(async (from) => {
        let [next, early] = [from, 0]
        for (let round = 0; round < KILLS / 2; round++) {
          const signal = round % 5 === 4 ? 'SIGTERM' : 'SIGKILL'
          const child = startRuns(small, tables, next, from + 1000)
          await child.printed((line) => line === 'ready')
          await setTimeout(Math.random() * 350)
          child.process.kill(signal)
          expect(await child.ended).toBe(signal === 'SIGKILL' ? signal : 143)
          const done = Number(/^(\d+) done$/.exec(child.lastLine())?.[1] ?? next - 1)
          const ended = path.join(tables, String(done + 1))
          if (fs.existsSync(ended)) {
            early++
            expectWholeObjects(ended)
            // Nothing is visible, or all is.
            const state = await findTable(new FileStore(ended))
            if (state !== null) expect(await tableSum(new FileStore(ended))).toBe(sum)
          }
          next = done + 1
        }
        expect(await startRuns(small, tables, next, next + 1).ended).toBe(0)
        return { from, next, early }
      }),
    )
    expect(ends[0]!.early + ends[1]!.early).toBeGreaterThan(0.3 * KILLS)
    for (const { from, next } of ends) {
      for (let n = from; n <= next; n++) {
        const table = new FileStore(path.join(tables, String(n)))
        expect(await tableSum(table)).toBe(sum)
        expect((await readTable(table)).version).toBe(0)
      }
    }
  })

  it('asked to end, keeps the receipts of what is done, says how to go on, and ends with 143', async () => {
    const table = path.join(root, 'asked')
    const bin = path.resolve(import.meta.dirname, '../../cli/bin.mjs')
    const child = spawn(process.execPath, [bin, ...argumentsOf(table), '--workers', '1'], { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
    while (child.exitCode === null && fs.globSync('_chronicle/runs/*/receipts/*', { cwd: table }).length === 0) await setTimeout(5)
    child.kill('SIGTERM')
    expect(await ended, said).toBe(143)
    const [run] = plansOf(table)
    expect(said).toContain(`go on with: chronicle-replay resume ${table}/_chronicle/runs/${run}`)
    expectWholeObjects(table)
    expect(fs.existsSync(path.join(table, '_delta_log'))).toBe(false)
    const resumed = await runCli('resume', `${table}/_chronicle/runs/${run}`, '--json')
    expect(resumed.code, resumed.err).toBe(0)
    const { resumed: groups } = JSON.parse(resumed.out) as { resumed: { code: string; partitions: number }[] }
    expect(groups).toMatchObject([{ code: 'not-run' }])
    expect(groups[0]!.partitions).toBeLessThan(96)
    expect(await tableSum(new FileStore(table))).toBe(expected)
  })

  it('ends also where a handler never returns', async () => {
    const file = path.join(root, 'endless.ts')
    fs.writeFileSync(
      file,
      `import { defineJob } from 'chronicle-replay'
export default defineJob({ name: 'endless', streams: ['trades'], columns: { price: 'f64' }, create: () => ({ trade() { for (;;) {} } }) })\n`,
    )
    const table = new FileStore(path.join(root, 'endless'))
    const run = await planInto({ ...(await bundled(file)), archive: new FileStore(archive), table, minTasks: 4 })
    const options = { tableUri: table.uri, run, workers: 2, clock: Date.now, random: Math.random }
    const stop = new AbortController()
    const ended = runLocally({ ...options, signal: stop.signal, graceMs: 50, onProgress: () => stop.abort(new Error('enough')) })
    await expect(ended).rejects.toThrow('enough')
    expectWholeObjects(table.uri)
  })

  it('is refused when it was cancelled', async () => {
    const table = path.join(root, 'SIGKILL-0')
    const [run] = plansOf(table)
    await new FileStore(table).put(runFiles(run!).cancel, new Uint8Array())
    expect(await runCli('resume', run!, '--table', table)).toMatchObject({ code: 2, err: expect.stringContaining('run-cancelled') })
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
