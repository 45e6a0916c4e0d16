import { DIFF, SNAPSHOT } from '../../core/backtest/market-events.ts'
import type { MarketReplay } from '../../core/backtest/market-replay.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { BookEventView, EVENT_DIFF, EVENT_SNAPSHOT } from '../../core/protocol/book-event.ts'
import { L2DiffView } from '../../core/protocol/l2-diff.ts'
import { L2SnapshotView } from '../../core/protocol/l2-snapshot.ts'
import { TradeView } from '../../core/protocol/trade.ts'

/** A book message or trade of a real log, taken apart. */
export interface FeedEvent {
  readonly kind: 'diff' | 'snapshot' | 'trade'
  readonly exchangeNs: bigint
  readonly localNs: bigint
  /** (tick, lots) pairs: bids, then asks; of a trade its own. */
  readonly pairs: Float64Array
  readonly bids: number
  /** Of a trade: side of the taker. */
  readonly taker: 1 | -1
}

/** The streams `book` and `trades` of a day, in the order of record times: of equal ones book events first. */
export async function loadFeed(folder: string, tick: number, lot: number, shiftNs: bigint): Promise<FeedEvent[]> {
  const [head, diff, snapshot, trade] = [new BookEventView(), new L2DiffView(), new L2SnapshotView(), new TradeView()]
  const books: FeedEvent[] = []
  for await (const message of await ReplayReader.open(`${folder}/book`)) {
    head.wrap(message.view, message.payloadOffset, message.length)
    if (head.eventType !== EVENT_SNAPSHOT && head.eventType !== EVENT_DIFF) continue
    const isSnapshot = head.eventType === EVENT_SNAPSHOT
    const levels = isSnapshot ? snapshot.wrapMessage(message) : diff.wrapMessage(message)
    const price = tick * 10 ** levels.priceScale
    const size = lot * 10 ** levels.sizeScale
    const pairs: number[] = []
    for (let i = 0; i < levels.bidCount; i++) pairs.push(Math.round(levels.bidPrice(i) / price), levels.bidSize(i) / size)
    for (let i = 0; i < levels.askCount; i++) pairs.push(Math.round(levels.askPrice(i) / price), levels.askSize(i) / size)
    books.push({
      kind: isSnapshot ? 'snapshot' : 'diff',
      exchangeNs: head.exchangeTsNs,
      localNs: message.timestampNs + shiftNs,
      pairs: Float64Array.from(pairs),
      bids: levels.bidCount,
      taker: 1,
    })
  }
  const trades: FeedEvent[] = []
  for await (const message of await ReplayReader.open(`${folder}/trades`)) {
    trade.wrapMessage(message)
    trades.push({
      kind: 'trade',
      exchangeNs: trade.timestampNs,
      localNs: message.timestampNs + shiftNs,
      pairs: Float64Array.of(Math.round(trade.price / tick), Number((trade.quantity / lot).toFixed(6))),
      bids: 0,
      taker: trade.isBuyerMaker ? -1 : 1,
    })
  }
  return [...books, ...trades]
    .map((event, i) => ({ event, i }))
    .sort((a, b) => order(a.event, b.event) || a.i - b.i)
    .map(({ event }) => event)
}

export function feed(replay: MarketReplay, event: FeedEvent, originNs: bigint): void {
  const exchangeNs = Number(event.exchangeNs - originNs)
  const localNs = Number(event.localNs - originNs)
  if (event.kind === 'trade') {
    replay.addTrade(exchangeNs, localNs, event.taker, event.pairs[0]!, event.pairs[1]!)
    return
  }
  const kind = event.kind === 'diff' ? DIFF : SNAPSHOT
  const { length } = event.pairs
  const at = replay.events.add(kind, exchangeNs, localNs, event.bids, length / 2 - event.bids, length)
  replay.events.arena.set(event.pairs, at)
}

function order(a: FeedEvent, b: FeedEvent): number {
  return a.localNs < b.localNs ? -1 : a.localNs > b.localNs ? 1 : 0
}
