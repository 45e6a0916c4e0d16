import { type DbnVersion, DEFINITION_INCREMENT, DEFINITION_SYMBOL, INSTRUMENT, NO_PRICE_HIGH, SYMBOL_BYTES } from './layout.ts'
import { textOf } from './metadata.ts'
import { decimalsOf } from './nano-price.ts'

/** What definitions say of the decimals of prices: those of the smallest increment. */
export class Definitions {
  readonly #bySymbol = new Map<string, number>()
  readonly #byId = new Map<number, number>()

  learn(view: DataView, at: number, version: DbnVersion): void {
    const low = view.getUint32(at + DEFINITION_INCREMENT, true)
    const high = view.getInt32(at + DEFINITION_INCREMENT + 4, true)
    // Undefined in some datasets.
    if (high < 0 || high === NO_PRICE_HIGH || (high === 0 && low === 0)) return
    const decimals = decimalsOf(low, high)
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    raise(this.#bySymbol, textOf(bytes, at + DEFINITION_SYMBOL[version], SYMBOL_BYTES[version]), decimals)
    raise(this.#byId, view.getUint32(at + INSTRUMENT, true), decimals)
  }

  /** 0: nothing is known of it. @param id where its symbol is not the one of its definition, as in continuous contracts */
  decimals(symbol: string, id: number): number {
    return this.#bySymbol.get(symbol) ?? this.#byId.get(id) ?? 0
  }
}

function raise<K>(map: Map<K, number>, key: K, decimals: number): void {
  map.set(key, Math.max(map.get(key) ?? 0, decimals))
}
