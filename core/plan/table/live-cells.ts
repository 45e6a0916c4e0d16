import { isoTime } from '../../instant.ts'
import { TextHeap } from '../text-heap.ts'
import { decodeCells, encodePart, type PartCells, type PartHeader } from './cell-segment.ts'
import type { LiveCell } from './pack.ts'

/**
 * The done partitions of a table by cell, those without rows included. There may be millions: they are kept as compressed text, and those
 * of one instrument are taken out at a time, so that whoever goes by instruments is quick.
 */
export class LiveCells {
  /** Partitions by run and variant. */
  readonly #counts = new Map<string, Map<string, number>>()
  readonly #text = new TextHeap()
  /** By `venue/symbol`: places of parts in the heap, and partitions that no part of ours holds. */
  readonly #instruments = new Map<string, { readonly places: number[]; readonly loose: LiveCell[] }>()
  #open: { readonly key: string; readonly cells: InstrumentCells } | null = null

  /** A part as its object tells of it. */
  addText(header: PartHeader, cells: string): void {
    const { runs, variants, counts } = header
    for (const [set, run, count] of counts) this.#count(runs[run]!, variants[set]!.split(' '), count)
    this.#of(header.venue, header.symbol).places.push(this.#text.write(`${JSON.stringify(header)}\n${cells}`))
  }

  addPart(part: PartCells): void {
    const [header, cells] = encodePart(part)
    this.addText(JSON.parse(header) as PartHeader, cells)
  }

  /** One without rows, or in a part of another program. */
  add(cell: LiveCell): void {
    this.#count(cell.run, cell.variants, 1)
    this.#of(cell.venue, cell.symbol).loose.push(cell)
  }

  /** The runs that partitions are of, and how many of each have a variant. */
  get counts(): ReadonlyMap<string, ReadonlyMap<string, number>> {
    return this.#counts
  }

  of(venue: string, symbol: string, startNs: bigint | string, endNs: bigint | string): readonly LiveCell[] {
    return this.#cells(venue, symbol)?.of(startNs, endNs) ?? []
  }

  /** A live cell that overlaps this one and is not the same, as text; null when there is none. */
  overlapping(venue: string, symbol: string, startNs: bigint, endNs: bigint): string | null {
    const found = this.#cells(venue, symbol)?.overlapping(startNs, endNs)
    return found === undefined ? null : `${venue}/${symbol} ${isoTime(found.startNs)} to ${isoTime(found.endNs)}`
  }

  /** The partitions of a part, in order of rows. */
  inPart(venue: string, symbol: string, path: string): readonly LiveCell[] {
    return this.#cells(venue, symbol)?.all.filter((cell) => cell.path === path) ?? []
  }

  /** All of them, by instrument. */
  *all(): Generator<LiveCell, void, undefined> {
    for (const instrument of this.#instruments.values()) yield* this.#decode(instrument)
  }

  #count(run: string, variants: readonly string[], partitions: number): void {
    const own = this.#counts.get(run) ?? new Map<string, number>()
    this.#counts.set(run, own)
    for (const id of variants) own.set(id, (own.get(id) ?? 0) + partitions)
  }

  #of(venue: string, symbol: string) {
    const key = `${venue}/${symbol}`
    const known = this.#instruments.get(key) ?? { places: [], loose: [] }
    this.#instruments.set(key, known)
    if (this.#open?.key === key) this.#open = null
    return known
  }

  #cells(venue: string, symbol: string): InstrumentCells | null {
    const key = `${venue}/${symbol}`
    if (this.#open?.key === key) return this.#open.cells
    const instrument = this.#instruments.get(key)
    if (instrument === undefined) return null
    const cells = new InstrumentCells(this.#decode(instrument))
    this.#open = { key, cells }
    return cells
  }

  #decode({ places, loose }: { readonly places: readonly number[]; readonly loose: readonly LiveCell[] }): LiveCell[] {
    const inParts = places.flatMap((place) => {
      const text = this.#text.read(place)
      const end = text.indexOf('\n')
      return decodeCells(JSON.parse(text.slice(0, end)) as PartHeader, text.slice(end + 1))
    })
    return [...inParts, ...loose]
  }
}

/** The partitions of one instrument. */
class InstrumentCells {
  readonly all: readonly LiveCell[]
  readonly #byCell = new Map<string, LiveCell[]>()
  /** Disjoint, ascending. */
  readonly #spans: { readonly startNs: bigint; readonly endNs: bigint }[] = []

  constructor(cells: readonly LiveCell[]) {
    this.all = cells
    for (const cell of cells) {
      const key = `${cell.startNs}/${cell.endNs}`
      const known = this.#byCell.get(key)
      if (known !== undefined) {
        known.push(cell)
        continue
      }
      this.#byCell.set(key, [cell])
      this.#spans.push({ startNs: BigInt(cell.startNs), endNs: BigInt(cell.endNs) })
    }
    this.#spans.sort((a, b) => (a.startNs < b.startNs ? -1 : 1))
  }

  of(startNs: bigint | string, endNs: bigint | string): readonly LiveCell[] {
    return this.#byCell.get(`${startNs}/${endNs}`) ?? []
  }

  overlapping(startNs: bigint, endNs: bigint): { readonly startNs: bigint; readonly endNs: bigint } | undefined {
    const spans = this.#spans
    // The first that ends after our start is the only one that can begin before our end, or the first of those.
    let [low, high] = [0, spans.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (spans[middle]!.endNs <= startNs) low = middle + 1
      else high = middle
    }
    const found = spans[low]
    if (found === undefined || found.startNs >= endNs) return undefined
    return found.startNs === startNs && found.endNs === endNs ? undefined : found
  }
}
