import { expect, test } from 'vitest'
import { L2Book } from '../../core/book/l2-book.ts'
import { FeatureBook } from '../../core/features/feature-book.ts'
import { PULL, PULLING_LEVELS } from '../../core/synthetic/price-trend.ts'
import { SyntheticSource } from '../../core/synthetic/synthetic-source.ts'

const SYMBOLS = 4
const MESSAGES = 50_000
const SEED = 1

interface Seen {
  readonly timeNs: bigint
  readonly imbalance: number
  readonly deep: number
  readonly mid: number
}

/** What a market shows behind each of its book events. */
async function watch(index: number): Promise<Seen[]> {
  const source = new SyntheticSource({ index, messages: MESSAGES, seed: SEED, streams: ['book'], days: 1, stepBack: 0 })
  const [book, seen]: [L2Book, Seen[]] = [new L2Book(), []]
  const view = new FeatureBook(book)
  for await (const message of source) {
    book.apply(message)
    if (view.mid > 0)
      seen.push({ timeNs: message.timestampNs, imbalance: view.imbalance(PULLING_LEVELS), deep: view.imbalance(20), mid: view.mid })
  }
  return seen
}

const markets = await Promise.all(Array.from({ length: SYMBOLS }, (_, index) => watch(index)))

/** Of what is seen with the return after it, `ahead` further on in a list; the mean over all markets. */
function correlation(lists: readonly (readonly Seen[])[], ahead: number, of: (seen: Seen) => number): number {
  const each = lists.map((list) => {
    const pairs = list.slice(0, -ahead).map((seen, i) => [of(seen), list[i + ahead]!.mid / seen.mid - 1] as const)
    const mean = (at: 0 | 1): number => pairs.reduce((sum, pair) => sum + pair[at], 0) / pairs.length
    const [x, y] = [mean(0), mean(1)]
    const sum = (term: (pair: readonly [number, number]) => number): number => pairs.reduce((all, pair) => all + term(pair), 0)
    const [xx, yy, xy] = [sum(([a]) => (a - x) ** 2), sum(([, b]) => (b - y) ** 2), sum(([a, b]) => (a - x) * (b - y))]
    return xy / Math.sqrt(xx * yy)
  })
  return each.reduce((total, value) => total + value, 0) / each.length
}

/** The last that is seen in each bar of the clock. */
function bars(list: readonly Seen[], seconds: number): Seen[] {
  const barOf = ({ timeNs }: Seen): bigint => timeNs / BigInt(seconds * 1e9)
  return list.filter((seen, i) => i + 1 === list.length || barOf(list[i + 1]!) !== barOf(seen))
}

test('the imbalance of the best five levels foretells the next moves, modestly, and less and less', () => {
  expect([PULL, PULLING_LEVELS]).toEqual([0.3, 5])
  const after = (events: number): number => correlation(markets, events, ({ imbalance }) => imbalance)
  expect(after(5)).toBeGreaterThan(0.12)
  expect(after(5)).toBeLessThan(0.2)
  expect(after(20)).toBeLessThan(after(5))
  expect(after(50)).toBeLessThan(after(20))
  expect(after(50)).toBeGreaterThan(0.05)
  expect(after(500)).toBeLessThan(0.04)
})

test('it is those levels that tell most, and shorter bars than longer ones', () => {
  const of = (seconds: number, value: (seen: Seen) => number): number =>
    correlation(
      markets.map((list) => bars(list, seconds)),
      1,
      value,
    )
  const near = (seconds: number): number => of(seconds, ({ imbalance }) => imbalance)
  expect(near(10)).toBeGreaterThan(0.1)
  expect(near(10)).toBeLessThan(0.17)
  expect(near(60)).toBeLessThan(near(10))
  expect(near(300)).toBeLessThan(near(60))
  expect(of(10, ({ deep }) => deep)).toBeLessThan(near(10) * 0.7)
})
