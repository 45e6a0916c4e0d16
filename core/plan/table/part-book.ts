import type { ObjectStore } from '../../store/object-store.ts'
import type { AddFile } from '../../table/delta-action.ts'
import { namesOfPart } from '../../table/vacuum.ts'
import { readPlanHead } from '../run/plan-document.ts'
import { readTaskOutcomes } from '../run/run-receipts.ts'
import { CELLS_FOLDER, CELLS_TAG, decodeCells, encodePart, type PartHeader, readSegment } from './cell-segment.ts'
import type { LiveCells } from './live-cells.ts'
import type { LiveCell } from './pack.ts'

/**
 * Looks up what parts of ours hold. Their tags name the objects that tell it; where another program's checkpoint or RESTORE did not keep
 * tags, the name of a part says which run or commit made it, and the receipts or objects of that one tell it.
 */
export class PartBook {
  readonly #store: ObjectStore
  /** By run and attempt. */
  readonly #made = new Map<string, Promise<ReadonlyMap<string, readonly LiveCell[]>>>()

  constructor(store: ObjectStore) {
    this.#store = store
  }

  /** The partitions of some parts, by key; of parts of other programs nothing. */
  async cellsOf(parts: readonly AddFile[]): Promise<Map<string, readonly LiveCell[]>> {
    const found = new Map<string, readonly LiveCell[]>()
    await this.#find(parts, (header, cells) => found.set(header.path, decodeCells(header, cells)))
    return found
  }

  /** Adds the partitions of parts, of which there may be very many; gives the parts that are not ours. */
  async addTo(cells: LiveCells, parts: readonly AddFile[]): Promise<AddFile[]> {
    return this.#find(parts, (header, text) => cells.addText(header, text))
  }

  async #find(parts: readonly AddFile[], onPart: (header: PartHeader, cells: string) => void): Promise<AddFile[]> {
    const rest = new Map(parts.map((part) => [part.path, part]))
    for (const name of new Set(parts.flatMap(({ tags }) => tags?.[CELLS_TAG] ?? []))) {
      for await (const { header, cells } of readSegment(this.#store, name)) {
        if (rest.get(header.path)?.tags?.[CELLS_TAG] !== name) continue
        rest.delete(header.path)
        onPart(header, cells)
      }
    }
    for (const path of [...rest.keys()]) {
      const cells = await this.#cellsByName(path)
      if (cells === null) continue
      rest.delete(path)
      const { venue, symbol } = cells[0]!
      const [header, text] = encodePart({ path, venue, symbol, cells })
      onPart(JSON.parse(header) as PartHeader, text)
    }
    return [...rest.values()]
  }

  /** Null: no run of this table put the part. */
  async #cellsByName(path: string): Promise<readonly LiveCell[] | null> {
    const names = namesOfPart(path)
    if (names === null) return null
    const key = `${names.run}-${names.attempt}`
    const known = this.#made.get(key) ?? this.#read(names.run, key).catch(() => new Map<string, readonly LiveCell[]>())
    this.#made.set(key, known)
    return (await known).get(path) ?? null
  }

  async #read(run: string, commit: string): Promise<ReadonlyMap<string, readonly LiveCell[]>> {
    const cells = new Map<string, readonly LiveCell[]>()
    for await (const { key } of this.#store.list(`${CELLS_FOLDER}${commit}-`)) {
      const name = key.slice(CELLS_FOLDER.length).replace(/\.cells$/, '')
      for await (const part of readSegment(this.#store, name)) cells.set(part.header.path, decodeCells(part.header, part.cells))
    }
    if (cells.size > 0) return cells
    for await (const { parts } of readTaskOutcomes(this.#store, await readPlanHead(this.#store, run))) {
      for (const { path, cells: own } of parts)
        cells.set(
          path,
          own.map(({ cell }) => cell),
        )
    }
    return cells
  }
}
