/** A book with tracked best prices, as its rule says and no faster: levels of each side by price. */
export class PlainTrackedBook {
  readonly bids = new Map<number, number>()
  readonly asks = new Map<number, number>()
  bestBid = Number.NEGATIVE_INFINITY
  bestAsk = Number.POSITIVE_INFINITY
  readonly #depth: number

  constructor(depth: number) {
    this.#depth = depth
  }

  clear(): void {
    this.bids.clear()
    this.asks.clear()
    this.bestBid = Number.NEGATIVE_INFINITY
    this.bestAsk = Number.POSITIVE_INFINITY
  }

  set(isBid: boolean, tick: number, lots: number): void {
    const levels = isBid ? this.bids : this.asks
    levels.delete(tick)
    if (lots >= 0.5) levels.set(tick, lots)
    const bidBelow = (limit: number): number => Math.max(Number.NEGATIVE_INFINITY, ...[...this.bids.keys()].filter((one) => one < limit))
    const askAbove = (limit: number): number => Math.min(Number.POSITIVE_INFINITY, ...[...this.asks.keys()].filter((one) => one > limit))
    if (lots < 0.5) {
      if (isBid && tick === this.bestBid) this.bestBid = bidBelow(tick)
      if (!isBid && tick === this.bestAsk) this.bestAsk = askAbove(tick)
    } else if (isBid && tick > this.bestBid) {
      this.bestBid = tick
      if (tick >= this.bestAsk) this.bestAsk = askAbove(tick)
    } else if (!isBid && tick < this.bestAsk) {
      this.bestAsk = tick
      if (tick <= this.bestBid) this.bestBid = bidBelow(tick)
    }
  }

  /** Best prices by what is there alone: a bid at or beyond asks hides them. */
  settle(): void {
    this.bestBid = Math.max(Number.NEGATIVE_INFINITY, ...this.bids.keys())
    this.bestAsk = Math.min(Number.POSITIVE_INFINITY, ...[...this.asks.keys()].filter((tick) => tick > this.bestBid))
  }

  /** What is beyond the depth goes, in which levels that were crossed do not count: they are gone, too. */
  cut(): void {
    if (this.bids.size <= this.#depth && this.asks.size <= this.#depth) return
    for (const tick of [...this.bids.keys()]) if (tick > this.bestBid) this.bids.delete(tick)
    for (const tick of [...this.asks.keys()]) if (tick < this.bestAsk) this.asks.delete(tick)
    for (const tick of [...this.bids.keys()].sort((a, b) => b - a).slice(this.#depth)) this.bids.delete(tick)
    for (const tick of [...this.asks.keys()].sort((a, b) => a - b).slice(this.#depth)) this.asks.delete(tick)
  }

  /** Best prices, and all levels of each side, best first. */
  get text(): string {
    const bids = [...this.bids].sort(([a], [b]) => b - a)
    const asks = [...this.asks].sort(([a], [b]) => a - b)
    return JSON.stringify([String(this.bestBid), String(this.bestAsk), bids, asks])
  }
}
