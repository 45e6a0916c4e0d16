/**
 * A market of orders, first in, first out, with orders of one's own in its queues, as plainly as the rules can be written: each queue is
 * a list, and everything is looked for from its begin. Knows nothing of the library.
 */

export type MarketEvent =
  | { readonly what: 'add'; readonly id: number; readonly side: 1 | -1; readonly price: number; readonly lots: number }
  /** Of a cancel and a trade 0 lots are all; of a modify 0 leaves what was. */
  | { readonly what: 'cancel'; readonly id: number; readonly lots: number }
  | { readonly what: 'modify'; readonly id: number; readonly price: number; readonly lots: number }
  | { readonly what: 'trade'; readonly bid: number; readonly ask: number; readonly lots: number }
  | { readonly what: 'reset' }

export type OwnRequest =
  | {
      readonly what: 'new'
      readonly side: 1 | -1
      readonly price: number
      readonly lots: number
      readonly tif: 'gtc' | 'gtx' | 'ioc' | 'fok'
    }
  | { readonly what: 'cancel'; readonly id: number }
  | { readonly what: 'modify'; readonly id: number; readonly price: number; readonly lots: number }

export interface PlainFill {
  readonly time: number
  readonly id: number
  readonly price: number
  readonly lots: number
  readonly why: 'queue' | 'through' | 'cross' | 'take'
}

interface Entry {
  readonly own: boolean
  readonly id: number
  readonly side: 1 | -1
  price: number
  lots: number
}

interface Own {
  readonly side: 1 | -1
  readonly tif: 'gtc' | 'gtx' | 'ioc' | 'fok'
  leaves: number
  status: 'new' | 'filled' | 'canceled' | 'expired'
}

export class PlainFifoMarket {
  readonly fills: PlainFill[] = []
  readonly own = new Map<number, Own>()
  readonly #isPartial: boolean
  /** All that rests, in order of time: a queue is what of it has one side and price. */
  #entries: Entry[] = []
  #resetTime = Number.NaN
  #time = 0

  constructor(isPartial: boolean) {
    this.#isPartial = isPartial
  }

  market(time: number, event: MarketEvent): void {
    this.#time = time
    if (event.what === 'reset') {
      this.#entries = this.#entries.filter(({ own }) => own)
      this.#resetTime = time
    } else if (event.what === 'add') this.#add(event)
    else if (event.what === 'cancel') this.#reduce(event.id, event.lots)
    else if (event.what === 'modify') this.#modify(event)
    else {
      for (const id of [event.bid, event.ask]) {
        const entry = this.#find(id)
        if (entry === undefined) continue
        this.#execute(entry, event.lots === 0 ? entry.lots : Math.min(event.lots, entry.lots))
        this.#reduce(id, event.lots)
      }
    }
  }

  request(time: number, id: number, request: OwnRequest): void {
    this.#time = time
    if (request.what === 'new') {
      this.own.set(id, { side: request.side, tif: request.tif, leaves: request.lots, status: 'new' })
      this.#arrive(id, request.price)
      return
    }
    const entry = this.#entries.find((one) => one.own && one.id === request.id)
    if (entry === undefined) return
    const own = this.own.get(request.id)!
    if (request.what === 'cancel') {
      this.#drop(entry)
      own.status = 'canceled'
    } else if (request.price === entry.price && request.lots <= own.leaves) {
      own.leaves = request.lots
      entry.lots = request.lots
    } else {
      this.#drop(entry)
      own.leaves = request.lots
      this.#arrive(request.id, request.price)
    }
  }

  best(side: 1 | -1): number | undefined {
    const prices = this.#entries.filter((entry) => !entry.own && entry.side === side && entry.lots > 0).map(({ price }) => price)
    return prices.length === 0 ? undefined : side === 1 ? Math.max(...prices) : Math.min(...prices)
  }

  #add({ id, side, price, lots }: { id: number; side: 1 | -1; price: number; lots: number }): void {
    const known = this.#find(id)
    if (known !== undefined) this.#drop(known)
    const before = this.best(side)
    const entry = { own: false, id, side, price, lots }
    // What a snapshot shows was there before all of ours.
    const isShown = this.#time === this.#resetTime
    const firstOwn = this.#entries.findIndex((one) => one.own)
    if (isShown && firstOwn >= 0) this.#entries.splice(firstOwn, 0, entry)
    else this.#entries.push(entry)
    if (!isShown) this.#resetTime = Number.NaN
    this.#improved(side, before)
  }

  #modify({ id, price: given, lots: wanted }: { id: number; price: number; lots: number }): void {
    const entry = this.#find(id)
    if (entry === undefined) return
    const [price, lots] = [given === 0 ? entry.price : given, wanted === 0 ? entry.lots : wanted]
    if (price === entry.price && lots <= entry.lots) {
      entry.lots = lots
      return
    }
    const before = this.best(entry.side)
    this.#drop(entry)
    this.#entries.push({ ...entry, price, lots })
    this.#improved(entry.side, before)
  }

  /** The best price of a side is better than it was: what rests of ours on the other side at or through it is filled. */
  #improved(side: 1 | -1, before: number | undefined): void {
    const now = this.best(side)!
    if (before !== undefined && !(side === 1 ? now > before : now < before)) return
    for (const entry of this.#entries.filter((one) => one.own && one.side === -side)) {
      if (side === 1 ? entry.price <= now : entry.price >= now) this.#fill(entry, this.own.get(entry.id)!.leaves, 'cross')
    }
  }

  #execute(met: Entry, lots: number): void {
    let left = lots
    const place = this.#entries.indexOf(met)
    for (const entry of this.#entries.filter((one) => one.own && one.side === met.side)) {
      const { leaves } = this.own.get(entry.id)!
      if (met.side === 1 ? entry.price > met.price : entry.price < met.price) this.#fill(entry, leaves, 'through')
      else if (entry.price === met.price && this.#entries.indexOf(entry) < this.#entries.indexOf(met) && place >= 0) {
        const reached = this.#isPartial ? Math.min(left, leaves) : leaves
        left -= reached
        if (reached > 0) this.#fill(entry, reached, 'queue')
      }
    }
  }

  #arrive(id: number, limit: number): void {
    const own = this.own.get(id)!
    const best = this.best(-own.side as 1 | -1)
    const isMarketable = best !== undefined && (own.side === 1 ? limit >= best : limit <= best)
    if (!isMarketable) {
      if (own.tif === 'gtc' || own.tif === 'gtx') this.#entries.push({ own: true, id, side: own.side, price: limit, lots: own.leaves })
      else own.status = 'expired'
      return
    }
    if (own.tif === 'gtx') {
      own.status = 'expired'
      return
    }
    const shown = new Map<number, number>()
    for (const { own: isOwn, side, price, lots } of this.#entries)
      if (!isOwn && side === -own.side) shown.set(price, (shown.get(price) ?? 0) + lots)
    const levels = [...shown]
      .filter(([price, lots]) => lots > 0 && (own.side === 1 ? price <= limit : price >= limit))
      .sort(([a], [b]) => own.side * (a - b))
    if (!this.#isPartial) {
      this.#take(id, best, own.leaves)
      return
    }
    if (own.tif === 'fok' && levels.reduce((sum, [, lots]) => sum + lots, 0) < own.leaves) {
      own.status = 'expired'
      return
    }
    for (const [price, lots] of levels) if (own.leaves > 0) this.#take(id, price, Math.min(lots, own.leaves))
    if (own.leaves === 0) return
    if (own.tif === 'gtc') this.#take(id, limit, own.leaves)
    else own.status = 'expired'
  }

  #take(id: number, price: number, lots: number): void {
    const own = this.own.get(id)!
    own.leaves -= lots
    if (own.leaves === 0) own.status = 'filled'
    this.fills.push({ time: this.#time, id, price, lots, why: 'take' })
  }

  #fill(entry: Entry, lots: number, why: PlainFill['why']): void {
    const own = this.own.get(entry.id)!
    own.leaves -= lots
    this.fills.push({ time: this.#time, id: entry.id, price: entry.price, lots, why })
    if (own.leaves > 0) return
    own.status = 'filled'
    this.#drop(entry)
  }

  #reduce(id: number, lots: number): void {
    const entry = this.#find(id)
    if (entry === undefined) return
    entry.lots = lots === 0 ? 0 : entry.lots - lots
    if (entry.lots <= 0) this.#drop(entry)
  }

  #find(id: number): Entry | undefined {
    return id === 0 ? undefined : this.#entries.find((entry) => !entry.own && entry.id === id)
  }

  #drop(entry: Entry): void {
    this.#entries = this.#entries.filter((one) => one !== entry)
  }
}
