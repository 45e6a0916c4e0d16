import { JSON_ARRAY, JsonKey, type JsonMembers } from '../../files/json-scan.ts'
import { Instant } from '../../messages/instant.ts'
import { idOf } from './binance-diff.ts'
import type { RecordedRow } from './recorded-row.ts'

const KEYS = { id: new JsonKey('lastUpdateId'), bids: new JsonKey('bids'), asks: new JsonKey('asks'), event: new JsonKey('E') }

/** What a snapshot of Binance's REST interface says; its levels are left where they stand. */
export class BinanceSnapshot {
  /** `lastUpdateId`. */
  id = -1
  readonly event = new Instant()
  /** Futures say when it was. */
  isDated = false
  bytes: Uint8Array = new Uint8Array(0)
  bidsStart = 0
  bidsEnd = 0
  asksStart = 0
  asksEnd = 0

  /** False: a member is missing, or is not what it must be. */
  read(members: JsonMembers): boolean {
    const { bytes, starts, ends } = members
    const bids = members.findKind(KEYS.bids, JSON_ARRAY)
    const asks = members.findKind(KEYS.asks, JSON_ARRAY)
    const event = members.find(KEYS.event)
    this.id = idOf(members, KEYS.id)
    this.isDated = event >= 0
    if (this.id < 0 || bids < 0 || asks < 0) return false
    if (this.isDated && !this.event.parseDigits(bytes, starts[event]!, ends[event]!)) return false
    this.bytes = bytes
    this.bidsStart = starts[bids]!
    this.bidsEnd = ends[bids]!
    this.asksStart = starts[asks]!
    this.asksEnd = ends[asks]!
    return true
  }
}

/** A snapshot that was recorded apart from the diffs, until what was received before it is read. */
export class WaitingSnapshot {
  readonly snapshot: BinanceSnapshot
  readonly received = new Instant()
  readonly path: string
  readonly line: number

  /** @param snapshot its bytes stay as they are */
  constructor(snapshot: BinanceSnapshot, { received, path, line }: RecordedRow) {
    this.snapshot = snapshot
    this.received.copy(received)
    this.path = path
    this.line = line
  }
}
