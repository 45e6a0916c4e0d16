import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { tableSum } from '../../bench/made/job-run.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { type CliResult, runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('run-bad-input')
const archive = path.join(root, 'archive')
const table = path.join(root, 'table')
const at = ['--archive', archive, '--table', table]
const BIN = path.resolve(import.meta.dirname, '../../cli/bin.mjs')
const repository = path.resolve(import.meta.dirname, '../..')

beforeAll(async () => {
  await generateArchive(archive, { symbols: 2, messages: 2000, seed: 4, segmentBytes: 65_536 })
  expect((await runCli('run', 'bars', ...at)).code).toBe(0)
})

/** One line that names the cause; the table is as it was. */
async function expectRefused(words: readonly string[], code: string, ...says: (string | RegExp)[]): Promise<CliResult> {
  const before = await tableSum(new FileStore(table))
  const files = fs.globSync('**', { cwd: table }).length
  const result = await runCli(...words)
  expect(result.code, result.err).toBe(2)
  expect(result.err.trim().split('\n')).toHaveLength(1)
  expect(result.err).toContain(`error ${code}: `)
  for (const text of says) expect(result.err).toMatch(text)
  expect(result.out).toBe('')
  expect(await tableSum(new FileStore(table))).toBe(before)
  expect(fs.globSync('**', { cwd: table })).toHaveLength(files)
  return result
}

function moduleOf(name: string, text: string, folder = root): string {
  const file = path.join(folder, `${name}.ts`)
  fs.writeFileSync(file, text)
  return file
}

const priceJob = (trade: string): string =>
  `import { defineJob } from 'chronicle-replay'
export default defineJob({ name: 'price', streams: ['trades'], columns: { price: 'f64' }, create: () => ({
  trade(t, out) {
    ${trade}
    out.emit()
  },
}) })\n`

it('a place that cannot be written to is told in one line, whatever writes there and whatever is in the way', async () => {
  const file = path.join(root, 'in-the-way')
  fs.writeFileSync(file, '')
  const locked = path.join(root, 'locked')
  for (const folder of ['writer.lock', '_imports/writer.lock']) fs.mkdirSync(path.join(locked, folder), { recursive: true })
  const trades = path.join(root, 'binance-futures_trades_2024-08-08_BTCUSDT.csv')
  const columns = 'exchange,symbol,timestamp,local_timestamp,id,side,price,amount'
  fs.writeFileSync(trades, `${columns}\nbinance-futures,BTCUSDT,1723075200000000,1723075200000000,1,buy,100,1\n`)
  for (const place of [file, path.join(file, 'below'), path.join(root, 'x'.repeat(300))]) {
    await expectRefused(['import', trades, '--archive', place], 'store-not-writable')
    await expectRefused(['generate', path.join(place, 'g'), '--symbols', '1', '--messages', '100', '--quiet'], 'store-not-writable')
    await expectRefused(['replay', archive, '--queue', place, '--quiet'], 'store-not-writable')
    for (const sink of ['--csv', '--parquet', '--dead-letters'])
      await expectRefused(['replay', archive, sink, path.join(place, 'f'), '--on-error', 'skip', '--quiet'], 'output-failed')
  }
  const blocked = path.join(root, 'blocked')
  fs.mkdirSync(path.join(blocked, 'v1'), { recursive: true })
  fs.writeFileSync(path.join(blocked, 'v1/binance-usdm'), '')
  await expectRefused(['import', trades, '--archive', blocked], 'store-not-writable')
  await expectRefused(['import', trades, '--archive', locked], 'store-not-writable', /writer\.lock/)
  await expectRefused(['replay', archive, '--queue', locked, '--quiet'], 'store-not-writable', /writer\.lock/)
})

it('a folder where a file is to be is refused before anything is read, and nothing is left beside it', async () => {
  const damaged = path.join(root, 'damaged-at-once')
  await generateArchive(damaged, { symbols: 1, messages: 500, seed: 4 })
  const log = path.join(damaged, 'v1/synthetic/btcusdt/2024-01-01/book')
  const segment = path.join(log, '000000000.q')
  const bytes = fs.readFileSync(segment)
  bytes[130]! ^= 1 // in the first payload: whoever reads it ends with 3
  fs.writeFileSync(segment, bytes)
  const folder = path.join(root, 'targets')
  const target = path.join(folder, 'a-folder')
  fs.mkdirSync(target, { recursive: true })
  fs.symlinkSync(target, path.join(folder, 'a-link'))
  const before = fs.readdirSync(folder)
  for (const place of before.map((name) => path.join(folder, name))) {
    for (const words of [
      ['replay', damaged, '--quiet', '--csv', place],
      ['replay', damaged, '--quiet', '--decode', '--parquet', place],
      ['replay', damaged, '--quiet', '--on-error', 'skip', '--dead-letters', place],
      ['features', log, '--every', '1s', '--columns', 'mid', '--quiet', '--csv', place],
      ['features', log, '--every', '1s', '--columns', 'mid', '--quiet', '--parquet', place],
      ['query', table, 'from nothing_that_is_there', '--out', place],
      ['query', table, 'from nothing_that_is_there', '--format', 'parquet', '--out', place],
      ['report', table, '--quiet', '--out', place],
    ])
      await expectRefused(words, 'output-failed')
    expect(fs.readdirSync(folder)).toEqual(before)
    expect(fs.readdirSync(target)).toEqual([])
  }
})

it('says what became of messages in every document, also of a plan and where all is cached', async () => {
  const other = ['trades', '--archive', archive, '--table', path.join(root, 'accounts'), '--json']
  for (const command of ['plan', 'run', 'run', 'plan']) {
    const document = JSON.parse((await runCli(command, ...other)).out) as Accounts & { run?: string | null }
    const { read, handled, leftOut, noted } = document
    expect(read).toBe(handled + Object.values(leftOut).reduce((sum, count) => sum + count, 0))
    expect(noted).toBeTypeOf('object')
    expect(read > 0, 'a plan and a run that finds all cached read nothing').toBe(typeof document.run === 'string')
  }
})

/** What `run` and `plan` say of messages. */
interface Accounts {
  readonly read: number
  readonly handled: number
  readonly leftOut: Readonly<Record<string, number>>
  readonly noted: Readonly<Record<string, number>>
}

describe('bad input is refused with one clear message, and nothing is lost', () => {
  it('options and ranges', async () => {
    const run = ['run', 'bars', ...at]
    await expectRefused([...run, '--param', 'evry=1m'], 'param-unknown', /did you mean every\?/)
    await expectRefused([...run, '--param', 'every=1x'], 'job-invalid', /duration/)
    await expectRefused([...run, '--from', '2024-01-01', '--to', '2024-01-01'], 'range-empty', /expected --from before --to/)
    await expectRefused(
      [...run, '--from', '2025-01-01', '--to', '2025-01-02'],
      'range-empty',
      /there are days from 2024-01-01 to 2024-01-02/,
    )
    await expectRefused([...run, '--from', '2024-01-01T00:30:00Z'], 'range-off-grid', /nearest: 2024-01-01T00:00:00Z, 2024-01-02T00:00:00Z/)
    await expectRefused([...run, '--slice', '7h'], 'slice', /divides a day/)
    await expectRefused([...run, '--slice', '6h'], 'cell-overlap', /another slicing/)
    await expectRefused([...run, '--symbols', '../../etc'], 'name-invalid', /expected the name of a folder/)
    await expectRefused([...run, '--venues', '..'], 'name-invalid', /expected the name of a folder/)
    for (const command of [run, ['replay', archive, '--quiet']]) {
      await expectRefused([...command, '--symbols', 'btcusd'], 'symbol-unknown', /did you mean btcusdt\?/)
      await expectRefused([...command, '--symbols', 'btcusdt,DOGE'], 'symbol-unknown', /"DOGE"; there are: btcusdt, ethusdt/)
    }
    await expectRefused([...run, '--on-error', 'shrug'], 'usage', /one of quarantine, abort, skip/)
    await expectRefused(['run', 'bars', '--archive', path.join(root, 'nothing'), '--table', table], 'usage', /the folder of an archive/)
  })

  it('a table of another job; a folder that is no table; a file', async () => {
    await expectRefused(['run', 'trades', ...at], 'table-job', /holds rows of job bars, not of trades/)
    const folder = path.join(root, 'documents')
    fs.mkdirSync(folder)
    fs.writeFileSync(path.join(folder, 'thesis.txt'), 'all of it')
    await expectRefused(['run', 'bars', '--archive', archive, '--table', folder], 'not-a-table', /thesis\.txt/)
    expect(fs.readdirSync(folder)).toEqual(['thesis.txt'])
    await expectRefused(['run', 'bars', '--archive', archive, '--table', path.join(folder, 'thesis.txt')], 'not-a-table')
    await expectRefused(['query', folder, 'select 1'], 'query-no-files')
    await expectRefused(['resume', '20240808T120000Z-7f3a09c2', '--table', table], 'run-unknown', /see: chronicle-replay runs/)
    await expectRefused(['resume', 'nonsense', '--table', table], 'run-id', /expected a run id/)
    await expectRefused(['resume', 'nonsense'], 'usage', /_chronicle\/runs/)
    await expectRefused(['resume', `${folder}/_chronicle/runs/20240808T120000Z-7f3a09c2`], 'run-unknown')
  })

  it('modules: not there, no job, syntax, a job that is wrong, types', async () => {
    await expectRefused(['run', 'my-jop.ts', ...at], 'job-unknown')
    await expectRefused(['run', moduleOf('none', 'export const a = 1\n'), ...at], 'job-missing', /export default defineJob/)
    await expectRefused(['run', moduleOf('syntax', 'export default {\n  a: ,\n}\n'), ...at], 'job-bundle', /syntax\.ts:2/)
    await expectRefused(['run', moduleOf('throws', "throw new Error('no licence')\n"), ...at], 'job-failed', /no licence/)
    await expectRefused(
      ['run', moduleOf('typo', priceJob('out.price = 1').replace("'f64'", "'f46'")), ...at],
      'job-invalid',
      /columns\.price/,
    )
    // Types are checked where the project has TypeScript.
    const project = fs.mkdtempSync(path.join(repository, 'test', 'types-'))
    try {
      const wrong = moduleOf('wrong', priceJob('out.price = t.prize'), project)
      await expectRefused(['run', wrong, ...at], 'job-types', /Property 'prize' does not exist/, /wrong\.ts:4/)
      await expectRefused(['run', moduleOf('words', priceJob("out.price = 'much'"), project), ...at], 'job-types', /words\.ts:4/)
      // What was found sound is checked again as soon as a file of it changes.
      moduleOf('shared', 'export const price: number = 1\n', project)
      const job = moduleOf('shares', `import { price } from './shared.ts'\n${priceJob('out.price = price')}`, project)
      const plan = ['plan', job, '--archive', archive, '--table', path.join(root, 'shares')]
      for (let time = 0; time < 2; time++) expect(await runCli(...plan)).toMatchObject({ code: 0 })
      moduleOf('shared', "export const price: string = '1'\n", project)
      await expectRefused(plan, 'job-types', /shares\.ts:5/)
    } finally {
      fs.rmSync(project, { recursive: true })
    }
  })

  it('a job that throws: the failure, where, how to repeat it; nothing is committed', async () => {
    const job = moduleOf('throwing', priceJob("if (t.tradeId % 50n === 7n) throw new Error('seven')\n    out.price = t.price"))
    const other = path.join(root, 'throwing-table')
    const { code, out, err } = await runCli('run', job, '--archive', archive, '--table', other, '--json')
    expect(code).toBe(2)
    expect(JSON.parse(out)).toMatchObject({ state: 'refused', version: -1, failures: [{ code: 'job-threw', partitions: 4 }] })
    // File and line as its author has them, instrument, time and position of the message.
    expect(err).toMatch(
      /^error job-threw: job price threw: Error: seven at throwing\.ts:4:\d+ \(synthetic\/(btc|eth)usdt at 2024-01-0\dT[\d:.]+Z, segment \d+, offset \d+, in .*\/trades\)$/m,
    )
    const command = /alone: chronicle-replay (run .*)$/m.exec(err)![1]!
    expect(command).toContain(`run ${job} --archive ${archive} --table ${other}`)
    const alone = await runCli(...command.split(' '))
    expect(alone.code).toBe(2)
    expect(alone.err).toContain('1 partition, first ')
    expect(fs.existsSync(path.join(other, '_delta_log'))).toBe(false)
    const quiet = await runCli('run', job, '--archive', archive, '--table', other, '--quiet')
    expect(quiet.err).toMatch(/^error job-threw/)
    const aborted = await runCli('run', job, '--archive', archive, '--table', other, '--on-error', 'abort', '--workers', '1', '--json')
    const { failures } = JSON.parse(aborted.out) as { failures: { code: string }[] }
    expect(failures.map((failure) => failure.code).sort()).toEqual(['job-threw', 'not-run'])
  })

  it('an archive with a damaged segment: its partitions fail with the place, the others are done; mended, resume completes', async () => {
    const copy = path.join(root, 'damaged')
    fs.cpSync(archive, copy, { recursive: true, preserveTimestamps: true })
    const [segment] = fs.globSync(path.join(copy, 'v1/synthetic/btcusdt/2024-01-02/trades/*.q')).sort()
    const [whole, stat] = [fs.readFileSync(segment!), fs.statSync(segment!)]
    const bytes = Buffer.from(whole)
    bytes[64 + 64 + 8]! ^= 1 // in the first payload
    fs.writeFileSync(segment!, bytes)
    fs.utimesSync(segment!, stat.atime, stat.mtime)
    const target = path.join(root, 'damaged-table')
    const { code, out, err } = await runCli('run', 'trades', '--archive', copy, '--table', target, '--json')
    expect(code).toBe(4)
    const result = JSON.parse(out) as { run: string; state: string; failures: { category: string; first: string; partitions: number }[] }
    expect(result).toMatchObject({
      state: 'refused',
      failures: [{ category: 'corrupt', partitions: 1, first: 'synthetic/btcusdt/2024-01-02T00:00:00Z' }],
    })
    expect(err).toMatch(/error record-crc: .*segment 0, offset 64.*btcusdt\/2024-01-02\/trades/)
    // Parts are there, but none of them is committed.
    expect(await runCli('query', target, 'select count(*) from t')).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(/^error not-a-table/),
    })
    fs.writeFileSync(segment!, whole)
    fs.utimesSync(segment!, stat.atime, stat.mtime)
    const resumed = await runCli('resume', result.run, '--table', target, '--json')
    expect(resumed.code, resumed.err).toBe(0)
    expect(JSON.parse(resumed.out)).toMatchObject({ state: 'committed', partitions: { failed: 0 } })
    const fresh = path.join(root, 'undamaged-table')
    await runCli('run', 'trades', '--archive', archive, '--table', fresh)
    expect(await tableSum(new FileStore(target))).toBe(await tableSum(new FileStore(fresh)))
  })
})

describe('damage that is skipped', () => {
  const copy = path.join(root, 'skipped')
  const target = path.join(root, 'skipped-table')
  const rowsOf = async (sql: string): Promise<unknown> => JSON.parse((await runCli('query', target, sql, '--json')).out)
  const skipping = ['run', 'trades', '--archive', copy, '--table', target, '--on-error', 'skip']
  let whole: Buffer
  let segment: string

  beforeAll(() => {
    fs.cpSync(archive, copy, { recursive: true, preserveTimestamps: true })
    segment = fs.globSync(path.join(copy, 'v1/synthetic/btcusdt/2024-01-02/trades/*.q')).sort()[0]!
    whole = fs.readFileSync(segment)
    const bytes = Buffer.from(whole)
    bytes[64 + 64 + 8]! ^= 1 // in the first payload
    fs.writeFileSync(segment, bytes)
    fs.mkdirSync(path.join(copy, 'v1/misplaced'))
    fs.copyFileSync(segment, path.join(copy, 'v1/misplaced/000000000.q'))
  })

  it('is left out, counted and told: by plan, run, its JSON, the receipts; only what failed has to run for it', async () => {
    const stopped = await runCli('run', 'trades', '--archive', copy, '--table', target, '--symbols', 'ethusdt')
    expect(stopped.code, stopped.err).toBe(0)
    const planned = await runCli('plan', ...skipping.slice(1), '--json')
    expect(JSON.parse(planned.out)).toMatchObject({ onCorrupt: 'skip', partitions: { run: 2, cached: 2, stale: 0 } })
    const { code, out, err } = await runCli(...skipping, '--json')
    expect(code, err).toBe(0)
    const place = { folder: 'v1/synthetic/btcusdt/2024-01-02/trades/', segment: 0, offset: 64, code: 'record-crc' }
    const result = JSON.parse(out) as { run: string }
    expect(result).toMatchObject({
      state: 'committed',
      partitions: { failed: 0 },
      skipped: { count: 1, partitions: 1, codes: { 'record-crc': 1 }, first: place },
    })
    expect(err).toMatch(/^left out: 1 of [\d,]+ messages, in 1 partition$/m)
    expect(err).toContain(`\n  record-crc 1 (damaged records or stretches); the first: ${copy}/${place.folder}, segment 0, offset 64\n`)
    expect(err.match(/record-crc/g)).toHaveLength(1)
    // Whoever resumes it hears the same.
    const lossesIn = (text: string): string[] => text.split('\n').filter((line) => /^left out|^ {2}record-crc/.test(line))
    expect(lossesIn(err)).toEqual([expect.stringContaining('"v1/misplaced/"'), expect.stringContaining('messages'), expect.any(String)])
    expect(lossesIn((await runCli('resume', result.run, '--table', target, '--quiet')).err)).toEqual(lossesIn(err))
    const receipts = fs
      .globSync(path.join(target, '_chronicle/runs', result.run, 'receipts/*.jsonl'))
      .flatMap((file) => fs.readFileSync(file, 'utf8').trim().split('\n'))
      .map((line) => JSON.parse(line) as { date: string; messages: object; damage?: object })
    expect(receipts).toHaveLength(2)
    const damaged = receipts.find(({ date }) => date === '2024-01-02')
    expect(damaged).toMatchObject({
      messages: { leftOut: { 'record-crc': 1 } },
      damage: { codes: { 'record-crc': 1 }, warmUp: 0, places: [place] },
    })
    expect(receipts.find(({ date }) => date === '2024-01-01')).not.toHaveProperty('damage')
    // All rows but that of the damaged trade.
    const sound = path.join(root, 'sound-table')
    await runCli('run', 'trades', '--archive', archive, '--table', sound)
    const count = async (table: string): Promise<number> => Number((await tableSum(new FileStore(table))).split(' ')[0])
    expect(await count(target)).toBe((await count(sound)) - 1)
    expect(await rowsOf("select count(*)::int as n from t where seq = 1 and symbol = 'btcusdt' and date = '2024-01-02'")).toEqual([
      { n: 0 },
    ])
    const again = await runCli(...skipping, '--json')
    expect(JSON.parse(again.out)).toMatchObject({ run: null, partitions: { run: 0, cached: 4, stale: 0 } })
  })

  it('is stale for a run that does not skip it, alone; the command that repeats a failure skips, too', async () => {
    const planned = await runCli('plan', 'trades', '--archive', copy, '--table', target, '--json')
    expect(JSON.parse(planned.out)).toMatchObject({
      partitions: { run: 0, cached: 3, stale: 1 },
      reasons: expect.arrayContaining([
        { state: 'stale', reason: 'damage is no longer skipped', partitions: 1, first: 'synthetic/btcusdt/2024-01-02T00:00:00Z' },
      ]),
    })
    // Mended: the input changed, and all of it is there.
    fs.writeFileSync(segment, whole)
    const mended = await runCli('run', 'trades', '--archive', copy, '--table', target, '--json')
    expect(JSON.parse(mended.out)).toMatchObject({ state: 'committed', partitions: { run: 0, cached: 3, stale: 1, failed: 0 } })
    expect(JSON.parse(mended.out)).not.toHaveProperty('skipped')
    expect(await tableSum(new FileStore(target))).toBe(await tableSum(new FileStore(path.join(root, 'sound-table'))))
    const job = moduleOf('skipping', priceJob("throw new Error('always')"))
    const failed = await runCli('run', job, '--archive', copy, '--table', path.join(root, 'never'), '--on-error', 'skip')
    expect(failed.code).toBe(2)
    expect(failed.err).toMatch(/alone: chronicle-replay run .* --on-error skip$/m)
    await expectRefused(
      ['run', 'snapshots', '--archive', copy, '--table', path.join(root, 'points'), '--on-error', 'skip'],
      'snapshots-skip',
    )
  })
})

/** A file system of this size in a mount namespace of its own needs root, or a kernel that lends it. */
const canMount = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'none', '/mnt']).status === 0

describe.skipIf(!canMount)('a full disk', () => {
  it.each([
    ['generate', 'size=4k'],
    ['generate', 'size=400k'],
    ['generate', 'size=64m,nr_inodes=6'],
    ['generate', 'size=64m,nr_inodes=12'],
    ['replay', 'size=4k'],
    ['replay', 'size=200k'],
    ['replay', 'size=64m,nr_inodes=5'],
  ])('%s into one of %s ends with 2, and says what is wrong', (command, size) => {
    const disk = path.join(root, 'small-disk')
    fs.mkdirSync(disk, { recursive: true })
    const words = command === 'generate' ? `generate ${disk}/a` : `replay ${archive} --queue ${disk}/q`
    const script = `mount -t tmpfs -o ${size} none ${disk} || exit 99; ${process.execPath} ${BIN} ${words} --quiet`
    const { stderr, status } = spawnSync('unshare', ['-rm', 'sh', '-c', script], { encoding: 'utf8' })
    expect([status, stderr]).toEqual([2, expect.stringMatching(/^error disk-full: no space left for the .*free space/)])
  })

  it('ends the run with a message; the table is as it was; with room again, resume completes it', () => {
    const disk = path.join(root, 'disk')
    fs.mkdirSync(disk)
    const script = `
      set -u
      mount -t tmpfs -o size=3m none ${disk} || exit 99
      replay() { ${process.execPath} ${BIN} "$@"; }
      replay run trades --archive ${archive} --table ${disk}/t --symbols btcusdt --quiet || exit 98
      replay checksum ${disk}/t --json
      dd if=/dev/zero of=${disk}/filler bs=1k 2>/dev/null
      truncate -s -24k ${disk}/filler
      replay run trades --archive ${archive} --table ${disk}/t --slice 1d --workers 1 2>${root}/full.err; echo $?
      replay checksum ${disk}/t --json
      rm ${disk}/filler
      run=$(ls ${disk}/t/_chronicle/runs | tail -1)
      test -f ${disk}/t/_chronicle/runs/$run/plan.json && replay resume $run --table ${disk}/t --quiet || replay run trades --archive ${archive} --table ${disk}/t --quiet
      echo $?
      replay checksum ${disk}/t --json
    `
    const { stdout, stderr, status } = spawnSync('unshare', ['-rm', 'sh', '-c', script], { encoding: 'utf8' })
    expect(status, stderr).toBe(0)
    const lines = stdout.trim().split('\n')
    const [before, code, after, resumed, complete] = lines.filter((line) => /^[{\d]/.test(line))
    // 4: some partitions still found room, and are kept.
    expect(code, stdout).toMatch(/^[24]$/)
    expect(fs.readFileSync(path.join(root, 'full.err'), 'utf8')).toMatch(/error disk-full: no space left.*free space/)
    expect(after).toBe(before)
    expect(resumed).toBe('0')
    expect(JSON.parse(complete!).rows).toBeGreaterThan(JSON.parse(before!).rows)
  })
})
