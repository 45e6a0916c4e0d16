import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { namesOf } from '../../cli/command.ts'
import { COMMANDS } from '../../cli/main.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder('cli')

const BIN = path.resolve(import.meta.dirname, '../../cli/bin.mjs')

describe('the program', () => {
  it('makes the same archive for the same seed, and replays it', async () => {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => path.join(folder, name)) as [string, string, string]
    const size = ['--symbols', '2', '--messages', '3000', '--json']
    const made = await runCli('generate', a, ...size)
    expect(JSON.parse(made.out)).toMatchObject({ messages: 6000 })
    await runCli('generate', b, ...size)
    await runCli('generate', c, ...size, '--seed', '2')
    const checksums = []
    for (const archive of [a, b, c])
      checksums.push((JSON.parse((await runCli('replay', archive, '--json')).out) as { checksum: { rows: number; sum: string } }).checksum)
    expect(checksums[0]).toEqual(checksums[1])
    expect(checksums[2]).not.toEqual(checksums[0])
    expect(checksums[0]!.rows).toBe(6000)
  })

  it('takes all options of generate, and makes what they say', async () => {
    const archive = path.join(folder, 'options')
    const options = '--symbols 1 --messages 3000 --days 3 --from 2024-03-01 --streams book,trades --daily-snapshot false'
    const more = '--skew-ms -700..1300 --step-back 0.01 --gaps 4 --segment-bytes 65536 --level l2 --json'
    const made = await runCli('generate', archive, ...options.split(' '), ...more.split(' '))
    expect((JSON.parse(made.out) as { gaps: unknown[] }).gaps).toHaveLength(4)
    const logs = JSON.parse((await runCli('inspect', archive, '--json')).out) as { date: string; stream: string }[]
    expect(logs.map(({ date, stream }) => `${date} ${stream}`)).toEqual(
      ['2024-03-01', '2024-03-02', '2024-03-03'].flatMap((date) => [`${date} book`, `${date} trades`]),
    )
    const { out } = await runCli('book', path.join(archive, 'v1/synthetic/btcusdt/2024-03-01/book'), '--on-gap', 'ignore', '--json')
    expect(JSON.parse(out.trim().split('\n').at(-1)!)).toMatchObject({ final: true })
  })

  it('writes data to stdout, the rest to stderr, and ends with its exit code', () => {
    const archive = path.join(folder, 'p')
    const run = (...argv: string[]) => spawnSync(process.execPath, [BIN, ...argv], { encoding: 'utf8' })
    expect(run('generate', archive, '--symbols', '1', '--messages', '2000').status).toBe(0)
    const replayed = run('replay', archive, '--console', '--types', 'trade')
    expect(replayed.status).toBe(0)
    expect(replayed.stdout.split('\n').length).toBeGreaterThan(100)
    expect(replayed.stderr).toMatch(/read [\d,]+ = filtered/)
    const segment = fs.globSync(path.join(archive, 'v1/**/*.q'))[0]!
    const bytes = fs.readFileSync(segment)
    bytes[130]! ^= 1 // in the first payload
    fs.writeFileSync(segment, bytes)
    expect(run('replay', archive).status).toBe(3)
    expect(run('verify', archive).status).toBe(3)
    expect(run('replay', path.join(folder, 'nothing')).status).toBe(2)
  })

  it('is not upset by a reader that goes away', async () => {
    const archive = path.join(folder, 'pipe')
    await runCli('generate', archive, '--symbols', '1', '--messages', '20000')
    const child = spawn(process.execPath, [BIN, 'replay', archive, '--console'], { stdio: ['ignore', 'pipe', 'pipe'] })
    let complaint = ''
    child.stderr.on('data', (text) => {
      complaint += text
    })
    child.stdout.once('data', () => child.stdout.destroy())
    const status = await new Promise((resolve) => child.once('exit', resolve))
    expect([status, complaint]).toEqual([0, ''])
  })

  const ways = [
    ['--help'],
    ['replay', '--help'],
    ['--version'],
    ['--version', '--json'],
    ['inspect', 'ARCHIVE'],
    ['inspect', 'ARCHIVE', '--json'],
    ['replay', 'ARCHIVE', '--console'],
    ['verify', 'ARCHIVE', '--json'],
    ['book', 'LOG', '--every', '1', '--json'],
    ['book', 'LOG', '--every', '1'],
    ['features', 'LOG', '--every', '1s', '--columns', 'mid', '--csv', '/dev/stdout'],
    ['run', 'trades', '--archive', 'ARCHIVE', '--table', 'TABLE', '--json'],
    ['inspect', '/nowhere', '--json'],
    ['book', '/nowhere', '--json'],
    ['nothing', '--json'],
  ].map((argv): [string[]] => [argv])
  it.runIf(fs.existsSync('/dev/full')).each(ways)('%j says in a line that standard output is full, and ends with 2', async (argv) => {
    const archive = path.join(folder, 'full')
    if (!fs.existsSync(archive)) await runCli('generate', archive, '--symbols', '1', '--messages', '2000')
    const log = path.join(archive, 'v1/synthetic/btcusdt/2024-01-01/book')
    const places: Record<string, string> = { ARCHIVE: archive, LOG: log, TABLE: path.join(folder, 'full-table') }
    const words = argv.map((word) => places[word] ?? word)
    const full = fs.openSync('/dev/full', 'w')
    const { status, stderr } = spawnSync(process.execPath, [BIN, ...words], { encoding: 'utf8', stdio: ['ignore', full, 'pipe'] })
    fs.closeSync(full)
    expect(status, stderr).toBe(2)
    expect(stderr.split('\n').filter((line) => line.startsWith('error disk-full: '))).toHaveLength(1)
    expect(stderr).not.toMatch(/internal error|\n {4}at |nothing is committed/)
  })

  it('stops at Ctrl-C with 130', async () => {
    const fifo = path.join(folder, 'fifo')
    expect(spawnSync('mkfifo', [fifo]).status).toBe(0)
    const archive = path.join(folder, 'interrupt')
    await runCli('generate', archive, '--symbols', '4', '--messages', '100000')
    const child = spawn(process.execPath, [BIN, 'replay', archive, '--csv', fifo], { stdio: ['ignore', 'pipe', 'pipe'] })
    const descriptor = fs.openSync(fifo, 'r')
    fs.readSync(descriptor, new Uint8Array(1)) // it is at work now, and waits for the pipe to be read
    child.kill('SIGINT')
    const status = new Promise((resolve) => child.once('exit', resolve))
    const drain = fs.createReadStream('', { fd: descriptor }).resume()
    expect(await status).toBe(130)
    drain.destroy()
  })
})

describe('help and usage', () => {
  it('every command has help with an example', async () => {
    for (const { name } of COMMANDS) {
      const { code, out } = await runCli(name, '--help')
      expect(code).toBe(0)
      expect(out).toMatchSnapshot(name)
    }
    expect((await runCli('--help')).out).toMatchSnapshot('all')
  })

  it('a command answers to both of its names, which are no other one’s', async () => {
    const names = COMMANDS.flatMap(namesOf)
    expect(new Set(names).size).toBe(names.length)
    for (const [name = '', other = ''] of COMMANDS.map(namesOf).filter(({ length }) => length > 1)) {
      const help = await runCli(other, '--help')
      expect(help).toEqual(await runCli(name, '--help'))
      expect(help.out).toContain(`chronicle-replay ${other} `)
    }
    expect(names).toEqual(expect.arrayContaining(['statistics', 'stats']))
  })

  it.each([
    [['replya'], 'unknown command "replya", did you mean replay?'],
    [['replay', 'x', '--cvs', 'f'], 'unknown option --cvs, did you mean --csv?'],
    [['replay'], 'missing <log>'],
    [['inspect', 'a', 'b'], 'unexpected argument "b"'],
    [['replay', '.', '--from', 'yesterday'], '--from: expected a time like'],
    [['replay', '.', '--types', 'trade,'], '--types: expected a comma-separated list'],
    [['replay', '.', '--types', '0x10000'], '--types: expected types like'],
    [['replay', '.', '--sample', '0'], '--sample: expected a positive integer'],
    [['replay', '.', '--on-error', 'ignore'], '--on-error: expected one of abort, skip'],
    [['generate', 'x', '--skew-ms', '5'], '--skew-ms: expected a range like'],
    ...['', '.', '..', '../..', 'a/b', '/a'].map((venue): [string[], string] => [
      ['import', '/nowhere', '--archive', 'x', '--venue', venue],
      `--venue: expected a name that a folder can have, found ${JSON.stringify(venue)}`,
    ]),
    [['inspect', '/nowhere', '--seek-seq', '5', '--seek-timestamp', '2024-01-01'], 'expected --seek-seq or --seek-timestamp, found both'],
    [['query', '/nowhere'], 'query-no-folder'],
    [['inspect', '/nowhere'], 'log-missing'],
    [['generate', 's3://bucket/x'], 'archive: expected a path on this machine, found "s3://bucket/x"; write it here and copy it'],
    [['replay', '.', '--queue', 's3://bucket/x'], '--queue: expected a path on this machine'],
    [['replay', '.', '--csv', 's3://bucket/x.csv'], '--csv: expected a path on this machine'],
    [['replay', '.', '--parquet', 's3://bucket/x'], '--parquet: expected a path on this machine'],
    [['replay', '.', '--dead-letters', 's3://bucket/x'], '--dead-letters: expected a path on this machine'],
    [['query', 'out', 'from t', '--out', 's3://bucket/x'], '--out: expected a path on this machine'],
    [['report', 'out', '--out', 's3://bucket/x.html'], '--out: expected a path on this machine'],
  ])('%j is refused with exit code 2 and a reason', async (argv, reason) => {
    const { code, out, err } = await runCli(...argv)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(reason)
  })
})
