import { ReplayError } from '../../errors.ts'
import type { MessageCursor } from '../../message/message.ts'
import { BOOK_EVENT_BYTES, BOOK_EVENT_MARKET_ID_OFFSET } from '../../protocol/book-event.ts'
import { BOOK_TICKER_BYTES, BOOK_TICKER_SYMBOL_HASH_OFFSET } from '../../protocol/book-ticker.ts'
import { TYPE_BOOK_EVENT, TYPE_BOOK_TICKER, TYPE_TRADE } from '../../protocol/message-type.ts'
import { marketId } from '../../protocol/symbol-hash.ts'
import { TRADE_BYTES, TRADE_SYMBOL_HASH_OFFSET } from '../../protocol/trade.ts'

/** A market and the symbol code it is called by, e.g. `{ marketId: 3467451262, symbol: 'btcusdt' }`. */
export interface MarketSymbol {
  /** u32, as in book events. */
  readonly marketId: number
  readonly symbol: string
}

/** Most markets one catalog may hold. */
export const MAX_MARKETS = 1_000_000

/** Market ids and symbol codes, both ways; tells the symbol of a message in a log that mixes markets. */
export class SymbolCatalog {
  readonly #symbols = new Map<number, string>()
  readonly #marketIds = new Map<string, number>()

  /**
   * @throws ReplayError input: `market-id` (no u32), `symbol-conflict` (a market with two symbols, or a symbol with two markets),
   * `too-many-markets`
   */
  constructor(markets: Iterable<MarketSymbol> = []) {
    for (const { marketId, symbol } of markets) this.add(marketId, symbol)
  }

  /**
   * A catalog of exchange symbols, e.g. `['BTCUSDT']`: the market id is the folded hash of that spelling.
   * @param codeOf the symbol code of an exchange symbol. @default lower case with `/` → `-`, as archives name their folders
   */
  static fromExchangeSymbols(exchangeSymbols: Iterable<string>, codeOf: (exchangeSymbol: string) => string = symbolCode): SymbolCatalog {
    const catalog = new SymbolCatalog()
    for (const exchangeSymbol of exchangeSymbols) catalog.add(marketId(exchangeSymbol), codeOf(exchangeSymbol))
    return catalog
  }

  get size(): number {
    return this.#symbols.size
  }

  /** Adds one market; adding the same pair again is fine. @throws ReplayError as the constructor */
  add(marketId: number, symbol: string): void {
    if (!Number.isInteger(marketId) || marketId < 0 || marketId > 0xffff_ffff) {
      throw new ReplayError('market-id', `market id of "${symbol}": expected a whole number from 0 to 2^32 - 1, found ${marketId}`, {
        category: 'input',
      })
    }
    const knownSymbol = this.#symbols.get(marketId)
    const knownId = this.#marketIds.get(symbol)
    if (knownSymbol === symbol && knownId === marketId) return
    if (knownSymbol !== undefined || knownId !== undefined) {
      const known = knownSymbol === undefined ? `"${symbol}" is market ${knownId}` : `market ${marketId} is "${knownSymbol}"`
      const message = `cannot add market ${marketId} as "${symbol}": ${known} already; give every market one symbol`
      throw new ReplayError('symbol-conflict', message, { category: 'input' })
    }
    if (this.size === MAX_MARKETS) {
      throw new ReplayError('too-many-markets', `symbol catalog: at most ${MAX_MARKETS} markets`, { category: 'input' })
    }
    this.#symbols.set(marketId, symbol)
    this.#marketIds.set(symbol, marketId)
  }

  /** The symbol code of a market, or null. */
  symbolOf(marketId: number): string | null {
    return this.#symbols.get(marketId) ?? null
  }

  /** The market id of a symbol code, or null. */
  marketIdOf(symbol: string): number | null {
    return this.#marketIds.get(symbol) ?? null
  }

  /**
   * The symbol of a message: by market id for book events, by the folded symbol hash for tickers and trades; null for
   * unknown markets, other types and payloads too short to say. Creates nothing. Bound, so that it fits `BatchOrigin.resolveSymbol`.
   */
  readonly resolveSymbol = (message: MessageCursor): string | null => {
    const offset = marketOffset(message.typeId, message.length)
    if (offset < 0) return null
    const view = message.view
    const at = message.payloadOffset + offset
    const low = view.getUint32(at, true)
    if (message.typeId === TYPE_BOOK_EVENT) return this.symbolOf(low)
    return this.symbolOf((low ^ view.getUint32(at + 4, true)) >>> 0)
  }
}

/** `ADA/XBT` → `ada-xbt` */
export function symbolCode(exchangeSymbol: string): string {
  return exchangeSymbol.toLowerCase().replaceAll('/', '-')
}

/** Where a payload of this type names its market; -1 when it does not. */
function marketOffset(typeId: number, length: number): number {
  if (typeId === TYPE_BOOK_EVENT) return length >= BOOK_EVENT_BYTES ? BOOK_EVENT_MARKET_ID_OFFSET : -1
  if (typeId === TYPE_BOOK_TICKER) return length >= BOOK_TICKER_BYTES ? BOOK_TICKER_SYMBOL_HASH_OFFSET : -1
  if (typeId === TYPE_TRADE) return length >= TRADE_BYTES ? TRADE_SYMBOL_HASH_OFFSET : -1
  return -1
}
