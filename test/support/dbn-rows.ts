import {
  type DbnVersion,
  DEFINITION_INCREMENT,
  DEFINITION_SYMBOL,
  DEFINITION_TS_RECV,
  LEVEL_BYTES,
  MBO_ACTION,
  MBO_CHANNEL,
  MBO_FLAGS,
  MBO_ORDER,
  MBO_PRICE,
  MBO_SEQUENCE,
  MBO_SIDE,
  MBO_SIZE,
  MBO_TS_IN_DELTA,
  MBO_TS_RECV,
  MBP_ACTION,
  MBP_DEPTH,
  MBP_FLAGS,
  MBP_LEVELS,
  MBP_PRICE,
  MBP_SEQUENCE,
  MBP_SIDE,
  MBP_SIZE,
  MBP_TS_IN_DELTA,
  MBP_TS_RECV,
  PUBLISHER,
  RECORD_KINDS,
  SYMBOL_BYTES,
} from '../../core/import/formats/dbn/layout.ts'
import { textOf } from '../../core/import/formats/dbn/metadata.ts'
import type { DbnRecords } from '../../core/import/formats/dbn/record-reader.ts'

/** Where definitions have what the importer does not need. */
const DEFINITION = {
  1: { currency: 186, exchange: 243, asset: 248, instrumentClass: 325 },
  2: { currency: 186, exchange: 292, asset: 297, instrumentClass: 374 },
  3: { currency: 224, exchange: 330, asset: 335, instrumentClass: 487 },
} as const

/** A record as the golden answers print it: fields as decimal integers, joined by commas (their README). */
export function dbnRow({ view, at, rtype }: DbnRecords, version: DbnVersion): string {
  const u8 = (offset: number) => view.getUint8(at + offset)
  const u32 = (offset: number) => view.getUint32(at + offset, true)
  const i32 = (offset: number) => view.getInt32(at + offset, true)
  const u64 = (offset: number) => view.getBigUint64(at + offset, true)
  const i64 = (offset: number) => view.getBigInt64(at + offset, true)
  const letter = (offset: number) => String.fromCharCode(u8(offset))
  const text = (offset: number, length: number) =>
    textOf(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), at + offset, length)
  const level = (k: number) => {
    const from = MBP_LEVELS + k * LEVEL_BYTES
    return [i64(from), i64(from + 8), u32(from + 16), u32(from + 20), u32(from + 24), u32(from + 28)]
  }
  // Consolidated levels have publishers, u16, in place of counts.
  const consolidated = () => [
    ...level(0).slice(0, 4),
    view.getUint16(at + MBP_LEVELS + 24, true),
    view.getUint16(at + MBP_LEVELS + 28, true),
  ]
  const head = [rtype, view.getUint16(at + PUBLISHER, true), u32(4), u64(8)]
  const price = () => [i64(MBP_PRICE), u32(MBP_SIZE)]
  const trade = () => [...price(), letter(MBP_ACTION), letter(MBP_SIDE), u8(MBP_FLAGS)]
  const market = () => [...trade(), u8(MBP_DEPTH), u64(MBP_TS_RECV), i32(MBP_TS_IN_DELTA), u32(MBP_SEQUENCE)]
  const body = (): (bigint | number | string)[] => {
    switch (RECORD_KINDS.get(rtype)!.name) {
      case 'mbo':
        return [
          ...[u64(MBO_ORDER), i64(MBO_PRICE), u32(MBO_SIZE), u8(MBO_FLAGS), u8(MBO_CHANNEL), letter(MBO_ACTION), letter(MBO_SIDE)],
          ...[u64(MBO_TS_RECV), i32(MBO_TS_IN_DELTA), u32(MBO_SEQUENCE)],
        ]
      case 'trades':
        return market()
      case 'mbp-1':
        return [...market(), ...level(0)]
      case 'mbp-10':
        return [...market(), ...Array.from({ length: 10 }, (_, k) => level(k)).flat()]
      case 'bbo-1s':
      case 'bbo-1m':
        return [...price(), letter(MBP_SIDE), u8(MBP_FLAGS), u64(MBP_TS_RECV), u32(MBP_SEQUENCE), ...level(0)]
      case 'cmbp-1':
      case 'tcbbo':
        return [...trade(), u64(MBP_TS_RECV), i32(MBP_TS_IN_DELTA), ...consolidated()]
      case 'cbbo-1s':
      case 'cbbo-1m':
        return [...price(), letter(MBP_SIDE), u8(MBP_FLAGS), u64(MBP_TS_RECV), ...consolidated()]
      case 'ohlcv-1s':
      case 'ohlcv-1m':
      case 'ohlcv-1h':
      case 'ohlcv-1d':
        return [i64(16), i64(24), i64(32), i64(40), u64(48)]
      case 'definition': {
        const { currency, exchange, asset, instrumentClass } = DEFINITION[version]
        return [
          ...[u64(DEFINITION_TS_RECV), text(DEFINITION_SYMBOL[version], SYMBOL_BYTES[version]), letter(instrumentClass)],
          ...[i64(DEFINITION_INCREMENT), i64(32), u64(40), u64(48), text(exchange, 5), text(asset, 7), text(currency, 4)],
        ]
      }
      default:
        return []
    }
  }
  return [...head, ...body()].join(',')
}
