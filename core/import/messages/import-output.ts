import { ReplayError } from '../../errors.ts'
import { isKeyPart } from '../../store/object-store.ts'
import type { LogStager } from '../logs/log-stager.ts'
import type { ImportRange, ImportScales } from './import-range.ts'
import type { ImportTally } from './import-tally.ts'
import type { InstrumentIdentity } from './instrument-identity.ts'
import { InstrumentOutput } from './instrument-output.ts'
import { type InstrumentNaming, symbolCode, venueOf } from './naming.ts'

/** Where a decoder puts what it reads: messages by instrument and stream, and the count of what became of rows. */
export class ImportOutput {
  readonly tally: ImportTally
  /** Those that the user gives. */
  readonly scales: ImportScales
  readonly #stager: LogStager
  readonly #range: ImportRange
  readonly #naming: InstrumentNaming
  readonly #instruments = new Map<string, InstrumentOutput>()

  constructor(stager: LogStager, tally: ImportTally, naming: InstrumentNaming, range: ImportRange = {}, scales: ImportScales = {}) {
    this.#stager = stager
    this.tally = tally
    this.#naming = naming
    this.#range = range
    this.scales = scales
  }

  /**
   * The streams of an instrument. To be asked for once per instrument and kept.
   * @param venue as the format calls it @param exchangeSymbol in the exchange's spelling
   * @throws ReplayError input `symbol-collision` where another exchange symbol has the same code, `import-venue` where no folder can be called so
   */
  instrument(venue: string, exchangeSymbol: string): InstrumentOutput {
    const name = venueOf(venue, this.#naming)
    const code = symbolCode(exchangeSymbol)
    const key = `${name}\n${exchangeSymbol}`
    let found = this.#instruments.get(key)
    if (found === undefined) {
      if (!isKeyPart(name)) {
        const message = `expected a venue that a folder can be called, found ${JSON.stringify(name)}; --venue gives another name`
        throw new ReplayError('import-venue', message, { category: 'input' })
      }
      const identity: InstrumentIdentity = { venue: name, symbol: code, exchangeSymbol }
      const { symbols } = this.#range
      const isWanted = symbols === undefined || symbols.has(code) || symbols.has(exchangeSymbol)
      found = new InstrumentOutput(identity, isWanted, this.#stager, this.tally, this.#range, this.scales)
      this.#instruments.set(key, found)
    }
    return found
  }

  /** All that were asked for. */
  get instruments(): readonly InstrumentOutput[] {
    return [...this.#instruments.values()]
  }
}
