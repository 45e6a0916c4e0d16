import { isoTime } from '../../instant.ts'
import type { AddFile } from '../../table/delta-action.ts'
import type { TableState } from '../../table/delta-log.ts'
import type { LiveCell } from './pack.ts'

/** The tags of a part that tell its partition. Written by `commit`, read back by `liveCellOf`. */
export function tagsOf(cell: LiveCell): Record<string, string> {
  const { venue, symbol, startNs, endNs, variants, fingerprint, inputs, restart, run } = cell
  return { venue, symbol, cell: `${startNs}/${endNs}`, variants: variants.join(' '), fingerprint, inputs, restart, run }
}

/** Null for a part that another program added: it is no partition of a job. */
export function liveCellOf({ path, tags }: AddFile): LiveCell | null {
  const [startNs, endNs] = tags?.cell?.split('/') ?? []
  if (tags === undefined || startNs === undefined || endNs === undefined) return null
  const { venue = '', symbol = '', variants = '', fingerprint = '', inputs = '', restart = '', run = '' } = tags
  return { venue, symbol, startNs, endNs, variants: variants.split(' '), fingerprint, inputs, restart, run, path }
}

/** The done partitions of a table by cell, those without rows included. */
export class LiveCells {
  readonly #byCell = new Map<string, LiveCell[]>()
  /** The cells of each instrument; disjoint, ascending once sorted. */
  readonly #spans = new Map<string, { startNs: bigint; endNs: bigint }[]>()
  #isSorted = false

  constructor(cells: Iterable<LiveCell>) {
    for (const cell of cells) this.#add(cell)
  }

  of(venue: string, symbol: string, startNs: bigint | string, endNs: bigint | string): readonly LiveCell[] {
    return this.#byCell.get(`${venue}/${symbol}/${startNs}/${endNs}`) ?? []
  }

  /** A live cell that overlaps this one and is not the same, as text; null when there is none. */
  overlapping(venue: string, symbol: string, startNs: bigint, endNs: bigint): string | null {
    if (!this.#isSorted) this.#sort()
    const spans = this.#spans.get(`${venue}/${symbol}`) ?? []
    // The first that ends after our start is the only one that can begin before our end, or the first of those.
    let [low, high] = [0, spans.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (spans[middle]!.endNs <= startNs) low = middle + 1
      else high = middle
    }
    const found = spans[low]
    if (found === undefined || found.startNs >= endNs) return null
    if (found.startNs === startNs && found.endNs === endNs) return null
    return `${venue}/${symbol} ${isoTime(found.startNs)} to ${isoTime(found.endNs)}`
  }

  #add(cell: LiveCell): void {
    const { venue, symbol, startNs, endNs } = cell
    const key = `${venue}/${symbol}/${startNs}/${endNs}`
    const known = this.#byCell.get(key)
    if (known !== undefined) {
      known.push(cell)
      return
    }
    this.#byCell.set(key, [cell])
    const instrument = `${venue}/${symbol}`
    const spans = this.#spans.get(instrument) ?? []
    spans.push({ startNs: BigInt(startNs), endNs: BigInt(endNs) })
    this.#spans.set(instrument, spans)
  }

  #sort(): void {
    for (const spans of this.#spans.values()) spans.sort((a, b) => (a.startNs < b.startNs ? -1 : 1))
    this.#isSorted = true
  }
}

/** The partitions of the live parts of a table. */
export function* livePartCells(state: TableState): Generator<LiveCell> {
  for (const part of state.parts.values()) {
    const cell = liveCellOf(part)
    if (cell !== null) yield cell
  }
}
