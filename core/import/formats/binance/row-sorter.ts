import fs from 'node:fs'
import path from 'node:path'
import { needingRoom } from '../../../disk-full.ts'
import { ReplayError } from '../../../errors.ts'
import { makeTemporaryFolder } from '../../../temporary-folder.ts'

/** Hears of a row: `rows[at … at + width)`, its id first. */
export type RowTaker = (rows: Float64Array, at: number) => void

export interface RowSorterOptions {
  /** Numbers of a row; the first is its id. */
  readonly width: number
  /** In errors. */
  readonly path: string
  /** Nothing is given before all rows are there: whatever their order, they come sorted. */
  readonly sortsAll?: boolean
  /** Rows in memory. @default 2^20 */
  readonly windowRows?: number
}

/**
 * Gives rows in ascending order of their ids, in bounded memory. As long as they come so, they pass through a window, and nothing else is
 * done; from the first step back on they are sorted by way of a temporary file. A row whose id is behind one that was given already is an
 * error that names the way out, as what was written stays.
 */
export class RowSorter {
  /** The next row goes to `rows[at …)`; then `commit`. */
  rows: Float64Array
  at = 0
  /** Rows whose id is below that of the row before. */
  stepsBack = 0
  readonly #width: number
  readonly #limit: number
  readonly #path: string
  readonly #take: RowTaker
  #previous = Number.NEGATIVE_INFINITY
  #given = Number.NEGATIVE_INFINITY
  #isSorting: boolean
  #runs: SortedRuns | null = null

  constructor({ width, path, sortsAll = false, windowRows = 1 << 20 }: RowSorterOptions, take: RowTaker) {
    this.#width = width
    this.#limit = windowRows * width
    this.#path = path
    this.#isSorting = sortsAll
    this.#take = take
    this.rows = new Float64Array(Math.min(windowRows, 1 << 12) * width)
  }

  /** Takes the row. @throws ReplayError input `binance-order`, `disk-full` */
  commit(line: number): void {
    const id = this.rows[this.at]!
    if (id < this.#previous) this.#stepBack(id, line)
    this.#previous = id
    this.at += this.#width
    if (this.at === this.rows.length) this.#makeRoom()
  }

  /** Gives all that is left. */
  finish(): void {
    if (this.#runs === null) {
      if (this.stepsBack === 0) this.#give(this.at)
      else for (const from of this.#order()) this.#take(this.rows, from * this.#width)
      this.at = 0
      return
    }
    this.#spill()
    this.#runs.merge(this.#take)
  }

  /** Removes temporary files. */
  close(): void {
    this.#runs?.close()
  }

  #stepBack(id: number, line: number): void {
    this.stepsBack++
    this.#isSorting = true
    if (id >= this.#given) return
    const message =
      `line ${line}: id ${id} comes after id ${this.#given}, which is written already: rows are out of order by more than ` +
      `${this.#limit / this.#width / 2} rows; import the file again with sort=all, which sorts it as a whole first`
    throw new ReplayError('binance-order', message, { category: 'input', path: this.#path })
  }

  #makeRoom(): void {
    if (this.rows.length < this.#limit) {
      const larger = new Float64Array(Math.min(2 * this.rows.length, this.#limit))
      larger.set(this.rows)
      this.rows = larger
    } else if (this.#isSorting) {
      this.#spill()
    } else {
      const half = Math.floor(this.at / this.#width / 2) * this.#width
      this.#give(half)
      this.#given = this.rows[half - this.#width]!
      this.rows.copyWithin(0, half, this.at)
      this.at -= half
    }
  }

  #give(end: number): void {
    const { rows } = this
    for (let at = 0; at < end; at += this.#width) this.#take(rows, at)
  }

  #spill(): void {
    if (this.at === 0) return
    this.#runs ??= new SortedRuns(this.#width)
    this.#runs.add(this.rows, this.#order())
    this.at = 0
  }

  /** Rows in the order of their ids; those with equal ones in that of the file. */
  #order(): Uint32Array {
    const [rows, width] = [this.rows, this.#width]
    return Uint32Array.from({ length: this.at / width }, (_, i) => i).sort((a, b) => rows[a * width]! - rows[b * width]! || a - b)
  }
}

/** Rows that are written, and read, at one time. */
const PIECE_ROWS = 1024

/** Runs of sorted rows in a temporary file. */
class SortedRuns {
  readonly #width: number
  readonly #folder = makeTemporaryFolder('chronicle-replay-sort-')
  readonly #fd: number
  /** Where runs end, in bytes. */
  readonly #ends: number[] = []
  #bytes = 0

  constructor(width: number) {
    this.#width = width
    this.#fd = needingRoom(this.#folder, 'file to sort rows', () => fs.openSync(path.join(this.#folder, 'runs'), 'w+'))
  }

  add(rows: Float64Array, order: Uint32Array): void {
    const width = this.#width
    const piece = new Float64Array(PIECE_ROWS * width)
    let at = 0
    for (const [i, from] of order.entries()) {
      for (let k = 0; k < width; k++) piece[at + k] = rows[from * width + k]!
      at += width
      if (at < piece.length && i < order.length - 1) continue
      this.#write(new Uint8Array(piece.buffer, 0, at * 8))
      at = 0
    }
    this.#ends.push(this.#bytes)
  }

  /** Gives the rows of all runs in the order of their ids; of equal ones those of the earlier run first. */
  merge(take: RowTaker): void {
    const cursors = this.#ends.map((end, i) => new RunCursor(this.#fd, i, i === 0 ? 0 : this.#ends[i - 1]!, end, this.#width))
    const heap: RunCursor[] = []
    for (const cursor of cursors) if (cursor.fill()) siftUp(heap, cursor)
    for (let first = heap[0]; first !== undefined; first = heap[0]) {
      take(first.rows, first.at)
      if (!first.next()) {
        const last = heap.pop()!
        if (heap.length === 0) break
        heap[0] = last
      }
      siftDown(heap)
    }
  }

  close(): void {
    fs.closeSync(this.#fd)
    fs.rmSync(this.#folder, { recursive: true, force: true })
  }

  #write(bytes: Uint8Array): void {
    needingRoom(this.#folder, 'file to sort rows', () => {
      for (let at = 0; at < bytes.length; ) at += fs.writeSync(this.#fd, bytes, at, bytes.length - at, this.#bytes + at)
    })
    this.#bytes += bytes.length
  }
}

/** A place in a run. */
class RunCursor {
  readonly run: number
  readonly rows: Float64Array
  at = 0
  #filled = 0
  readonly #fd: number
  readonly #width: number
  #from: number
  readonly #end: number

  constructor(fd: number, run: number, from: number, end: number, width: number) {
    this.#fd = fd
    this.run = run
    this.#from = from
    this.#end = end
    this.#width = width
    this.rows = new Float64Array(PIECE_ROWS * width)
  }

  /** False: the run is over. */
  fill(): boolean {
    const bytes = new Uint8Array(this.rows.buffer, 0, Math.min(this.rows.byteLength, this.#end - this.#from))
    for (let got = 0; got < bytes.length; ) {
      const read = fs.readSync(this.#fd, bytes, got, bytes.length - got, this.#from + got)
      if (read === 0) throw new ReplayError('binance-sort', 'the temporary file was cut while rows were sorted', { category: 'bug' })
      got += read
    }
    this.#from += bytes.length
    this.#filled = bytes.length / 8
    this.at = 0
    return bytes.length > 0
  }

  next(): boolean {
    this.at += this.#width
    return this.at < this.#filled || this.fill()
  }

  isBefore(other: RunCursor): boolean {
    const difference = this.rows[this.at]! - other.rows[other.at]!
    return difference < 0 || (difference === 0 && this.run < other.run)
  }
}

function siftUp(heap: RunCursor[], cursor: RunCursor): void {
  let at = heap.push(cursor) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!cursor.isBefore(heap[parent]!)) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = cursor
}

/** The first has changed. */
function siftDown(heap: RunCursor[]): void {
  const cursor = heap[0]!
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && heap[child + 1]!.isBefore(heap[child]!)) child++
    if (!heap[child]!.isBefore(cursor)) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = cursor
}
