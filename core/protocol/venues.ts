/** Venues by the code that they have in paths, and their ids in book events. Other venues have 0; a writer of one's own may take any. */
export const VENUE_IDS: Readonly<Record<string, number>> = {
  'binance-usdm': 1,
  'binance-coinm': 2,
  'binance-spot': 3,
  kraken: 4,
  okx: 5,
  lobster: 6,
  nasdaq: 7,
  bx: 8,
  psx: 9,
  bitget: 10,
  coinbase: 11,
  bybit: 12,
  synthetic: 100,
}

export function venueIdOf(venue: string): number {
  return VENUE_IDS[venue] ?? 0
}
