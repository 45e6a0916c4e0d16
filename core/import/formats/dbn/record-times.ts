import { Instant } from '../../messages/instant.ts'
import { TS_EVENT } from './layout.ts'

/** The times of a record: when it was received, else when it happened; one stands for the other where that is not there. */
export class RecordTimes {
  readonly received = new Instant()
  readonly exchange = new Instant()

  /** @param receivedAt where `ts_recv` lies in the record @returns false: it has neither */
  read(view: DataView, at: number, receivedAt: number): boolean {
    const { received, exchange } = this
    received.low = view.getUint32(at + receivedAt, true)
    received.high = view.getUint32(at + receivedAt + 4, true)
    exchange.low = view.getUint32(at + TS_EVENT, true)
    exchange.high = view.getUint32(at + TS_EVENT + 4, true)
    if (received.high === NONE && received.low === NONE) {
      if (exchange.high === NONE && exchange.low === NONE) return false
      received.copy(exchange)
    } else if (exchange.high === NONE && exchange.low === NONE) exchange.copy(received)
    return true
  }
}

const NONE = 0xffff_ffff
