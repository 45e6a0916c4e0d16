import { crc32 } from 'node:zlib'
import { MessageBatch } from '../../core/message/batch.ts'
import type { BatchOrigin } from '../../core/message/message.ts'
import { encodeRecordHeader, RECORD_HEADER_BYTES, recordBytes } from '../../core/message/record.ts'
import { BOOK_TICKER_BYTES, type BookTickerFields, encodeBookTicker } from '../../core/protocol/book-ticker.ts'
import { TYPE_BOOK_TICKER, TYPE_TRADE } from '../../core/protocol/message-type.ts'
import { encodeTrade, TRADE_BYTES, type TradeFields } from '../../core/protocol/trade.ts'

/** A message to put into a batch. */
export interface TestMessage {
  readonly seq: bigint
  readonly timestampNs: bigint
  readonly typeId: number
  readonly payload: Uint8Array
}

/** A batch of these messages in one buffer, as a source would make it, without a file. */
export function batchOf(messages: readonly TestMessage[], origin: Partial<BatchOrigin> = {}): MessageBatch {
  const size = messages.reduce((sum, { payload }) => sum + recordBytes(payload.length), 0)
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  const batch = new MessageBatch()
  batch.allocateColumns(messages.length)
  batch.buffers = [
    { bytes, view, origin: { path: '/logs/test', symbol: 'BTC-USD', resolveSymbol: null, segment: 0, bufferStart: 64, ...origin } },
  ]
  let offset = 0
  messages.forEach(({ seq, timestampNs, typeId, payload }, row) => {
    encodeRecordHeader(view, offset, { seq, timestampNs, typeId, payloadLength: payload.length, crc32: crc32(payload) })
    bytes.set(payload, offset + RECORD_HEADER_BYTES)
    batch.offsets[row] = offset
    batch.lengths[row] = payload.length
    batch.types[row] = typeId
    batch.seqs[row] = BigInt.asIntN(64, seq)
    batch.times[row] = BigInt.asIntN(64, timestampNs)
    offset += recordBytes(payload.length)
  })
  batch.reset(messages.length, messages.length)
  return batch
}

export function tickerMessage(seq: bigint, timestampNs: bigint, fields: Partial<BookTickerFields> = {}): TestMessage {
  const payload = new Uint8Array(BOOK_TICKER_BYTES)
  const defaults = { timestampNs, bidPrice: 100, bidQuantity: 1, askPrice: 101, askQuantity: 2, symbolHash: 0n }
  encodeBookTicker(new DataView(payload.buffer), 0, { ...defaults, ...fields })
  return { seq, timestampNs, typeId: TYPE_BOOK_TICKER, payload }
}

export function tradeMessage(seq: bigint, timestampNs: bigint, fields: Partial<TradeFields> = {}): TestMessage {
  const payload = new Uint8Array(TRADE_BYTES)
  const ids = { tradeId: seq, buyerOrderId: 0n, sellerOrderId: 0n, symbolHash: 0n }
  encodeTrade(new DataView(payload.buffer), 0, { timestampNs, price: 100.5, quantity: 0.25, isBuyerMaker: false, ...ids, ...fields })
  return { seq, timestampNs, typeId: TYPE_TRADE, payload }
}
