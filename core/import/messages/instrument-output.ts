import type { LogStager } from '../logs/log-stager.ts'
import { L2Output, L3Output } from './book-outputs.ts'
import type { ImportRange, ImportScales } from './import-range.ts'
import type { ImportTally } from './import-tally.ts'
import type { InstrumentIdentity } from './instrument-identity.ts'
import { TickerOutput, TradeOutput } from './price-outputs.ts'

/** The streams of an instrument; one that nothing is put into leaves no folder. */
export class InstrumentOutput {
  readonly identity: InstrumentIdentity
  /** Whether the user wants anything of it. */
  readonly isWanted: boolean
  readonly #parts: [InstrumentIdentity, boolean, LogStager, ImportTally, ImportRange]
  readonly #scales: ImportScales
  #book: L2Output | null = null
  #l3: L3Output | null = null
  #trades: TradeOutput | null = null
  #ticker: TickerOutput | null = null

  constructor(
    identity: InstrumentIdentity,
    isWanted: boolean,
    stager: LogStager,
    tally: ImportTally,
    range: ImportRange,
    scales: ImportScales,
  ) {
    this.identity = identity
    this.isWanted = isWanted
    this.#parts = [identity, isWanted, stager, tally, range]
    this.#scales = scales
  }

  get book(): L2Output {
    this.#book ??= new L2Output(...this.#parts, this.#scales)
    return this.#book
  }

  get l3(): L3Output {
    this.#l3 ??= new L3Output(...this.#parts, this.#scales)
    return this.#l3
  }

  get trades(): TradeOutput {
    this.#trades ??= new TradeOutput(...this.#parts)
    return this.#trades
  }

  get ticker(): TickerOutput {
    this.#ticker ??= new TickerOutput(...this.#parts)
    return this.#ticker
  }
}
