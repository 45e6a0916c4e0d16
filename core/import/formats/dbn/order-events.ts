import { L3_ADD, L3_CANCEL, L3_MODIFY, L3_RESET, SIDE_BUY, SIDE_SELL, SIDE_UNKNOWN } from '../../../protocol/l3-event.ts'
import type { ImportTally } from '../../messages/import-tally.ts'
import type { DbnInstrument } from './dbn-instrument.ts'
import type { Fate } from './fate.ts'
import {
  ACTION_ADD,
  ACTION_CANCEL,
  ACTION_CLEAR,
  FLAG_MAYBE_BAD_BOOK,
  FLAG_SNAPSHOT,
  FLAG_TOP_OF_BOOK,
  MBO_FLAGS,
  MBO_ORDER,
  MBO_PRICE,
  MBO_SEQUENCE,
  MBO_SIDE,
  MBO_SIZE,
  NO_PRICE_HIGH,
  NO_SIZE,
  SIDE_ASK,
  SIDE_BID,
} from './layout.ts'
import type { RecordTimes } from './record-times.ts'

/**
 * Makes events of books by order of the records of mbo that change one: add, cancel, modify, clear. Trades and fills change none: what a
 * fill takes from an order, a cancel or modify behind it tells.
 */
export class OrderEvents {
  readonly #tally: ImportTally
  readonly #times: RecordTimes
  // Of the record that is being put:
  #idLow = 0
  #idHigh = 0
  #side = 0
  #priceLow = 0
  #priceHigh = 0
  #size = 0
  #sequence = 0

  /** @param times those of the record that is put next */
  constructor(tally: ImportTally, times: RecordTimes) {
    this.#tally = tally
    this.#times = times
  }

  /** To be told of every record of the schema, before `put`: a first one of a snapshot empties the book. */
  watch(instrument: DbnInstrument, view: DataView, at: number, action: number): void {
    const flags = view.getUint8(at + MBO_FLAGS)
    if ((flags & FLAG_MAYBE_BAD_BOOK) !== 0) instrument.maybeBadBooks++
    if ((flags & FLAG_SNAPSHOT) === 0) {
      instrument.isInSnapshot = false
    } else if (!instrument.isInSnapshot) {
      instrument.isInSnapshot = true
      this.#tally.note('snapshots')
      if (action === ACTION_CLEAR) return
      this.#sequence = view.getUint32(at + MBO_SEQUENCE, true)
      this.#clear(instrument)
    }
  }

  put(instrument: DbnInstrument, view: DataView, at: number, action: number): Fate {
    if (!instrument.output.l3.isWanted) return 'not asked for'
    this.#sequence = view.getUint32(at + MBO_SEQUENCE, true)
    if (action === ACTION_CLEAR) return this.#clear(instrument)
    this.#idLow = view.getUint32(at + MBO_ORDER, true)
    this.#idHigh = view.getUint32(at + MBO_ORDER + 4, true)
    this.#side = view.getUint8(at + MBO_SIDE)
    this.#priceLow = view.getUint32(at + MBO_PRICE, true)
    this.#priceHigh = view.getInt32(at + MBO_PRICE + 4, true)
    this.#size = view.getUint32(at + MBO_SIZE, true)
    const slot = instrument.orders.find(this.#idLow, this.#idHigh)
    if (action === ACTION_CANCEL) return this.#cancel(instrument, slot)
    if (this.#side !== SIDE_ASK && this.#side !== SIDE_BID) return 'side-none'
    if (this.#priceHigh === NO_PRICE_HIGH) return 'price-undefined'
    if (action === ACTION_ADD) {
      // Such a record stands for a whole side, and is no order.
      if ((view.getUint8(at + MBO_FLAGS) & FLAG_TOP_OF_BOOK) !== 0) return 'top-of-book-only'
      if (slot >= 0) this.#tally.note('orders added again')
      return this.#enter(instrument, slot)
    }
    return this.#modify(instrument, slot)
  }

  #clear(instrument: DbnInstrument): Fate {
    instrument.orders.clear()
    return this.#event(instrument, L3_RESET, SIDE_UNKNOWN, 0, 0, 0, 0)
  }

  #cancel(instrument: DbnInstrument, slot: number): Fate {
    const { orders } = instrument
    if (slot < 0) return this.#priceHigh < 0 ? 'negative-price' : 'order-unknown'
    // In a log, a size of 0 stands for all.
    if (this.#size === 0) return 'size-zero'
    const rest = orders.sizeAt(slot)
    const side = orders.sideAt(slot) === SIDE_BID ? SIDE_BUY : SIDE_SELL
    if (this.#size >= rest) {
      if (this.#size > rest) this.#tally.note('cancels of more than there is')
      orders.remove(slot)
    } else orders.resize(slot, rest - this.#size)
    const hasPrice = this.#priceHigh >= 0 && this.#priceHigh !== NO_PRICE_HIGH
    const price = hasPrice ? Math.max(0, instrument.mantissa(this.#priceLow, this.#priceHigh)) : 0
    return this.#event(instrument, L3_CANCEL, side, this.#idLow, this.#idHigh, price, this.#size)
  }

  #modify(instrument: DbnInstrument, slot: number): Fate {
    const { orders } = instrument
    if (slot < 0) {
      this.#tally.note('modifies of unknown orders')
      return this.#enter(instrument, slot)
    }
    if (this.#size === 0) {
      orders.remove(slot)
      return this.#cancelAll(instrument)
    }
    const keepsPlace = this.#size <= orders.sizeAt(slot) && orders.isAt(slot, this.#side, this.#priceLow, this.#priceHigh)
    if (!keepsPlace) return this.#enter(instrument, slot)
    orders.resize(slot, this.#size)
    const price = instrument.mantissa(this.#priceLow, this.#priceHigh)
    return this.#event(instrument, L3_MODIFY, this.#bookSide, this.#idLow, this.#idHigh, price, this.#size)
  }

  /** Puts an order at the end of its queue, from the place that it had. @param slot −1: it had none */
  #enter(instrument: DbnInstrument, slot: number): Fate {
    const { orders } = instrument
    const fate = this.#unfit()
    const price = fate === null ? instrument.mantissa(this.#priceLow, this.#priceHigh) : 0
    if (slot >= 0) this.#cancelAll(instrument)
    if (fate !== null || price < 0) {
      if (slot >= 0) orders.remove(slot)
      return fate ?? 'out-of-range'
    }
    if (slot >= 0) orders.replace(slot, this.#side, this.#priceLow, this.#priceHigh, this.#size)
    else orders.add(this.#idLow, this.#idHigh, this.#side, this.#priceLow, this.#priceHigh, this.#size)
    return this.#event(instrument, L3_ADD, this.#bookSide, this.#idLow, this.#idHigh, price, this.#size)
  }

  /** Why no event can hold the order; null: it can. */
  #unfit(): Fate | null {
    if (this.#priceHigh < 0) return 'negative-price'
    // In a log, a price of 0 stands for none.
    if (this.#priceHigh === 0 && this.#priceLow === 0) return 'price-zero'
    if (this.#size === 0) return 'size-zero'
    if (this.#size === NO_SIZE) return 'size-undefined'
    return this.#idLow === 0 && this.#idHigh === 0 ? 'order-id-zero' : null
  }

  #cancelAll(instrument: DbnInstrument): Fate {
    return this.#event(instrument, L3_CANCEL, this.#bookSide, this.#idLow, this.#idHigh, 0, 0)
  }

  get #bookSide(): number {
    return this.#side === SIDE_BID ? SIDE_BUY : SIDE_SELL
  }

  #event(instrument: DbnInstrument, type: number, side: number, idLow: number, idHigh: number, price: number, quantity: number): Fate {
    const { received, exchange } = this.#times
    const isWritten = instrument.output.l3.event(type, received, exchange, this.#sequence, side, idLow, idHigh, price, quantity)
    return isWritten ? 'written' : 'not asked for'
  }
}
