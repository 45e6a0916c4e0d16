import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundled } from '../../bench/made/job-run.ts'
import { runJob } from '../../core/commit/run-job.ts'
import { runLocally } from '../../core/commit/run-local.ts'
import { FileStore } from '../../core/store/file-store.ts'
import type { IdlePartition } from '../../core/task/idle-partition.ts'
import { planInto } from '../support/job-runs.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder('job-errors')
const archive = path.join(folder, 'archive')

beforeAll(async () => {
  await runCli('generate', archive, '--symbols', '2', '--messages', '6000', '--days', '1')
})

function moduleOf(name: string, text: string): string {
  const file = path.join(folder, `${name}.ts`)
  fs.writeFileSync(file, text)
  return file
}

/** A job of trades whose `trade` is these lines, from line 6 on. */
function tradeJob(name: string, ...lines: string[]): string {
  return moduleOf(
    name,
    `import { defineJob } from 'chronicle-replay'
// A comment, and types that bundling takes away.
interface Unused { readonly a: number }
export default defineJob({ name: '${name}', streams: ['trades'], columns: { n: 'i32' }, create() { let n = 0; return {
  trade(t, out) {
${lines.join('\n')}
  },
} } })\n`,
  )
}

const run = (job: string, table: string, ...more: string[]) =>
  runCli('run', job, '--archive', archive, '--table', path.join(folder, table), '--no-types', ...more)

describe('handlers that are none', () => {
  it.each([
    ['nothing', 'create() {}', /job-handlers: job nothing: create: expected an object of handlers, found undefined/],
    [
      'later',
      'async create() { return {} }',
      /job later: create: expected an object of handlers, found a promise: a job is not asynchronous/,
    ],
    ['text', "create: () => ({ row: 'n' })", /job text: create: row: expected a function, found "n"/],
    [
      'slow',
      'create: () => ({ async row(out) { out.n = 1 } })',
      /job slow: row: expected nothing, found a promise: a job is not asynchronous/,
    ],
  ])('%s: one message', async (name, create, text) => {
    const spec = `name: '${name}', streams: ['trades'], columns: { n: 'i32' }, trigger: { every: '1h' }, ${create}`
    const job = moduleOf(name, `import { defineJob } from 'chronicle-replay'\nexport default defineJob({ ${spec} } as never)\n`)
    const { code, err } = await run(job, name, '--quiet')
    expect(code).toBe(2)
    expect(err.split('\n').filter((line) => line.startsWith('error '))).toEqual([expect.stringMatching(text)])
  })
})

describe('an error of a job', () => {
  it('has file and line as its author has them, in a module of another file too', async () => {
    fs.writeFileSync(
      path.join(folder, 'deep.ts'),
      '// one\n\nexport function deep(n: number): number {\n  if (n === 5) throw new TypeError("five")\n  return n\n}\n',
    )
    const job = tradeJob('deeper', '    out.n = deep(++n)', '    out.emit()')
    fs.writeFileSync(job, `import { deep } from './deep.ts'\n${fs.readFileSync(job, 'utf8')}`)
    const { code, err } = await run(job, 'deeper')
    expect(code).toBe(2)
    expect(err).toMatch(/error job-threw: job deeper threw: TypeError: five at deep\.ts:4:\d+ \(synthetic\/\w+ at 2024-01-01T00:/)
    const map = fs.globSync(path.join(folder, 'deeper/_chronicle/runs/*/bundle.js.map'))
    expect(map).toHaveLength(1)
    // It is no part of the code: moving a line is no other code.
    const before = JSON.parse((await run(job, 'other', '--dry-run', '--json')).out) as { bundle: string }
    fs.writeFileSync(job, fs.readFileSync(job, 'utf8').replace('// A comment', '\n\n// A comment'))
    expect(JSON.parse((await run(job, 'other', '--dry-run', '--json')).out)).toMatchObject({ bundle: before.bundle })
  })

  it('has them without a map as lines of the bundle', async () => {
    const job = tradeJob('bare', "    throw new Error('bare')")
    const table = path.join(folder, 'bare')
    const { err } = await run(job, 'bare')
    expect(err).toContain('bare at bare.ts:6:')
    fs.rmSync(fs.globSync(path.join(table, '_chronicle/runs/*/bundle.js.map'))[0]!)
    const id = fs.readdirSync(path.join(table, '_chronicle/runs'))[0]!
    expect((await runCli('resume', id, '--table', table)).err).toMatch(/bare at .*job-bare-[0-9a-f]{8}\.js:\d+/)
  })

  it.each([
    [
      'a transform',
      "source).transform({ message(m, out) { if (++n === 7) throw new Error('here'); out.forward(m) } }).sink(rows(() => {}))",
    ],
    [
      'a transform that waits',
      "source).transform({ async message(m, out) { await null; if (++n === 7) throw new Error('here'); out.forward(m) } }).sink(rows(() => {}))",
    ],
    ['a filter', "source).filter(() => { if (++n === 7) throw new Error('here'); return true }).sink(rows(() => {}))"],
    ['rows', "source).sink(rows((m, out) => { if (++n === 7) throw new Error('here'); out.n = n; out.emit() }))"],
  ])('of a pipeline job is told with the message: %s', async (name, rest) => {
    const word = `piped-${name.replaceAll(' ', '-')}`
    const job = moduleOf(
      word,
      `import { defineJob, ReplayPipeline } from 'chronicle-replay'
export default defineJob({ name: '${word}', streams: ['trades'], columns: { n: 'i32' },
  pipeline({ source, rows }) { let n = 0; return ReplayPipeline.fromSource(
    ${rest} } })\n`,
    )
    const { code, err } = await run(job, word)
    const day = path.join(archive, 'v1/synthetic/btcusdt/2024-01-01/trades')
    const lines = (await runCli('replay', day, '--console', '--limit', '7')).out.trim().split('\n')
    const [seq, time] = lines[6]!.split('  ') as [string, string]
    expect(code).toBe(2)
    // The time without the zeros at its end.
    const told = time.replace(/\.?0*Z$/, 'Z').replaceAll('.', '\\.')
    expect(err).toMatch(
      new RegExp(`Error: here at ${word}\\.ts:4:\\d+ \\(synthetic/btcusdt at ${told}, segment 0, offset \\d+, seq ${seq}, in \\S*trades`),
    )
  })

  it('of a transform of whole batches is told with the range of its messages', async () => {
    const job = moduleOf(
      'batches',
      `import { defineJob, ReplayPipeline } from 'chronicle-replay'
export default defineJob({ name: 'batches', streams: ['trades'], columns: { n: 'i32' },
  pipeline: ({ source, rows }) => ReplayPipeline.fromSource(source)
    .transform({ apply(input) { throw new Error('here, of ' + input.length) } }).sink(rows(() => {})) })\n`,
    )
    const { code, err } = await run(job, 'batches')
    expect(code).toBe(2)
    const told =
      /Error: here, of (\d+) at batches\.ts:4:\d+ \(synthetic\/btcusdt at (\S+) to (\S+), in (\d+) messages from segment 0, offset \d+, seq (\d+), in \S*trades/
    const [, of, first, last, messages, seq] = told.exec(err) ?? expect.fail(err)
    expect(messages).toBe(of)
    const day = path.join(archive, 'v1/synthetic/btcusdt/2024-01-01/trades')
    const lines = (await runCli('replay', day, '--console', '--limit', of!)).out.trim().split('\n')
    const times = lines.map((line) => line.split('  ') as [string, string])
    const short = (time: string): string => time.replace(/\.?0*Z$/, 'Z')
    expect([seq, first, last]).toEqual([times[0]![0], short(times[0]![1]), short(times.at(-1)![1])])
  })

  it('is told while the module is loaded, and by follow', async () => {
    const broken = moduleOf('broken', "const a: number = 1\n\nthrow new Error('no ' + String(a))\n")
    expect(await run(broken, 'broken')).toMatchObject({ code: 2, err: expect.stringContaining('Error: no 1 at broken.ts:3:') })
    const job = tradeJob('followed', "    if (++n === 3) throw new Error('three')")
    const day = 'v1/synthetic/btcusdt/2024-01-01/trades'
    const live = path.join(folder, 'live', day)
    fs.mkdirSync(path.dirname(live), { recursive: true })
    expect((await runCli('replay', path.join(archive, day), '--queue', live)).code).toBe(0)
    const { code, err } = await runCli('follow', job, live)
    expect(code).toBe(2)
    expect(err).toMatch(/error job-threw: job followed threw: Error: three at followed\.ts:6:\d+ \(synthetic\/btcusdt at 2024-01-01T/)
  })
})

describe('a job that makes no progress', () => {
  it('is named, with its partition', async () => {
    const job = tradeJob(
      'stuck',
      '    if (++n === 100 && t.tradeId > 0n) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000)',
      '    out.n = n',
      '    out.emit()',
    )
    const table = path.join(folder, 'stuck')
    const run = await planInto({ ...(await bundled(job)), archive: new FileStore(archive), table: new FileStore(table), minTasks: 1 })
    const told: IdlePartition[] = []
    await runLocally({
      ...{ tableUri: table, run, workers: 1, clock: Date.now, random: Math.random, idleMs: 500 },
      onIdle: (at) => told.push(at),
    })
    expect(told[0]).toMatchObject({ job: 'stuck', venue: 'synthetic', task: '000000' })
    expect(told.map(({ symbol }) => symbol)).toContain('btcusdt')
    // In a call of the library by itself, and to whoever asks.
    const warnings: Error[] = []
    const hear = (warning: Error) => warnings.push(warning)
    process.on('warning', hear)
    const options = { job, archive, workers: 1, check: 'off', idleMs: 500 } as const
    await runJob({ ...options, table: path.join(folder, 'stuck-warned') })
    process.off('warning', hear)
    expect(warnings.map((warning) => (warning as NodeJS.ErrnoException).code)).toContain('CHRONICLE_REPLAY_IDLE')
    expect(warnings.map(({ message }) => message).join('\n')).toMatch(/no progress for \d+ s: job stuck, synthetic\/btcusdt\/2024-01-01T/)
    const heard: IdlePartition[] = []
    await runJob({ ...options, table: path.join(folder, 'stuck-told'), onIdle: (at) => heard.push(at) })
    expect(heard[0]).toMatchObject({ job: 'stuck', venue: 'synthetic' })
  })
})
