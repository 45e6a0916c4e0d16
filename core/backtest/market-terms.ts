import { ReplayError } from '../errors.ts'
import { durationNsOf } from '../features/clocks/duration.ts'
import { type KnownOptions, requireOptions } from '../known-options.ts'
import { shownValue } from '../shown-value.ts'
import { type Contract, inverseContract, linearContract } from './contract.ts'
import type { FeeModel } from './fee-model.ts'
import { ConstantLatency } from './latency-constant.ts'
import { FeedLatency } from './latency-feed.ts'
import type { LatencyModel } from './latency-model.ts'
import { type LatencyRow, LatencyTable } from './latency-table.ts'
import { MAX_ORDERS } from './order-pool.ts'
import { logShare, logShare2 } from './queue-log.ts'
import { ProbabilityQueue, type QueueModel } from './queue-model.ts'
import { powerShare, powerShare2, powerShare3 } from './queue-power.ts'
import { RiskAverseQueue } from './queue-risk.ts'
import type { FillMode } from './resting-orders.ts'

/** Where the library of the golden runs differs on purpose from ours (BACKTEST §11). */
export type CompatSwitch =
  | 'ownOrdersIndependent'
  | 'anyQuantity'
  | 'fillClearsPending'
  | 'market100Ticks'
  | 'l3ClearExpires'
  | 'l3ModifyRests'
  | 'modifyKeepsLeaves'

const COMPAT: readonly CompatSwitch[] = [
  'ownOrdersIndependent',
  'anyQuantity',
  'fillClearsPending',
  'market100Ticks',
  'l3ClearExpires',
  'l3ModifyRests',
  'modifyKeepsLeaves',
]

/** Order latency: a duration like `1ms` in both directions, one for each, what follows from the feed's latency, or sampled round trips. */
export type LatencySetting =
  | string
  | { readonly entry: string; readonly response: string }
  | {
      /** entry = factor · feed latency + constant; likewise the response. */
      readonly feed: {
        readonly entry: readonly [factor: number, constant: string]
        readonly response: readonly [factor: number, constant: string]
      }
      /** @default '1s' */
      readonly window?: string
    }
  | { readonly table: readonly LatencyRow[] }

/** What a market is to a backtest. Prices and quantities are those of the log, in its units. */
export interface MarketSettings {
  /** Smallest step of prices. */
  readonly tick: number
  /** Smallest step of quantities. */
  readonly lot: number
  /** @default 'linear' */
  readonly contract?: 'linear' | 'inverse'
  /** What one unit of quantity is worth: of the base coin (linear), of the quote currency (inverse). @default 1 */
  readonly contractSize?: number
  /** Rates, negative for rebates. @default per 'value', no stamp duty */
  readonly fees: {
    readonly maker: number
    readonly taker: number
    readonly per?: 'value' | 'quantity' | 'trade'
    readonly buyer?: number
    readonly seller?: number
  }
  /** @default '0s' */
  readonly latency?: LatencySetting
  /** `risk`, `power:N`, `power2:N`, `power3:N`, `log`, `log2`; `fifo` for L3 logs. `power:3` is `power3:3`, the most used. @default 'risk' */
  readonly queue?: string
  /** Whether an order is filled as far as it was reached, or whole. @default 'partial' */
  readonly fills?: FillMode
  /**
   * What tells, of an L3 log, that resting orders were executed: events of the log itself (ITCH, LOBSTER), or the stream of trades, where
   * the log has only what becomes of the orders afterwards (Databento). @default 'orders'
   */
  readonly executions?: 'orders' | 'trades'
  /** What becomes of orders when messages are missing. @default 'cancel' */
  readonly onGap?: 'cancel' | 'hold'
  /** Takes on a book that is older are counted. @default '10s' */
  readonly oldBook?: string
  /** Added to record times to have times of the exchange's clock: how far the recorder's clock was behind. @default '0s' */
  readonly localShift?: string
  /** Orders at a time. @default 100000 */
  readonly maxOrders?: number
  /** Switches, or `hftbacktest` for all of them. */
  readonly compat?: 'hftbacktest' | readonly CompatSwitch[]
}

/** Settings that a market may have, all that there are. */
export const MARKET_SETTINGS: KnownOptions<MarketSettings> = {
  tick: true,
  lot: true,
  contract: true,
  contractSize: true,
  fees: true,
  latency: true,
  queue: true,
  fills: true,
  executions: true,
  onGap: true,
  oldBook: true,
  localShift: true,
  maxOrders: true,
  compat: true,
}
const FEE_SETTINGS: KnownOptions<MarketSettings['fees']> = { maker: true, taker: true, per: true, buyer: true, seller: true }

/** A market's settings, checked and made into models. */
export interface MarketTerms {
  readonly tick: number
  readonly lot: number
  readonly contract: Contract
  readonly fees: FeeModel
  /** A model of its own for each call: it keeps its place. */
  readonly latency: () => LatencyModel
  readonly queue: QueueModel | 'fifo'
  readonly fills: FillMode
  readonly executions: 'orders' | 'trades'
  readonly onGap: 'cancel' | 'hold'
  readonly oldBookNs: number
  readonly localShiftNs: number
  readonly maxOrders: number
  readonly compat: ReadonlySet<CompatSwitch>
}

/** @throws ReplayError input `market-invalid`, `latency-table`, `unknown-option` */
export function marketTerms(market: MarketSettings): MarketTerms {
  if (typeof market !== 'object' || market === null) throw invalid('market', 'tick, lot and fees', market)
  requireOptions('a market', market, MARKET_SETTINGS)
  const { tick, lot, contract = 'linear', contractSize = 1, fills = 'partial', executions = 'orders' } = market
  const { onGap = 'cancel', maxOrders = MAX_ORDERS } = market
  for (const [name, value] of Object.entries({ tick, lot, contractSize })) {
    if (!(typeof value === 'number' && value > 0 && Number.isFinite(value))) throw invalid(name, 'a number above 0', value)
  }
  requireOneOf('contract', contract, ['linear', 'inverse'])
  requireOneOf('fills', fills, ['partial', 'whole'])
  requireOneOf('executions', executions, ['orders', 'trades'])
  requireOneOf('onGap', onGap, ['cancel', 'hold'])
  if (!Number.isSafeInteger(maxOrders) || maxOrders < 1 || maxOrders > MAX_ORDERS) {
    throw invalid('maxOrders', `a whole number from 1 to ${MAX_ORDERS}`, maxOrders)
  }
  const make = contract === 'linear' ? linearContract : inverseContract
  const latency = market.latency ?? '0s'
  latencyOf(latency)
  return {
    ...{ tick, lot, fills, executions, onGap, maxOrders },
    contract: make(tick, lot, contractSize),
    fees: feesOf(market),
    latency: () => latencyOf(latency),
    queue: queueOf(market.queue ?? 'risk', lot),
    oldBookNs: durationOf('oldBook', market.oldBook ?? '10s'),
    localShiftNs: signedDurationOf('localShift', market.localShift ?? '0s'),
    compat: compatOf(market.compat ?? []),
  }
}

function feesOf({ fees }: MarketSettings): FeeModel {
  if (typeof fees !== 'object' || fees === null) throw invalid('fees', 'rates { maker, taker }, 0 for none', fees)
  requireOptions('fees of a market', fees, FEE_SETTINGS)
  const { maker, taker, per = 'value', buyer = 0, seller = 0 } = fees
  for (const [name, rate] of Object.entries({ maker, taker, buyer, seller })) {
    if (!(typeof rate === 'number' && Number.isFinite(rate))) throw invalid(`fees.${name}`, 'a number, 0 for none', rate)
  }
  requireOneOf('fees.per', per, ['value', 'quantity', 'trade'])
  return { maker, taker, per, buyer, seller }
}

function queueOf(text: string, lot: number): QueueModel | 'fifo' {
  const [name, exponent = '3', ...more] = String(text).split(':')
  const n = Number(exponent)
  if (n > 0 && Number.isFinite(n) && more.length === 0) {
    if (name === 'power1') return new ProbabilityQueue(powerShare(n))
    if (name === 'power2') return new ProbabilityQueue(powerShare2(n))
    if (name === 'power3' || name === 'power') return new ProbabilityQueue(powerShare3(n))
  }
  switch (text) {
    case 'risk':
      return new RiskAverseQueue()
    case 'log':
    case 'log1':
      return new ProbabilityQueue(logShare(lot))
    case 'log2':
      return new ProbabilityQueue(logShare2(lot))
    case 'fifo':
      return 'fifo'
    default:
      throw invalid('queue', 'risk, power:N (power1:N, power2:N, power3:N), log, log2, or fifo for L3 logs', text)
  }
}

function latencyOf(latency: LatencySetting): LatencyModel {
  if (typeof latency === 'string') {
    const ns = signedDurationOf('latency', latency)
    return new ConstantLatency(ns, Math.abs(ns))
  }
  if (typeof latency !== 'object') throw invalid('latency', 'a duration like 1ms, { entry, response }, { feed } or { table }', latency)
  if ('table' in latency) return new LatencyTable(latency.table)
  if ('feed' in latency) {
    const entry = byFeed('latency.feed.entry', latency.feed?.entry)
    const response = byFeed('latency.feed.response', latency.feed?.response)
    const windowNs = durationOf('latency.window', latency.window ?? '1s')
    if (windowNs === 0) throw invalid('latency.window', 'a duration like 1s above 0', latency.window)
    return new FeedLatency({
      ...{ entryFactor: entry.factor, entryNs: entry.ns, responseFactor: response.factor, responseNs: response.ns },
      windowNs,
    })
  }
  return new ConstantLatency(signedDurationOf('latency.entry', latency.entry), durationOf('latency.response', latency.response))
}

/** An answer is never before what it answers. */
function byFeed(name: string, given: readonly [number, string] | undefined): { readonly factor: number; readonly ns: number } {
  const [factor, constant] = Array.isArray(given) ? given : []
  if (typeof factor === 'number' && factor >= 0 && Number.isFinite(factor)) return { factor, ns: durationOf(name, constant as string) }
  throw invalid(name, "[factor, duration] with a factor of at least 0, like [1, '1ms']", given)
}

function compatOf(given: 'hftbacktest' | readonly CompatSwitch[]): ReadonlySet<CompatSwitch> {
  if (given === 'hftbacktest') return new Set(COMPAT)
  if (!Array.isArray(given)) throw invalid('compat', `hftbacktest, or some of ${COMPAT.join(', ')}`, given)
  for (const name of given) requireOneOf('compat', name, COMPAT)
  return new Set(given)
}

function durationOf(name: string, text: string): number {
  const ns = typeof text === 'string' ? durationNsOf(text) : null
  if (ns === null) throw invalid(name, 'a duration like 500us, 1ms, 2s', text)
  return Number(ns)
}

function signedDurationOf(name: string, text: string): number {
  return typeof text === 'string' && text.startsWith('-') ? -durationOf(name, text.slice(1)) : durationOf(name, text)
}

function requireOneOf(name: string, value: string, choices: readonly string[]): void {
  if (!choices.includes(value)) throw invalid(name, choices.join(' or '), value)
}

function invalid(name: string, expected: string, found: unknown): ReplayError {
  return new ReplayError('market-invalid', `market: ${name}: expected ${expected}; found ${shownValue(found)}`, { category: 'input' })
}
