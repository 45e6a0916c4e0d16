import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { LogWriter } from '../../core/log/writing/log-writer.ts'
import { L3_ADD, L3_CANCEL, L3_HEARTBEAT, L3_MODIFY, L3_RESET, L3_TRADE, SIDE_BUY, SIDE_SELL } from '../../core/protocol/l3-event.ts'
import { TYPE_BOOK_EVENT, TYPE_TRADE } from '../../core/protocol/message-type.ts'
import { encodeTrade, TRADE_BYTES } from '../../core/protocol/trade.ts'
import { diff, heartbeat, l3, reset, snapshot } from '../support/book-messages.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder('replay-decode')
const at = (name: string) => path.join(folder, name)

/** A log with these payloads, a nanosecond apart from 1 on, of book events where they are no trades. */
function writeLog(name: string, payloads: readonly Uint8Array[]): string {
  const log = LogWriter.open(at(name))
  for (const [i, payload] of payloads.entries()) {
    log.append(payload.length === TRADE_BYTES && payload[48] === 1 ? TYPE_TRADE : TYPE_BOOK_EVENT, BigInt(i + 1), payload)
  }
  log.finish()
  return at(name)
}

function trade(): Uint8Array {
  const payload = new Uint8Array(TRADE_BYTES)
  const ids = { tradeId: 9n, buyerOrderId: 0n, sellerOrderId: 0n, symbolHash: 0n }
  encodeTrade(new DataView(payload.buffer), 0, { ...ids, timestampNs: 5n, price: 100.5, quantity: 2, isBuyerMaker: true })
  return payload
}

/** Rows of a CSV by name, cells without a value left out. */
function csvRows(file: string): Record<string, string>[] {
  const [header, ...lines] = fs.readFileSync(file, 'utf8').trim().split('\n')
  const names = header!.split(',')
  return lines.map((line) => Object.fromEntries(line.split(',').flatMap((cell, i) => (cell === '' ? [] : [[names[i]!, cell]]))))
}

describe('replay --decode of L2', () => {
  const ids = { updateIdFirst: 40n, updateIdLast: 2n ** 53n + 1n, seq: 7n, exchangeTsNs: 3n }
  let log = ''
  beforeAll(() => {
    const wide = snapshot([[10_050n, 5n], [10_000n, 1_500n]], [[2n ** 64n - 1n, 1n]], { exchangeTsNs: 2n }) // biome-ignore format: levels
    log = writeLog('l2', [wide, diff([], [[10_060n, 0n]], ids), diff([], []), reset(), heartbeat(), trade()])
  })

  it('CSV: a line for each level, with every digit; one for what has no level', async () => {
    const { code, out } = await runCli('replay', log, '--decode', '--csv', at('l2.csv'), '--json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ forwarded: 6, written: { csv: 6 }, rows: { csv: 8 } })
    const rows = csvRows(at('l2.csv')).map(({ timestamp_ns, type, payload_length, ...row }) => row)
    const of = (seq: string, fields: object) => ({ seq, exchange_timestamp_ns: '0', ...fields })
    expect(rows).toEqual([
      of('0', { exchange_timestamp_ns: '2', event: 'snapshot', side: 'bid', level: '0', price: '100.5', qty: '0.005' }),
      of('0', { exchange_timestamp_ns: '2', event: 'snapshot', side: 'bid', level: '1', price: '100', qty: '1.5' }),
      of('0', { exchange_timestamp_ns: '2', event: 'snapshot', side: 'ask', level: '0', price: '184467440737095516.15', qty: '0.001' }),
      {
        ...of('1', { exchange_timestamp_ns: '3', event: 'diff', side: 'ask', level: '0', price: '100.6', qty: '0', feed_seq: '7' }),
        ...{ update_id_first: '40', update_id_last: '9007199254740993' },
      },
      of('2', { event: 'diff' }),
      of('3', { event: 'reset' }),
      of('4', { event: 'heartbeat' }),
      ...[{ seq: '5', price: '100.5', qty: '2', trade_id: '9', buyer_order_id: '0', seller_order_id: '0', is_buyer_maker: 'true' }].map(
        (row) => ({ ...row, exchange_timestamp_ns: '5' }),
      ),
    ])
  })

  it('Parquet: the same rows, NULL where there is nothing; only books without the columns of others', async () => {
    const { code, err } = await runCli('replay', log, '--decode', '--types', 'book', '--parquet', at('book.parquet'))
    expect([code, err]).toEqual([0, expect.stringContaining('written: parquet 5 (7 rows)')])
    const sql =
      'select event, side, level, price, qty, update_id_last::varchar as last, feed_seq from t order by seq, side desc nulls last, level'
    const { out } = await runCli('query', at('book.parquet'), sql, '--json')
    const row = (event: string, rest: object = {}) => {
      return { event, side: null, level: null, price: null, qty: null, last: null, feed_seq: null, ...rest }
    }
    expect(JSON.parse(out)).toEqual([
      row('snapshot', { side: 'bid', level: 0, price: 100.5, qty: 0.005 }),
      row('snapshot', { side: 'bid', level: 1, price: 100, qty: 1.5 }),
      row('snapshot', { side: 'ask', level: 0, price: 184467440737095520, qty: 0.001 }),
      row('diff', { side: 'ask', level: 0, price: 100.6, qty: 0, last: '9007199254740993', feed_seq: '7' }),
      row('diff'),
      row('reset'),
      row('heartbeat'),
    ])
    await runCli('replay', log, '--decode', '--parquet', at('all.parquet'))
    const all = await runCli('query', at('all.parquet'), 'select type, count(*) as n, count(is_buyer_maker) as makers from t group by all order by 1', '--json') // biome-ignore format: a query
    expect(JSON.parse(all.out)).toEqual([
      { type: 4096, n: 7, makers: 0 },
      { type: 4098, n: 1, makers: 1 },
    ])
  })

  it('console: what each message says', async () => {
    const { out } = await runCli('replay', log, '--decode', '--console')
    expect(out.split('\n').map((line) => line.split('  ').slice(5).join('  '))).toEqual([
      'snapshot bid 100.5 × 0.005, bid 100 × 1.5, ask 184467440737095516.15 × 0.001',
      'diff ask 100.6 × 0',
      ...['diff', 'reset', 'heartbeat', 'sell 100.5 × 2, trade 9', ''],
    ])
  })

  it('many levels: files in parts of a batch, as the book has them', async () => {
    const archive = at('archive')
    await runCli('generate', archive, '--symbols', '1', '--messages', '20000', '--streams', 'book', '--days', '1')
    const book = path.join(archive, 'v1/synthetic/btcusdt/2024-01-01/book')
    await runCli('replay', book, '--decode', '--csv', at('deep.csv'), '--parquet', at('deep.parquet'))
    const levels = { bid: new Map<string, string>(), ask: new Map<string, string>() }
    const rows = csvRows(at('deep.csv'))
    for (const { event, side, level, price, qty } of rows) {
      if (event === 'snapshot' && side === 'bid' && level === '0') for (const all of Object.values(levels)) all.clear()
      if (qty === '0') levels[side as 'bid' | 'ask'].delete(price!)
      else if (side !== undefined) levels[side as 'bid' | 'ask'].set(price!, qty!)
    }
    const best = (of: ReadonlyMap<string, string>, sign: number) =>
      [...of].map((level) => level.map(Number)).sort(([a], [b]) => sign * (a! - b!)).slice(0, 10) // biome-ignore format: a chain
    const { out } = await runCli('book', book, '--every', '1', '--depth', '10', '--json')
    const last = JSON.parse(out.trim().split('\n').at(-2)!) as Record<'bids' | 'asks', [string, string][]> & Record<string, number>
    const scaled = (side: 'bids' | 'asks') =>
      last[side].map(([price, size]) => [Number(price) / 10 ** last.priceScale!, Number(size) / 10 ** last.sizeScale!])
    expect(best(levels.bid, -1)).toEqual(scaled('bids'))
    expect(best(levels.ask, 1)).toEqual(scaled('asks'))
    const sums = await runCli(
      'query',
      at('deep.parquet'),
      'select count(*) as n, count(price) as prices, sum(level) as levels from t',
      '--json',
    )
    const withLevel = rows.filter(({ level }) => level !== undefined)
    expect(JSON.parse(sums.out)).toEqual([
      { n: rows.length, prices: withLevel.length, levels: withLevel.reduce((sum, { level }) => sum + Number(level), 0) },
    ])
    expect(rows.length).toBeGreaterThan(25_000)
  })
})

describe('replay --decode of L3', () => {
  it('a row for each order event', async () => {
    const of = { orderId: 11n, priceScale: 1, sizeScale: 0 }
    const log = writeLog('l3', [
      l3({ ...of, eventType: L3_ADD, side: SIDE_BUY, price: 1005, quantity: 7n }),
      l3({ ...of, eventType: L3_MODIFY, side: SIDE_SELL, quantity: 3n }),
      l3({ ...of, eventType: L3_CANCEL }),
      l3({ ...of, eventType: L3_TRADE, orderId: 0n, bidOrderId: 11n, askOrderId: 12n, price: 1000, quantity: 1n }),
      l3({ eventType: L3_RESET }),
      l3({ eventType: L3_HEARTBEAT }),
    ])
    const { code, out } = await runCli('replay', log, '--decode', '--csv', at('l3.csv'), '--parquet', at('l3.parquet'), '--console')
    expect(code).toBe(0)
    const expected = [
      { event: 'add', side: 'bid', order_id: '11', price: '100.5', qty: '7' },
      { event: 'modify', side: 'ask', order_id: '11', qty: '3' },
      { event: 'cancel', order_id: '11' },
      { event: 'trade', price: '100', qty: '1', buyer_order_id: '11', seller_order_id: '12' },
      { event: 'reset' },
      { event: 'heartbeat' },
    ]
    expect(csvRows(at('l3.csv')).map(({ seq, timestamp_ns, type, payload_length, exchange_timestamp_ns, ...row }) => row)).toEqual(expected)
    const columns = 'event, side, order_id, price, qty, buyer_order_id, seller_order_id'
    const rows = JSON.parse((await runCli('query', at('l3.parquet'), `select ${columns} from t order by seq`, '--json')).out) as object[]
    const told = rows.map((row) =>
      Object.fromEntries(Object.entries(row).flatMap(([name, value]) => (value === null ? [] : [[name, String(value)]]))),
    )
    expect(told).toEqual(expected)
    expect(out.split('\n').map((line) => line.split('  ').slice(5).join('  '))).toEqual([
      ...[
        'add bid 100.5 × 7 order 11',
        'modify ask × 3 order 11',
        'cancel order 11',
        'trade 100 × 1 order 11, 12',
        'reset',
        'heartbeat',
        '',
      ],
    ])
  })
})

it('--decode without anything to write decoded is refused', async () => {
  const { code, err } = await runCli('replay', folder, '--decode', '--queue', at('queue'))
  expect([code, err]).toEqual([2, expect.stringContaining('error usage: --decode: expected --csv, --parquet or --console')])
})
