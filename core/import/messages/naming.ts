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

export function venueOf(vendor: string, { venue }: InstrumentNaming): string {
  return venue ?? VENUES[vendor] ?? vendor
}

/** The code that a symbol has in paths: lower case; what is not in `a-z 0-9 . _ - +` is `-`. */
export function symbolCode(exchangeSymbol: string): string {
  const code = exchangeSymbol.toLowerCase().replace(/[^a-z0-9._+-]/g, '-')
  // These are no names of folders.
  return /^\.*$/.test(code) ? code.replaceAll('.', '-') || '-' : code
}
