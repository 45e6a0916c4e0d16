/** Does what no strategy should, as its parameter says. */
import { defineBacktest } from 'chronicle-replay'

// biome-ignore lint/style/noDefaultExport: a job module
export default defineBacktest({
  name: 'unruly-trader',
  params: { fault: 'none', queue: 'risk', tick: 0.01, localShift: '5s', maxOrders: 1000 },
  market: {
    tick: ({ tick }) => tick,
    lot: 0.001,
    fees: { maker: 0, taker: 0 },
    queue: ({ queue }) => queue,
    localShift: ({ localShift }) => localShift,
    maxOrders: ({ maxOrders }) => maxOrders,
  },
  every: '10m',
  create({ fault }, { book, orders }) {
    if (fault === 'create-throws') throw new Error('nothing to trade')
    if (fault === 'create-nothing') return undefined as never
    if (fault === 'create-later') return Promise.resolve({}) as never
    if (fault === 'create-text') return { step: 'buy' } as never
    if (fault === 'create-orders') orders.buyMarket(1)
    let id = 0
    return {
      fill() {
        if (fault === 'fill-throws') throw new Error('who bought this')
      },
      trade() {
        if (fault === 'trade-throws') throw new Error('too loud here')
      },
      row() {
        if (fault === 'row-throws') throw new Error('no rows today')
        if (fault === 'row-orders') orders.buyMarket(1)
      },
      step() {
        const price = orders.priceDown(book.bidPrice)
        if (fault === 'throws') throw new Error('out of ideas')
        if (fault === 'off-tick') orders.buy(price + 0.3 * book.tick, 1)
        if (fault === 'nan-price') orders.buy(Number.NaN, 1)
        if (fault === 'negative-size') orders.sell(price + 1, -1)
        if (fault === 'endless-size') orders.buyMarket(Number.POSITIVE_INFINITY)
        if (fault === 'modify-to-nothing') {
          if (id === 0) id = orders.buy(price - 5, 1)
          else orders.modify(id, price - 5, 0)
        }
        if (fault === 'fill-throws') orders.buyMarket(0.01)
        if (fault === 'off-lot') orders.buy(price, 0.0005)
        if (fault === 'no-price') orders.buy(null as never, 1)
        if (fault === 'misspelt-option') orders.buy(1, 1, { tif: 'gtx' } as never)
        if (fault === 'text-options') orders.sell(1, 1, 'gtx' as never)
        if (fault === 'null-options') orders.buy(1, 1, null as never)
        if (fault === 'bigint-id') orders.cancel(1n as never)
        if (fault === 'empty-size') orders.buyMarket('' as never)
        if (fault === 'step-later') return Promise.resolve() as never
        if (fault === 'unknown-id') orders.cancel(17)
        if (fault === 'text-id') orders.cancel(String(orders.buy(price, 1)) as never)
        if (fault === 'twice') {
          if (id === 0) id = orders.buy(price - 5, 1)
          orders.cancel(id)
          orders.cancel(id)
        }
        if (fault === 'time-in-force') orders.buy(price, 1, { timeInForce: 'day' as never })
        if (fault === 'million') for (let i = 0; i < 1_000_000; i++) orders.buy(price - 1, 1)
      },
    }
  },
})
