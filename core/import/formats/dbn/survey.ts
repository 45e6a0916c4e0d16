import { ReplayError } from '../../../errors.ts'
import type { ImportFile } from '../../importer.ts'
import type { Definitions } from './definitions.ts'
import {
  ACTION_ADD,
  ACTION_MODIFY,
  INSTRUMENT,
  LEVEL_ASK_PRICE,
  LEVEL_BYTES,
  MBO_ACTION,
  MBO_PRICE,
  MBO_TS_RECV,
  MBP_LEVELS,
  MBP_TS_RECV,
  NO_PRICE_HIGH,
  PUBLISHER,
  RECORD_KINDS,
  RTYPE_DEFINITION,
  RTYPE_MAPPING,
  RTYPE_MBO,
  RTYPE_MBP_10,
} from './layout.ts'
import type { DbnMetadata } from './metadata.ts'
import { decimalsOf, mantissaOf } from './nano-price.ts'
import { DbnRecords } from './record-reader.ts'
import { RecordTimes } from './record-times.ts'
import { SymbolRoutes } from './symbol-routes.ts'

/** What must be known of a file before any of it is written. */
export interface Survey {
  /** Of messages: several are several venues. */
  readonly publishers: ReadonlySet<number>
  /** By `<publisher>\n<symbol>`: the largest number of decimals of the prices of its book. */
  readonly decimals: ReadonlyMap<string, number>
}

/** Reads a file for the first time. Damage is left to the second reading. */
export async function surveyFile(file: ImportFile, definitions: Definitions): Promise<Survey> {
  const survey = new FileSurvey(definitions)
  const records = new DbnRecords(await file.open(), file.path)
  try {
    await survey.read(records)
  } catch (error) {
    if (!(error instanceof ReplayError)) throw error
  } finally {
    await records.close()
  }
  return survey
}

class SymbolDecimals {
  readonly key: string
  decimals = 0

  constructor(key: string) {
    this.key = key
  }

  see(low: number, high: number): void {
    if (high < 0 || high === NO_PRICE_HIGH || mantissaOf(low, high, this.decimals) >= 0) return
    this.decimals = Math.max(this.decimals, decimalsOf(low, high))
  }
}

class FileSurvey implements Survey {
  readonly publishers = new Set<number>()
  readonly #definitions: Definitions
  readonly #symbols: SymbolDecimals[] = []
  readonly #times = new RecordTimes()
  #publisher = -1

  constructor(definitions: Definitions) {
    this.#definitions = definitions
  }

  get decimals(): ReadonlyMap<string, number> {
    return new Map(this.#symbols.map(({ key, decimals }) => [key, decimals]))
  }

  async read(records: DbnRecords): Promise<void> {
    const metadata = await records.open()
    const routes = new SymbolRoutes(metadata, (publisher, symbol) => {
      const made = new SymbolDecimals(`${publisher}\n${symbol}`)
      this.#symbols.push(made)
      return made
    })
    while (await records.block()) while (records.next()) this.#see(records, routes, metadata)
  }

  #see({ view, at, rtype }: DbnRecords, routes: SymbolRoutes<SymbolDecimals>, { version }: DbnMetadata): void {
    if (rtype === RTYPE_MBO) {
      this.#meet(view, at)
      const action = view.getUint8(at + MBO_ACTION)
      if (action !== ACTION_ADD && action !== ACTION_MODIFY) return
      this.#symbol(view, at, MBO_TS_RECV, routes)?.see(view.getUint32(at + MBO_PRICE, true), view.getInt32(at + MBO_PRICE + 4, true))
    } else if (rtype === RTYPE_MBP_10) {
      this.#meet(view, at)
      const symbol = this.#symbol(view, at, MBP_TS_RECV, routes)
      for (let level = at + MBP_LEVELS, end = level + 10 * LEVEL_BYTES; level < end; level += LEVEL_BYTES) {
        symbol?.see(view.getUint32(level, true), view.getInt32(level + 4, true))
        symbol?.see(view.getUint32(level + LEVEL_ASK_PRICE, true), view.getInt32(level + LEVEL_ASK_PRICE + 4, true))
      }
    } else if (rtype === RTYPE_DEFINITION) this.#definitions.learn(view, at, version)
    else if (rtype === RTYPE_MAPPING) routes.tell(view, at)
    else if (RECORD_KINDS.get(rtype)!.isMessage) this.#meet(view, at)
  }

  #symbol(view: DataView, at: number, receivedAt: number, routes: SymbolRoutes<SymbolDecimals>): SymbolDecimals | null {
    if (!this.#times.read(view, at, receivedAt)) return null
    const { received } = this.#times
    return routes.find(view.getUint16(at + PUBLISHER, true), view.getUint32(at + INSTRUMENT, true), received.low, received.high)
  }

  #meet(view: DataView, at: number): void {
    const publisher = view.getUint16(at + PUBLISHER, true)
    if (publisher === this.#publisher) return
    this.#publisher = publisher
    this.publishers.add(publisher)
  }
}
