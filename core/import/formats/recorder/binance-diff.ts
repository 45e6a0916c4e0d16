import { JSON_ARRAY, JsonKey, type JsonMembers } from '../../files/json-scan.ts'
import { wholeNumber } from '../../files/whole-number.ts'
import { Instant } from '../../messages/instant.ts'

/** What a `depthUpdate` of Binance says; its levels are left where they stand. */
export class BinanceDiff {
  readonly event = new Instant()
  first = 0
  last = 0
  /** Futures: the last id of the diff before; spot has none: 0. */
  previous = 0
  bytes: Uint8Array = new Uint8Array(0)
  bidsStart = 0
  bidsEnd = 0
  asksStart = 0
  asksEnd = 0
  readonly #keys = {
    event: new JsonKey('E'),
    first: new JsonKey('U'),
    last: new JsonKey('u'),
    previous: new JsonKey('pu'),
    bids: new JsonKey('b'),
    asks: new JsonKey('a'),
  }

  /** False: a member is missing, or is not what it must be. */
  read(members: JsonMembers, isFutures: boolean): boolean {
    const keys = this.#keys
    const event = members.find(keys.event)
    const bids = members.findKind(keys.bids, JSON_ARRAY)
    const asks = members.findKind(keys.asks, JSON_ARRAY)
    if (event < 0 || bids < 0 || asks < 0) return false
    const { bytes, starts, ends } = members
    if (!this.event.parseDigits(bytes, starts[event]!, ends[event]!)) return false
    this.first = idOf(members, keys.first)
    this.last = idOf(members, keys.last)
    this.previous = isFutures ? idOf(members, keys.previous) : 0
    if (this.first < 0 || this.last < this.first || this.previous < 0) return false
    this.bytes = bytes
    this.bidsStart = starts[bids]!
    this.bidsEnd = ends[bids]!
    this.asksStart = starts[asks]!
    this.asksEnd = ends[asks]!
    return true
  }
}

/** An id; −1: there is none. */
export function idOf(members: JsonMembers, key: JsonKey): number {
  const index = members.find(key)
  if (index < 0 || members.starts[index] === members.ends[index]) return -1
  return wholeNumber(members.bytes, members.starts[index]!, members.ends[index]!)
}
