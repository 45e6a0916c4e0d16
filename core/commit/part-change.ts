import fs from 'node:fs'
import { inTurns } from '../in-turns.ts'
import { SegmentWriter } from '../plan/table/cell-segment.ts'
import type { LiveCell, Pack } from '../plan/table/pack.ts'
import type { PartLedger } from '../plan/table/part-ledger.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { AddFile } from '../table/delta-action.ts'
import type { TableState } from '../table/delta-log.ts'
import { makeTemporaryFolder } from '../temporary-folder.ts'
import type { DoneCell, TimeBounds } from './done-parts.ts'
import { addOf, type ListedPart } from './part-adds.ts'
import { type CopiedCell, type CopiedCells, rewriteParts } from './part-rewrite.ts'

export interface PartChangeOptions {
  readonly table: ObjectStore
  readonly state: TableState | null
  readonly ledger: PartLedger
  /** Run and attempt that new parts and lists of cells are named after. */
  readonly run: string
  readonly attempt: string
  /** Names the columns of new rows. */
  readonly columns: string
  /** Milliseconds since the epoch. */
  readonly nowMs: number
}

/** A part that tasks made. */
export interface NewPart {
  readonly path: string
  readonly size: number
  /** Of the whole part. */
  readonly rows: number
  readonly cells: readonly DoneCell[]
  readonly bounds: TimeBounds
  readonly endedMs: number
}

/** Parts that are copied side by side. */
const COPIES_AT_ONCE = 8

/** Collects what a version does to the parts of a table. Parts of which only some partitions are wanted are made anew without the others. */
export class PartChange {
  readonly #options: PartChangeOptions
  readonly #adds: AddFile[] = []
  readonly #removes: AddFile[] = []
  readonly #segments: SegmentWriter
  /** Partitions that go, by live part. */
  readonly #replaced = new Map<string, LiveCell[]>()
  /** Partitions that keep some of their variants, as they are to be, by live part and cell. */
  readonly #narrowed = new Map<string, Map<string, LiveCell>>()
  readonly #rowless: Set<LiveCell>
  readonly #copies: { readonly source: CopiedCells; readonly columns: string; readonly dataChange: boolean }[] = []
  #rows = 0
  #bytes = 0
  #scratch: string | null = null

  constructor(options: PartChangeOptions) {
    const { table, ledger, run, attempt } = options
    this.#options = options
    this.#segments = new SegmentWriter(table, `${run}-${attempt}`)
    this.#rowless = new Set(ledger.empty)
  }

  /** Partitions without rows, once all is told. */
  get rowless(): LiveCell[] {
    return [...this.#rowless]
  }

  /** A live partition goes. */
  replace(cell: LiveCell): void {
    if (cell.path === null) this.#rowless.delete(cell)
    else this.#replaced.set(cell.path, [...(this.#replaced.get(cell.path) ?? []), cell])
  }

  /** Of a live partition only some variants stay. @param to the same partition with these */
  narrow(cell: LiveCell, to: LiveCell): void {
    if (cell.path === null) {
      this.#rowless.delete(cell)
      this.#rowless.add({ ...to, rows: 0, sum: '0' })
      return
    }
    const known = this.#narrowed.get(cell.path) ?? new Map<string, LiveCell>()
    this.#narrowed.set(cell.path, known.set(keyOf(cell), to))
  }

  replacePack({ paths }: Pack): void {
    for (const path of paths) this.#removes.push(this.#options.state!.parts.get(path)!)
  }

  addRowless(cell: LiveCell): void {
    this.#rowless.add(cell)
  }

  /** @param wanted of its cells */
  async addPart(part: NewPart, wanted: readonly DoneCell[]): Promise<void> {
    const { columns } = this.#options
    const rows = wanted.reduce((sum, { cell }) => sum + cell.rows, 0)
    this.#rows += rows
    if (rows !== part.rows) {
      this.#copies.push({ source: { path: part.path, size: part.size, cells: wanted }, columns, dataChange: true })
      return
    }
    const cells = wanted.map(({ cell }) => cell)
    await this.#list({ path: part.path, size: part.size, cells, bounds: part.bounds, columns, modifiedMs: part.endedMs, dataChange: true })
  }

  /** Makes the parts that have to be made anew. @throws ReplayError those of `rewriteParts` */
  async finish(): Promise<{ adds: readonly AddFile[]; removes: readonly AddFile[]; rows: number; bytes: number }> {
    for (const path of new Set([...this.#replaced.keys(), ...this.#narrowed.keys()])) this.#takeOut(path)
    await this.#copyAll()
    await this.#segments.close()
    return { adds: this.#adds, removes: this.#removes, rows: this.#rows, bytes: this.#bytes }
  }

  close(): void {
    if (this.#scratch !== null) fs.rmSync(this.#scratch, { recursive: true, force: true })
  }

  #takeOut(path: string): void {
    const { ledger, state } = this.#options
    const gone = this.#replaced.get(path) ?? []
    const narrowed = this.#narrowed.get(path)
    const { venue, symbol } = gone[0] ?? [...narrowed!.values()][0]!
    const live = state!.parts.get(path)!
    const keys = new Set(gone.map(keyOf))
    let firstRow = 0
    const rest: CopiedCell[] = []
    for (const cell of ledger.cells.inPart(venue, symbol, path)) {
      const key = keyOf(cell)
      if (!keys.has(key)) rest.push({ cell, firstRow, narrowed: narrowed?.get(key) })
      firstRow += cell.rows
    }
    this.#removes.push(live)
    if (rest.length > 0) {
      this.#copies.push({ source: { path, size: live.size, cells: rest }, columns: live.tags?.columns ?? '', dataChange: true })
    }
  }

  async #copyAll(): Promise<void> {
    if (this.#copies.length === 0) return
    const { table, run, attempt, nowMs } = this.#options
    this.#scratch = makeTemporaryFolder('chronicle-replay-commit-')
    const scratch = this.#scratch
    await inTurns(this.#copies, COPIES_AT_ONCE, async ({ source, columns, dataChange }) => {
      const made = await rewriteParts(table, [source], { run, attempt, scratch })
      const withRows = new Set(made?.cells.map(keyOf))
      for (const { narrowed } of source.cells) {
        if (narrowed !== undefined && !withRows.has(keyOf(narrowed))) this.#rowless.add({ ...narrowed, path: null, rows: 0, sum: '0' })
      }
      if (made !== null) await this.#list({ ...made, columns, modifiedMs: nowMs, dataChange })
    })
  }

  async #list(part: Omit<ListedPart, 'segment'>): Promise<void> {
    const { venue, symbol } = part.cells[0]!
    const cells = part.cells.map((cell) => ({ ...cell, path: part.path }))
    const segment = await this.#segments.add({ path: part.path, venue, symbol, cells })
    this.#adds.push(addOf({ ...part, segment }))
    this.#bytes += part.size
  }
}

function keyOf({ startNs, endNs, variants }: LiveCell): string {
  return `${startNs}/${endNs}/${variants.join(' ')}`
}
