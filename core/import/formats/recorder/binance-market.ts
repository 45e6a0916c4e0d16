/** Markets of Binance: their messages have one shape, but not their rules. */
export type BinanceMarket = 'binance-spot' | 'binance-usdm' | 'binance-coinm'

const MARKETS: readonly string[] = ['binance-spot', 'binance-usdm', 'binance-coinm']

/** Null: it is none. */
export function marketNamed(name: string | undefined): BinanceMarket | null {
  return name !== undefined && MARKETS.includes(name) ? (name as BinanceMarket) : null
}

/** The market that messages are of, by what only one has in them; null: none of them says. */
export function marketOfMessages(messages: Iterable<string>): BinanceMarket | null {
  for (const message of messages) {
    const market = marketOfMessage(message)
    if (market !== null) return market
  }
  return null
}

/** The market by the folders and the name of a file, e.g. `usdm/btcusdt_20240808.gz`. */
export function marketOfPath(path: string): BinanceMarket | null {
  const found = /(?:^|[\\/._-])(?:(spot)|(usdm|um|binancefutures)|(coinm|cm|binancefuturescoin))(?=[\\/._-])/i.exec(path)
  if (found === null) return null
  return found[1] !== undefined ? 'binance-spot' : found[2] !== undefined ? 'binance-usdm' : 'binance-coinm'
}

/** Whether messages look like those of Binance at all. */
export function isOfBinance(message: string): boolean {
  return /^\{"stream":\s*"[^"@]+@|^\{"lastUpdateId":|^\{"e":|^\{"u":\d+,(?:"e":"bookTicker",)?"s":/.test(message)
}

function marketOfMessage(text: string): BinanceMarket | null {
  if (text.startsWith('{"lastUpdateId"')) return marketOfSnapshot(text)
  let message: Record<string, unknown>
  try {
    const outer = JSON.parse(text) as { readonly data?: unknown; readonly stream?: unknown }
    message = ('stream' in outer ? outer.data : outer) as Record<string, unknown>
    if (message === null || typeof message !== 'object') return null
  } catch {
    return null
  }
  const event = message.e
  const isPlainTicker = event === undefined && 'u' in message && 'B' in message && 'A' in message
  if (event === 'bookTicker' || isPlainTicker) return 'T' in message ? futures(message) : 'binance-spot'
  if (event === 'depthUpdate') return 'pu' in message ? futures(message) : 'binance-spot'
  if (event === 'trade' || event === 'aggTrade') return 'M' in message ? 'binance-spot' : futures(message)
  return event === 'markPriceUpdate' || event === 'forceOrder' ? futures(message) : null
}

/** Only a snapshot's first members may be there. */
function marketOfSnapshot(text: string): BinanceMarket {
  const begin = text.slice(0, 200)
  if (!/"E":\d/.test(begin)) return 'binance-spot'
  return begin.includes('"pair":') ? 'binance-coinm' : 'binance-usdm'
}

function futures(message: Record<string, unknown>): BinanceMarket {
  // Contracts in coins have `ps`, or names such as BTCUSD_PERP; those of BUSD were of the other market.
  if ('ps' in message) return 'binance-coinm'
  const isCoin = /(?:_PERP|[^B]USD_\d{6})$/.test(typeof message.s === 'string' ? message.s : '')
  return isCoin ? 'binance-coinm' : 'binance-usdm'
}
