import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { L2Book } from '../../core/book/l2-book.ts'
import { localFile } from '../../core/import/files/byte-stream.ts'
import { glanceAt } from '../../core/import/files/glance.ts'
import { hftbacktest } from '../../core/import/formats/hftbacktest.ts'
import type { UnitOptions } from '../../core/import/import-unit.ts'
import type { Recognised } from '../../core/import/importer.ts'
import { TradeView } from '../../core/protocol/trade.ts'
import { describeGolden, goldenPath } from '../golden-data.ts'
import { eachMessage, type Imported, importInto, topLevels } from '../support/imported.ts'
import { expectRealArchive } from '../support/real-archive.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('import-hftbacktest')
let roots = 0

/** Files of a unit, by their texts. */
async function read(files: Record<string, string | Uint8Array>, options: Partial<UnitOptions> = {}): Promise<Imported> {
  const folder = path.join(root, String(roots++))
  return importInto(path.join(folder, 'made'), hftbacktest, write(folder, files), options)
}

function write(folder: string, files: Record<string, string | Uint8Array>): string[] {
  return Object.entries(files).map(([name, text]) => {
    const file = path.join(folder, name)
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, text)
    return file
  })
}

async function recognise(name: string, text: string, venue?: string): Promise<Recognised | null> {
  const [file] = write(path.join(root, String(roots++)), { [name]: text })
  return hftbacktest.recognise(await glanceAt(localFile(file!)), { venue, words: {} })
}

describeGolden("recordings of hftbacktest's collector", () => {
  it.each([
    ['usdm/btcusdt_20240808.gz', 'binance-usdm.btcusdt', 4, 2],
    ['spot/btcusdt_20240808.gz', 'binance-spot.btcusdt', 2, 1],
    ['cm/btcusd_perp_20240808.gz', 'binance-coinm.btcusd_perp', 23, 2],
  ])('%s', async (file, name, old, raised) => {
    const made = await importInto(path.join(root, String(roots++)), hftbacktest, [goldenPath('captures/recorder', file)])
    for (const stream of ['book', 'trades', 'ticker']) await expectRealArchive(made, `${name}.${stream}`)
    const { rows, written, leftOut, bad, unrepresentable, noted } = made.counts
    expect({ leftOut, bad, unrepresentable, written }).toEqual({
      leftOut: { 'older than the snapshot': old },
      bad: {},
      unrepresentable: {},
      written: rows - old,
    })
    expect(noted['times raised']).toBe(raised)
    expect(noted['chain broken']).toBeUndefined()
  })

  it('is read in pieces of any size, and with its lines cut anywhere, without a wrong record', async () => {
    const whole = zlib.gunzipSync(fs.readFileSync(goldenPath('captures/recorder/spot/btcusdt_20240808.gz'))).subarray(0, 60_000)
    for (let cut = 0; cut < 40; cut++) {
      const text = whole.subarray(0, whole.length - 37 * cut)
      const made = await read({ btcusdt_20240808: text })
      const { rows, written, leftOut } = made.counts
      expect(rows).toBe(text.toString().split('\n').filter(Boolean).length)
      expect(rows - written - (leftOut['older than the snapshot'] ?? 0)).toBe(leftOut['line cut short'] ?? 0)
    }
  })

  it('tells damage at every byte of a line, or reads what JSON.parse reads', async () => {
    const usdm = zlib
      .gunzipSync(fs.readFileSync(goldenPath('captures/recorder/usdm/btcusdt_20240808.gz')))
      .toString()
      .split('\n')
    const line = usdm.find((each) => each.includes('@trade'))!
    let all = 0
    for (let bit = 0; bit < 7; bit++) {
      const damaged = Array.from({ length: line.length - 20 }, (_, i) => flipped(line, i + 20, 1 << bit))
      const made = await read({ btcusdt_20240808: `${[line, ...damaged].join('\n')}\n` }, { onError: 'skip' })
      const right = [line, ...damaged].flatMap(tradeOf)
      const view = new TradeView()
      let [at, count] = [0, 0]
      await eachMessage(made, 'BTCUSDT', 'trades', (message) => {
        view.wrapMessage(message)
        const found = [view.tradeId, view.price, view.quantity, view.timestampNs, view.isBuyerMaker].join()
        while (at < right.length && right[at] !== found) at++
        expect(right[at++]).toBe(found)
        count++
      })
      expect(made.folders.size).toBe(1)
      all += count
    }
    // What differs only in names that do not matter, or in a digit, is read.
    expect(all).toBeGreaterThan(100)
  })
})

/** What JSON.parse takes a line for. */
function tradeOf(line: string): string[] {
  try {
    const { t, p, q, T, m } = JSON.parse(line.slice(20)).data
    return [[t, Number(p), Number(q), T * 1e6, m].map(String).join()]
  } catch {
    return []
  }
}

const NS = '1723161255'
const at = (millis: number, message: unknown) => `${NS}${String(millis).padStart(3, '0')}000000 ${JSON.stringify(message)}\n`
const diff = (U: number, u: number, b: string[][] = [], a: string[][] = [], pu = U - 1) => ({
  stream: 'btcusdt@depth@0ms',
  data: { e: 'depthUpdate', E: 1723161256000, T: 1723161256000, s: 'BTCUSDT', U, u, pu, b, a },
})
const snapshot = (lastUpdateId: number, bids: string[][], asks: string[][] = []) => ({ lastUpdateId, E: 1723161256000, T: 1, bids, asks })

async function books(made: Imported): Promise<number[][][]> {
  const book = new L2Book()
  const seen: number[][][] = []
  await eachMessage(made, 'BTCUSDT', 'book', (message) => {
    expect(book.apply(message)).toBe(0)
    seen.push(topLevels(book.bids))
  })
  return seen
}

describe('rules for the books of Binance', () => {
  it('puts what came before a snapshot behind it', async () => {
    const lines = [
      at(1, diff(1, 4, [['10', '1']])),
      at(2, diff(5, 9, [['11', '1']])),
      at(3, diff(10, 12, [['12', '1']])),
      at(4, snapshot(10, [['9', '5']])),
      at(5, diff(13, 14, [['9', '0']])),
    ]
    const made = await read({ btcusdt_20240808: lines.join('') })
    expect(made.counts).toMatchObject({ rows: 5, written: 3, leftOut: { 'older than the snapshot': 2 } })
    expect(made.counts.noted['chain broken']).toBeUndefined()
    const all = await books(made)
    expect(all).toEqual([
      [[9, 5]],
      [
        [12, 1],
        [9, 5],
      ],
      [[12, 1]],
    ])
  })

  it('writes what it has where no snapshot comes, and tells of broken chains', async () => {
    const made = await read({ btcusdt_20240808: at(1, diff(1, 4, [['10', '1']])) + at(2, diff(7, 9, [['11', '1']])) })
    expect(made.counts).toMatchObject({ rows: 2, written: 2, noted: { 'books without a snapshot': 1, 'chain broken': 1 } })
  })

  it('repeats diffs that a later snapshot is older than, so that the book is whole again', async () => {
    const lines = [
      at(1, snapshot(10, [['9', '5']])),
      at(2, diff(11, 12, [['9', '6']], [], 10)),
      at(3, diff(20, 22, [['8', '1']])),
      at(4, diff(23, 25, [['7', '1']], [], 22)),
      at(5, snapshot(23, [['9', '9']])),
      at(6, diff(26, 27, [['6', '1']], [], 25)),
    ]
    const made = await read({ btcusdt_20240808: lines.join('') })
    expect(made.counts).toMatchObject({ rows: 6, written: 6 })
    expect(made.counts.noted).toMatchObject({ 'chain broken': 1, 'further snapshots': 1, 'diffs repeated behind a snapshot': 1 })
    expect((await books(made)).at(-1)).toEqual([
      [9, 9],
      [7, 1],
      [6, 1],
    ])
  })

  it('goes on in the file of the next day without a snapshot', async () => {
    const next = at(5, diff(11, 12, [['8', '1']], [], 10)).replace(NS, '1723161600')
    const files = { btcusdt_20240808: at(1, snapshot(10, [['9', '5']])), btcusdt_20240809: next }
    const made = await read(files)
    expect(made.counts.noted).toEqual({})
    expect([...made.folders.keys()]).toEqual(['binance-usdm/btcusdt/2024-08-08/book', 'binance-usdm/btcusdt/2024-08-09/book'])
    const all = await Promise.all(Object.entries(files).map(([name, text]) => recognise(`same/${name}`, text)))
    expect(all.map((each) => each!.unit.replace(/.*same/, ''))).toEqual(['/binance-usdm/BTCUSDT', '/binance-usdm/BTCUSDT'])
    expect(all.map((each) => [each!.order, each!.dates, each!.symbols])).toEqual([
      ['20240808', ['2024-08-08'], ['BTCUSDT']],
      ['20240809', ['2024-08-09'], ['BTCUSDT']],
    ])
  })

  it('takes aggregated trades only where there are none one by one', async () => {
    const data = { e: 'aggTrade', E: 1723161256000, s: 'BTCUSDT', a: 7, p: '10.5', q: '2', f: 1, l: 2, T: 1723161256000, m: true }
    const trade = { e: 'trade', E: 1723161256000, T: 1723161256000, s: 'BTCUSDT', t: 8, p: '10.5', q: '1', X: 'MARKET', m: false }
    const aggregate = at(1, { stream: 'btcusdt@aggTrade', data })
    const alone = await read({ btcusdt_20240808: aggregate })
    expect(alone.counts).toMatchObject({ rows: 1, written: 1, leftOut: {} })
    const view = new TradeView()
    await eachMessage(alone, 'BTCUSDT', 'trades', (message) => {
      view.wrapMessage(message)
      expect([view.tradeId, view.price, view.quantity, view.isBuyerMaker]).toEqual([7n, 10.5, 2, true])
    })
    const both = await read({ btcusdt_20240808: aggregate + at(2, { stream: 'btcusdt@trade', data: trade }) })
    expect(both.counts).toMatchObject({ rows: 2, written: 1, leftOut: { aggTrade: 1 } })
  })

  it('leaves out by name what is no message of a book, and what is not of the market', async () => {
    const trade = { e: 'trade', E: 1, T: 1723161256000, s: 'BTCUSDT', t: 8, p: '10.5', q: '1', X: 'INSURANCE_FUND', m: false }
    const lines = [
      at(1, { stream: 'btcusdt@trade', data: trade }),
      at(2, { stream: 'btcusdt@trade', data: { ...trade, X: 'MARKET', p: '0' } }),
      at(3, { stream: 'btcusdt@markPrice@1s', data: { e: 'markPriceUpdate', E: 1, s: 'BTCUSDT', p: '1' } }),
      at(4, { stream: 'btcusdt@depth5@100ms', data: diff(1, 2).data }),
      at(5, { result: null, id: 1 }),
      at(6, { stream: 'x', data: { e: 'novel' } }),
    ]
    const made = await read({ btcusdt_20240808: lines.join('') })
    expect(made.counts.leftOut).toEqual({
      'not of the market': 1,
      'price or quantity 0': 1,
      markPriceUpdate: 1,
      'partial depth': 1,
      responses: 1,
      'other events': 1,
    })
  })
})

describe('damage', () => {
  const good = at(1, snapshot(10, [['9', '5']]))
  const cases: [what: string, line: string][] = [
    ['json', at(2, diff(11, 12)).replace('}}', '}')],
    ['json', at(2, diff(11, 12)).replace('"U"', '"u"')],
    ['time', at(2, diff(11, 12)).slice(1)],
    ['member', at(2, diff(11, 12)).replace('"pu"', '"qu"')],
    ['member', at(2, diff(11, 12)).replace('"a":[]', '"a":{}')],
    ['levels', at(2, diff(11, 12)).replace('"a":[]', '"a":[["1"]]')],
    ['levels', at(2, diff(11, 12)).replace('"a":[]', '"a":[["1","2"],3]')],
    ['number', at(2, diff(11, 12)).replace('"a":[]', '"a":[["1","x"]]')],
    ['number', at(2, diff(11, 12)).replace('"a":[]', '"a":[["1","-2"]]')],
    ['symbol', at(2, diff(11, 12)).replace('"s":"BTCUSDT"', '"s":"BTCUSDU"')],
    ['event', at(2, diff(11, 12)).replace('"depthUpdate"', '"depthUpdata"')],
  ]
  it.each(cases)('%s: %s', async (what, line) => {
    const text = good + line + at(3, diff(13, 14))
    await expect(read({ btcusdt_20240808: text })).rejects.toMatchObject({ code: `import-${what}`, category: 'corrupt' })
    const made = await read({ btcusdt_20240808: text }, { onError: 'skip' })
    expect(made.counts).toMatchObject({ rows: 3, written: 2, bad: { [what]: 1 } })
    expect(made.counts.places[what]!.line).toBe(2)
  })

  it('keeps what there is of a recording whose recorder was killed', async () => {
    const packed = zlib.gzipSync(Array.from({ length: 500 }, (_, i) => at(i, diff(i + 1, i + 1, [[String(i * 7919), '1']]))).join(''))
    const cut = packed.subarray(0, packed.length - 100)
    await expect(read({ 'btcusdt_20240808.gz': cut })).rejects.toMatchObject({ code: 'gzip-damaged' })
    const made = await read({ 'btcusdt_20240808.gz': cut }, { keepsTruncated: true })
    expect(made.counts.noted['files cut short (gzip-damaged)']).toBe(1)
    expect(made.counts.written).toBeGreaterThan(200)
    expect(made.counts.bad).toEqual({})
  })
})

describe('what is recognised', () => {
  it('tells markets by their messages', async () => {
    const spot = at(1, { stream: 'btcusdt@bookTicker', data: { u: 1, s: 'BTCUSDT', b: '1', B: '1', a: '2', A: '1' } })
    const coin = at(1, {
      stream: 'x@trade',
      data: { e: 'trade', E: 1, T: 1, s: 'BTCUSD_PERP', t: 1, p: '1', q: '1', X: 'MARKET', m: true },
    })
    expect((await recognise('btcusdt_20240808', at(1, diff(1, 2))))!.venue).toBe('binance-usdm')
    expect((await recognise('a', at(1, diff(1, 2).data)))!.venue).toBe('binance-usdm')
    expect((await recognise('btcusdt_20240808', spot))!.venue).toBe('binance-spot')
    expect((await recognise('btcusd_perp_20240808', coin))!.venue).toBe('binance-coinm')
    expect((await recognise('a', at(1, snapshot(1, []))))!.venue).toBe('binance-usdm')
  })

  it('asks for the market where nothing says it, and refuses others by name', async () => {
    const vague = at(1, { stream: 'btcusdt@kline_1m', data: { e: 'kline', s: 'BTCUSDT' } })
    expect((await recognise('a', vague, 'binance-spot'))!.venue).toBe('binance-spot')
    expect((await recognise('usdm/btcusdt_20240808', vague))!.venue).toBe('binance-usdm')
    await expect(recognise('a', vague)).rejects.toMatchObject({ code: 'import-refused', message: expect.stringContaining('--venue') })
    await expect(recognise('a', at(1, { topic: 'orderbook.50.BTCUSDT' }))).rejects.toMatchObject({
      message: expect.stringContaining('Bybit'),
    })
    expect(await recognise('a', '1723161255.5: {"e":"trade"}\n')).toBeNull()
    expect(await recognise('a', 'exchange,symbol\n')).toBeNull()
  })
})

function flipped(line: string, index: number, mask: number): string {
  return line.slice(0, index) + String.fromCharCode(line.charCodeAt(index) ^ mask) + line.slice(index + 1)
}
