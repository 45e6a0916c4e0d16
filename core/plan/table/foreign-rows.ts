import { ReplayError } from '../../errors.ts'
import type { CellGrid } from '../cells.ts'
import { type JudgedCell, partitionText } from '../partition-state.ts'
import type { LiveParts } from './live-parts.ts'
import type { LiveCell } from './pack.ts'
import { isOfInstrument, liesWithin, mayHold, type OnForeign, type Pack, whyKept } from './pack.ts'

/** The packs of an instrument that are to be replaced. */
export type ReplacedPacks = ReadonlySet<Pack>

const NONE: ReplacedPacks = new Set()

interface Place {
  readonly venue: string
  readonly symbol: string
}

/**
 * What a plan does about rows in parts of other programs: a pack of which one partition runs is replaced as a whole, so all of its
 * partitions run. What another program changed or brought is left alone or replaced as the user says; where nothing is said and a
 * run would have to write there, the plan is refused.
 */
export class ForeignRows {
  readonly #packs = new Map<string, Pack[]>()
  readonly #grid: CellGrid
  readonly #known: ReadonlySet<string>
  readonly #onForeign: OnForeign | undefined
  readonly #refused = new Map<string, { count: number; first: string }>()
  readonly #left = new Map<string, { changed: number; added: number }>()

  /** @param known variants whose parameters are known */
  constructor(live: LiveParts, grid: CellGrid, known: ReadonlySet<string>, onForeign: OnForeign | undefined) {
    this.#grid = grid
    this.#known = known
    this.#onForeign = onForeign
    for (const pack of live.packs) {
      const [venue, symbol] = pack.partition
      const key = `${venue}/${symbol}`
      this.#packs.set(key, [...(this.#packs.get(key) ?? []), pack])
    }
  }

  /**
   * The packs of an instrument that are to be replaced.
   * @param inRange its cells in the plan's range, and whether their input is gone
   * @param judge what a plan makes of a cell when these packs are replaced; null: nothing
   * @throws ReplayError input `foreign-pack`: a pack that reaches beyond the plan
   */
  replaced(
    place: Place,
    inRange: () => Iterable<readonly [cell: number, isGone: boolean]>,
    judge: (cell: number, isGone: boolean, replaced: ReplacedPacks) => JudgedCell | null,
  ): ReplacedPacks {
    const packs = this.#packs.get(`${place.venue}/${place.symbol}`)
    if (packs === undefined) return NONE
    const cells = [...inRange()]
    const replaced = new Set<Pack>()
    for (let size = -1; size !== replaced.size; ) {
      size = replaced.size
      for (const [cell, isGone] of cells) {
        const judged = judge(cell, isGone, replaced)
        if (judged === null || judged.state === 'cached') continue
        for (const pack of packs) if (!replaced.has(pack) && this.#isMet(place, pack, cell, judged)) replaced.add(pack)
      }
    }
    for (const pack of replaced)
      this.#require(
        place,
        pack,
        cells.map(([cell]) => cell),
      )
    for (const pack of packs) if (!replaced.has(pack)) this.#tell(pack)
    return replaced
  }

  /** Whether a cell that runs has rows in a pack: its own, or none of a run. */
  #isMet(place: Place, pack: Pack, cell: number, { variants }: JudgedCell): boolean {
    const [startNs, endNs] = this.#bounds(cell)
    const isOwn = ({ startNs: start, endNs: end, variants: own }: LiveCell): boolean =>
      start === String(startNs) && end === String(endNs) && own.some((id) => variants.includes(id))
    if (pack.cells.some(isOwn)) return true
    if (pack.added === null || this.#onForeign === 'keep') return false
    return isOfInstrument(pack, place) && mayHold(pack, startNs, endNs)
  }

  #require(place: Place, pack: Pack, cells: readonly number[]): void {
    const kept = whyKept(pack, this.#onForeign)
    const first = pack.cells[0]?.startNs ?? pack.firstNs
    const name = partitionText(place.venue, place.symbol, first === null || first === undefined ? 0n : BigInt(first))
    if (kept !== null) {
      const known = this.#refused.get(kept)
      this.#refused.set(kept, { count: (known?.count ?? 0) + Math.max(1, pack.cells.length), first: known?.first ?? name })
      return
    }
    const planned = new Set(cells)
    const isReached = ({ startNs, endNs, variants }: LiveCell): boolean =>
      BigInt(endNs) - BigInt(startNs) === this.#grid.sliceNs &&
      planned.has(Number(BigInt(startNs) / this.#grid.sliceNs)) &&
      variants.every((id) => this.#known.has(id))
    const beyond = pack.cells.find((cell) => !isReached(cell))
    if (beyond !== undefined) throw outside(name, partitionText(beyond.venue, beyond.symbol, BigInt(beyond.startNs)), pack)
    const range = [this.#bounds(cells[0]!)[0], this.#bounds(cells.at(-1)!)[1]] as const
    if (pack.added !== null && !liesWithin(pack, ...range)) throw outside(name, `others of ${pack.partition.join('/')}`, pack)
  }

  /** Packs that only hold what runs made are as good as parts of ours. */
  #tell({ changed, added, cells, rows }: Pack): void {
    const by = changed ?? added
    if (by === null) return
    const known = this.#left.get(by) ?? { changed: 0, added: 0 }
    if (changed !== null) known.changed += cells.length
    else known.added += rows ?? 0
    this.#left.set(by, known)
  }

  /** What other programs changed and brought that stays as it is, a line each. */
  notes(): string[] {
    return [...this.#left].slice(0, MAX_NOTES).map(([by, { changed, added }]) => {
      const what =
        changed > 0 ? `changed rows of ${partitionsText(changed)}` : `brought ${added === 0 ? 'rows' : `${added} rows`} of no run`
      return `${by} ${what}; they are left as they are`
    })
  }

  /** @throws ReplayError input `foreign-rows` where the user has to say what to do */
  requireAnswer(): void {
    const all = [...this.#refused]
    const [one] = all
    if (one === undefined) return
    const count = all.reduce((sum, [, { count: own }]) => sum + own, 0)
    const whose = all.slice(0, 3).map(([by, { count: own, first }]) => `${by}: ${own}, the first ${first}`)
    const keep = '--foreign keep leaves them as they are'
    const replace = '--foreign replace takes them out and makes the partitions anew'
    const message = `rows of ${partitionsText(count)} were changed, taken out or brought by another program (${whose.join('; ')}); say what to do: ${keep}, ${replace}`
    throw new ReplayError('foreign-rows', message, { category: 'input' })
  }

  #bounds(cell: number): [bigint, bigint] {
    const startNs = BigInt(cell) * this.#grid.sliceNs
    return [startNs, startNs + this.#grid.sliceNs]
  }
}

function outside(partition: string, other: string, { by }: Pack): ReplayError {
  const message = `partition ${partition} has to be made anew, and its rows lie in one part with those of ${other} (${by}), which this run does not make; ask for all of its time with the table's --slice, the archive and the job's parameters that made them`
  return new ReplayError('foreign-pack', message, { category: 'input' })
}

function partitionsText(count: number): string {
  return count === 1 ? '1 partition' : `${count} partitions`
}

const MAX_NOTES = 20
