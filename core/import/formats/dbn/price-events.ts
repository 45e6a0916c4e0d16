import { Decimal } from '../../messages/decimal.ts'
import type { ImportTally } from '../../messages/import-tally.ts'
import type { DbnInstrument } from './dbn-instrument.ts'
import type { Fate } from './fate.ts'
import {
  LEVEL_ASK_PRICE,
  LEVEL_ASK_SIZE,
  LEVEL_BID_PRICE,
  LEVEL_BID_SIZE,
  LEVEL_BYTES,
  MBP_LEVELS,
  MBP_SEQUENCE,
  NO_PRICE_HIGH,
  NO_SIZE,
  SIDE_ASK,
  SIDE_NONE,
} from './layout.ts'
import { doubleOf } from './nano-price.ts'
import type { RecordTimes } from './record-times.ts'

const DEPTH = 10

/** Makes trades, tickers and snapshots of ten levels of records of one file. Their times are those read last. */
export class PriceEvents {
  readonly #tally: ImportTally
  readonly #times: RecordTimes
  readonly #file: number
  readonly #price = new Decimal()
  readonly #size = new Decimal()

  /** @param file its number in the unit */
  constructor(tally: ImportTally, times: RecordTimes, file: number) {
    this.#tally = tally
    this.#times = times
    this.#file = file
  }

  /** @param side of the aggressor @param source see StreamClaim */
  trade(instrument: DbnInstrument, source: number, low: number, high: number, size: number, side: number): Fate {
    if (high === NO_PRICE_HIGH) return 'price-undefined'
    if (size === NO_SIZE) return 'size-undefined'
    const { received, exchange } = this.#times
    if (!instrument.tradesClaim.takes(this.#file, source, received)) return 'given by another file'
    if (!instrument.output.trades.put(received, exchange, doubleOf(low, high), size, side === SIDE_ASK)) return 'not asked for'
    if (side === SIDE_NONE) this.#tally.note('side-unknown')
    return 'written'
  }

  /** Of the first level of a record. */
  ticker(instrument: DbnInstrument, source: number, view: DataView, at: number): Fate {
    const { received, exchange } = this.#times
    if (!instrument.tickerClaim.takes(this.#file, source, received)) return 'given by another file'
    const level = at + MBP_LEVELS
    const hasBid = isThere(view, level + LEVEL_BID_PRICE)
    const hasAsk = isThere(view, level + LEVEL_ASK_PRICE)
    const bid = hasBid ? priceAt(view, level + LEVEL_BID_PRICE) : 0
    const ask = hasAsk ? priceAt(view, level + LEVEL_ASK_PRICE) : 0
    const bidSize = hasBid ? sizeAt(view, level + LEVEL_BID_SIZE) : 0
    const askSize = hasAsk ? sizeAt(view, level + LEVEL_ASK_SIZE) : 0
    if (!instrument.output.ticker.put(received, exchange, bid, bidSize, ask, askSize)) return 'not asked for'
    if (!hasBid || !hasAsk) this.#tally.note('side-missing')
    return 'written'
  }

  /** Of all levels of a record of mbp-10. */
  snapshot(instrument: DbnInstrument, source: number, view: DataView, at: number): Fate {
    const { received, exchange } = this.#times
    if (!instrument.bookClaim.takes(this.#file, source, received)) return 'given by another file'
    const { book } = instrument.output
    book.beginMessage('snapshot', received, exchange, view.getUint32(at + MBP_SEQUENCE, true))
    for (let level = at + MBP_LEVELS, end = level + DEPTH * LEVEL_BYTES; level < end; level += LEVEL_BYTES) {
      const fate = this.#side(instrument, true, view, level + LEVEL_BID_PRICE, level + LEVEL_BID_SIZE)
      if (fate !== 'written') return fate
    }
    for (let level = at + MBP_LEVELS, end = level + DEPTH * LEVEL_BYTES; level < end; level += LEVEL_BYTES) {
      const fate = this.#side(instrument, false, view, level + LEVEL_ASK_PRICE, level + LEVEL_ASK_SIZE)
      if (fate !== 'written') return fate
    }
    const end = book.end()
    if (end === 'written') book.setDepthLimit(DEPTH)
    return end === 'unwanted' ? 'not asked for' : end
  }

  #side(instrument: DbnInstrument, isBid: boolean, view: DataView, at: number, sizeOffset: number): Fate {
    const high = view.getInt32(at + 4, true)
    const size = sizeAt(view, sizeOffset)
    if (high === NO_PRICE_HIGH || size === 0) return 'written'
    // A book without one of its levels would be another book.
    if (high < 0) return 'negative-price'
    const mantissa = instrument.mantissa(view.getUint32(at, true), high)
    if (mantissa < 0) return 'out-of-range'
    instrument.output.book.level(isBid, this.#price.set(mantissa, instrument.scale), this.#size.set(size, 0))
    return 'written'
  }
}

function isThere(view: DataView, at: number): boolean {
  return view.getInt32(at + 4, true) !== NO_PRICE_HIGH
}

function priceAt(view: DataView, at: number): number {
  return doubleOf(view.getUint32(at, true), view.getInt32(at + 4, true))
}

function sizeAt(view: DataView, at: number): number {
  const size = view.getUint32(at, true)
  return size === NO_SIZE ? 0 : size
}
