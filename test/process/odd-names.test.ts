import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeLog, plainMessages } from '../support/made-log.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const BIN = path.resolve(import.meta.dirname, '../../cli/bin.mjs')
const ROOT = temporaryFolder('odd-names')
const DAY = '2024-01-01'

/** Symbols of real venues, and what else a folder can be called. */
const NAMES = [
  ...['BTCUSDT', 'btcusdt', '币安人生USDT', 'tBTCF0:USTF0', 'BRK B', '.BXBT', '^GSPC', 'ES=F', '(1)a2507', 'BTC%2FUSDT', '$TRUMP', '#BTC'],
  ...['a..b', '-0', '~x', 'snapshots', 'readers', '_UNDER', 'date=2024', 'venue=x', 'NULL', 'null', '__HIVE_DEFAULT_PARTITION__', 'a,b'],
  ...[
    ' lead',
    'trail ',
    '"q"',
    "it's",
    'back\\slash',
    'new\nline',
    'emoji😀',
    'e\u0301',
    '\u00e9',
    '?',
    '*[x]',
    '+',
    'v1',
    DAY,
    '...',
    '&',
  ],
]

function segment(archive: string, folder: string, count = 1): void {
  const startNs = BigInt(Date.parse(`${DAY}T00:00:00Z`)) * 1_000_000n
  const messages = plainMessages(count).map((message, i) => ({ ...message, timestampNs: startNs + BigInt(i) }))
  makeLog(path.join(archive, folder), messages)
}

describe('symbols as venues call them', () => {
  // Folders above archive and table that say something else.
  const above = path.join(ROOT, 'date=2020-01-01', 'symbol=outer')
  const [archive, table] = [path.join(above, 'v1', 'y', 'archive'), path.join(above, 'table')]
  for (const [i, name] of NAMES.entries()) segment(archive, `v1/kraken/${name}/${DAY}/trades`, 1 + (i % 2))
  const args = ['messages', '--archive', archive, '--table', table, '--no-types', '--json']

  it('all run, are in the table, cached the second time, and found by every command', async () => {
    const first = JSON.parse((await runCli('run', ...args, '--workers', '1')).out)
    expect(first.failures).toEqual([])
    expect(first).toMatchObject({ partitions: { run: NAMES.length, failed: 0 }, findings: [] })
    const asked = await runCli('query', table, 'select symbol, count(*) as n from t group by all', '--json')
    const rows = new Map((JSON.parse(asked.out) as { symbol: string; n: number }[]).map(({ symbol, n }) => [symbol, n]))
    expect(rows).toEqual(new Map(NAMES.map((name, i) => [name, 1 + (i % 2)])))
    expect(JSON.parse((await runCli('plan', ...args)).out).partitions).toEqual({ run: 0, cached: NAMES.length, stale: 0 })
    const inspected = JSON.parse((await runCli('inspect', archive, '--json')).out) as { symbol: string; venue: string }[]
    expect(new Set(inspected.map(({ symbol }) => symbol))).toEqual(new Set(NAMES))
    expect(JSON.parse((await runCli('checksum', table, '--json')).out).rows).toBe(first.rows)
    expect((await runCli('vacuum', table, '--older-than', '0d', '--dry-run', '--json')).out).toContain('"files":0')
  }, 60_000)

  it('can be asked for, those with commas in quotes', async () => {
    const list = ['"a,b"', '-0', '"""q"""', '" lead"', 'ES=F', '币安人生USDT'].join(',')
    const asked = await runCli('plan', ...args.slice(0, 3), '--table', path.join(ROOT, 'other'), '--symbols', list, '--json')
    const symbols = (JSON.parse(asked.out).instruments as { symbol: string }[]).map(({ symbol }) => symbol)
    expect(symbols.sort()).toEqual(['"q"', ' lead', '-0', 'ES=F', 'a,b', '币安人生USDT'].sort())
    const refused = await runCli('plan', ...args, '--symbols', '..')
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining('name-invalid')])
  })
})

describe('what an archive holds beside its logs', () => {
  it('is told, counted and named; what systems leave behind is not', async () => {
    const archive = path.join(ROOT, 'untidy')
    segment(archive, `v1/kraken/BTC/${DAY}/trades`)
    for (const day of ['2024-02-30', '2024-1-1']) segment(archive, `v1/kraken/BTC/${day}/trades`)
    segment(archive, `v1/kraken/EUR/USD/${DAY}/trades`)
    fs.mkdirSync(path.join(archive, 'v1/kraken/EMPTY'))
    fs.symlinkSync('/nowhere', path.join(archive, 'v1/kraken/LINK'))
    const trades = path.join(archive, `v1/kraken/BTC/${DAY}/trades`)
    for (const name of ['.DS_Store', '_SUCCESS', '._000000000.q']) fs.writeFileSync(path.join(trades, name), 'x')
    fs.writeFileSync(path.join(trades, '000000001.q.gz'), 'x')
    fs.mkdirSync(path.join(archive, `v1/kraken/BTC/${DAY}/book`))
    fs.writeFileSync(path.join(archive, `v1/kraken/BTC/${DAY}/book/meta.json`), '{}')
    const args = [
      'messages',
      '--archive',
      archive,
      '--table',
      path.join(ROOT, 'tidy'),
      '--no-types',
      '--workers',
      '1',
      '--on-error',
      'skip',
    ]
    const done = await runCli('run', ...args, '--json')
    const { rows, findings } = JSON.parse(done.out) as { rows: number; findings: { code: string; count: number; isLoss: boolean }[] }
    expect(rows, done.err).toBe(1)
    expect(Object.fromEntries(findings.map(({ code, count, isLoss }) => [code, [count, isLoss]]))).toEqual({
      'no-such-day': [2, true],
      'misplaced-log': [1, true],
      'broken-link': [1, true],
      'no-segment-name': [1, true],
      'no-segments': [1, false],
      'empty-folder': [1, false],
    })
    for (const place of ['2024-02-30', 'EUR/USD', 'LINK', '000000001.q.gz']) expect(done.err).toContain(place)
    expect((await runCli('inspect', archive)).err).toContain('2024-02-30')
    // It is no change of the log.
    fs.rmSync(path.join(trades, '.DS_Store'))
    expect(JSON.parse((await runCli('plan', ...args, '--json')).out).partitions).toEqual({ run: 0, cached: 1, stale: 0 })
  })
})

describe('times', () => {
  it('are UTC, and read by others, whatever the zone of the machine', () => {
    const sql = 'select make_timestamptz(1704067200000000) as ts, [make_timestamptz(1704067200123456)] as l from range(1)'
    fs.mkdirSync(path.join(ROOT, 'times'), { recursive: true })
    const table = path.join(ROOT, 'times')
    fs.copyFileSync(fs.globSync(path.join(ROOT, 'date=2020-01-01/symbol=outer/table/**/*.parquet'))[0]!, path.join(table, 'a.parquet'))
    for (const TZ of ['America/New_York', 'Asia/Kolkata', 'UTC']) {
      const asked = spawnSync(process.execPath, [BIN, 'query', table, sql, '--format', 'csv'], {
        encoding: 'utf8',
        env: { ...process.env, TZ },
      })
      expect(asked.stdout).toBe('ts,l\n2024-01-01T00:00:00Z,[2024-01-01T00:00:00.123456Z]\n')
    }
  })
})

describe('an output that cannot be written', () => {
  const archive = path.join(ROOT, 'date=2020-01-01/symbol=outer/v1/y/archive')

  it.skipIf(!fs.existsSync('/dev/full'))('is no internal error, and a device is not replaced', () => {
    for (const words of [
      ['inspect', archive],
      ['verify', archive],
      ['replay', archive, '--console'],
    ]) {
      const full = fs.openSync('/dev/full', 'w')
      const asked = spawnSync(process.execPath, [BIN, ...words], { encoding: 'utf8', stdio: ['ignore', full, 'pipe'] })
      fs.closeSync(full)
      expect([asked.status, asked.stderr]).toEqual([2, expect.stringContaining('error disk-full')])
    }
    const asked = spawnSync(process.execPath, [BIN, 'replay', archive, '--parquet', '/dev/full'], { encoding: 'utf8' })
    expect([asked.status, fs.statSync('/dev/full').isCharacterDevice()]).toEqual([2, true])
  })

  it('leaves the file that was there, not half of a new one', async () => {
    const damaged = path.join(ROOT, 'damaged')
    segment(damaged, 'log', 20)
    const file = fs.globSync(path.join(damaged, 'log/*.q'))[0]!
    const bytes = fs.readFileSync(file)
    bytes[130]! ^= 1 // in the first payload
    fs.writeFileSync(file, bytes)
    const csv = path.join(ROOT, 'out.csv')
    fs.writeFileSync(csv, 'old')
    expect((await runCli('replay', damaged, '--csv', csv)).code).toBe(3)
    expect([fs.readFileSync(csv, 'utf8'), fs.existsSync(`${csv}.tmp`)]).toEqual(['old', false])
  })
})
