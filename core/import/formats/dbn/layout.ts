/**
 * Records of DBN, little-endian. All begin with a header of 16 bytes:
 *
 * | offset | type | field         | unit, sentinel                                |
 * |      0 | u8   | length        | of the record, in words of 4 bytes            |
 * |      1 | u8   | rtype         |                                               |
 * |      2 | u16  | publisher_id  |                                               |
 * |      4 | u32  | instrument_id |                                               |
 * |      8 | u64  | ts_event      | nanoseconds since the epoch; 2^64 − 1: none   |
 *
 * Prices are i64 × 10^-9 (2^63 − 1: none), sizes u32 (2^32 − 1: none). `ts_out` adds 8 bytes to the end of every record.
 */
export const HEADER_BYTES = 16
export const PUBLISHER = 2
export const INSTRUMENT = 4
export const TS_EVENT = 8

/** Market by order, 56 bytes. */
export const MBO_ORDER = 16
export const MBO_PRICE = 24
export const MBO_SIZE = 32
export const MBO_FLAGS = 36
export const MBO_CHANNEL = 37
export const MBO_ACTION = 38
export const MBO_SIDE = 39
export const MBO_TS_RECV = 40
export const MBO_TS_IN_DELTA = 48
export const MBO_SEQUENCE = 52

/**
 * Trades (48 bytes), and what has levels behind it: mbp-1, tbbo (80), mbp-10 (368); bbo, cmbp-1, tcbbo, cbbo (80), of which the bbo
 * ones have no action, and the consolidated ones no depth and sequence.
 */
export const MBP_PRICE = 16
export const MBP_SIZE = 24
export const MBP_ACTION = 28
export const MBP_SIDE = 29
export const MBP_FLAGS = 30
export const MBP_DEPTH = 31
export const MBP_TS_RECV = 32
export const MBP_TS_IN_DELTA = 40
export const MBP_SEQUENCE = 44
export const MBP_LEVELS = 48

/** A level of both sides; numbers of orders, or publishers, are behind the sizes. */
export const LEVEL_BYTES = 32
export const LEVEL_BID_PRICE = 0
export const LEVEL_ASK_PRICE = 8
export const LEVEL_BID_SIZE = 16
export const LEVEL_ASK_SIZE = 20

/** Definitions: 360, 400 or 520 bytes. */
export const DEFINITION_TS_RECV = 16
export const DEFINITION_INCREMENT = 24

/** By version: where symbols lie in definitions and in symbol mappings of live data (that which an id stands for), and their bytes. */
export const DEFINITION_SYMBOL = { 1: 200, 2: 200, 3: 238 } as const
export const MAPPING_SYMBOL = { 1: 38, 2: 89, 3: 89 } as const
export const SYMBOL_BYTES = { 1: 22, 2: 71, 3: 71 } as const

export const RTYPE_TRADES = 0x00
export const RTYPE_MBP_1 = 0x01
export const RTYPE_MBP_10 = 0x0a
export const RTYPE_DEFINITION = 0x13
export const RTYPE_MAPPING = 0x16
export const RTYPE_MBO = 0xa0
export const RTYPE_CMBP_1 = 0xb1
export const RTYPE_CBBO_1S = 0xc0
export const RTYPE_CBBO_1M = 0xc1
export const RTYPE_TCBBO = 0xc2
export const RTYPE_BBO_1S = 0xc3
export const RTYPE_BBO_1M = 0xc4

export const FLAG_TOP_OF_BOOK = 64
export const FLAG_SNAPSHOT = 32
export const FLAG_MAYBE_BAD_BOOK = 4

export const ACTION_ADD = 65
export const ACTION_CANCEL = 67
export const ACTION_FILL = 70
export const ACTION_MODIFY = 77
export const ACTION_NONE = 78
export const ACTION_CLEAR = 82
export const ACTION_TRADE = 84

export const SIDE_ASK = 65
export const SIDE_BID = 66
export const SIDE_NONE = 78

/** High word of prices that are not there; their low word has all bits set. */
export const NO_PRICE_HIGH = 0x7fff_ffff
export const NO_SIZE = 0xffff_ffff

export type DbnVersion = 1 | 2 | 3

export interface RecordKind {
  readonly name: string
  /** Of versions 1 to 3, without `ts_out`. */
  readonly bytes: readonly [number, number, number]
  /** Messages are made of it. */
  readonly isMessage?: true
}

/** Kinds of records by their rtype. */
export const RECORD_KINDS: ReadonlyMap<number, RecordKind> = new Map<number, RecordKind>([
  [RTYPE_TRADES, { name: 'trades', bytes: [48, 48, 48], isMessage: true }],
  [RTYPE_MBP_1, { name: 'mbp-1', bytes: [80, 80, 80], isMessage: true }],
  [RTYPE_MBP_10, { name: 'mbp-10', bytes: [368, 368, 368], isMessage: true }],
  [0x11, { name: 'ohlcv', bytes: [56, 56, 56] }],
  [0x12, { name: 'status', bytes: [40, 40, 40] }],
  [RTYPE_DEFINITION, { name: 'definition', bytes: [360, 400, 520] }],
  [0x14, { name: 'imbalance', bytes: [112, 112, 112] }],
  [0x15, { name: 'error', bytes: [80, 320, 320] }],
  [RTYPE_MAPPING, { name: 'symbol-mapping', bytes: [80, 176, 176] }],
  [0x17, { name: 'system', bytes: [80, 320, 320] }],
  [0x18, { name: 'statistics', bytes: [64, 64, 80] }],
  [0x20, { name: 'ohlcv-1s', bytes: [56, 56, 56] }],
  [0x21, { name: 'ohlcv-1m', bytes: [56, 56, 56] }],
  [0x22, { name: 'ohlcv-1h', bytes: [56, 56, 56] }],
  [0x23, { name: 'ohlcv-1d', bytes: [56, 56, 56] }],
  [0x24, { name: 'ohlcv-eod', bytes: [56, 56, 56] }],
  [RTYPE_MBO, { name: 'mbo', bytes: [56, 56, 56], isMessage: true }],
  [RTYPE_CMBP_1, { name: 'cmbp-1', bytes: [80, 80, 80], isMessage: true }],
  [RTYPE_CBBO_1S, { name: 'cbbo-1s', bytes: [80, 80, 80], isMessage: true }],
  [RTYPE_CBBO_1M, { name: 'cbbo-1m', bytes: [80, 80, 80], isMessage: true }],
  [RTYPE_TCBBO, { name: 'tcbbo', bytes: [80, 80, 80], isMessage: true }],
  [RTYPE_BBO_1S, { name: 'bbo-1s', bytes: [80, 80, 80], isMessage: true }],
  [RTYPE_BBO_1M, { name: 'bbo-1m', bytes: [80, 80, 80], isMessage: true }],
])

/** Schemas by their number in the metadata; live files are of several: `mixed`. */
export const SCHEMAS: readonly string[] = [
  'mbo',
  'mbp-1',
  'mbp-10',
  'tbbo',
  'trades',
  'ohlcv-1s',
  'ohlcv-1m',
  'ohlcv-1h',
  'ohlcv-1d',
  'definition',
  'statistics',
  'status',
  'imbalance',
  'ohlcv-eod',
  'cmbp-1',
  'cbbo-1s',
  'cbbo-1m',
  'tcbbo',
  'bbo-1s',
  'bbo-1m',
]
