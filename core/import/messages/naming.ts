/** What venues are called here. */
export interface InstrumentNaming {
  /** In place of what the format says. */
  readonly venue?: string | undefined
}

/** Vendors' names of venues that are not ours. */
const VENUES: Readonly<Record<string, string>> = {
  binance: 'binance-spot',
  'binance-futures': 'binance-usdm',
  'binance-delivery': 'binance-coinm',
  okex: 'okx',
  'okex-futures': 'okx-futures',
  'okex-swap': 'okx-swap',
  'okex-options': 'okx-options',
  'okex-spreads': 'okx-spreads',
}

/** Ids in book events; venues that are not in it have 0. */
const VENUE_IDS: Readonly<Record<string, number>> = {
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
}

export function venueOf(vendor: string, { venue }: InstrumentNaming): string {
  return venue ?? VENUES[vendor] ?? vendor
}

export function venueIdOf(venue: string): number {
  return VENUE_IDS[venue] ?? 0
}

/** The code that a symbol has in paths: lower case; what is not in `a-z 0-9 . _ - +` is `-`. */
export function symbolCode(exchangeSymbol: string): string {
  const code = exchangeSymbol.toLowerCase().replace(/[^a-z0-9._+-]/g, '-')
  // These are no names of folders.
  return /^\.*$/.test(code) ? code.replaceAll('.', '-') || '-' : code
}
