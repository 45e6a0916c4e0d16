import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { binance } from '../../core/import/formats/binance.ts'
import { columns } from '../../core/import/formats/columns.ts'
import { cryptofeed } from '../../core/import/formats/cryptofeed.ts'
import { hftbacktest } from '../../core/import/formats/hftbacktest.ts'
import { tardis } from '../../core/import/formats/tardis.ts'
import type { Importer, ImportSettings } from '../../core/import/importer.ts'
import { importInto } from '../support/imported.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('import-sizes')
const TARDIS = 'exchange,symbol,timestamp,local_timestamp,'
const TIMES = 'kraken,AB,1723075200000000,1723075200000000,'
const mapped = (stream: string, roles: Record<string, string>): ImportSettings => ({
  venue: 'mine',
  words: { stream, symbol: 'AB', time: 't', ...roles },
})
let folders = 0

/** A file of one row, which has a price and a size. */
type RowText = (price: string, size: string) => string
const formats: readonly [what: string, importer: Importer, name: string, text: RowText, settings?: ImportSettings][] = [
  ['trades of Tardis', tardis, 'a.csv', (p, q) => `${TARDIS}id,side,price,amount\n${TIMES}1,buy,${p},${q}\n`],
  ['quotes of Tardis', tardis, 'a.csv', (p, q) => `${TARDIS}ask_amount,ask_price,bid_price,bid_amount\n${TIMES}1,2,${p},${q}\n`],
  ['books of Tardis', tardis, 'a.csv', (p, q) => `${TARDIS}is_snapshot,side,price,amount\n${TIMES}true,bid,${p},${q}\n`],
  [
    'snapshots of Tardis',
    tardis,
    'a.csv',
    (p, q) => `${TARDIS}asks[0].price,asks[0].amount,bids[0].price,bids[0].amount\n${TIMES}2,1,${p},${q}\n`,
  ],
  ['trades of Binance', binance, 'BTCUSDT-trades-2024-08-08.csv', (p, q) => `1,${p},${q},1,1723075200000,true,true\n`],
  [
    'best prices of Binance',
    binance,
    'BTCUSDT-bookTicker-2024-08-08.csv',
    (p, q) =>
      `update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time\n1,${p},${q},2,1,1723075200000,1723075200000\n`,
  ],
  ['trades of a recorder', hftbacktest, 'btcusdt_20240808', (p, q) => recorded('trade', { t: 1, p, q, X: 'MARKET', m: false })],
  ['best prices of a recorder', hftbacktest, 'btcusdt_20240808', (p, q) => recorded('bookTicker', { u: 1, b: p, B: q, a: '2', A: '1' })],
  [
    'trades of Kraken',
    cryptofeed,
    'KRAKEN.ws.1.0',
    (p, q) => `1723075200.1: [1,[["${p}","${q}","1723075200.1","b","l",""]],"trade","A/B"]\n`,
  ],
  [
    'best prices of Kraken',
    cryptofeed,
    'KRAKEN.ws.1.0',
    (p, q) => `1723075200.1: [1,{"a":["2",1,"1"],"b":["${p}",1,"${q}"]},"ticker","A/B"]\n`,
  ],
  [
    'trades of OKX',
    cryptofeed,
    'OKX.ws.1.0',
    (p, q) => okx('trades', `{"instId":"A-B","tradeId":"1","px":"${p}","sz":"${q}","side":"buy","ts":"1723075200000"}`),
  ],
  [
    'best prices of OKX',
    cryptofeed,
    'OKX.ws.1.0',
    (p, q) => okx('tickers', `{"instId":"A-B","bidPx":"${p}","bidSz":"${q}","askPx":"2","askSz":"1","ts":"1723075200000"}`),
  ],
  [
    'trades of tables',
    columns,
    'a.csv',
    (p, q) => `t,p,q\n1723075200000,${p},${q}\n`,
    mapped('trades', { price: 'p', size: 'q', 'time-unit': 'ms' }),
  ],
  [
    'tickers of tables',
    columns,
    'a.csv',
    (p, q) => `t,p,q,a,b\n1723075200000,${p},${q},2,1\n`,
    mapped('ticker', { 'bid-price': 'p', 'bid-size': 'q', 'ask-price': 'a', 'ask-size': 'b', 'time-unit': 'ms' }),
  ],
]

describe('a number that no size or price is', () => {
  it.each(formats)('is written by no format: %s', async (_, importer, name, text, settings) => {
    const rows = async (price: string, size: string): Promise<number[]> => {
      const folder = path.join(root, String(folders++))
      fs.mkdirSync(folder)
      fs.writeFileSync(path.join(folder, name), text(price, size))
      const options = {
        onError: 'skip',
        settings: settings ?? { venue: importer === hftbacktest ? 'binance-usdm' : undefined, words: {} },
      } as const
      const { counts } = await importInto(path.join(folder, 'made'), importer, [path.join(folder, name)], options)
      return [counts.rows, counts.written]
    }
    expect(await rows('1.5', '1')).toEqual([1, 1])
    for (const size of ['-1', '-1e-30', '1e400', '-1e400']) expect([size, await rows('1.5', size)]).toEqual([size, [1, 0]])
    for (const price of ['1e400', '-1e400']) expect([price, await rows(price, '1')]).toEqual([price, [1, 0]])
  })
})

function recorded(kind: string, data: Record<string, unknown>): string {
  const all = { e: kind, E: 1723075200000, T: 1723075200000, s: 'BTCUSDT', ...data }
  return `1723075200000000000 ${JSON.stringify({ stream: `btcusdt@${kind}`, data: all })}\n`
}

function okx(channel: string, data: string): string {
  return `1723075200.1: {"arg":{"channel":"${channel}","instId":"A-B"},"data":[${data}]}\n`
}
