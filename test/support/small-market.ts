import { DIFF, SNAPSHOT } from '../../core/backtest/market-events.ts'
import { MarketReplay } from '../../core/backtest/market-replay.ts'
import { type MarketSettings, marketTerms } from '../../core/backtest/market-terms.ts'
import { GTC, REASON_NAMES, type Side, STATUS_NAMES } from '../../core/backtest/order-terms.ts'
import type { Participant } from '../../core/backtest/participant.ts'
import { PriceGrid } from '../../core/backtest/price-grid.ts'
import type { L3EventFields } from '../../core/protocol/l3-event.ts'
import { l3 } from './book-messages.ts'

type Levels = Readonly<Record<number, number>>

export interface SmallFill {
  readonly id: number
  readonly tick: number
  readonly lots: number
  readonly isMaker: boolean
  readonly reason: string
  readonly exchangeNs: number
  readonly localNs: number
}

export interface SmallMarketOptions extends Partial<MarketSettings> {
  readonly isL3?: boolean
  /** Of the feed, ns. @default 10 */
  readonly feedNs?: number
  readonly variants?: readonly Partial<MarketSettings>[]
}

/**
 * A market of a few events: tick 1, lot 1, no fees, partial fills, order latency 10 ns each way, feed latency 10 ns. Times are
 * exchange times in ns; what a strategy does is given by local time.
 */
export class SmallMarket {
  readonly replay: MarketReplay
  readonly who: Participant
  readonly fills: SmallFill[] = []
  readonly #feedNs: number

  constructor({ isL3 = false, feedNs = 10, variants = [], ...settings }: SmallMarketOptions = {}) {
    this.#feedNs = feedNs
    this.replay = new MarketReplay(new PriceGrid(1, 1), isL3)
    const queue = isL3 ? 'fifo' : 'risk'
    const terms = (more: Partial<MarketSettings>) =>
      marketTerms({ tick: 1, lot: 1, fees: { maker: 0, taker: 0 }, latency: '10ns', queue, ...settings, ...more })
    this.who = this.replay.join(terms({}))
    for (const more of variants) this.replay.join(terms(more))
    this.who.listener = {
      fill: ({ orderId, tick, lots, isMaker, reason, exchangeNs, localNs }) =>
        this.fills.push({ id: orderId, tick, lots, isMaker, reason: REASON_NAMES[reason]!, exchangeNs, localNs }),
    }
    this.replay.begin(0n)
  }

  snapshot(atNs: number, bids: Levels, asks: Levels): this {
    return this.#levels(SNAPSHOT, atNs, bids, asks)
  }

  diff(atNs: number, bids: Levels, asks: Levels = {}): this {
    return this.#levels(DIFF, atNs, bids, asks)
  }

  trade(atNs: number, taker: Side, lots: number, tick: number): this {
    this.replay.addTrade(atNs, atNs + this.#feedNs, taker, tick, lots)
    return this
  }

  gap(atNs: number): this {
    this.replay.addGap(atNs, atNs + this.#feedNs, true)
    return this
  }

  order(atNs: number, event: Partial<L3EventFields> & { readonly eventType: number }): this {
    const words = new Uint32Array(Uint8Array.from(l3({ priceScale: 0, ...event })).buffer)
    this.replay.addOrderEvent(atNs, atNs + this.#feedNs, words, 0)
    return this
  }

  /** Comes to a local time, everything of that time included. */
  to(timeNs: number): this {
    this.replay.run(timeNs, true)
    return this
  }

  buy(lots: number, tick: number, timeInForce = GTC): number {
    return this.who.send(1, tick, lots, timeInForce, false)
  }

  sell(lots: number, tick: number, timeInForce = GTC): number {
    return this.who.send(-1, tick, lots, timeInForce, false)
  }

  /** Fills as text: `3 @100 maker cross`. */
  get told(): string[] {
    return this.fills.map(({ lots, tick, isMaker, reason }) => `${lots} @${tick} ${isMaker ? 'maker' : 'taker'} ${reason}`)
  }

  status(id: number): string {
    return STATUS_NAMES[this.who.pool.statuses[this.who.slotOf(id)]!]!
  }

  ahead(id: number): number {
    return this.who.pool.ahead[this.who.slotOf(id)]!
  }

  #levels(kind: number, atNs: number, bids: Levels, asks: Levels): this {
    const pairs = [bids, asks].map((levels) => Object.entries(levels).map(([tick, lots]) => [Number(tick), lots]))
    const flat = pairs.flat(2)
    const at = this.replay.events.add(kind, atNs, atNs + this.#feedNs, pairs[0]!.length, pairs[1]!.length, flat.length)
    this.replay.events.arena.set(flat, at)
    return this
  }
}

/** The usual one: 100 × 5 / 101 × 5 at 0. */
export function usualMarket(options: SmallMarketOptions = {}): SmallMarket {
  return new SmallMarket(options).snapshot(0, { 100: 5 }, { 101: 5 })
}
