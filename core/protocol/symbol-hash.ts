/**
 * The symbol hash of protocol v3 over the UTF-8 bytes of the exchange's own spelling, e.g. `BTCUSDT` (docs/format.md, Messages).
 * It looks like FNV-1a but multiplies by another number; the files have it, so it stays.
 */
export function symbolHash(exchangeSymbol: string): bigint {
  let hash = 0xcbf29ce484222325n
  for (const byte of new TextEncoder().encode(exchangeSymbol)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * MULTIPLIER)
  }
  return hash
}

/** The u32 market id of book events: the hash's upper half xor its lower half. */
export function marketId(exchangeSymbol: string): number {
  return marketIdOfHash(symbolHash(exchangeSymbol))
}

/** Folds a symbol hash, as trades and tickers carry it, to the market id. */
export function marketIdOfHash(hash: bigint): number {
  return Number(BigInt.asUintN(32, hash ^ (hash >> 32n)))
}

const MULTIPLIER = 0x1099511628211904n
