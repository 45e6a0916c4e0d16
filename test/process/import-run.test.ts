import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import timers from 'node:timers'
import { setTimeout } from 'node:timers/promises'
import zlib from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { planImport } from '../../core/import/import-plan.ts'
import { findSources } from '../../core/import/source-files.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { hexOf } from '../support/tree-digest.ts'

const root = temporaryFolder('import-run')
const SEED = Number(process.env.CHRONICLE_IMPORT_SEED ?? Date.now() % 2 ** 31)
const KILLS = Number(process.env.CHRONICLE_IMPORT_KILLS ?? 4)
let folders = 0

const HEADER = 'exchange,symbol,timestamp,local_timestamp,'
const DAY_US = 86_400_000_000

/** Rows of a day, as Tardis has them. */
function bookRows(symbol: string, day: number, rows: number, exchange = 'binance-futures'): string[] {
  const start = Date.parse('2024-03-01T00:00:00Z') * 1000 + day * DAY_US
  return Array.from({ length: rows }, (_, i) => {
    const at = start + i * Math.floor((DAY_US - 1) / rows)
    const price = 60_000 + ((i * 7919) % 1000) / 10
    return `${exchange},${symbol},${at - 50},${at},${i < 40},${i % 2 === 0 ? 'bid' : 'ask'},${price},${((i * 31) % 97) / 1000}`
  })
}

function writeBook(folder: string, symbol: string, day: number, rows: readonly string[], name?: string): string {
  fs.mkdirSync(folder, { recursive: true })
  const date = `2024-03-0${day + 1}`
  const file = path.join(folder, name ?? `binance-futures_incremental_book_L2_${date}_${symbol}.csv.gz`)
  fs.writeFileSync(file, zlib.gzipSync(`${HEADER}is_snapshot,side,price,amount\n${rows.join('\n')}\n`, { level: 1 }))
  return file
}

function makeDownloads(symbols: number, days: number, rows: number): string {
  const folder = path.join(root, `downloads-${folders++}`)
  for (let symbol = 0; symbol < symbols; symbol++)
    for (let day = 0; day < days; day++) writeBook(folder, `SYM${symbol}USDT`, day, bookRows(`SYM${symbol}USDT`, day, rows))
  return folder
}

/** Logs, and what is known of them: all that two imports of the same files have in common. */
const bytesOf = (archive: string): string => `${hexOf(path.join(archive, 'v1'))} ${hexOf(path.join(archive, '_imports'), /\.json$/)}`

const newArchive = (): string => path.join(root, `archive-${folders++}`)

async function imported(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  return runCli('import', ...argv)
}

describe('an import', () => {
  it('makes the same bytes whatever workers and order, and nothing twice', async () => {
    const downloads = makeDownloads(3, 2, 3000)
    const files = fs.readdirSync(downloads).map((name) => path.join(downloads, name))
    const [once, threads, reversed] = [newArchive(), newArchive(), newArchive()]
    expect((await imported(downloads, '--archive', once)).code).toBe(0)
    expect((await imported(downloads, '--archive', threads, '--workers', '3')).code).toBe(0)
    expect((await imported('tardis', ...files.toReversed(), '--archive', reversed, '--workers', '2')).code).toBe(0)
    const expected = bytesOf(once)
    expect([bytesOf(threads), bytesOf(reversed)]).toEqual([expected, expected])
    const again = await imported(downloads, '--archive', once, '--json')
    expect(JSON.parse(again.out)).toMatchObject({ counts: { rows: 0 }, folders: [] })
    expect(bytesOf(once)).toBe(expected)
    expect((await runCli('verify', once, '--json')).code).toBe(0)
  })

  it('takes only what is new, and joins what goes on in the same day', async () => {
    const rows = bookRows('BTCUSDT', 0, 4000)
    const [first, second, whole] = [0, 1, 2].map((i) => path.join(root, `parts-${folders}-${i}`)) as [string, string, string]
    const name = (part: string): string => `binance-futures_incremental_book_L2_2024-03-01_BTCUSDT.csv.${part}.gz`
    const a = writeBook(first, 'BTCUSDT', 0, rows.slice(0, 2000), name('0'))
    const b = writeBook(second, 'BTCUSDT', 0, rows.slice(2000), name('1'))
    const [steps, both] = [newArchive(), newArchive()]
    expect((await imported(a, '--archive', steps)).code).toBe(0)
    expect((await imported(b, '--archive', steps)).code).toBe(0)
    expect((await imported(b, a, '--archive', both)).code).toBe(0)
    expect(bytesOf(steps)).toBe(bytesOf(both))
    writeBook(whole, 'BTCUSDT', 0, rows)
    const one = newArchive()
    expect((await imported(whole, '--archive', one)).code).toBe(0)
    // Where one file ends and the next begins, a message may have rows in both; here none has.
    const segments = (archive: string): string => hexOf(path.join(archive, 'v1'), /\.q$/)
    expect(segments(both)).toBe(segments(one))
  })

  it('refuses what would be there twice, and replaces when asked', async () => {
    const rows = bookRows('BTCUSDT', 0, 1000)
    const folder = path.join(root, `again-${folders++}`)
    const file = writeBook(folder, 'BTCUSDT', 0, rows)
    const archive = newArchive()
    expect((await imported(file, '--archive', archive)).code).toBe(0)
    const before = hexOf(archive, /\.q$/)
    writeBook(folder, 'BTCUSDT', 0, [...rows.slice(0, 900), ...bookRows('BTCUSDT', 0, 1000).slice(910)])
    const refused = await imported(file, '--archive', archive)
    expect(refused.code).toBe(2)
    expect(refused.err).toContain('folder-exists')
    expect(hexOf(archive, /\.q$/)).toBe(before)
    expect((await imported(file, '--archive', archive, '--replace')).code).toBe(0)
    const fresh = newArchive()
    expect((await imported(file, '--archive', fresh)).code).toBe(0)
    expect(hexOf(path.join(archive, 'v1'))).toBe(hexOf(path.join(fresh, 'v1')))
    // Another file of the same times.
    const other = writeBook(path.join(root, `other-${folders++}`), 'BTCUSDT', 0, rows.slice(100), 'copy_of_it.csv.gz')
    const overlap = await imported(other, '--archive', archive)
    expect([overlap.code, overlap.err]).toEqual([2, expect.stringContaining('import-overlap')])
  })

  it('is a run of the archive, that can be resumed by its id, and is listed', async () => {
    const downloads = makeDownloads(3, 2, 5000)
    const archive = newArchive()
    const folder = path.join(archive, '_chronicle/runs')
    const killed = spawned(downloads, archive)
    while (fs.globSync('*/receipts/*', { cwd: folder }).length === 0) await setTimeout(20)
    killed.process.kill('SIGKILL')
    await killed.ended
    const [run] = fs.readdirSync(folder) as [string]
    const resumed = await runCli('resume', `${folder}/${run}`, '--json')
    expect([resumed.code, JSON.parse(resumed.out)]).toMatchObject([0, { run, failed: [], counts: { rows: 30_000 } }])
    const fresh = newArchive()
    expect((await imported(downloads, '--archive', fresh)).code).toBe(0)
    expect(bytesOf(archive)).toBe(bytesOf(fresh))
    const { out } = await runCli('runs', archive, '--json')
    expect(JSON.parse(out)).toMatchObject([{ run, operation: 'IMPORT', job: 'import', partitions: 6, version: null }])
  })

  it('takes no file for another that has its name', async () => {
    const folder = path.join(root, `mended-${folders++}`)
    const [good, bad] = [0, 1].map((day) => writeBook(folder, 'BTCUSDT', day, bookRows('BTCUSDT', day, 500))) as [string, string]
    const whole = fs.readFileSync(bad)
    fs.writeFileSync(bad, Buffer.concat([whole.subarray(0, whole.length - 200), Buffer.alloc(200)]))
    const archive = newArchive()
    const first = await imported(good, bad, '--archive', archive, '--json')
    expect(first.code).toBe(4)
    const { run, failed } = JSON.parse(first.out) as { run: string; failed: object[] }
    expect(failed).toMatchObject([{ files: [bad], error: { code: 'gzip-damaged' } }])
    fs.writeFileSync(bad, whole)
    const resumed = await runCli('resume', `${archive}/_chronicle/runs/${run}`, '--json')
    expect(JSON.parse(resumed.out)).toMatchObject({ failed: [{ error: { code: 'input-changed' } }] })
    expect((await imported(folder, '--archive', archive)).code).toBe(0)
    const fresh = newArchive()
    expect((await imported(folder, '--archive', fresh)).code).toBe(0)
    expect(bytesOf(archive)).toBe(bytesOf(fresh))
  })

  it('ends with 4 where a file could not be read, whether others are new or known, and not for what is no data', async () => {
    const folder = makeDownloads(1, 1, 100)
    for (const [name, bytes] of [
      ['notes.txt', 'to do'],
      ['index.html', '<!doctype html><title>Index of /</title>'],
    ] as const)
      fs.writeFileSync(path.join(folder, name), bytes)
    const archive = newArchive()
    expect((await imported(folder, '--archive', archive)).code).toBe(0)
    for (const [name, bytes, code] of [
      ['empty.csv', '', 'input-empty'],
      ['cut.csv.gz', zlib.gzipSync('x').subarray(0, 10), 'gzip-damaged'],
    ] as const) {
      const file = path.join(folder, name)
      fs.writeFileSync(file, bytes)
      for (const place of [archive, newArchive()]) {
        const { code: exitCode, err } = await imported(folder, '--archive', place)
        expect([exitCode, err]).toEqual([4, expect.stringContaining(`left out ${file}`)])
      }
      expect((await imported(folder, '--dry-run')).code).toBe(4)
      const { unread } = await planImport(await findSources([file]), { importer: null, settings: { words: {} }, isStrict: false })
      expect(unread).toMatchObject([{ path: file, code }])
      fs.rmSync(file)
    }
    expect((await imported(folder, '--archive', archive)).code).toBe(0)
  })

  it('says in JSON what became of every row, file and log', async () => {
    const folder = path.join(root, `documents-${folders++}`)
    const [good = '', ...rows] = bookRows('BTCUSDT', 0, 100)
    writeBook(folder, 'BTCUSDT', 0, [good, 'damaged', 'damaged too', ...rows, good.replace(/,60000,/, ',-1,')])
    writeBook(folder, 'ETHUSDT', 0, bookRows('ETHUSDT', 0, 50))
    fs.writeFileSync(path.join(folder, 'empty.csv'), '')
    fs.writeFileSync(path.join(folder, 'notes.txt'), 'to do')
    const argv = [folder, '--archive', newArchive(), '--on-error', 'skip', '--symbols', 'BTCUSDT', '--json']
    const { out } = await imported(...argv)
    const document = JSON.parse(out) as ImportDocument
    expect(document).toMatchObject({
      ...{ files: 2, rows: 153, leftOut: { 'not asked for': 50 }, notRepresentable: { 'negative-price': 1 } },
      logs: [{ venue: 'binance-usdm', symbol: 'btcusdt', date: '2024-03-01', stream: 'book', messages: document.written }],
      bad: [
        { file: expect.stringContaining('BTCUSDT'), place: 'line 3', code: 'import-columns', message: expect.any(String), rows: 2 },
        { file: path.join(folder, 'empty.csv'), place: null, code: 'input-empty', message: expect.stringContaining('empty'), rows: 0 },
      ],
      filesLeftOut: [{ path: path.join(folder, 'empty.csv') }, { path: path.join(folder, 'notes.txt') }],
      ...{ bytes: expect.any(Number), durationMs: expect.any(Number) },
    })
    const { rows: all, written, merged, leftOut, notRepresentable, bad } = document
    const settled = [...Object.values(leftOut), ...Object.values(notRepresentable), ...bad.map((each) => each.rows)]
    expect(written + merged + settled.reduce((sum, count) => sum + count, 0)).toBe(all)
    const again = JSON.parse((await imported(...argv)).out) as ImportDocument
    expect(again).toMatchObject({ files: 0, rows: 0, written: 0, logs: [], leftOut: {}, notRepresentable: {}, bytes: 0, durationMs: 0 })
    expect(again.bad).toMatchObject([{ code: 'input-empty' }])
  })

  it('killed at any moment and begun again gives what one that was not killed gives', async () => {
    const downloads = makeDownloads(3, 2, 20_000)
    const whole = newArchive()
    const started = performance.now()
    expect(await spawned(downloads, whole).ended).toBe(0)
    const lasted = performance.now() - started
    const expected = bytesOf(whole)
    let random = SEED
    console.info(`kills of seed ${SEED}`)
    for (let kill = 0; kill < KILLS; kill++) {
      const archive = newArchive()
      for (let again = 0; ; again++) {
        random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0
        const run = spawned(downloads, archive)
        const timer = again < 3 ? timers.setTimeout(() => run.process.kill('SIGKILL'), 250 + (random / 2 ** 32) * lasted) : undefined
        const code = await run.ended
        clearTimeout(timer)
        if (code === 0) break
      }
      expect(bytesOf(archive)).toBe(expected)
      fs.rmSync(archive, { recursive: true })
    }
  }, 240_000)
})

/** Of `import --json`. */
interface ImportDocument {
  readonly rows: number
  readonly written: number
  readonly merged: number
  readonly leftOut: Readonly<Record<string, number>>
  readonly notRepresentable: Readonly<Record<string, number>>
  readonly bad: readonly { readonly rows: number }[]
}

function spawned(
  downloads: string,
  archive: string,
): { readonly process: ReturnType<typeof spawn>; readonly ended: Promise<number | null> } {
  const bin = path.resolve(import.meta.dirname, '../../cli/bin.mjs')
  const child = spawn(process.execPath, [bin, 'import', downloads, '--archive', archive, '--workers', '2', '--quiet'], { stdio: 'ignore' })
  return { process: child, ended: once(child, 'exit').then(([code]) => code as number | null) }
}

describe('what people have by mistake', () => {
  const cases: readonly [what: string, name: string, bytes: Buffer, code: string][] = [
    ['an empty file', 'binance-futures_trades_2024-03-01_BTCUSDT.csv.gz', Buffer.alloc(0), 'input-empty'],
    ['an error page', 'binance-futures_trades_2024-03-01_BTCUSDT.csv.gz', Buffer.from('<!DOCTYPE html><html>401</html>'), 'input-html'],
    ['text of no format', 'notes.txt', Buffer.from('buy low, sell high\n'), 'import-unknown'],
    [
      'a download cut short',
      'binance-futures_incremental_book_L2_2024-03-01_BTCUSDT.csv.gz',
      zlib.gzipSync(`${HEADER}is_snapshot,side,price,amount\n${bookRows('BTCUSDT', 0, 50_000).join('\n')}\n`).subarray(0, 100_000),
      'gzip-damaged',
    ],
    [
      'a damaged row',
      'binance-futures_incremental_book_L2_2024-03-01_BTCUSDT.csv',
      Buffer.from(`${HEADER}is_snapshot,side,price,amount\n${bookRows('BTCUSDT', 0, 3).join('\n').replace(',bid,', ',bid,x')}\n`),
      'import-number',
    ],
  ]

  it.each(cases)('%s is told', async (_, name, bytes, code) => {
    const folder = path.join(root, `mistake-${folders++}`)
    fs.mkdirSync(folder)
    fs.writeFileSync(path.join(folder, name), bytes)
    const archive = newArchive()
    const result = await imported(path.join(folder, name), '--archive', archive)
    expect(result.code).toBe(code.startsWith('in') || code === 'import-unknown' ? 2 : 3)
    expect(result.err).toContain(code)
    expect(fs.existsSync(path.join(archive, 'v1'))).toBe(false)
  })

  it('what there is of a file that was cut short is taken when asked, and said', async () => {
    const folder = path.join(root, `cut-${folders++}`)
    const rows = bookRows('BTCUSDT', 0, 50_000)
    const bytes = fs.readFileSync(writeBook(folder, 'BTCUSDT', 0, rows))
    const file = writeBook(folder, 'BTCUSDT', 0, rows)
    fs.writeFileSync(file, bytes.subarray(0, bytes.length >> 1))
    const result = await imported(file, '--archive', newArchive(), '--keep-truncated', '--on-error', 'skip', '--json')
    expect(result.code).toBe(0)
    const { counts } = JSON.parse(result.out) as { counts: { rows: number; noted: Record<string, number> } }
    expect(counts.rows).toBeGreaterThan(10_000)
    expect(counts.noted['files cut short (gzip-damaged)']).toBe(1)
  })

  it('a recorder that was killed leaves no trailer: all of its rows are taken, and those of the one after it', async () => {
    const folder = path.join(root, `killed-${folders++}`)
    const rows = bookRows('BTCUSDT', 0, 900)
    const file = writeBook(folder, 'BTCUSDT', 0, rows.slice(0, 500))
    const rest = zlib.gzipSync(`${rows.slice(500).join('\n')}\n`)
    fs.writeFileSync(file, Buffer.concat([fs.readFileSync(file).subarray(0, -8), rest]))
    const { code, out } = await imported(file, '--archive', newArchive(), '--keep-truncated', '--json')
    expect([code, JSON.parse(out)]).toMatchObject([0, { counts: { rows: 900, noted: { 'files cut short (gzip-damaged)': 1 } } }])
  })
})
