import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { databento } from '../../core/import/formats/databento.ts'
import { itch } from '../../core/import/formats/itch.ts'
import { tardis } from '../../core/import/formats/tardis.ts'
import type { MessageCursor } from '../../core/message/message.ts'
import { BookEventView } from '../../core/protocol/book-event.ts'
import { L2DiffView } from '../../core/protocol/l2-diff.ts'
import { L2SnapshotView } from '../../core/protocol/l2-snapshot.ts'
import { L3_ADD, L3_CANCEL, L3_TRADE, L3EventView, SIDE_BUY } from '../../core/protocol/l3-event.ts'
import { TradeView } from '../../core/protocol/trade.ts'
import { dbnFile, MONDAY_NS, mboRecord } from '../support/dbn-bytes.ts'
import { eachMessage, type Imported, importInto } from '../support/imported.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import {
  type Decimal,
  decimalText,
  itchDay,
  type MadeGroup,
  type MadeOrderEvent,
  type MadeTrade,
  tardisBook,
  tardisTrades,
} from '../support/vendor-files.ts'

const root = temporaryFolder('import-round-trip')
/** Files per format; `CHRONICLE_ROUND_TRIPS=1000` for a long run, `CHRONICLE_ROUND_TRIP_SEED` for the same ones again. */
const CASES = Number(process.env.CHRONICLE_ROUND_TRIPS ?? 25)
const SEED = Number(process.env.CHRONICLE_ROUND_TRIP_SEED ?? Date.now() % 2 ** 31)
const RUNS = { numRuns: CASES, seed: SEED }
const TIMEOUT_MS = 60_000 + 500 * CASES
/** 2024-06-10T00:00:00Z in microseconds. */
const MONDAY_US = Number(MONDAY_NS / 1000n)
let folders = 0
let events = 0

afterAll(() => console.info(`round trips: seed ${SEED}, ${folders} files, ${events} events`))

/** With all of nine decimals below 2^53. */
const decimal = (maxUnits: bigint): fc.Arbitrary<Decimal> =>
  fc.record({ units: fc.bigInt({ min: 1n, max: maxUnits }), decimals: fc.nat(9) })
const symbol = fc.constantFrom('BTC-USD', 'ETH-CHF', '1000SHIB')

describe('what a plain writer put into a file is what an import reads from it', () => {
  const level = fc.record({
    side: fc.constantFrom('bid', 'ask'),
    price: decimal(9_000_000n),
    amount: fc.oneof(decimal(9_000_000n), fc.constant({ units: 0n, decimals: 0 })),
  })
  const group = fc.record({
    symbol,
    isSnapshot: fc.boolean(),
    lagUs: fc.integer({ min: -2000, max: 50_000 }),
    stepUs: fc.integer({ min: 1, max: 90_000_000 }),
    // The last row of a price counts, so that each is there once.
    levels: fc.uniqueArray(level, { minLength: 1, maxLength: 12, selector: ({ side, price }) => `${side} ${decimalText(price)}` }),
  })

  it(
    'Tardis books',
    () =>
      fc.assert(
        fc.asyncProperty(fc.array(group, { minLength: 1, maxLength: 60, size: 'max' }), async (made) => {
          let localUs = MONDAY_US
          const groups = made.map((one): MadeGroup => {
            localUs += one.stepUs
            return { ...one, localUs, exchangeUs: localUs - one.lagUs }
          })
          await roundTrip(tardis, 'okex_incremental_book_L2_2024-06-10_SPOT.csv', tardisBook('okex', groups), async (read) => {
            for (const name of new Set(groups.map((one) => one.symbol))) {
              const own = groups.filter((one) => one.symbol === name)
              expect(await booksOf(read, name)).toEqual(own.map(groupLine))
            }
          })
        }),
        RUNS,
      ),
    TIMEOUT_MS,
  )

  const trade = fc.record({
    symbol,
    lagUs: fc.integer({ min: -2000, max: 50_000 }),
    stepUs: fc.integer({ min: 0, max: 90_000_000 }),
    id: fc.oneof(fc.constant(''), fc.nat().map(String)),
    side: fc.constantFrom('buy', 'sell', 'unknown'),
    price: decimal(9_000_000n),
    amount: decimal(9_000_000n),
  })

  it(
    'Tardis trades',
    () =>
      fc.assert(
        fc.asyncProperty(fc.array(trade, { minLength: 1, maxLength: 200, size: 'max' }), async (made) => {
          let localUs = MONDAY_US
          const trades = made.map((one): MadeTrade => {
            localUs += one.stepUs
            return { ...one, localUs, exchangeUs: localUs - one.lagUs }
          })
          await roundTrip(tardis, 'okex_trades_2024-06-10_SPOT.csv', tardisTrades('okex', trades), async (read) => {
            for (const name of new Set(trades.map((one) => one.symbol))) {
              const own = trades.filter((one) => one.symbol === name)
              expect(await tradesOf(read, name)).toEqual(
                own.map(({ exchangeUs, localUs: local, id, side, price, amount }) =>
                  [
                    local * 1000,
                    exchangeUs * 1000,
                    Number(decimalText(price)),
                    Number(decimalText(amount)),
                    id || 0,
                    side === 'sell',
                  ].join(),
                ),
              )
            }
          })
        }),
        RUNS,
      ),
    TIMEOUT_MS,
  )

  it(
    'Databento orders',
    () =>
      fc.assert(
        fc.asyncProperty(orderEvents, async (steps) => {
          const lines: string[] = []
          const records: Uint8Array[] = []
          const kinds = { add: 'add', cancel: 'cancel', execute: 'cancel', delete: 'delete', replace: 'delete' } as const
          for (const { event, order, stepNs, at } of placed(steps.map((step) => ({ ...step, kind: kinds[step.kind] })))) {
            const times = { received: MONDAY_NS + BigInt(at), event: MONDAY_NS + BigInt(at - stepNs) }
            const own = { id: BigInt(order.id), side: order.isBuy ? 'B' : 'A', price: BigInt(order.price) * 100_000n, ...times }
            if (event.kind === 'add') {
              records.push(mboRecord({ action: 'A', ...own, size: event.shares }))
              lines.push([times.received, 'add', event.id, event.isBuy, own.price, event.shares].join())
            } else if (event.kind === 'cancel' || event.kind === 'delete') {
              const size = event.kind === 'delete' ? order.shares : event.shares
              records.push(mboRecord({ action: 'C', ...own, size }))
              lines.push([times.received, 'cancel', event.id, size].join())
            }
          }
          fc.pre(records.length > 0)
          const mappings = [{ symbol: 'ESM4', intervals: [[20_240_610, 20_240_611, '7'] as const] }]
          const bytes = dbnFile({ mappings, records })
          await roundTrip(databento, 'test-feed-20240610.mbo.dbn', bytes, async (read) => {
            expect(await ordersOf(read, 'ESM4', (priceScale) => 10n ** BigInt(9 - priceScale))).toEqual(lines)
          })
        }),
        RUNS,
      ),
    TIMEOUT_MS,
  )

  it(
    'ITCH orders',
    () =>
      fc.assert(
        fc.asyncProperty(orderEvents, async (steps) => {
          const lines: string[] = []
          const all: (MadeOrderEvent & { readonly ns: number })[] = []
          // New York is four hours behind UTC in June.
          const midnightNs = MONDAY_NS + 4n * 3_600_000_000_000n
          for (const { event, order, at } of placed(steps)) {
            all.push({ ...event, ns: at })
            const timeNs = midnightNs + BigInt(at)
            if (event.kind === 'add') lines.push([timeNs, 'add', event.id, event.isBuy, event.price, event.shares].join())
            if (event.kind === 'cancel') lines.push([timeNs, 'cancel', event.id, event.shares].join())
            if (event.kind === 'delete' || event.kind === 'replace') lines.push([timeNs, 'cancel', event.id, order.shares].join())
            if (event.kind === 'replace') lines.push([timeNs, 'add', event.newId, order.isBuy, event.price, event.shares].join())
            if (event.kind === 'execute') {
              const ids = order.isBuy ? [event.id, 0] : [0, event.id]
              lines.push([timeNs, 'trade', ...ids, order.price, event.shares].join())
            }
          }
          fc.pre(lines.length > 0)
          await roundTrip(itch, '06102024.NASDAQ_ITCH50', itchDay('AAPL', all), async (read) => {
            expect(await ordersOf(read, 'AAPL', () => 1n)).toEqual(lines)
          })
        }),
        RUNS,
      ),
    TIMEOUT_MS,
  )
})

/** Orders that come, shrink and go: what a step means depends on what rests by then. */
const orderEvents = fc.array(
  fc.record({
    kind: fc.constantFrom('add', 'add', 'cancel', 'execute', 'delete', 'replace'),
    which: fc.nat(1000),
    isBuy: fc.boolean(),
    shares: fc.integer({ min: 1, max: 5000 }),
    price: fc.integer({ min: 1, max: 2_000_000_000 }),
    stepNs: fc.integer({ min: 0, max: 200_000_000 }),
  }),
  { minLength: 1, maxLength: 150, size: 'max' },
)
type OrderStep = typeof orderEvents extends fc.Arbitrary<readonly (infer S)[]> ? S : never

interface RestingOrder {
  id: number
  isBuy: boolean
  shares: number
  price: number
}

/** @returns each event with the order as it was before, and nanoseconds since the begin */
function* placed(steps: readonly OrderStep[]): Generator<{ event: MadeOrderEvent; order: RestingOrder; stepNs: number; at: number }> {
  const resting: RestingOrder[] = []
  let [ids, at] = [0, 1_000_000_000]
  for (const { kind, which, isBuy, shares, price, stepNs } of steps) {
    at += stepNs
    const index = resting.length === 0 ? -1 : which % resting.length
    const order = resting[index]
    if (kind === 'add' || order === undefined) {
      const added = { id: ++ids, isBuy, shares, price }
      resting.push(added)
      yield { event: { kind: 'add', ...added }, order: { ...added }, stepNs, at }
      continue
    }
    const before = { ...order }
    if (kind === 'delete') {
      resting.splice(index, 1)
      yield { event: { kind, id: order.id }, order: before, stepNs, at }
    } else if (kind === 'replace') {
      resting.splice(index, 1, { id: ++ids, isBuy: order.isBuy, shares, price })
      yield { event: { kind, id: before.id, newId: ids, shares, price }, order: before, stepNs, at }
    } else {
      const part = Math.min(shares, order.shares)
      order.shares -= part
      if (order.shares === 0) resting.splice(index, 1)
      yield { event: { kind, id: order.id, shares: part }, order: before, stepNs, at }
    }
  }
}

async function roundTrip(
  importer: Parameters<typeof importInto>[1],
  name: string,
  contents: string | Uint8Array,
  check: (read: Imported) => Promise<void>,
): Promise<void> {
  const folder = path.join(root, String(folders++))
  fs.mkdirSync(folder)
  try {
    fs.writeFileSync(path.join(folder, name), contents)
    const read = await importInto(path.join(folder, 'archive'), importer, [path.join(folder, name)])
    await check(read)
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

function groupLine({ isSnapshot, localUs, exchangeUs, levels }: MadeGroup): string {
  const side = (name: string): string =>
    levels
      .filter((one) => one.side === name)
      .map(({ price, amount }) => `${decimalText(price)}:${decimalText(amount)}`)
      .sort()
      .join(' ')
  return [localUs * 1000, exchangeUs * 1000, isSnapshot, side('bid'), side('ask')].join()
}

async function booksOf(read: Imported, name: string): Promise<string[]> {
  const [header, diff, snapshot] = [new BookEventView(), new L2DiffView(), new L2SnapshotView()]
  const lines: string[] = []
  await eachMessage(read, name, 'book', (message: MessageCursor) => {
    const isSnapshot = header.wrap(message.view, message.payloadOffset, message.length).eventType === 1
    const view = (isSnapshot ? snapshot : diff).wrapMessage(message)
    const { priceScale, sizeScale } = view
    const side = (count: number, price: (i: number) => number, size: (i: number) => number): string =>
      Array.from({ length: count }, (_, i) => {
        const [units, amount] = [BigInt(price(i)), BigInt(size(i))]
        return `${decimalText({ units, decimals: priceScale })}:${decimalText({ units: amount, decimals: sizeScale })}`
      })
        .sort()
        .join(' ')
    const bids = side(
      view.bidCount,
      (i) => view.bidPrice(i),
      (i) => view.bidSize(i),
    )
    const asks = side(
      view.askCount,
      (i) => view.askPrice(i),
      (i) => view.askSize(i),
    )
    lines.push([message.timestampNs, view.header.exchangeTsNs, isSnapshot, bids, asks].join())
    events++
  })
  return lines
}

async function tradesOf(read: Imported, name: string): Promise<string[]> {
  const view = new TradeView()
  const lines: string[] = []
  await eachMessage(read, name, 'trades', (message: MessageCursor) => {
    const { timestampNs, price, quantity, tradeId, isBuyerMaker } = view.wrapMessage(message)
    lines.push([message.timestampNs, timestampNs, price, quantity, tradeId, isBuyerMaker].join())
    events++
  })
  return lines
}

async function ordersOf(read: Imported, name: string, unit: (priceScale: number) => bigint): Promise<string[]> {
  const view = new L3EventView()
  const lines: string[] = []
  await eachMessage(read, name, 'l3', (message: MessageCursor) => {
    const { eventType, orderId, side, price, quantity, bidOrderId, askOrderId, priceScale, header } = view.wrapMessage(message)
    const at = BigInt(price) * unit(priceScale)
    if (eventType === L3_ADD) lines.push([message.timestampNs, 'add', orderId, side === SIDE_BUY, at, quantity].join())
    if (eventType === L3_CANCEL) lines.push([message.timestampNs, 'cancel', orderId, quantity].join())
    if (eventType === L3_TRADE) lines.push([header.exchangeTsNs, 'trade', bidOrderId, askOrderId, at, quantity].join())
    events++
  })
  return lines
}
