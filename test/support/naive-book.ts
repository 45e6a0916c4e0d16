import type { Level } from '../../core/protocol/level.ts'

/** An L2 book as slow and obvious as can be: bigints, a map per side, sorting. */
export class NaiveBook {
  priceScale = -1
  sizeScale = -1
  bids = new Map<bigint, bigint>()
  asks = new Map<bigint, bigint>()
  readonly depthLimit: number

  constructor(depthLimit = Number.POSITIVE_INFINITY) {
    this.depthLimit = depthLimit
  }

  reset(): void {
    this.bids.clear()
    this.asks.clear()
    this.priceScale = -1
    this.sizeScale = -1
  }

  /** False, and nothing changed, when a double cannot hold a value, or it is above 2^63. */
  snapshot(bids: readonly Level[], asks: readonly Level[], priceScale: number, sizeScale: number): boolean {
    if ([...bids, ...asks].some(([price, size]) => !isExact(BigInt(price)) || !isExact(BigInt(size)))) return false
    this.reset()
    this.priceScale = priceScale
    this.sizeScale = sizeScale
    for (const [price, size] of bids) if (BigInt(size) !== 0n) this.bids.set(BigInt(price), BigInt(size))
    for (const [price, size] of asks) if (BigInt(size) !== 0n) this.asks.set(BigInt(price), BigInt(size))
    this.#cut()
    return true
  }

  diff(bids: readonly Level[], asks: readonly Level[], priceScale: number, sizeScale: number): boolean {
    const newPriceScale = Math.max(priceScale, this.priceScale)
    const newSizeScale = Math.max(sizeScale, this.sizeScale)
    const scaled = (side: Map<bigint, bigint> | readonly Level[], price: number, size: number): [bigint, bigint][] =>
      [...side].map(([p, s]) => [BigInt(p) * 10n ** BigInt(price), BigInt(s) * 10n ** BigInt(size)])
    const oldFactor = [
      this.priceScale < 0 ? 0 : newPriceScale - this.priceScale,
      this.priceScale < 0 ? 0 : newSizeScale - this.sizeScale,
    ] as const
    const next = { bids: scaled(this.bids, ...oldFactor), asks: scaled(this.asks, ...oldFactor) }
    const newFactor = [newPriceScale - priceScale, newSizeScale - sizeScale] as const
    const changes = { bids: scaled(bids, ...newFactor), asks: scaled(asks, ...newFactor) }
    for (const [price, size] of [...next.bids, ...next.asks, ...changes.bids, ...changes.asks]) {
      if (!isExact(price) || !isExact(size)) return false
    }
    this.bids = new Map(next.bids)
    this.asks = new Map(next.asks)
    this.priceScale = newPriceScale
    this.sizeScale = newSizeScale
    for (const side of ['bids', 'asks'] as const) {
      for (const [price, size] of changes[side]) {
        if (size === 0n) this[side].delete(price)
        else this[side].set(price, size)
      }
    }
    this.#cut()
    return true
  }

  sorted(side: 'bids' | 'asks'): [number, number][] {
    const sign = side === 'bids' ? -1 : 1
    return [...this[side]].map(([p, s]): [number, number] => [Number(p), Number(s)]).sort((a, b) => sign * (a[0] - b[0]))
  }

  #cut(): void {
    for (const side of ['bids', 'asks'] as const) {
      for (const [price] of this.sorted(side).slice(this.depthLimit)) this[side].delete(BigInt(price))
    }
  }
}

function isExact(value: bigint): boolean {
  return value <= 2n ** 63n && BigInt(Number(value)) === value
}
