import { expect, test } from 'vitest'
import { ReplayError } from '../../core/errors.ts'
import { SymbolCatalog } from '../../core/log/format/symbol-catalog.ts'
import { MessageBatch } from '../../core/message/batch.ts'
import { encodeBookEvent } from '../../core/protocol/book-event.ts'
import { encodeBookTicker } from '../../core/protocol/book-ticker.ts'
import { TYPE_BOOK_EVENT, TYPE_BOOK_TICKER, TYPE_TRADE } from '../../core/protocol/message-type.ts'
import { marketId, symbolHash } from '../../core/protocol/symbol-hash.ts'
import { encodeTrade } from '../../core/protocol/trade.ts'

const catalog = SymbolCatalog.fromExchangeSymbols(['BTCUSDT', 'ADA/XBT'])

test('knows markets both ways', () => {
  expect(catalog.symbolOf(3467451262)).toBe('btcusdt')
  expect(catalog.marketIdOf('ada-xbt')).toBe(marketId('ADA/XBT'))
  expect([catalog.symbolOf(1), catalog.marketIdOf('x'), catalog.size]).toEqual([null, null, 2])
})

test.each([TYPE_BOOK_EVENT, TYPE_BOOK_TICKER, TYPE_TRADE])('tells the symbol of a message of type %i', (typeId) => {
  for (const symbol of ['BTCUSDT', 'ADA/XBT', 'OTHER']) {
    const batch = message(typeId, symbol)
    expect(batch.symbolAt(0)).toBe({ BTCUSDT: 'btcusdt', 'ADA/XBT': 'ada-xbt' }[symbol] ?? null)
  }
})

test('messages that name no market have no symbol', () => {
  const short = message(TYPE_TRADE, 'BTCUSDT')
  short.lengths[0] = 63
  expect(short.symbolAt(0)).toBeNull()
  const other = message(TYPE_TRADE, 'BTCUSDT')
  other.types[0] = 7
  expect(other.symbolAt(0)).toBeNull()
})

test('a market has one symbol and a symbol one market', () => {
  const pairs = new SymbolCatalog([{ marketId: 1, symbol: 'a' }])
  pairs.add(1, 'a')
  expect(codeOf(() => pairs.add(1, 'b'))).toBe('symbol-conflict')
  expect(codeOf(() => pairs.add(2, 'a'))).toBe('symbol-conflict')
  expect(codeOf(() => pairs.add(-1, 'c'))).toBe('market-id')
  expect(codeOf(() => pairs.add(2 ** 32, 'c'))).toBe('market-id')
})

function message(typeId: number, symbol: string): MessageBatch {
  const bytes = new Uint8Array(256)
  const view = new DataView(bytes.buffer)
  const batch = new MessageBatch()
  batch.buffers = [{ bytes, view, origin: { path: '', symbol: null, resolveSymbol: catalog.resolveSymbol, segment: 0, bufferStart: 0 } }]
  batch.allocateColumns(1)
  batch.types[0] = typeId
  batch.lengths[0] = 64
  batch.reset(1, 1)
  const hash = symbolHash(symbol)
  if (typeId === TYPE_BOOK_EVENT) {
    encodeBookEvent(
      view,
      64,
      { venueId: 1, marketId: marketId(symbol), streamId: 1, ingestTsNs: 0, exchangeTsNs: 0, seq: 0, nativeSeq: 0, flags: 1 },
      4,
      0,
    )
  } else if (typeId === TYPE_BOOK_TICKER) {
    encodeBookTicker(view, 64, { timestampNs: 0, bidPrice: 1, bidQuantity: 1, askPrice: 1, askQuantity: 1, symbolHash: hash })
  } else {
    encodeTrade(view, 64, {
      timestampNs: 0,
      price: 1,
      quantity: 1,
      tradeId: 1,
      buyerOrderId: 0,
      sellerOrderId: 0,
      isBuyerMaker: false,
      symbolHash: hash,
    })
  }
  return batch
}

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof ReplayError) return error.code
    throw error
  }
  return 'none'
}
