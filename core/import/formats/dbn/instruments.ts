import { ReplayError } from '../../../errors.ts'
import type { ImportOutput } from '../../messages/import-output.ts'
import type { InstrumentOutput } from '../../messages/instrument-output.ts'
import { DbnInstrument } from './dbn-instrument.ts'
import { Definitions } from './definitions.ts'
import type { DbnMetadata } from './metadata.ts'
import type { Survey } from './survey.ts'
import { UNKNOWN_SYMBOL } from './symbol-routes.ts'

/** The instruments of a unit: one for a venue and symbol, whichever file names them. */
export class DbnInstruments {
  readonly definitions = new Definitions()
  readonly #output: ImportOutput
  readonly #found = new Map<InstrumentOutput, DbnInstrument>()

  constructor(output: ImportOutput) {
    this.#output = output
  }

  /** @throws ReplayError input `symbol-collision` */
  of(metadata: DbnMetadata, survey: Survey, publisher: number, symbol: string, id: number): DbnInstrument {
    const venue = venueOfDataset(metadata.dataset)
    const output = this.#output.instrument(survey.publishers.size > 1 ? `${venue}-${publisher}` : venue, symbol)
    let found = this.#found.get(output)
    if (found === undefined) {
      if (symbol === `${UNKNOWN_SYMBOL}${id}`) this.#output.tally.note('instruments without a symbol')
      found = new DbnInstrument(output)
      this.#found.set(output, found)
    }
    const known = [
      this.#output.scales.price ?? 0,
      this.definitions.decimals(symbol, id),
      survey.decimals.get(`${publisher}\n${symbol}`) ?? 0,
    ]
    found.expectScale(Math.max(...known))
    return found
  }

  /** Counts what was seen of each. */
  tell(): void {
    const { tally } = this.#output
    for (const { output, maybeBadBooks, finerPrices } of this.#found.values()) {
      const { venue, exchangeSymbol } = output.identity
      if (maybeBadBooks > 0) tally.note(`maybe-bad-book ${venue} ${exchangeSymbol}`, maybeBadBooks)
      if (finerPrices > 0) tally.note('price scales that grew', finerPrices)
    }
  }
}

/** `GLBX.MDP3` → `glbx-mdp3` */
export function venueOfDataset(dataset: string): string {
  return dataset.toLowerCase().replace(/[^a-z0-9_+]/g, '-')
}

/** One venue for the books of several publishers would mix them. @throws ReplayError input `databento-publishers` */
export function requireOnePublisher({ publishers }: Survey, path: string): void {
  if (publishers.size < 2) return
  const message = `expected one publisher where a venue is given, found ${[...publishers].join(', ')}; leave --venue out: each is a venue of its own then`
  throw new ReplayError('databento-publishers', message, { category: 'input', path })
}
