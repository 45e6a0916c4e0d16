import type { MarketReplay } from '../../core/backtest/market-replay.ts'
import { BUY, FIRST_ENDED, GTX, IOC, NEW, NO_REQUEST, SELL, type Side } from '../../core/backtest/order-terms.ts'
import type { Participant } from '../../core/backtest/participant.ts'

/** A strategy of the golden runs: what it does at step `k`. Quantities in lots. */
export type GoldenStrategy = (k: number) => void

/** The strategies as the README of the golden runs has them. */
export function goldenStrategy(
  name: string,
  given: readonly number[],
  lot: number,
  replay: MarketReplay,
  who: Participant,
): GoldenStrategy {
  const { pool } = who
  const lots = (quantity: number): number => Number((quantity / lot).toFixed(6))
  const q = lots(given[0]!)
  const limit = lots(given[1]!)
  const position = (): number => who.account.positionLots
  const roomFor = (side: Side, quantity: number): boolean => position() * side + quantity <= limit + 1e-6
  const send = (side: Side, tick: number, timeInForce: number): number => who.send(side, tick, q, timeInForce, false)
  const cancel = (slot: number): void => {
    if (who.isCancellable(slot)) who.cancel(pool.ids[slot]!)
  }
  const best = (side: Side): number => (side === BUY ? replay.localBook.bestBid : replay.localBook.bestAsk)
  switch (name) {
    case 'join':
      return () => {
        who.clearInactive()
        for (const slot of who.slots) cancel(slot)
        if (position() < limit - 1e-6) send(BUY, best(BUY), GTX)
        else send(SELL, best(SELL), GTX)
      }
    case 'grid': {
      const [g, h] = [given[2]!, given[3]!]
      return () => {
        who.clearInactive()
        const sum = best(BUY) + best(SELL)
        const firsts = [Math.floor((sum - 2 * h) / (2 * g)) * g, -Math.floor(-(sum + 2 * h) / (2 * g)) * g]
        const wanted = [BUY, SELL].map((side, i) => (roomFor(side as Side, q) ? [0, 1, 2].map((step) => firsts[i]! - side * step * g) : []))
        const taken = new Set<string>()
        for (const slot of who.slots) {
          const side = pool.sides[slot]!
          if (wanted[side === BUY ? 0 : 1]!.includes(pool.ticks[slot]!)) taken.add(`${side} ${pool.ticks[slot]}`)
          else cancel(slot)
        }
        for (const [i, side] of [BUY, SELL].entries()) {
          for (const tick of wanted[i]!) if (!taken.has(`${side} ${tick}`)) send(side as Side, tick, GTX)
        }
      }
    }
    case 'imbalance': {
      const [threshold, slip] = [given[2]!, given[3]!]
      return () => {
        who.clearInactive()
        if (who.orderCount > 0) return
        const b = replay.localBook.lotsAt(BUY, best(BUY))
        const a = replay.localBook.lotsAt(SELL, best(SELL))
        const r = (b - a) / (b + a)
        if (r > threshold && roomFor(BUY, q)) send(BUY, best(SELL) + slip, IOC)
        else if (r < -threshold && roomFor(SELL, q)) send(SELL, best(BUY) - slip, IOC)
      }
    }
    case 'modify': {
      const last = new Map<Side, number>()
      return (k) => {
        who.clearInactive()
        const now = position()
        for (const side of [BUY, SELL] as Side[]) {
          const slot = who.slotOf(last.get(side) ?? 0)
          if (slot < 0) {
            if (now * side + q <= limit + 1e-6) last.set(side, send(side, best(side), GTX))
          } else if (pool.statuses[slot] === NEW && pool.statuses[slot]! < FIRST_ENDED && pool.pending[slot] === NO_REQUEST) {
            const id = pool.ids[slot]!
            if (pool.ticks[slot] !== best(side)) who.modify(id, best(side), pool.leaves[slot]!)
            else if (k % 7 === 3 && pool.leaves[slot] === q) who.modify(id, best(side), q / 2)
          }
        }
      }
    }
    default:
      throw new Error(`no strategy ${name}`)
  }
}
