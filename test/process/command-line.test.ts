import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { startProgram } from './child.ts'

const folder = temporaryFolder('command-line')
const BIN = path.resolve(import.meta.dirname, '../../cli/bin.mjs')
const archive = path.join(folder, 'archive')

beforeAll(async () => {
  await runCli('generate', archive, '--symbols', '2', '--messages', '20000', '--seed', '3')
})

describe('--version', () => {
  it('says the version of the package, and what it runs on', async () => {
    const { version } = JSON.parse(fs.readFileSync('package.json', 'utf8')) as { version: string }
    const { status, stdout } = spawnSync(process.execPath, [BIN, '--version'], { encoding: 'utf8' })
    expect([status, stdout]).toEqual([
      0,
      `chronicle-replay ${version} (Node ${process.versions.node}, ${process.platform}-${process.arch})\n`,
    ])
    expect(JSON.parse((await runCli('--version', '--json')).out)).toMatchObject({ version, node: process.version })
  })
})

describe('what is missing or misspelt', () => {
  it.each([
    [['run', 'bars'], 'missing --archive U (archive to read: v1/<venue>/<symbol>/<date>/<stream>/) and --table U (table for the rows)'],
    [['plan', 'bars', '--archive', archive], 'missing --table U (table for the rows)'],
    [['submit', 'bars', '--archive', 's3://a/b'], 'missing --stack NAME (deployed stack that carries it out) and --table s3://…'],
    [
      ['features', archive, '--csv', 'f.csv'],
      'missing --columns, a list like mid,spread_bps,imbalance:5 and --every, a bar length like 1s',
    ],
    [['features', archive, '--columns', 'mid', '--every', '1s'], 'missing --parquet F or --csv F'],
    [['replay', archive, '--on-error', 'skpi'], '--on-error: expected one of abort, skip, found "skpi", did you mean skip?'],
    [['replay', archive, '--types', 'trad'], 'did you mean trade?'],
    [['generate', path.join(folder, 'no'), '--streams', 'boook'], 'some of book, trades, ticker, l3, found "boook", did you mean book?'],
    [['query', archive, 'from t', '--format', 'jsn'], 'did you mean json?'],
    [['run', 'bars', '--archive', archive, '--table', path.join(folder, 'no'), '--symbols', 'btcusd'], 'did you mean btcusdt?'],
  ])('%j', async (argv, told) => {
    const { code, err } = await runCli(...argv)
    expect([code, err]).toEqual([2, expect.stringContaining(told)])
  })
})

describe('an error under --json', () => {
  it.each([
    ['of the command line', ['run', 'bars', '--json'], { code: 'usage', category: 'input', exitCode: 2 }],
    ['of a command that is not there', ['rnu', '--json'], { code: 'usage', category: 'input', exitCode: 2 }],
    [
      'of the work',
      ['checksum', path.join(folder, 'none'), '--json'],
      { code: 'not-a-table', exitCode: 2, path: path.join(folder, 'none') },
    ],
  ])('%s is one document on stdout', async (_name, argv, error) => {
    const { code, out, err } = await runCli(...argv)
    expect(JSON.parse(out)).toEqual({ error: expect.objectContaining({ ...error, message: expect.any(String) }) })
    expect([code, err]).toEqual([error.exitCode, expect.stringMatching(/^error [a-z-]+: /)])
  })

  it('says where in a log it happened, and is the last line of those that come as lines', async () => {
    const damaged = path.join(folder, 'damaged')
    fs.cpSync(path.join(archive, 'v1/synthetic/btcusdt/2024-01-01/book'), damaged, { recursive: true })
    const file = fs.globSync(path.join(damaged, '*.q'))[0]!
    const bytes = fs.readFileSync(file)
    bytes.fill(255, bytes.length >> 1, (bytes.length >> 1) + 64)
    fs.writeFileSync(file, bytes)
    const { code, out } = await runCli('book', damaged, '--every', '100', '--json')
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { error?: object })
    expect(lines.length).toBeGreaterThan(1)
    expect(lines.at(-1)).toEqual({
      error: expect.objectContaining({ category: 'corrupt', exitCode: 3, path: expect.any(String), offset: expect.any(Number) }),
    })
    expect([code, lines.filter(({ error }) => error !== undefined).length]).toEqual([3, 1])
    expect((await runCli('book', '--help')).out).toContain('JSON lines on stdout')
  })

  it('is there when the command was interrupted', async () => {
    const fifo = path.join(folder, 'fifo')
    expect(spawnSync('mkfifo', [fifo]).status).toBe(0)
    const child = startProgram(process.execPath, [BIN, 'replay', archive, '--csv', fifo, '--json'])
    const descriptor = fs.openSync(fifo, 'r')
    fs.readSync(descriptor, new Uint8Array(1))
    child.process.kill('SIGINT')
    while (fs.readSync(descriptor, new Uint8Array(1 << 16)) > 0);
    fs.closeSync(descriptor)
    expect([await child.ended, JSON.parse(child.lastLine())]).toEqual([
      130,
      { error: expect.objectContaining({ code: 'interrupted', exitCode: 130 }) },
    ])
  })
})

describe('replay --limit', () => {
  it('passes the first messages and reads no further', async () => {
    const all = await runCli('replay', archive, '--types', 'trade', '--console')
    const first = await runCli('replay', archive, '--types', 'trade', '--console', '--limit', '7')
    expect(first.out).toBe(`${all.out.split('\n').slice(0, 7).join('\n')}\n`)
    const { out } = await runCli('replay', archive, '--types', 'trade', '--limit', '7', '--no-pushdown', '--json')
    const stats = JSON.parse(out) as Record<'read' | 'filtered' | 'skipped' | 'consumed' | 'forwarded', number>
    expect(stats.forwarded).toBe(7)
    expect(stats.read).toBe(stats.filtered + stats.skipped + stats.consumed + stats.forwarded)
    expect(stats.read).toBeLessThan(40_000)
    expect((await runCli('replay', archive, '--limit', '1000000', '--json')).out).toContain('"forwarded":40000')
  })
})

describe('runs', () => {
  it('lists a run that was interrupted, with the command that goes on, until it is committed', async () => {
    const table = path.join(folder, 'table')
    const job = path.join(folder, 'slow.mjs')
    fs.writeFileSync(
      job,
      `import { defineJob } from 'chronicle-replay'
export default defineJob({ name: 'slow', streams: ['trades'], columns: { n: 'i32' }, trigger: { every: '1h' }, create() {
  return { row(out) { out.n = 1; Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 40) } }
} })\n`,
    )
    const argv = ['run', job, '--archive', archive, '--table', table, '--slice', '1h', '--workers', '1', '--check', 'off']
    const child = startProgram(process.execPath, [BIN, ...argv])
    while (fs.globSync(path.join(table, '_chronicle/runs/*/receipts/*')).length === 0) await setTimeout(20)
    child.process.kill('SIGINT')
    expect(await child.ended).toBe(130)

    const listed = await runCli('runs', table)
    expect([listed.code, listed.out]).toEqual([0, expect.stringMatching(/ OPEN +slow +\d+ of 96 /)])
    const [row] = JSON.parse((await runCli('runs', table, '--json')).out) as { run: string; partitions: number; planned: number }[]
    expect(row).toMatchObject({ version: null, operation: 'OPEN', planned: 96 })
    expect(row!.partitions).toBeGreaterThan(0)
    const command = /go on with: chronicle-replay (.*?);/.exec(listed.err)![1]!
    expect(command).toBe(`resume ${table}/_chronicle/runs/${row!.run}`)
    expect((await runCli(...command.split(' '))).code).toBe(0)
    const after = JSON.parse((await runCli('runs', table, '--json')).out) as { run: string; operation: string }[]
    expect(after.map(({ run, operation }) => [run, operation])).toEqual([[row!.run, 'WRITE']])
  })
})
