import type { ImportTally } from '../../messages/import-tally.ts'
import type { DbnInstrument } from './dbn-instrument.ts'
import { type Fate, settle } from './fate.ts'
import {
  ACTION_ADD,
  ACTION_CANCEL,
  ACTION_CLEAR,
  ACTION_FILL,
  ACTION_MODIFY,
  ACTION_NONE,
  ACTION_TRADE,
  FLAG_MAYBE_BAD_BOOK,
  INSTRUMENT,
  MBO_ACTION,
  MBO_PRICE,
  MBO_SIDE,
  MBO_SIZE,
  MBO_TS_RECV,
  MBP_ACTION,
  MBP_FLAGS,
  MBP_PRICE,
  MBP_SIDE,
  MBP_SIZE,
  MBP_TS_RECV,
  PUBLISHER,
  RECORD_KINDS,
  RTYPE_CMBP_1,
  RTYPE_MAPPING,
  RTYPE_MBO,
  RTYPE_MBP_1,
  RTYPE_MBP_10,
  RTYPE_TCBBO,
  RTYPE_TRADES,
  SCHEMAS,
  SIDE_ASK,
  SIDE_BID,
  SIDE_NONE,
} from './layout.ts'
import type { DbnMetadata } from './metadata.ts'
import { OrderEvents } from './order-events.ts'
import { PriceEvents } from './price-events.ts'
import type { DbnRecords } from './record-reader.ts'
import { RecordTimes } from './record-times.ts'
import { SymbolRoutes } from './symbol-routes.ts'

/** Makes messages of the records of a file, by their kinds, and counts what becomes of each. */
export class RecordMessages {
  readonly #records: DbnRecords
  readonly #path: string
  readonly #number: number
  readonly #tally: ImportTally
  readonly #routes: SymbolRoutes<DbnInstrument>
  readonly #times = new RecordTimes()
  readonly #orders: OrderEvents
  readonly #prices: PriceEvents
  /** Trades with the best prices before them, instead of changes of these. */
  readonly #isTbbo: boolean
  /** See StreamClaim; −1: the file has several schemas. */
  readonly #source: number

  /** @param number of the file in its unit @param instrument see SymbolRoutes */
  constructor(
    records: DbnRecords,
    metadata: DbnMetadata,
    path: string,
    number: number,
    tally: ImportTally,
    instrument: (publisher: number, symbol: string, id: number) => DbnInstrument,
  ) {
    this.#records = records
    this.#path = path
    this.#number = number
    this.#tally = tally
    this.#routes = new SymbolRoutes(metadata, instrument)
    this.#orders = new OrderEvents(tally, this.#times)
    this.#prices = new PriceEvents(tally, this.#times, number)
    this.#isTbbo = metadata.schema === 'tbbo'
    this.#source = metadata.schema === null ? -1 : SCHEMAS.indexOf(metadata.schema)
  }

  /** Takes the record that was read last. */
  put(): void {
    const { view, at, rtype } = this.#records
    if (rtype === RTYPE_MBO) this.#putOrder(view, at)
    else if (RECORD_KINDS.get(rtype)!.isMessage) this.#putPrices(view, at, rtype)
    else {
      if (rtype === RTYPE_MAPPING) this.#routes.tell(view, at)
      this.#tally.leave(RECORD_KINDS.get(rtype)!.name)
    }
  }

  #putOrder(view: DataView, at: number): void {
    const action = view.getUint8(at + MBO_ACTION)
    const side = view.getUint8(at + MBO_SIDE)
    if (!this.#isSound(action, side)) return
    const instrument = this.#instrument(view, at, MBO_TS_RECV)
    if (instrument === null) return
    const source = this.#sourceOf(RTYPE_MBO)
    const isOurs = instrument.l3Claim.takes(this.#number, source, this.#times.received)
    if (isOurs) this.#orders.watch(instrument, view, at, action)
    let fate: Fate
    if (action === ACTION_TRADE) {
      const [low, high] = [view.getUint32(at + MBO_PRICE, true), view.getInt32(at + MBO_PRICE + 4, true)]
      fate = this.#prices.trade(instrument, source, low, high, view.getUint32(at + MBO_SIZE, true), side)
    } else if (action === ACTION_FILL) fate = 'fills'
    else if (action === ACTION_NONE) fate = 'no-action'
    else if (isOurs) fate = this.#orders.put(instrument, view, at, action)
    else fate = 'given by another file'
    settle(this.#tally, fate)
  }

  #putPrices(view: DataView, at: number, rtype: number): void {
    const hasAction =
      rtype === RTYPE_TRADES || rtype === RTYPE_MBP_1 || rtype === RTYPE_MBP_10 || rtype === RTYPE_CMBP_1 || rtype === RTYPE_TCBBO
    const action = hasAction ? view.getUint8(at + MBP_ACTION) : ACTION_NONE
    const side = view.getUint8(at + MBP_SIDE)
    if (!this.#isSound(action, side)) return
    const instrument = this.#instrument(view, at, MBP_TS_RECV)
    if (instrument === null) return
    if ((view.getUint8(at + MBP_FLAGS) & FLAG_MAYBE_BAD_BOOK) !== 0) instrument.maybeBadBooks++
    const source = this.#sourceOf(rtype)
    const isTrade = action === ACTION_TRADE
    let fate: Fate = 'no-action'
    if (rtype === RTYPE_TRADES) {
      if (isTrade) fate = this.#trade(instrument, source, view, at, side)
    } else if (rtype === RTYPE_MBP_10) {
      fate = isTrade ? this.#trade(instrument, source, view, at, side) : this.#prices.snapshot(instrument, source, view, at)
    } else if (rtype === RTYPE_TCBBO || (rtype === RTYPE_MBP_1 && this.#isTbbo)) {
      const ticker = this.#prices.ticker(instrument, source, view, at)
      const trade = isTrade ? this.#trade(instrument, source, view, at, side) : ticker
      fate = ticker === 'written' ? ticker : trade
    } else {
      fate = isTrade ? this.#trade(instrument, source, view, at, side) : this.#prices.ticker(instrument, source, view, at)
    }
    settle(this.#tally, fate)
  }

  #trade(instrument: DbnInstrument, source: number, view: DataView, at: number, side: number): Fate {
    const [low, high] = [view.getUint32(at + MBP_PRICE, true), view.getInt32(at + MBP_PRICE + 4, true)]
    return this.#prices.trade(instrument, source, low, high, view.getUint32(at + MBP_SIZE, true), side)
  }

  /** Null: the record has no time, which was told. */
  #instrument(view: DataView, at: number, receivedAt: number): DbnInstrument | null {
    const times = this.#times
    if (times.read(view, at, receivedAt)) {
      const { low, high } = times.received
      return this.#routes.find(view.getUint16(at + PUBLISHER, true), view.getUint32(at + INSTRUMENT, true), low, high)
    }
    this.#bad('time', 'neither ts_recv nor ts_event is there')
    return null
  }

  #isSound(action: number, side: number): boolean {
    if (side !== SIDE_ASK && side !== SIDE_BID && side !== SIDE_NONE) {
      this.#bad('side', `side: expected A, B or N, found byte ${side}`)
      return false
    }
    switch (action) {
      case ACTION_ADD:
      case ACTION_CANCEL:
      case ACTION_MODIFY:
      case ACTION_TRADE:
      case ACTION_FILL:
      case ACTION_NONE:
      case ACTION_CLEAR:
        return true
    }
    this.#bad('action', `action: expected A, C, M, R, T, F or N, found byte ${action}`)
    return false
  }

  #sourceOf(rtype: number): number {
    return this.#source >= 0 ? this.#source : FIRST_KIND_SOURCE + rtype
  }

  #bad(what: string, message: string): void {
    this.#tally.bad(what, message, { path: this.#path, offset: this.#records.position })
  }
}

/** Sources in files of several schemas are kinds of records, with numbers that no schema has. */
const FIRST_KIND_SOURCE = 1000
