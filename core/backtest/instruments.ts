import { ReplayError } from '../errors.ts'
import { unknownKey } from '../known-options.ts'
import { MARKET_SETTINGS, type MarketSettings } from './market-terms.ts'

/**
 * What the markets of instruments are, by venue and symbol as an archive names them; `*` holds what all of a venue's have in common. A
 * symbol that is not named is not there, whatever `*` says: a tick that is nearly right is worse than none.
 * ```json
 * { "okx": { "*": { "fees": { "maker": 0.0002, "taker": 0.0005 }, "latency": "2ms" }, "btc-usdt": { "tick": 0.1, "lot": 0.0001 } } }
 * ```
 */
export type InstrumentsFile = Readonly<Record<string, Readonly<Record<string, object>>>>

/** An instrument, as an archive names it. */
export interface InstrumentName {
  readonly venue: string
  readonly symbol: string
}

const SHARED = '*'

/** The instruments of a file, checked as far as names go. */
export class Instruments {
  readonly names: readonly InstrumentName[]
  readonly #file: InstrumentsFile

  /** @throws ReplayError input `instruments-invalid` */
  constructor(file: InstrumentsFile) {
    if (!isRecord(file)) throw invalid('expected { venue: { symbol: { tick, lot, … } } }')
    for (const [venue, symbols] of Object.entries(file)) {
      if (!isRecord(symbols)) throw invalid(`${venue}: expected { symbol: { tick, lot, … } }`)
      for (const [symbol, settings] of Object.entries(symbols)) checkNames(`${venue}/${symbol}`, settings)
    }
    this.#file = file
    this.names = Object.entries(file).flatMap(([venue, symbols]) =>
      Object.keys(symbols).flatMap((symbol) => (symbol === SHARED ? [] : { venue, symbol })),
    )
    if (this.names.length === 0) throw invalid('it names no instrument')
  }

  /** What the file says of an instrument. @throws ReplayError input `instrument-missing` */
  of({ venue, symbol }: InstrumentName): Partial<MarketSettings> {
    const symbols = Object.hasOwn(this.#file, venue) ? this.#file[venue]! : {}
    if (symbol === SHARED || !Object.hasOwn(symbols, symbol)) throw missingInstruments([{ venue, symbol }])
    return { ...symbols[SHARED], ...symbols[symbol] }
  }
}

/** Instruments that are to be run, and that a file does not name. */
export function missingInstruments(missing: readonly InstrumentName[]): ReplayError {
  const [{ venue, symbol }] = missing as readonly [InstrumentName]
  const more = missing.length === 1 ? '' : `, nor ${missing.length - 1} more of those that would run`
  const message = `the instruments of the backtest do not have ${venue}/${symbol}${more}: name it with its tick, lot and fees, or leave it out with --venues and --symbols`
  return new ReplayError('instrument-missing', message, { category: 'input' })
}

function checkNames(place: string, settings: unknown): void {
  if (!isRecord(settings)) throw invalid(`${place}: expected { tick, lot, … }`)
  const unknown = unknownKey(settings, MARKET_SETTINGS)
  if (unknown === null) return
  const { key, near } = unknown
  throw invalid(`${place}: ${key} is no setting of a market${near === null ? '' : `, did you mean ${near}?`}`)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(message: string): ReplayError {
  return new ReplayError('instruments-invalid', `instruments: ${message}`, { category: 'input' })
}
