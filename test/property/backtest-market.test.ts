import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LocalBook } from '../../core/backtest/local-book.ts'
import { DIFF, RESET, SNAPSHOT, TRADE } from '../../core/backtest/market-events.ts'
import { MarketReplay } from '../../core/backtest/market-replay.ts'
import { marketTerms } from '../../core/backtest/market-terms.ts'
import { BUY } from '../../core/backtest/order-terms.ts'
import { PriceGrid } from '../../core/backtest/price-grid.ts'
import type { TrackedBook } from '../../core/backtest/tracked-book.ts'
import { Random } from '../../core/synthetic/random.ts'
import { PlainTrackedBook } from '../support/plain/tracked-book.ts'

interface Event {
  readonly kind: number
  readonly exchangeNs: number
  readonly localNs: number
  /** (tick, lots) pairs: bids, then asks; of a trade its own. */
  readonly pairs: readonly (readonly [number, number])[]
  readonly bids: number
}

const KINDS = [DIFF, DIFF, DIFF, DIFF, DIFF, DIFF, TRADE, TRADE, SNAPSHOT, RESET]

/** `in-order`: both sides meet events in one order; `back`: the clocks of either side step back; `at-last`: towards the end. */
type Order = 'in-order' | 'back' | 'at-last'

/** Events in the order in which they are recorded. */
function events(random: Random, count: number, order: Order): Event[] {
  let latestNs = 0
  const [latencyNs, breaks] = [random.below(2) === 0 ? 40 : 400, random.below(3) === 0 ? 1 : 20]
  const wide = random.below(3) === 0 ? 20_000 : 12
  const level = (): [number, number] => [1000 + random.below(wide), random.below(3) === 0 ? 0.4 : 1 + random.below(40) / 4]
  return Array.from({ length: count }, (_, i) => {
    const drawn = KINDS[random.below(KINDS.length)]!
    const kind = (drawn === SNAPSHOT || drawn === RESET) && random.below(breaks) > 0 ? DIFF : drawn
    const isBack = order === 'back' || (order === 'at-last' && i > count / 2)
    const exchangeNs = 10 * i + (isBack ? random.below(60) : 0)
    const localNs = exchangeNs + random.below(latencyNs) + (isBack ? 0 : 1)
    latestNs = Math.max(latestNs, localNs)
    const pairs = Array.from({ length: kind === TRADE ? 1 : kind === RESET ? 0 : random.below(6) }, level)
    return { kind, exchangeNs, localNs: isBack ? localNs : latestNs, pairs, bids: random.below(pairs.length + 1) }
  })
}

function put(replay: MarketReplay, { kind, exchangeNs, localNs, pairs, bids }: Event): void {
  if (kind === TRADE) replay.addTrade(exchangeNs, localNs, BUY, pairs[0]![0], pairs[0]![1])
  else {
    const at = replay.events.add(kind, exchangeNs, localNs, bids, pairs.length - bids, 2 * pairs.length)
    replay.events.arena.set(pairs.flat(), at)
  }
}

function apply(book: PlainTrackedBook, { kind, pairs, bids }: Event): void {
  if (kind === TRADE) return
  if (kind !== DIFF) book.clear()
  for (const [i, [tick, lots]] of pairs.entries()) book.set(i < bids, tick, lots)
  book.cut()
}

function textOf(book: TrackedBook | LocalBook): string {
  const sides = [book.bids, book.asks].map((side) => {
    const [prices, sizes] = [new Float64Array(side.count), new Float64Array(side.count)]
    side.topInto(prices, sizes)
    return [...prices].map((price, i) => [price, sizes[i]])
  })
  return JSON.stringify([String(book.bestBid), String(book.bestAsk), ...sides])
}

describe('both sides of a market', () => {
  it('meet events in the order of their own clocks, and know the books of a plain model at each step', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.constantFrom(3, Number.POSITIVE_INFINITY),
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom<Order>('in-order', 'back', 'at-last'),
        (seed, depth, hears, observes, order) => {
          const random = new Random(seed)
          const all = events(random, 300, order)
          const replay = new MarketReplay(new PriceGrid(1, 1), false, depth)
          const latency = observes ? { feed: { entry: [1, '0s'], response: [1, '0s'] } } : '1ns'
          const who = replay.join(marketTerms({ tick: 1, lot: 1, fees: { maker: 0, taker: 0 }, latency, queue: 'risk' } as never))
          const heard: number[] = []
          if (hears) who.listener = { trade: (_, tick, lots, exchangeNs, localNs) => heard.push(localNs, exchangeNs, tick, lots) }
          replay.begin(0n)
          const [exchange, local] = [new PlainTrackedBook(depth), new PlainTrackedBook(depth)]
          const waiting: { readonly at: Event[]; readonly local: Event[] } = { at: [], local: [] }
          const told: number[] = []
          const take = (list: Event[], untilNs: number, timeOf: (event: Event) => number): Event[] => {
            const due = list.filter((event) => timeOf(event) <= untilNs).sort((a, b) => timeOf(a) - timeOf(b))
            for (const event of due) list.splice(list.indexOf(event), 1)
            return due
          }
          let given = 0
          for (let now = 100; now <= 4000; now += 1 + random.below(300)) {
            // What comes later was recorded later, but for the steps back of the clocks.
            for (; given < all.length && 10 * given <= now; given++) {
              put(replay, all[given]!)
              waiting.at.push(all[given]!)
              waiting.local.push(all[given]!)
            }
            replay.run(now, true)
            for (const event of take(waiting.at, now, ({ exchangeNs }) => exchangeNs)) apply(exchange, event)
            for (const event of take(waiting.local, now, ({ localNs }) => localNs)) {
              apply(local, event)
              if (hears && event.kind === TRADE) told.push(event.localNs, event.exchangeNs, ...event.pairs[0]!)
            }
            // A session begins.
            if (random.below(20) === 0) {
              replay.begin(0n)
              exchange.settle()
              local.settle()
            }
            if (random.below(3) === 0) continue
            const { bestBid, bestAsk } = replay.localBook
            expect([bestBid, bestAsk]).toEqual([local.bestBid, local.bestAsk])
            if (random.below(2) === 0) expect(textOf(replay.localBook as LocalBook)).toBe(local.text)
            expect(textOf(replay.book as TrackedBook)).toBe(exchange.text)
            expect(textOf(replay.localBook as LocalBook)).toBe(local.text)
          }
          expect(heard).toEqual(told)
        },
      ),
      { numRuns: 150 },
    )
  })

  it('know the books of a plain model when sizes are looked at more often than they change', () => {
    const random = new Random(7)
    const replay = new MarketReplay(new PriceGrid(1, 1), false)
    replay.begin(0n)
    const [exchange, local] = [new PlainTrackedBook(Number.POSITIVE_INFINITY), new PlainTrackedBook(Number.POSITIVE_INFINITY)]
    const pairs = (): [number, number][] => Array.from({ length: 40 }, () => [1000 + random.below(200), random.below(30) / 4])
    const all = Array.from({ length: 600 }, (_, i): Event => {
      return { kind: DIFF, exchangeNs: 10 * i, localNs: 10 * i + 300, pairs: pairs(), bids: random.below(41) }
    })
    let [met, heard] = [0, 0]
    for (const event of all) put(replay, event)
    for (let now = 0; now <= 8000; now += 40) {
      replay.run(now, true)
      for (; met < all.length && all[met]!.exchangeNs <= now; met++) apply(exchange, all[met]!)
      for (; heard < all.length && all[heard]!.localNs <= now; heard++) apply(local, all[heard]!)
      expect(textOf(replay.localBook as LocalBook)).toBe(local.text)
      expect(textOf(replay.book as TrackedBook)).toBe(exchange.text)
    }
  })

  it('forget what both have met, and nothing else: 40,000 events, some of which stay on their way', () => {
    const replay = new MarketReplay(new PriceGrid(1, 1), false)
    const who = replay.join(marketTerms({ tick: 1, lot: 1, fees: { maker: 0, taker: 0 }, latency: '1ns', queue: 'risk' }))
    const heard: number[] = []
    who.listener = { trade: (_, tick) => heard.push(tick) }
    replay.begin(0n)
    let taken = 0
    for (let i = 0; i < 40_000; i++) {
      // Every thousandth one reaches the local side at the very end.
      replay.addTrade(i, i % 1000 === 0 ? 50_000 + i : i + 30, BUY, i, 1)
      if (i % 100 === 99) replay.run(i, true)
      if (i === 10_000) taken = replay.events.memory.takenBytes
    }
    expect(replay.events.memory.takenBytes).toBe(taken)
    replay.run(100_000, true)
    const early = Array.from({ length: 40_000 }, (_, i) => i).filter((i) => i % 1000 !== 0)
    const late = Array.from({ length: 40 }, (_, i) => 1000 * i)
    expect(heard).toEqual([...early, ...late])
  })
})
