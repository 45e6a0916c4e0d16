import { type DailySession, defineBacktest, type JobDefinition, type MarketSettings } from 'chronicle-replay'

/** Quotes both sides and takes now and then, in archives of a few messages a day. */
export const smallQuotes = (name: string, session: 'day' | 'run' | DailySession, orderRows = false): JobDefinition =>
  defineBacktest({
    name,
    ...{ session, orderRows },
    params: { every: '5m', offset: 0, queue: 'risk', onGap: 'cancel', latency: '1s', tick: 0.01 },
    market: {
      tick: ({ tick }) => tick,
      lot: 0.001,
      fees: { maker: -0.0001, taker: 0.0005 },
      latency: ({ latency }) => latency,
      queue: ({ queue }) => queue,
      onGap: ({ onGap }) => onGap as NonNullable<MarketSettings['onGap']>,
      localShift: '5s',
    },
    every: ({ every }) => every,
    columns: { steps: 'i64', heard: 'i64' },
    create({ offset, tick }, { book, orders, account }) {
      let [steps, heard] = [0, 0]
      return {
        step() {
          steps++
          orders.cancelAll()
          if (orders.openCount < 40) {
            orders.buy(orders.priceDown(book.bidPrice - offset * tick), 0.004, { timeInForce: steps % 2 === 0 ? 'gtx' : 'gtc' })
            orders.sell(orders.priceUp(book.askPrice + offset * tick), 0.004)
          }
          if (steps % 5 === 0) orders.buyMarket(0.002)
          if (account.position > 0.02) orders.sell(book.bidPrice, 0.002, { timeInForce: 'ioc' })
        },
        fill: () => {
          heard += 1000
        },
        trade: () => {
          heard++
        },
        row(out) {
          out.steps = steps
          out.heard = heard
        },
      }
    },
  })
