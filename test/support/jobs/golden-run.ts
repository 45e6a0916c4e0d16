/**
 * The golden runs of an independent engine as a sweep: a variant each. `golden-run.json` beside a copy of this module has what the runs are.
 * Strategies are those of `goldenStrategy`, here by what every strategy is given.
 */
import { defineBacktest, type MarketSettings, type OrderDesk, type Side } from 'chronicle-replay'
import given from './golden-run.json' with { type: 'json' }

interface GoldenRun {
  readonly strategy: string
  readonly params: readonly number[]
  readonly stepNs: number
  readonly steps: number
  readonly warmUpNs: number
  readonly market: Omit<MarketSettings, 'latency'> & { readonly latency: string | { readonly table: readonly (readonly string[])[] } }
}

const runs = (given as unknown as { readonly runs: Readonly<Record<string, GoldenRun>> }).runs
/** What comes up to here, and at it, is before the first bar that counts: nanoseconds since the epoch. */
const originNs = BigInt(given.originNs)
const names = Object.keys(runs)

function marketOf(name: string): MarketSettings {
  const { market } = runs[name]!
  const { latency } = market
  if (typeof latency === 'string') return { ...market, latency }
  return { ...market, latency: { table: latency.table.map((row) => row.map(BigInt) as unknown as readonly [bigint, bigint, bigint]) } }
}

// biome-ignore lint/style/noDefaultExport: a job module
export default defineBacktest({
  name: 'golden-run',
  params: { run: names[0]! },
  sweep: { run: names },
  market: ({ run }) => marketOf(run),
  every: ({ run }) => `${runs[run]!.stepNs / 1e6}ms`,
  create({ run }, { book, orders, account }) {
    const { strategy, params, stepNs, steps, warmUpNs, market } = runs[run]!
    const { tick } = market
    const [quantity, most] = params as [number, number]
    const lots = (size: number): number => Number((size / market.lot).toFixed(6))
    const best = (side: Side): number => Math.round((side === 1 ? book.bidPrice : book.askPrice) / tick)
    const hasRoom = (side: Side): boolean => account.positionLots * side + lots(quantity) <= lots(most) + 1e-6
    const send = (side: Side, at: number, timeInForce: 'gtx' | 'ioc' = 'gtx'): number =>
      side === 1 ? orders.buy(at * tick, quantity, { timeInForce }) : orders.sell(at * tick, quantity, { timeInForce })
    const step = STRATEGIES[strategy]!({ params, orders, best, hasRoom, send, lots, tick, lot: market.lot, account, book })
    return {
      step(nowNs) {
        const sinceNs = Number(nowNs - originNs)
        if (sinceNs >= warmUpNs && sinceNs < steps * stepNs) step(Math.round(sinceNs / stepNs))
      },
    }
  },
})

interface Desk {
  readonly params: readonly number[]
  readonly orders: OrderDesk
  readonly account: { readonly positionLots: number }
  readonly book: { readonly bidSize: number; readonly askSize: number }
  readonly tick: number
  readonly lot: number
  best(side: Side): number
  hasRoom(side: Side): boolean
  send(side: Side, at: number, timeInForce?: 'gtx' | 'ioc'): number
  lots(size: number): number
}

const SIDES = [1, -1] as const
/** Views are one object that is used again. */
function openOf(orders: OrderDesk): { id: number; side: Side; tick: number }[] {
  const open = []
  for (const { isOpen, id, side, tick } of orders) if (isOpen) open.push({ id, side, tick })
  return open
}

function cancel(orders: OrderDesk, id: number): void {
  if (orders.get(id)!.isCancellable) orders.cancel(id)
}

const STRATEGIES: Readonly<Record<string, (desk: Desk) => (k: number) => void>> = {
  join:
    ({ orders, params, lots, account, best, send }) =>
    () => {
      for (const { id } of openOf(orders)) cancel(orders, id)
      const side = account.positionLots < lots(params[1]!) - 1e-6 ? 1 : -1
      send(side, best(side))
    },
  grid: ({ orders, params, best, hasRoom, send }) => {
    const [step, half] = [params[2]!, params[3]!]
    return () => {
      const sum = best(1) + best(-1)
      const firsts = [Math.floor((sum - 2 * half) / (2 * step)) * step, -Math.floor(-(sum + 2 * half) / (2 * step)) * step]
      const wanted = SIDES.map((side, i) => (hasRoom(side) ? [0, 1, 2].map((n) => firsts[i]! - side * n * step) : []))
      const taken = new Set<string>()
      for (const { id, side, tick } of openOf(orders)) {
        if (wanted[side === 1 ? 0 : 1]!.includes(tick)) taken.add(`${side} ${tick}`)
        else cancel(orders, id)
      }
      for (const [i, side] of SIDES.entries()) for (const at of wanted[i]!) if (!taken.has(`${side} ${at}`)) send(side, at)
    }
  },
  imbalance: ({ orders, params, best, hasRoom, send, book, lot }) => {
    const [threshold, slip] = [params[2]!, params[3]!]
    return () => {
      if (openOf(orders).length > 0) return
      const [bid, ask] = [Math.round(book.bidSize / lot), Math.round(book.askSize / lot)]
      const share = (bid - ask) / (bid + ask)
      if (share > threshold && hasRoom(1)) send(1, best(-1) + slip, 'ioc')
      else if (share < -threshold && hasRoom(-1)) send(-1, best(1) - slip, 'ioc')
    }
  },
  modify: ({ orders, params, best, hasRoom, send, lots, tick }) => {
    const last = new Map<Side, number>()
    return (k) => {
      for (const side of SIDES) {
        const order = orders.get(last.get(side) ?? 0)
        if (order === undefined || !order.isOpen) {
          if (hasRoom(side)) last.set(side, send(side, best(side)))
        } else if (order.status === 'new' && order.pending === 'none') {
          const { id, leaves } = order
          if (order.tick !== best(side)) orders.modify(id, best(side) * tick, leaves)
          else if (k % 7 === 3 && lots(leaves) === lots(params[0]!)) orders.modify(id, order.tick * tick, params[0]! / 2)
        }
      }
    }
  },
}
