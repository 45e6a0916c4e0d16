/** A stretch of time that messages are counted for; half-open, microseconds since the epoch. */
export interface TallyCell {
  readonly startMicros: number
  readonly endMicros: number
}

/** Where a message lies that was left out. */
export interface LeftOutPlace {
  readonly reason: string
  /** Log directory or URI. */
  readonly path: string
  readonly segment: number
  /** Offset in the uncompressed segment. */
  readonly offset: number
}

/** What became of the messages of a cell: read = handled + all that was left out. */
export interface CellTally {
  readonly read: number
  /** Messages that rows do without, by reason. */
  readonly leftOut: Readonly<Record<string, number>>
  /** What cost no message but should be known, by kind. */
  readonly noted: Readonly<Record<string, number>>
  /** Where the first messages of each reason lie that were left out. */
  readonly places: readonly LeftOutPlace[]
  /** Exchange time minus record time of the messages that were left out as `beyond-skew`, microseconds; null: none was. */
  readonly skew: { readonly minMicros: number; readonly maxMicros: number } | null
}

interface OpenTally {
  handled: number
  readonly leftOut: Map<string, number>
  readonly noted: Map<string, number>
  readonly places: LeftOutPlace[]
  minSkew: number
  maxSkew: number
}

/** Places kept per cell and reason; further ones are only counted. */
const MAX_PLACES = 3

/**
 * Counts messages by the cell that they belong to: with the record clock that which time has come to when they arrive; with the
 * exchange's that of their own time if they were taken, else that of the record time. So a message is counted once whatever
 * passes the cells are cut into, and never in a warm-up.
 */
export class MessageTally {
  readonly #cells: readonly TallyCell[]
  readonly #open: (OpenTally | undefined)[] = []
  /** The cell met last. */
  #at = 0
  #start = Number.POSITIVE_INFINITY
  #end = Number.NEGATIVE_INFINITY
  #current: OpenTally | null = null

  /** @param cells by time, disjoint */
  constructor(cells: readonly TallyCell[]) {
    this.#cells = cells
  }

  /** A message was handled. */
  handle(micros: number): void {
    if (micros < this.#start || micros >= this.#end) this.#find(micros)
    if (this.#current !== null) this.#current.handled++
  }

  /** Messages were handled, all in the cell of a time. */
  handleMany(micros: number, count: number): void {
    const cell = this.#cellAt(micros)
    if (cell !== null) cell.handled += count
  }

  /** The end of the cell that a time lies in, or of the time between two. */
  endAt(micros: number): number {
    this.#cellAt(micros)
    return this.#end
  }

  /** A message was left out. @param offset in the uncompressed segment */
  leave(reason: string, micros: number, path: string, segment: number, offset: number): void {
    const cell = this.#cellAt(micros)
    if (cell === null) return
    if (add(cell.leftOut, reason) <= MAX_PLACES) cell.places.push({ reason, path, segment, offset })
  }

  /** Exchange time minus record time of a message that was left out because they are too far apart. */
  skew(micros: number, skewMicros: number): void {
    const cell = this.#cellAt(micros)
    if (cell === null) return
    cell.minSkew = Math.min(cell.minSkew, skewMicros)
    cell.maxSkew = Math.max(cell.maxSkew, skewMicros)
  }

  note(kind: string, micros: number): void {
    const cell = this.#cellAt(micros)
    if (cell !== null) add(cell.noted, kind)
  }

  /** @param index of the cell */
  of(index: number): CellTally {
    const cell = this.#open[index]
    if (cell === undefined) return NOTHING
    const { handled, leftOut, noted, places, minSkew, maxSkew } = cell
    const left = [...leftOut.values()].reduce((sum, count) => sum + count, 0)
    return {
      read: handled + left,
      leftOut: Object.fromEntries(leftOut),
      noted: Object.fromEntries(noted),
      places,
      skew: minSkew > maxSkew ? null : { minMicros: minSkew, maxMicros: maxSkew },
    }
  }

  #cellAt(micros: number): OpenTally | null {
    if (micros < this.#start || micros >= this.#end) this.#find(micros)
    return this.#current
  }

  /** Time mostly goes on to the next cell. */
  #find(micros: number): void {
    const cells = this.#cells
    let at = this.#at
    while (at > 0 && micros < cells[at]!.startMicros) at--
    while (at < cells.length && micros >= cells[at]!.endMicros) at++
    const cell = cells[at]
    this.#at = Math.min(at, cells.length - 1)
    if (cell !== undefined && micros >= cell.startMicros) {
      this.#start = cell.startMicros
      this.#end = cell.endMicros
      this.#current = this.#open[at] ??= newTally()
      return
    }
    // Between two cells, before the first, or behind the last.
    this.#start = cells[at - 1]?.endMicros ?? Number.NEGATIVE_INFINITY
    this.#end = cell?.startMicros ?? Number.POSITIVE_INFINITY
    this.#current = null
  }
}

function newTally(): OpenTally {
  return {
    handled: 0,
    leftOut: new Map(),
    noted: new Map(),
    places: [],
    minSkew: Number.POSITIVE_INFINITY,
    maxSkew: Number.NEGATIVE_INFINITY,
  }
}

function add(counts: Map<string, number>, name: string): number {
  const count = (counts.get(name) ?? 0) + 1
  counts.set(name, count)
  return count
}

const NOTHING: CellTally = { read: 0, leftOut: {}, noted: {}, places: [], skew: null }
