import type { L3Output } from '../../messages/book-outputs.ts'
import type { ImportOutput } from '../../messages/import-output.ts'
import type { TradeOutput } from '../../messages/price-outputs.ts'

const PRICE_SCALE = 4
const LOCATES = 2 ** 16

/** A stock of the day. */
export interface Stock {
  readonly symbol: string
  /** The bytes of its name, as messages have them. */
  readonly first: number
  readonly last: number
  readonly isWanted: boolean
  readonly l3: L3Output
  readonly trades: TradeOutput
}

/** The stocks of a day by their stock locate: what a directory says, or the first message with a name. */
export class StockTable {
  readonly #venue: string
  readonly #output: ImportOutput
  readonly #stocks: (Stock | null)[] = new Array<Stock | null>(LOCATES).fill(null)

  constructor(venue: string, output: ImportOutput) {
    this.#venue = venue
    this.#output = output
  }

  /** Null: no message said its name yet. */
  at(locate: number): Stock | null {
    return this.#stocks[locate]!
  }

  /**
   * The stock of a locate that is not known, of the name at a place: 8 bytes, padded with blanks. Null: it is none.
   * @throws ReplayError input `symbol-collision`
   */
  add(locate: number, view: DataView, at: number): Stock | null {
    const symbol = nameAt(view, at)
    if (!/^[\x21-\x7e]+$/.test(symbol)) return null
    const { isWanted, l3, trades } = this.#output.instrument(this.#venue, symbol)
    l3.setScales(PRICE_SCALE, 0)
    const stock: Stock = { symbol, first: view.getInt32(at), last: view.getInt32(at + 4), isWanted, l3, trades }
    this.#stocks[locate] = stock
    return stock
  }
}

/** The name at a place, without its blanks. */
export function nameAt(view: DataView, at: number): string {
  return LATIN.decode(new Uint8Array(view.buffer, view.byteOffset + at, 8)).trimEnd()
}

const LATIN = new TextDecoder('latin1')
