import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { commitRun } from '../../core/commit/commit.ts'
import type { CommitResult } from '../../core/commit/commit-result.ts'
import { localFile, openBytes } from '../../core/import/files/byte-stream.ts'
import { howOf } from '../../core/import/import-how.ts'
import { planImport } from '../../core/import/import-plan.ts'
import { findSources } from '../../core/import/source-files.ts'
import { claimArchive } from '../../core/plan/imports/import-claim.ts'
import { planImportRun } from '../../core/plan/imports/import-run-plan.ts'
import { readTasks } from '../../core/plan/run/plan-document.ts'
import { writePlan } from '../../core/plan/run/plan-writer.ts'
import { newRunId } from '../../core/plan/run/run-files.ts'
import type { ObjectStore } from '../../core/store/object-store.ts'
import { workImport } from '../../core/task/import-task.ts'
import { runTask } from '../../core/task/task.ts'
import { describeGolden, goldenPath } from '../golden-data.ts'
import { DyingStore } from '../support/dying-store.ts'
import { IMPORT_DEFAULTS } from '../support/imported.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { tradesText, writeTrades } from '../support/trade-files.ts'

const root = temporaryFolder('import-commit')
const [first, second, third] = [0, 1, 2].map((day) => writeTrades(root, 'BTCUSDT', day, 40 + day)) as [string, string, string]
const other = writeTrades(path.join(root, 'other'), 'BTCUSDT', 1, 12)
const unlike = writeTrades(root, 'ETHUSDT', 1, 30)
const [firstDay, secondDay] = [0, 1].map((day) => writeRecording(path.join(root, 'days'), day, 20)) as [string, string]
let runs = 0

/** Plans an import and runs its tasks; nothing of it is in its place. Null: all of it is known. */
async function staged(archive: ObjectStore, files: readonly string[], replaces = false): Promise<string | null> {
  const plan = await planImport(await findSources(files), { importer: null, settings: IMPORT_DEFAULTS.settings, isStrict: true })
  const run = newRunId(1_723_161_255_000 + 1000 * runs++, () => 0.5)
  const how = howOf(IMPORT_DEFAULTS)
  const options = { archive, plan, how, replaces, own: null, engine: 'engine', run, createdMs: 1, minTasks: files.length }
  const planned = await planImportRun(options)
  if (planned.head.partitions === 0) return null
  await claimArchive(archive, { run, digest: planned.head.imports!.digest })
  await writePlan(archive, planned, planned.bundle)
  for (const { task } of await readTasks(archive, run))
    await runTask({ table: archive, archive, run, task, attempt: 'a1', clock: () => 1 }, workImport)
  return run
}

const commit = (archive: ObjectStore, run: string): Promise<CommitResult> => commitRun(archive, run, { clock: () => 1, random: () => 0.5 })

async function imported(archive: ObjectStore, files: readonly string[], replaces = false): Promise<CommitResult> {
  return commit(archive, (await staged(archive, files, replaces))!)
}

/** Keys and bytes of the logs, and of what is known of them. */
function archiveOf({ objects }: MemoryStore): [string, string][] {
  return [...objects]
    .filter(([key]) => key.startsWith('v1/') || key.startsWith('_imports/'))
    .map(([key, { bytes }]): [string, string] => [key, Buffer.from(bytes).toString('latin1')])
    .sort(([a], [b]) => (a < b ? -1 : 1))
}

function copyOf({ objects }: MemoryStore): MemoryStore {
  const copy = new MemoryStore()
  for (const [key, object] of objects) copy.objects.set(key, object)
  return copy
}

/** Dates of the logs. */
function daysOf(archive: MemoryStore): string[] {
  return [...new Set(archiveOf(archive).flatMap(([key]) => /^v1\/.*\/(\d{4}-\d\d-\d\d)\//.exec(key)?.[1] ?? []))].sort()
}

/** Trades of a day as hftbacktest records them; the last one arrives behind midnight. */
function writeRecording(folder: string, day: number, count: number): string {
  const start = Date.parse(`2024-03-0${day + 1}`)
  const lines = Array.from({ length: count }, (_, i) => {
    const at = start + 1000 + i * Math.floor(86_399_500 / (count - 1))
    const data = { e: 'trade', E: at, T: at, s: 'BTCUSDT', t: day * 1000 + i, p: '1.5', q: '2', X: 'MARKET', m: false }
    return `${at}000000 ${JSON.stringify({ stream: 'btcusdt@trade', data })}\n`
  })
  return writeFile(folder, `btcusdt_2024030${day + 1}`, lines.join(''))
}

function writeFile(folder: string, name: string, text: string | Uint8Array): string {
  fs.mkdirSync(folder, { recursive: true })
  const file = path.join(folder, name)
  fs.writeFileSync(file, text)
  return file
}

describe('the commit of an import', () => {
  const begun: readonly [what: string, before: readonly string[], files: readonly string[], replaces: boolean][] = [
    ['puts logs that two tasks have shares of', [], [first, second], false],
    ['joins to what is there', [first, third], [second], false],
    ['replaces what is there', [first, second], [other], true],
    ['takes further days of a recording', [firstDay], [firstDay, secondDay], false],
  ]

  it.each(begun)('that %s may die at any change, and is gone on with', async (_, before, files, replaces) => {
    const archive = new MemoryStore()
    if (before.length > 0) await imported(archive, before)
    const run = (await staged(archive, files, replaces))!
    const whole = copyOf(archive)
    expect(await commit(whole, run)).toMatchObject({ state: 'committed', partitions: { missing: 0 } })
    const expected = archiveOf(whole)
    expect(expected.filter(([key]) => /staged|placing|active/.test(key))).toEqual([])
    let deaths = 0
    for (let changes = 0; ; changes++) {
      const attempt = copyOf(archive)
      const dying = new DyingStore(attempt, changes)
      await commit(dying, run).catch(() => undefined)
      if (!dying.isDead) break
      deaths++
      expect((await commit(attempt, run)).partitions.missing).toBe(0)
      expect(archiveOf(attempt)).toEqual(expected)
    }
    expect(deaths).toBeGreaterThan(15)
  })

  it.each(begun)('that %s may be made twice at once', async (_, before, files, replaces) => {
    const archive = new MemoryStore()
    if (before.length > 0) await imported(archive, before)
    const run = (await staged(archive, files, replaces))!
    const whole = copyOf(archive)
    await commit(whole, run)
    // The second one begins so many turns of the event loop later.
    for (let turns = 0; turns < 60; turns++) {
      const both = copyOf(archive)
      both.faultOf = async () => {
        await new Promise(setImmediate)
        return null
      }
      const late = async (): Promise<unknown> => {
        for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
        return commit(both, run)
      }
      const ended = await Promise.allSettled([commit(both, run), late()])
      expect(ended.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0)
      expect(archiveOf(both)).toEqual(archiveOf(whole))
    }
  })

  it('gives the same whatever came first, and one log of each day with all that reaches into it', async () => {
    const [together, apart] = [new MemoryStore(), new MemoryStore()]
    await imported(together, [third, first, second])
    for (const file of [second, third, first]) await imported(apart, [file])
    const logs = (store: MemoryStore): [string, string][] => archiveOf(store).filter(([key]) => key.startsWith('v1/'))
    expect(logs(apart)).toEqual(logs(together))
    const meta = together.objects.get('v1/binance-usdm/btcusdt/2024-03-02/trades/meta.json')!
    const { source } = JSON.parse(Buffer.from(meta.bytes).toString()) as { source: { origins: { records: number }[] } }
    expect(source.origins.map(({ records }) => records)).toEqual([1, 40])
    expect(await staged(together, [first, second, third])).toBeNull()
  })

  it('takes files of one name in folders of their days for what they are, all at once or one by one', async () => {
    const tree = path.join(root, 'urls/binance-futures/trades/2024/03')
    const files = [0, 1, 2].map((day) => writeFile(path.join(tree, `0${day + 1}`), 'BTCUSDT.csv', tradesText('BTCUSDT', day, 30 + day)))
    const [together, apart] = [new MemoryStore(), new MemoryStore()]
    expect((await imported(together, [tree])).imported!.counts.noted).toEqual({})
    expect(daysOf(together)).toEqual(['2024-03-01', '2024-03-02', '2024-03-03', '2024-03-04'])
    await imported(apart, [files[1]!])
    expect(await imported(apart, [tree])).toMatchObject({ partitions: { planned: 2, done: 2 } })
    const logs = (store: MemoryStore): [string, string][] => archiveOf(store).filter(([key]) => key.startsWith('v1/'))
    expect(logs(apart)).toEqual(logs(together))
  })

  it('refuses two downloads of one name that hold the same times, as those of two names', async () => {
    const text = tradesText('BTCUSDT', 0, 20)
    for (const [old, fresh] of [
      ['BTCUSDT.csv', 'BTCUSDT.csv'],
      ['old.csv', 'fresh.csv'],
    ] as const) {
      const folder = path.join(root, `twice-${old}`)
      writeFile(path.join(folder, 'old'), old, text.slice(0, text.indexOf('\n', 600) + 1))
      writeFile(path.join(folder, 'fresh'), fresh, text)
      const archive = new MemoryStore()
      const { heldBack } = await imported(archive, [folder])
      expect(heldBack.map(({ error }) => error!.code)).toEqual(['import-overlap', 'import-overlap'])
      expect(daysOf(archive)).toEqual([])
    }
  })

  it.each([
    ['trades', (at: number, price: number): string => `binance-futures,AB,${at},${at},${price},buy,${price},1`],
    ['incremental_book_L2', (at: number, price: number): string => `binance-futures,AB,${at},${at},false,bid,${price},1`],
  ])('refuses %s that begin with the messages that others end with, at one time, and joins those that go on in it', async (type, rowOf) => {
    const at = Date.parse('2024-03-01T00:00:00Z') * 1000
    const file = (name: string, ...rows: readonly string[]): string => {
      const columns = type === 'trades' ? 'id,side,price,amount' : 'is_snapshot,side,price,amount'
      const text = ['exchange,symbol,timestamp,local_timestamp,'.concat(columns), ...rows].join('\n')
      return writeFile(path.join(root, `seam-${type}`), `${name}.csv`, `${text}\n`)
    }
    const first = file('first', rowOf(at, 1), rowOf(at + 100, 2))
    const again = file('again', rowOf(at + 100, 2), rowOf(at + 200, 3))
    const next = file('next', rowOf(at + 100, 4), rowOf(at + 200, 3))
    const archive = new MemoryStore()
    expect((await imported(archive, [first, again])).missing.map(({ error }) => error!.code)).toEqual(['import-overlap', 'import-overlap'])
    await imported(archive, [first])
    expect((await imported(archive, [again])).missing.map(({ error }) => error!.code)).toEqual(['import-overlap'])
    expect((await imported(archive, [next])).imported!.folders).toMatchObject([{ action: 'join', records: 4 }])
  })

  it('never makes one book of whole ones and those of a depth, nor of two depths', async () => {
    const at = Date.parse('2024-03-01T00:00:00Z') * 1000
    const file = (name: string, columns: string, row: string): string => {
      return writeFile(path.join(root, 'depths'), `${name}.csv`, `exchange,symbol,timestamp,local_timestamp,${columns}\nkraken,AB,${row}\n`)
    }
    const level = (i: number): string => ['asks', 'bids'].map((side) => `${side}[${i}].price,${side}[${i}].amount`).join(',')
    const whole = file('whole', 'is_snapshot,side,price,amount', `${at},${at},true,bid,100,1`)
    const one = file('one', level(0), `${at + 5},${at + 5},101,1,99,1`)
    const two = file('two', `${level(0)},${level(1)}`, `${at + 9},${at + 9},101,1,99,1,102,1,98,1`)
    const later = file('later', level(0), `${at + 9},${at + 9},101,2,99,1`)
    for (const pair of [
      [whole, one],
      [one, two],
    ] as const) {
      const refused = ['import-depth', 'import-depth']
      expect((await imported(new MemoryStore(), pair)).missing.map(({ error }) => error!.code)).toEqual(refused)
      const archive = new MemoryStore()
      await imported(archive, [pair[0]])
      expect((await imported(archive, [pair[1]])).missing.map(({ error }) => error!.code)).toEqual(['import-depth'])
      expect((await imported(archive, [pair[1]], true)).missing).toEqual([])
    }
    expect((await imported(new MemoryStore(), [one, later])).imported!.folders).toMatchObject([{ records: 2 }])
  })

  it('takes further days of a recording, and leaves the days that are there as they are', async () => {
    const day = (number: number): string => writeRecording(path.join(root, 'recording'), number, 30)
    const days = [0, 1, 2, 3].map(day)
    const logs = (store: MemoryStore): [string, string][] => archiveOf(store).filter(([key]) => /^v1\/.*\.q$/.test(key))
    const [together, apart] = [new MemoryStore(), new MemoryStore()]
    await imported(together, days)
    const actions: string[][] = []
    for (const files of [[days[0]!], [days[0]!, days[2]!], days.slice(0, 3), days]) {
      const { missing, imported: made } = await imported(apart, files)
      expect(missing).toEqual([])
      actions.push(made!.folders.map(({ action }) => action))
    }
    // The last message of a file arrives behind midnight.
    expect(actions).toEqual([
      ['put', 'put'],
      ['same', 'same', 'put', 'put'],
      ['same', 'replace', 'replace', 'same'],
      ['same', 'same', 'same', 'replace', 'put'],
    ])
    expect(logs(apart)).toEqual(logs(together))
    expect(await staged(apart, days)).toBeNull()
  })

  it('takes no recording of which a day has other bytes than those that are there', async () => {
    const folder = path.join(root, 'grown')
    const first = writeRecording(folder, 0, 30)
    const archive = new MemoryStore()
    await imported(archive, [first])
    const before = archiveOf(archive)
    writeRecording(folder, 0, 31)
    const { missing } = await imported(archive, [first, writeRecording(folder, 1, 30)])
    expect(missing[0]!.error).toMatchObject({ code: 'folder-exists', message: expect.stringContaining('with other bytes') })
    expect(archiveOf(archive)).toEqual(before)
  })

  it('takes no file whose published checksum is another one', async () => {
    const folder = path.join(root, 'published')
    const text = '1,100,1,100,1723075200000,true\n'
    const names = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT'].map((symbol) => `${symbol}-trades-2024-08-08.csv`) as [string, string, string]
    const [right, wrong] = [0, 1].map((i) => writeFile(folder, names[i]!, text.replaceAll('100', `10${i}`)))
    writeFile(folder, names[2], text.replaceAll('100', '102'))
    const sum = createHash('sha256').update(fs.readFileSync(right!)).digest('hex')
    for (const file of [right!, wrong!]) writeFile(folder, `${path.basename(file)}.CHECKSUM`, `${sum}  ${path.basename(file)}\n`)
    const { missing, imported: made } = await imported(new MemoryStore(), [folder])
    expect(missing).toMatchObject([{ symbol: names[1], error: { code: 'input-checksum', category: 'corrupt' } }])
    expect(made!.folders.map(({ key }) => key.split('/')[1])).toEqual(['btcusdt', 'solusdt'])
  })

  it('leaves a unit out as a whole that one log refuses, and says so each time', async () => {
    const archive = new MemoryStore()
    await imported(archive, [second])
    const run = (await staged(archive, [other, unlike]))!
    for (let time = 0; time < 2; time++) {
      const { state, partitions, heldBack, missing } = await commit(archive, run)
      expect([state, partitions, heldBack.length]).toEqual([time === 0 ? 'committed' : 'unchanged', { planned: 2, done: 1, missing: 1 }, 1])
      expect(missing[0]!.error!.code).toBe(time === 0 ? 'folder-exists' : 'staged-gone')
    }
  })

  it('counts each row of the files once', async () => {
    const { imported: made, messages, added } = await imported(new MemoryStore(), [first, second])
    expect(made!.counts).toMatchObject({ rows: 81, written: 81 })
    expect([messages.read, messages.handled, added.rows]).toEqual([81, 81, 81])
    expect(made!.folders.reduce((sum, { records }) => sum + records, 0)).toBe(81)
  })
})

describeGolden('a file beside its copy that is packed, or unpacked,', () => {
  it.each([
    ['tardis', 'tardis/okex_trades_2022-05-13_BTC-USDT.csv.gz'],
    ['databento', 'dbn/futures_trades_2024-07-01T23-58_2024-07-02T00-02.dbn.zst'],
    ['itch', 'itch/01152026.NASDAQ_ITCH50.gz'],
    ['lobster', 'lobster/AMZN_2012-06-21_34200000_57600000_message_1.csv.gz'],
    ['binance', 'binance/BTCUSDT-trades-2024-08-08.zip'],
    ['hftbacktest', 'recorder/cm/btcusd_perp_20240808.gz'],
    ['cryptofeed', 'cryptofeed/OKX.ws.1.0'],
  ])('is refused by %s', async (format, name) => {
    const folder = path.join(root, 'copies', format)
    const given = goldenPath('captures', name)
    const bytes = await unpacked(given)
    writeFile(folder, path.basename(given), fs.readFileSync(given))
    const plain = path.basename(given).replace(/\.(?:gz|zst|zip)$/, '')
    if (plain === path.basename(given)) writeFile(folder, `${plain}.gz`, zlib.gzipSync(bytes))
    else writeFile(folder, format === 'binance' ? `${plain}.csv` : plain, bytes)
    const archive = new MemoryStore()
    const { missing } = await imported(archive, [folder])
    expect(new Set(missing.map(({ error }) => error!.code))).toEqual(new Set(['import-overlap']))
    expect(daysOf(archive)).toEqual([])
  })
})

describeGolden('the mark of UTF-8 before a text', () => {
  it.each([
    ['tardis', 'tardis/okex_trades_2022-05-13_BTC-USDT.csv.gz', '.csv'],
    ['lobster', 'lobster/AMZN_2012-06-21_34200000_57600000_message_1.csv.gz', '.csv'],
    ['binance', 'binance/BTCUSDT-trades-2025-08-08.zip', '.csv'],
    ['hftbacktest', 'recorder/cm/btcusd_perp_20240808.gz', ''],
    ['cryptofeed', 'cryptofeed/OKX.ws.1.0', '.0'],
  ])('changes nothing of what is imported: %s', async (format, name, extension) => {
    const given = goldenPath('captures', name)
    const stem = path.basename(given).replace(/(?:\.csv)?\.(?:gz|zip|0)$/, '')
    const bytes = await unpacked(given)
    const marked = Buffer.concat([Buffer.from('\ufeff'), bytes])
    const made = await Promise.all(
      [bytes, marked, zlib.gzipSync(marked)].map(async (text, i) => {
        const isPacked = i === 2
        const file = writeFile(path.join(root, 'marks', `${format}${i}`), `${stem}${extension}${isPacked ? '.gz' : ''}`, text)
        const archive = new MemoryStore()
        expect((await imported(archive, [file])).missing).toEqual([])
        return archiveOf(archive).filter(([key]) => key.endsWith('.q'))
      }),
    )
    expect(made[0]!.length).toBeGreaterThan(0)
    expect(made[1]).toEqual(made[0])
    expect(made[2]).toEqual(made[0])
  })
})

async function unpacked(file: string): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of openBytes(localFile(file))) pieces.push(piece.slice())
  return Buffer.concat(pieces)
}
