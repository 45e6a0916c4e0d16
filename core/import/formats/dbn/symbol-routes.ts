import { type DbnVersion, INSTRUMENT, MAPPING_SYMBOL, SYMBOL_BYTES } from './layout.ts'
import { type DbnMetadata, STYPE_INSTRUMENT_ID, textOf } from './metadata.ts'

/**
 * Finds what an instrument id stands for: the symbol of the metadata's interval that has the UTC date, in live data the one that was
 * told last, else `id-<instrument_id>`. Ids are used again on other days.
 */
export class SymbolRoutes<T> {
  readonly #version: DbnVersion
  readonly #make: (publisher: number, symbol: string, id: number) => T
  readonly #intervals: ReadonlyMap<number, readonly Interval[]>
  readonly #live = new Map<number, string>()
  /** By publisher and symbol. */
  readonly #targets = new Map<string, T>()
  /** By publisher, then by id as i32: such keys need no memory of their own. */
  readonly #routes = new Map<number, Map<number, Route<T>>>()
  #publisher = -1
  #ofPublisher = new Map<number, Route<T>>()
  #id = -1
  #last: Route<T> | null = null

  /** @param make is called once per publisher and symbol, with the first of its ids */
  constructor(metadata: DbnMetadata, make: (publisher: number, symbol: string, id: number) => T) {
    this.#version = metadata.version
    this.#make = make
    this.#intervals = intervalsOf(metadata)
  }

  /** @param low and @param high words of the record's time */
  find(publisher: number, id: number, low: number, high: number): T {
    let route = this.#last
    if (id !== this.#id || publisher !== this.#publisher || route === null) {
      if (publisher !== this.#publisher) this.#turnTo(publisher)
      route = this.#ofPublisher.get(id | 0) ?? null
      this.#id = id
    }
    if (route === null || !route.has(low, high)) {
      route = this.#routeOf(publisher, id, low, high)
      this.#ofPublisher.set(id | 0, route)
    }
    this.#last = route
    return route.target
  }

  /** A symbol mapping of live data says what an id stands for from here on. */
  tell(view: DataView, at: number): void {
    const id = view.getUint32(at + INSTRUMENT, true)
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    const symbol = textOf(bytes, at + MAPPING_SYMBOL[this.#version], SYMBOL_BYTES[this.#version])
    if (symbol === '' || this.#live.get(id) === symbol) return
    this.#live.set(id, symbol)
    for (const routes of this.#routes.values()) routes.delete(id | 0)
    this.#last = null
  }

  #turnTo(publisher: number): void {
    let routes = this.#routes.get(publisher)
    if (routes === undefined) {
      routes = new Map()
      this.#routes.set(publisher, routes)
    }
    this.#publisher = publisher
    this.#ofPublisher = routes
  }

  #routeOf(publisher: number, id: number, low: number, high: number): Route<T> {
    const day = ((BigInt(high) << 32n) | BigInt(low)) / DAY_NS
    const symbol = this.#live.get(id) ?? this.#symbolOn(id, day) ?? `${UNKNOWN_SYMBOL}${id}`
    const key = `${publisher}\n${symbol}`
    let target = this.#targets.get(key)
    if (target === undefined) {
      target = this.#make(publisher, symbol, id)
      this.#targets.set(key, target)
    }
    return new Route(target, day)
  }

  #symbolOn(id: number, day: bigint): string | undefined {
    const date = Number(new Date(Number(day) * 86_400_000).toISOString().slice(0, 10).replaceAll('-', ''))
    return this.#intervals.get(id)?.find(({ from, to }) => from <= date && date < to)?.symbol
  }
}

/** What symbols of ids begin with that have none. */
export const UNKNOWN_SYMBOL = 'id-'

/** Symbols that metadata has. */
export function symbolsOf({ symbols, stypeIn }: DbnMetadata): string[] {
  const mappings = symbols?.mappings ?? []
  if (stypeIn !== STYPE_INSTRUMENT_ID) return mappings.map(({ symbol }) => symbol)
  return [...new Set(mappings.flatMap(({ intervals }) => intervals.map(({ symbol }) => symbol)))].filter((symbol) => symbol !== '')
}

interface Interval {
  /** Dates as YYYYMMDD, half-open. */
  readonly from: number
  readonly to: number
  readonly symbol: string
}

/** By id. Where ids were asked for, they are what is mapped; else what it is mapped to. */
function intervalsOf({ symbols, stypeIn }: DbnMetadata): Map<number, Interval[]> {
  const found = new Map<number, Interval[]>()
  for (const mapping of symbols?.mappings ?? []) {
    for (const { from, to, symbol } of mapping.intervals) {
      const [id, name] = stypeIn === STYPE_INSTRUMENT_ID ? [mapping.symbol, symbol] : [symbol, mapping.symbol]
      if (!/^\d{1,10}$/.test(id) || name === '') continue
      const intervals = found.get(Number(id))
      if (intervals === undefined) found.set(Number(id), [{ from, to, symbol: name }])
      else intervals.push({ from, to, symbol: name })
    }
  }
  return found
}

/** Holds on one day. */
class Route<T> {
  readonly target: T
  readonly #fromLow: number
  readonly #fromHigh: number
  readonly #untilLow: number
  readonly #untilHigh: number

  constructor(target: T, day: bigint) {
    const [from, until] = [day * DAY_NS, (day + 1n) * DAY_NS]
    this.target = target
    this.#fromLow = Number(from & 0xffff_ffffn)
    this.#fromHigh = Number(from >> 32n)
    this.#untilLow = Number(until & 0xffff_ffffn)
    this.#untilHigh = Number(until >> 32n)
  }

  has(low: number, high: number): boolean {
    if (high < this.#fromHigh || (high === this.#fromHigh && low < this.#fromLow)) return false
    return high < this.#untilHigh || (high === this.#untilHigh && low < this.#untilLow)
  }
}

const DAY_NS = 86_400_000_000_000n
