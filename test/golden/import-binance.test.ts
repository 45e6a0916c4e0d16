import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { L2Book } from '../../core/book/l2-book.ts'
import { localFile, openBytes } from '../../core/import/files/byte-stream.ts'
import { glanceAt } from '../../core/import/files/glance.ts'
import { RowSorter } from '../../core/import/formats/binance/row-sorter.ts'
import { binance } from '../../core/import/formats/binance.ts'
import type { UnitOptions } from '../../core/import/import-unit.ts'
import { BookTickerView } from '../../core/protocol/book-ticker.ts'
import { TradeView } from '../../core/protocol/trade.ts'
import { describeGolden, goldenJson, goldenPath } from '../golden-data.ts'
import { eachMessage, type Imported, importInto, topLevels } from '../support/imported.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

interface Expected {
  readonly kind: string
  readonly rows: number
  readonly buyer_maker?: number
  readonly sum_qty?: string
  readonly sum_notional?: string
  readonly first_id?: number
  readonly last_id?: number
  readonly first_ts_ns?: string
  readonly last_ts_ns?: string
  readonly ts_ns_sum?: string
  readonly sum_bid_price?: string
  readonly sum_bid_qty?: string
  readonly sum_ask_price?: string
  readonly sum_ask_qty?: string
  readonly first_transaction_ms?: number
  readonly last_event_ms?: number
  readonly same_result_as?: string
  readonly ids_stepping_back?: number
}

const VENUES: Record<string, string> = { spot: 'binance-spot', um: 'binance-usdm', cm: 'binance-coinm' }
const root = temporaryFolder('import-binance')
let roots = 0

function importFiles(paths: readonly string[], options: Partial<UnitOptions> = {}): Promise<Imported> {
  return importInto(path.join(root, String(roots++)), binance, paths, options)
}

/** Imports a text under a name of Binance. */
async function importText(name: string, text: string, options: Partial<UnitOptions> = {}): Promise<Imported> {
  const folder = path.join(root, `text-${roots}`)
  fs.mkdirSync(folder)
  fs.writeFileSync(path.join(folder, name), text)
  return importFiles([path.join(folder, name)], options)
}

describeGolden('Binance public data', () => {
  const expected = goldenJson<Record<string, Expected>>('captures/binance/expected.json')
  for (const [name, golden] of Object.entries(expected)) {
    it(name, async () => {
      const file = goldenPath('captures/binance', name)
      const made = await importFiles([file])
      expect(made.counts).toMatchObject({ rows: golden.rows, written: golden.rows, merged: 0, leftOut: {}, bad: {}, unrepresentable: {} })
      const [market, type] = golden.kind.split(' ') as [string, string]
      const symbol = path.basename(name).split('-')[0]!
      const identities = [...made.folders.values()].map(({ identity }) => `${identity.venue} ${identity.exchangeSymbol}`)
      expect([...new Set(identities)]).toEqual([`${VENUES[market]} ${symbol}`])
      expect(binance.recognise(await glanceAt(localFile(file)), { words: {} })).toMatchObject({
        holds: type,
        venue: VENUES[market],
        symbols: [symbol],
        dates: [/\d{4}-\d\d-\d\d/.exec(name)![0]],
      })
      await (type === 'bookTicker' ? expectTickers(made, golden) : expectTrades(made, golden))
      if (golden.same_result_as !== undefined) {
        const other = await importFiles([goldenPath('captures/binance', golden.same_result_as)])
        expect(await payloadsOf(made)).toEqual(await payloadsOf(other))
      }
    })
  }

  it('makes snapshots and diffs of T_DEPTH', async () => {
    const folder = goldenPath('captures/binance/depth')
    const paths = ['btcusdt-depth-snap.csv', 'btcusdt-depth-update.csv'].map((name) => path.join(folder, name))
    const recognised = await Promise.all(paths.map(async (each) => binance.recognise(await glanceAt(localFile(each)), { words: {} })!))
    expect(new Set(recognised.map(({ unit }) => unit)).size).toBe(1)
    expect(recognised.map(({ order }) => order)).toEqual(['0', '1'])
    const made = await importFiles(paths)
    const groups = depthGroups(paths)
    expect(made.counts).toMatchObject({ rows: 200, written: groups.length, merged: 200 - groups.length, leftOut: {}, bad: {} })
    // The samples are begins of files, from times that are minutes apart.
    expect(made.counts.noted).toEqual({ 'chain broken': 1 })
    const book = new L2Book()
    let at = 0
    await eachMessage(made, 'BTCUSDT', 'book', (message) => {
      const { time, last, levels, isSnapshot } = groups[at++]!
      expect(book.apply(message)).toBe(0)
      const { view, payloadOffset } = message
      expect([message.timestampNs, view.getBigUint64(payloadOffset + 32, true)]).toEqual([
        BigInt(time) * 1_000_000n,
        BigInt(time) * 1_000_000n,
      ])
      expect([view.getBigUint64(payloadOffset + 48, true), view.getUint8(payloadOffset + 56)]).toEqual([BigInt(last), isSnapshot ? 1 : 2])
      for (const [side, price, size] of levels) {
        const own = side === 'b' ? book.bids : book.asks
        const found = topLevels(own, own.count).find(([each]) => each! / 10 ** book.priceScale === price)
        expect(found === undefined ? 0 : found[1]! / 10 ** book.sizeScale).toBe(size)
      }
    })
    expect(at).toBe(groups.length)
  })

  it('says why bands are no book', async () => {
    await expect(
      importText('BTCUSDT-bookDepth-2024-08-08.csv', 'timestamp,percentage,depth,notional\n2024-08-08 00:00:10,-5,1,2\n'),
    ).rejects.toThrow(/it is not a book/)
    await expect(importText('BTCUSDT-1m-2024-08-08.csv', '1723075200000,1.0,2.0,0.5,1.5,10,1723075259999,15,3,5,7.5,0\n')).rejects.toThrow(
      /candles/,
    )
  })
})

async function expectTrades(made: Imported, golden: Expected): Promise<void> {
  const view = new TradeView()
  const ids: bigint[] = []
  const times: bigint[] = []
  let [makers, quantity, notional, sum] = [0, 0, 0, 0n]
  await eachMessage(made, null, 'trades', (message) => {
    view.wrapMessage(message)
    if (view.isBuyerMaker) makers++
    quantity += view.quantity
    notional += view.quantity * view.price
    sum += view.timestampNs
    ids.push(view.tradeId)
    times.push(view.timestampNs)
    expect(message.timestampNs >= view.timestampNs).toBe(true)
    expect(message.timestampNs - view.timestampNs < 1_000_000n).toBe(true)
  })
  expect(makers).toBe(golden.buyer_maker)
  expect(quantity).toBeCloseTo(Number(golden.sum_qty), 5)
  expect(notional / Number(golden.sum_notional)).toBeCloseTo(1, 11)
  expect([String(sum), ids[0], ids.at(-1)]).toEqual([golden.ts_ns_sum, BigInt(golden.first_id!), BigInt(golden.last_id!)])
  expect([String(times[0]), String(times.at(-1))]).toEqual([golden.first_ts_ns, golden.last_ts_ns])
  expect(ids.every((id, i) => i === 0 || id === ids[i - 1]! + 1n)).toBe(true)
  expect(made.counts.noted['id gaps']).toBe(undefined)
  expect(made.counts.noted['ids stepping back']).toBe(golden.ids_stepping_back)
}

async function expectTickers(made: Imported, golden: Expected): Promise<void> {
  const view = new BookTickerView()
  const sums = [0, 0, 0, 0]
  let [first, largest] = [0n, 0n]
  await eachMessage(made, null, 'ticker', (message) => {
    view.wrapMessage(message)
    ;[view.bidPrice, view.bidQuantity, view.askPrice, view.askQuantity].forEach((value, i) => {
      sums[i]! += value
    })
    if (first === 0n) first = view.timestampNs
    largest = message.timestampNs
  })
  ;[golden.sum_bid_price, golden.sum_bid_qty, golden.sum_ask_price, golden.sum_ask_qty].forEach((value, i) => {
    expect(sums[i]).toBeCloseTo(Number(value), 3)
  })
  // The last event is 2 ms before one in front of it: so many rows step back in the file.
  expect([first, largest]).toEqual([golden.first_transaction_ms!, golden.last_event_ms! + 2].map((ms) => BigInt(ms) * 1_000_000n))
  expect(made.counts.noted).toMatchObject({ 'times raised': 4941 })
}

async function payloadsOf(made: Imported): Promise<string[]> {
  const payloads: string[] = []
  await eachMessage(made, null, 'trades', ({ view, payloadOffset, length, timestampNs }) => {
    payloads.push(`${timestampNs} ${Buffer.from(view.buffer, view.byteOffset + payloadOffset, length).toString('hex')}`)
  })
  return payloads
}

interface DepthGroup {
  readonly time: number
  readonly last: number
  readonly isSnapshot: boolean
  readonly levels: [side: string, price: number, size: number][]
}

function depthGroups(paths: readonly string[]): DepthGroup[] {
  const groups: DepthGroup[] = []
  let key = ''
  for (const file of paths) {
    for (const line of fs.readFileSync(file, 'utf8').trim().split('\n').slice(1)) {
      const [, time, first, last, side, type, price, size] = line.split(',') as [
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
      ]
      if (`${time} ${first} ${last}` !== key)
        groups.push({ time: Number(time), last: Number(last), isSnapshot: type === 'snap', levels: [] })
      key = `${time} ${first} ${last}`
      groups.at(-1)!.levels.push([side, Number(price), Number(size)])
    }
  }
  return groups
}

const DEPTH = 'symbol,timestamp,first_update_id,last_update_id,side,update_type,price,qty,pu\n'

describe('depth of Binance', () => {
  const snap = `${DEPTH}BTCUSDT,1667346579146,10,10,b,snap,100.5,1,-1\nBTCUSDT,1667346579146,10,10,a,snap,101,2,-1\nBTCUSDT,1667346579500,30,30,b,snap,100,7,-1\n`
  const rows = [
    ['1667346579100', 7, 9, 'b', '100.1', '1', 6],
    ['1667346579150', 10, 12, 'a', '101', '0', 9],
    ['1667346579150', 10, 12, 'a', '102.25', '5', 9],
    ['1667346579250', 15, 20, 'b', '99', '1', 14],
    ['1667346579600', 25, 35, 'b', '99', '3', 24],
    ['1667346579700', 36, 40, 'b', '98', '3', 35],
  ] as const
  const update =
    DEPTH +
    rows
      .map(([time, first, last, side, price, size, pu]) => `BTCUSDT,${time},${first},${last},${side},set,${price},${size},${pu}\n`)
      .join('')

  async function importDepth(update: string, options: Partial<UnitOptions> = {}): Promise<Imported> {
    const folder = path.join(root, `depth-${roots}`)
    fs.mkdirSync(folder)
    const paths = ['SNAPUSDT_T_DEPTH_2022-11-01_depth_snap.csv', 'SNAPUSDT_T_DEPTH_2022-11-01_depth_update.csv'].map((name) =>
      path.join(folder, name),
    )
    fs.writeFileSync(paths[0]!, snap)
    fs.writeFileSync(paths[1]!, update)
    return importFiles(paths, options)
  }
  const idsOf = async (made: Imported): Promise<[number, number][]> => {
    const ids: [number, number][] = []
    await eachMessage(made, 'BTCUSDT', 'book', ({ view, payloadOffset }) => {
      ids.push([view.getUint8(payloadOffset + 56), Number(view.getBigUint64(payloadOffset + 48, true))])
    })
    return ids
  }

  it('puts each snapshot where it belongs, and checks the chain', async () => {
    const made = await importDepth(update)
    expect(made.counts).toMatchObject({
      rows: 9,
      written: 6,
      merged: 2,
      leftOut: { 'before the snapshot': 1 },
      noted: { 'chain broken': 1 },
    })
    expect(await idsOf(made)).toEqual([
      [1, 10],
      [2, 12],
      [2, 20],
      [1, 30],
      [2, 35],
      [2, 40],
    ])
  })

  it('is the same without a header, with the further id that such files have', async () => {
    const bare = update
      .split('\n')
      .slice(1)
      .map((line) => line.replace(/^([^,]+,[^,]+),/, '$1,777,'))
      .join('\n')
    const [made, plain] = [await importDepth(bare), await importDepth(update)]
    expect(made.counts).toEqual(plain.counts)
    expect(await idsOf(made)).toEqual(await idsOf(plain))
  })

  it('leaves out what is damaged, and says where', async () => {
    const damaged = update.replace('99,1,14', '9x9,1,14').replace('BTCUSDT,1667346579700', 'ETHUSDT,1667346579700')
    await expect(importDepth(damaged)).rejects.toThrow(/line 5: price or quantity is no number/)
    const made = await importDepth(damaged, { onError: 'skip' })
    expect(made.counts).toMatchObject({
      rows: 9,
      written: 4,
      bad: { number: 1, symbol: 1 },
      places: { number: { line: 5 }, symbol: { line: 7 } },
    })
  })
})

describe('damaged trades of Binance', () => {
  const NAME = 'BTCUSDT-trades-2024-08-08.csv'
  const row = (id: number, rest = '61800.3,0.006,370.8018,1723161256322,false'): string => `${id},${rest}\n`

  it('are left out with their places, or end the import', async () => {
    const text = [
      row(1),
      row(2, '6x,1,1,1723161256322,true'),
      row(3, '1,1,1,172316125632,true'),
      row(4, '1,1,1,1723161256322,tru'),
      row(5, '1,-1,1,1723161256322,true'),
      '6,1\n',
      row(7),
    ].join('')
    await expect(importText(NAME, text)).rejects.toThrow(/line 2: price or quantity is no number/)
    const made = await importText(NAME, text, { onError: 'skip' })
    expect(made.counts).toMatchObject({
      rows: 7,
      written: 2,
      bad: { number: 2, time: 1, side: 1, columns: 1 },
      places: { columns: { line: 6 } },
    })
    expect(made.counts.noted).toEqual({ 'id gaps': 1, 'ids missing': 5 })
  })

  it('of which rows come twice or are empty', async () => {
    const text = [row(1), row(1), row(2), row(2, '61800.3,0.007,1,1723161256322,false'), row(3, '0,0,0,1723161256323,true'), row(4)].join(
      '',
    )
    const made = await importText(NAME, text)
    expect(made.counts).toMatchObject({ rows: 6, written: 4, leftOut: { repeated: 1, 'empty-trade': 1 } })
    expect(made.counts.noted).toEqual({ 'ids repeated': 1, 'id gaps': 1, 'ids missing': 1 })
  })

  it('of which the unit of times changes in the file', async () => {
    const made = await importText(NAME, row(1, '1,1,1,1723161256322,True,True') + row(2, '1,1,1,1723161256322789,True,True'))
    const times: bigint[] = []
    await eachMessage(made, 'BTCUSDT', 'trades', ({ timestampNs }) => {
      times.push(timestampNs)
    })
    expect(times).toEqual([1723161256322000000n, 1723161256322789000n])
    expect([...made.folders.keys()]).toEqual(['binance-spot/btcusdt/2024-08-08/trades'])
  })

  it('that are cut short in their compression', async () => {
    const zipped = zlib.gzipSync(Array.from({ length: 20_000 }, (_, i) => row(i + 1, `${i}.5,1,1,1723161256322,true`)).join(''))
    const file = path.join(root, `cut-${NAME}.gz`.replace('cut-', ''))
    fs.writeFileSync(file, zipped.subarray(0, zipped.length / 2))
    await expect(importFiles([file])).rejects.toMatchObject({ code: 'gzip-damaged' })
    const made = await importFiles([file], { keepsTruncated: true, onError: 'skip' })
    expect(made.counts.written).toBeGreaterThan(1000)
    expect(made.counts.noted).toMatchObject({ 'files cut short (gzip-damaged)': 1 })
  })

  it('that are another file on the second look', async () => {
    const file = path.join(root, NAME)
    fs.writeFileSync(file, 'hello\n')
    await expect(importFiles([file])).rejects.toThrow(/is no Binance/)
    await expect(
      binance.read([{ name: NAME, path: file, holds: 'trades', open: async () => openBytes(localFile(file)) }], null as never, {
        words: {},
      }),
    ).rejects.toMatchObject({ code: 'binance-header' })
  })

  it('of which nothing says the symbol', async () => {
    await expect(importText('mine.csv', row(1))).rejects.toThrow(/does not say of which symbol/)
    const made = await importText('mine.csv', row(1), { settings: { words: { symbol: 'BTCUSD_PERP' } } })
    expect([...made.folders.keys()]).toEqual(['binance-coinm/btcusd_perp/2024-08-08/trades'])
  })
})

describe('rows in the order of their ids', () => {
  function sorted(ids: readonly number[], windowRows: number, sortsAll = false): { readonly rows: number[][]; readonly stepsBack: number } {
    const rows: number[][] = []
    const sorter = new RowSorter({ width: 2, path: 'x', windowRows, sortsAll }, (from, at) => {
      rows.push([...from.subarray(at, at + 2)])
    })
    try {
      ids.forEach((id, i) => {
        sorter.rows[sorter.at] = id
        sorter.rows[sorter.at + 1] = i
        sorter.commit(i + 1)
      })
      sorter.finish()
    } finally {
      sorter.close()
    }
    return { rows, stepsBack: sorter.stepsBack }
  }
  const expectedOf = (ids: readonly number[]): number[][] => ids.map((id, i) => [id, i]).sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!)

  it.each([
    ['sorted', Array.from({ length: 50_000 }, (_, i) => i), 1000],
    ['two halves interleaved', Array.from({ length: 50_000 }, (_, i) => (i >> 1) + (i & 1) * 25_000), 1000],
    ['shuffled, with repeats, in many runs', Array.from({ length: 50_000 }, (_, i) => (i * 7919) % 10_007), 700],
    ['late disorder', Array.from({ length: 5000 }, (_, i) => (i % 10 === 9 && i > 4000 ? i - 5 : i)), 64],
    ['no rows', [], 64],
    ['a window that is just filled', [3, 1, 2, 4], 4],
  ])('%s', (_, ids, window) => {
    const isShuffled = ids.length > 0 && ids[1] === 7919
    const { rows, stepsBack } = sorted(ids, window, isShuffled)
    expect(rows).toEqual(expectedOf(ids))
    expect(stepsBack).toBe(ids.filter((id, i) => i > 0 && id < ids[i - 1]!).length)
  })

  it('is refused where it is too late, and possible as a whole', () => {
    const ids = [...Array.from({ length: 1000 }, (_, i) => i + 500), ...Array.from({ length: 500 }, (_, i) => i)]
    expect(() => sorted(ids, 100)).toThrow(/line 1001: id 0 comes after id 1\d\d\d, .* sort=all/)
    expect(sorted(ids, 100, true).rows).toEqual(expectedOf(ids))
  })
})
