import { defineBacktest } from 'chronicle-replay'

const TICK = 0.1
const SIZE = 0.01
const LIMIT = 0.1

/** The grid of the golden runs on usdm: three quotes a side on multiples of `grid` ticks, at least `half` ticks from the mid price. */
export default defineBacktest({
  name: 'bench-golden-grid',
  params: { grid: 10, half: 5 },
  market: {
    tick: TICK,
    lot: 0.001,
    fees: { maker: -0.00005, taker: 0.0007 },
    latency: '1ms',
    queue: 'power3:3',
    fills: 'whole',
    localShift: '1.277s',
    compat: ['ownOrdersIndependent'],
  },
  every: '500ms',
  create({ grid, half }, { account, book, orders }) {
    let steps = 0
    const firsts = [0, 0]
    return {
      step() {
        if (++steps < 20) return
        const both = Math.round(book.bidPrice / TICK) + Math.round(book.askPrice / TICK)
        firsts[0] = Math.floor((both - 2 * half) / (2 * grid)) * grid
        firsts[1] = -Math.floor(-(both + 2 * half) / (2 * grid)) * grid
        const room = [account.position + SIZE <= LIMIT + 1e-9, account.position - SIZE >= -LIMIT - 1e-9]
        const taken = [false, false, false, false, false, false]
        for (const { id, side, tick, isCancellable, isOpen } of orders) {
          if (!isOpen) continue
          const place = side > 0 ? (firsts[0]! - tick) / grid : (tick - firsts[1]!) / grid
          if (room[side > 0 ? 0 : 1] && Number.isInteger(place) && place >= 0 && place < 3) taken[side > 0 ? place : 3 + place] = true
          else if (isCancellable) orders.cancel(id)
        }
        for (let i = 0; i < 3; i++) if (room[0] && !taken[i]) orders.buy((firsts[0]! - i * grid) * TICK, SIZE, { timeInForce: 'gtx' })
        for (let i = 0; i < 3; i++) if (room[1] && !taken[3 + i]) orders.sell((firsts[1]! + i * grid) * TICK, SIZE, { timeInForce: 'gtx' })
      },
    }
  },
})
