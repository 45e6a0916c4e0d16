import { PUBLISHER } from '../../core/import/formats/dbn/layout.ts'

export interface MadeMapping {
  readonly symbol: string
  readonly intervals: readonly (readonly [from: number, to: number, symbol: string])[]
}

export interface MadeFile {
  readonly dataset?: string
  /** Number of the schema; 65535: several. */
  readonly schema?: number
  readonly stypeIn?: number
  readonly hasTsOut?: boolean
  readonly mappings?: readonly MadeMapping[]
  readonly records: readonly Uint8Array[]
}

export const NONE_PRICE = 2n ** 63n - 1n
export const NONE_TIME = 2n ** 64n - 1n
export const DAY_NS = 86_400_000_000_000n
/** 2024-06-10T00:00:00Z */
export const MONDAY_NS = 1_717_977_600_000_000_000n

/** A file of version 3. */
export function dbnFile({
  dataset = 'TEST.FEED',
  schema = 0,
  stypeIn = 1,
  hasTsOut = false,
  mappings = [],
  records,
}: MadeFile): Uint8Array {
  const lists: Buffer[] = [u32(0), u32(0), u32(0), u32(0), u32(mappings.length)]
  for (const { symbol, intervals } of mappings) {
    lists.push(text(symbol, 71), u32(intervals.length))
    for (const [from, to, name] of intervals) lists.push(u32(from), u32(to), text(name, 71))
  }
  const body = Buffer.concat(lists)
  const head = Buffer.alloc(Math.ceil((108 + body.length) / 8) * 8)
  head.write('DBN\x03', 0, 'latin1')
  head.writeUInt32LE(head.length - 8, 4)
  text(dataset, 16).copy(head, 8)
  head.writeUInt16LE(schema, 24)
  head.writeBigUInt64LE(MONDAY_NS, 26)
  head.writeBigUInt64LE(NONE_TIME, 34)
  head[50] = stypeIn
  head[52] = hasTsOut ? 1 : 0
  head.writeUInt16LE(71, 53)
  body.copy(head, 108)
  return Buffer.concat([head, ...records])
}

export interface MadeOrder {
  readonly action: string
  readonly id?: bigint
  readonly side?: string
  readonly price?: bigint
  readonly size?: number
  readonly flags?: number
  readonly received?: bigint
  readonly event?: bigint
  readonly instrument?: number
  readonly publisher?: number
  /** Bytes behind the record, as `ts_out`. */
  readonly more?: number
}

/** A record of mbo. */
export function mboRecord(order: MadeOrder): Uint8Array {
  const { action, id = 1n, side = 'B', price = 1_000_000_000n, size = 1, flags = 128, received = MONDAY_NS, event = MONDAY_NS } = order
  const { instrument = 7, publisher = 1, more = 0 } = order
  const record = header(56 + more, 0xa0, publisher, instrument, event)
  record.writeBigUInt64LE(id, 16)
  record.writeBigInt64LE(price, 24)
  record.writeUInt32LE(size, 32)
  record[36] = flags
  record[38] = action.charCodeAt(0)
  record[39] = side.charCodeAt(0)
  record.writeBigUInt64LE(received, 40)
  record.writeUInt32LE(17, 52)
  return record
}

export interface MadePrice extends MadeOrder {
  readonly rtype: number
  readonly bytes: number
  /** Bid price, ask price, bid size, ask size. */
  readonly levels?: readonly (readonly [bigint, bigint, number, number])[]
}

/** A record of trades, mbp-1, … */
export function mbpRecord(made: MadePrice): Uint8Array {
  const { action, side = 'B', price = 1_000_000_000n, size = 1, flags = 128, received = MONDAY_NS, event = MONDAY_NS, levels = [] } = made
  const record = header(made.bytes, made.rtype, made.publisher ?? 1, made.instrument ?? 7, event)
  record.writeBigInt64LE(price, 16)
  record.writeUInt32LE(size, 24)
  record[28] = action.charCodeAt(0)
  record[29] = side.charCodeAt(0)
  record[30] = flags
  record.writeBigUInt64LE(received, 32)
  for (let k = 0, at = 48; at < made.bytes; k++, at += 32) {
    const [bid, ask, bidSize, askSize] = levels[k] ?? [NONE_PRICE, NONE_PRICE, 0, 0]
    record.writeBigInt64LE(bid, at)
    record.writeBigInt64LE(ask, at + 8)
    record.writeUInt32LE(bidSize, at + 16)
    record.writeUInt32LE(askSize, at + 20)
  }
  return record
}

/** A record of live data that tells what an id stands for. */
export function mappingRecord(instrument: number, symbol: string): Uint8Array {
  const record = header(176, 0x16, 0, instrument, MONDAY_NS)
  text('ASKED', 71).copy(record, 17)
  text(symbol, 71).copy(record, 89)
  return record
}

function header(bytes: number, rtype: number, publisher: number, instrument: number, event: bigint): Buffer {
  const record = Buffer.alloc(bytes)
  record[0] = bytes / 4
  record[1] = rtype
  record.writeUInt16LE(publisher, PUBLISHER)
  record.writeUInt32LE(instrument, 4)
  record.writeBigUInt64LE(event, 8)
  return record
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function text(value: string, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  bytes.write(value, 'latin1')
  return bytes
}
