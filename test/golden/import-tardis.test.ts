import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { hex32, levelsCrc32 } from '../../core/book/book-digest.ts'
import { L2Book } from '../../core/book/l2-book.ts'
import { tardis } from '../../core/import/formats/tardis.ts'
import { BookTickerView } from '../../core/protocol/book-ticker.ts'
import { TradeView } from '../../core/protocol/trade.ts'
import { describeGolden, goldenJson, goldenPath } from '../golden-data.ts'
import { eachMessage, type Imported, importInto, topLevels } from '../support/imported.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

interface Checkpoint {
  readonly local_timestamp: number
  readonly group: number
  readonly bids: number[][]
  readonly asks: number[][]
  readonly bid_levels: number
  readonly ask_levels: number
  readonly levels_crc32: string
}
interface Expected {
  readonly kind: string
  readonly data_rows: number
  readonly symbols?: Record<
    string,
    {
      readonly rows: number
      readonly groups: number
      readonly snapshots: number
      readonly price_scale: number
      readonly size_scale: number
      readonly checkpoints: Checkpoint[]
    }
  >
  readonly sell?: number
  readonly unknown_side?: number
  readonly empty_id?: number
  readonly empty_ask?: number
  readonly local_timestamp_sum?: string
  readonly timestamp_sum?: string
  readonly [sum: `sum_${string}`]: string
}

const root = temporaryFolder('import-tardis')
let roots = 0

describeGolden('Tardis CSV', () => {
  const expected = goldenJson<Record<string, Expected>>('captures/tardis/expected.json')
  for (const [name, golden] of Object.entries(expected)) {
    it(name, async () => {
      const made = await importInto(path.join(root, String(roots++)), tardis, [goldenPath('captures/tardis', name)])
      const { rows, written, merged } = made.counts
      expect(rows).toBe(golden.data_rows)
      expect(written + merged).toBe(rows)
      if (golden.symbols !== undefined) await expectBooks(made, golden.symbols)
      else if (golden.kind === 'trades') await expectTrades(made, golden)
      else if (golden.kind === 'quotes') await expectQuotes(made, golden)
      else await expectSnapshots(made, golden)
    })
  }

  it.each(fs.readdirSync(goldenPath('captures/tardis/real')))('real/%s is read without a bad row', async (name) => {
    const made = await importInto(path.join(root, String(roots++)), tardis, [goldenPath('captures/tardis/real', name)])
    expect(made.counts.rows).toBeGreaterThan(0)
    expect(made.counts).toMatchObject({ bad: {}, unrepresentable: {}, leftOut: {} })
  })
})

async function expectBooks(made: Imported, symbols: NonNullable<Expected['symbols']>): Promise<void> {
  for (const [symbol, wanted] of Object.entries(symbols)) {
    const book = new L2Book()
    const checkpoints = new Map(wanted.checkpoints.map((each) => [each.group, each]))
    let [group, snapshots, checked] = [0, 0, 0]
    await eachMessage(made, symbol, 'book', (message) => {
      expect(book.apply(message)).toBe(0)
      if (message.view.getUint8(message.payloadOffset + 56) === 1) snapshots++
      const checkpoint = checkpoints.get(++group)
      if (checkpoint === undefined) return
      checked++
      expect(message.timestampNs / 1000n >= BigInt(checkpoint.local_timestamp)).toBe(true)
      expect([topLevels(book.bids), topLevels(book.asks)]).toEqual([checkpoint.bids, checkpoint.asks])
      expect([book.bids.count, book.asks.count, hex32(levelsCrc32(book.bids, book.asks))]).toEqual([
        checkpoint.bid_levels,
        checkpoint.ask_levels,
        checkpoint.levels_crc32,
      ])
    })
    expect({ group, snapshots, checked }).toEqual({ group: wanted.groups, snapshots: wanted.snapshots, checked: checkpoints.size })
    expect([book.priceScale, book.sizeScale]).toEqual([wanted.price_scale, wanted.size_scale])
  }
}

async function expectTrades(made: Imported, golden: Expected): Promise<void> {
  const view = new TradeView()
  let [sells, amount, local, exchange] = [0, 0, 0n, 0n]
  await eachMessage(made, null, 'trades', (message) => {
    view.wrapMessage(message)
    if (view.isBuyerMaker) sells++
    amount += view.quantity
    local += message.timestampNs / 1000n
    exchange += view.timestampNs / 1000n
  })
  expect(sells).toBe(golden.sell)
  expect(amount).toBeCloseTo(Number(golden.sum_amount), 6)
  expect([String(local), String(exchange)]).toEqual([golden.local_timestamp_sum, golden.timestamp_sum])
  expect([made.counts.noted['side-unknown'] ?? 0, made.counts.noted['id-empty'] ?? 0]).toEqual([golden.unknown_side, golden.empty_id])
}

async function expectQuotes(made: Imported, golden: Expected): Promise<void> {
  const view = new BookTickerView()
  const sums = [0, 0, 0, 0]
  let [local, exchange] = [0n, 0n]
  await eachMessage(made, null, 'ticker', (message) => {
    view.wrapMessage(message)
    ;[view.askQuantity, view.askPrice, view.bidPrice, view.bidQuantity].forEach((value, i) => {
      sums[i]! += value
    })
    local += message.timestampNs / 1000n
    exchange += view.timestampNs / 1000n
  })
  ;[golden.sum_ask_amount, golden.sum_ask_price, golden.sum_bid_price, golden.sum_bid_amount].forEach((value, i) => {
    expect(sums[i]).toBeCloseTo(Number(value), 3)
  })
  expect([String(local), String(exchange)]).toEqual([golden.local_timestamp_sum, golden.timestamp_sum])
  expect(made.counts.noted['side-missing'] ?? 0).toBe(golden.empty_ask)
}

async function expectSnapshots(made: Imported, golden: Expected): Promise<void> {
  const levels = Number(golden.kind.slice('book_snapshot_'.length))
  const book = new L2Book()
  let [ask, bid, last] = [0, 0, 0]
  await eachMessage(made, null, 'book', (message) => {
    expect(book.apply(message)).toBe(0)
    const asks = topLevels(book.asks, levels).map(([price]) => price! / 10 ** book.priceScale)
    ask += asks[0]!
    last += asks.at(-1)!
    bid += book.bids.bestPrice / 10 ** book.priceScale
  })
  expect(ask).toBeCloseTo(Number(golden.sum_ask0), 6)
  expect(bid).toBeCloseTo(Number(golden.sum_bid0), 6)
  expect(last).toBeCloseTo(Number(golden.sum_last_ask), 6)
  expect([...made.folders.values()].map(({ depthLimit }) => depthLimit)).toEqual([levels])
}
