import type { ObjectStore } from '../../store/object-store.ts'
import type { AddFile, CommitInfo, DeltaAction, RemoveFile } from '../../table/delta-action.ts'
import { readActions, readCommitInfo, readHistory } from '../../table/delta-history.ts'
import { findTable, type TableState } from '../../table/delta-log.ts'
import { readRecord } from './cell-record.ts'
import { LiveCells } from './live-cells.ts'
import type { LiveCell, Pack } from './pack.ts'
import { PartBook } from './part-book.ts'

/** What the parts of a table hold. */
export interface PartLedger {
  /** Every done partition: in a part of ours, in a pack, or without rows. */
  readonly cells: LiveCells
  /** Those without rows. */
  readonly empty: readonly LiveCell[]
  /** Rows in parts of other programs. */
  readonly packs: readonly Pack[]
  /** What is recorded of cells that no part tells of; to be written again where it is not the same any more. */
  readonly record: string
}

/** Of a table that does not exist yet. */
export function emptyLedger(): PartLedger {
  return { cells: new LiveCells(), empty: [], packs: [], record: '' }
}

/**
 * Reads what the parts of a table hold. Of our own parts their commits tell (cell-segment.ts). Of what other programs did since our last
 * commit the log tells: a version that moves rows (OPTIMIZE) keeps the partitions of the parts it takes out, one that changes rows
 * (DELETE, UPDATE, an overwrite) leaves them changed, and parts that only come hold rows of no run. Our next commit records
 * what is known then, so that it outlives the log.
 */
export async function readPartLedger(store: ObjectStore, state: TableState): Promise<PartLedger> {
  const { text, empty, packs: recorded } = await readRecord(store, state)
  const foreign = await foreignVersions(store, state)
  const base = foreign === null ? null : foreign.length === 0 ? state : await stateBefore(store, foreign[0]!)
  const book = new PartBook(store)
  let [packs, unknownBy] = [recorded.filter(({ paths }) => paths.every((path) => state.parts.has(path))), CLEANED]
  if (foreign !== null && base !== 'gone') {
    const versions: { version: number; actions: readonly DeltaAction[] }[] = []
    for (const version of foreign) versions.push({ version, actions: (await readActions(store, version)) ?? [] })
    const known = await book.cellsOf(mentioned(base, versions))
    const following = new Followed(base, known, recorded)
    for (const { version, actions } of versions) following.follow(version, actions)
    packs = following.packs
    unknownBy = 'another program'
  }
  const cells = new LiveCells()
  const inPack = new Set(packs.flatMap(({ paths }) => paths))
  const own = [...state.parts.values()].filter(({ path }) => !inPack.has(path))
  const unknown = await book.addTo(cells, own)
  const all = [...packs, ...unknown.map((part) => addedPack(part, unknownBy))]
  const rowless = emptyBeside(empty, cells)
  for (const cell of rowless) cells.add(cell)
  for (const pack of all) for (const cell of pack.cells) cells.add({ ...cell, path: null, pack })
  return { cells, empty: rowless, packs: all, record: text }
}

const CLEANED = 'another program, in versions that the log does not have any more'

/** Parts of ours that versions of others take out or bring. */
function mentioned(base: TableState | null, versions: readonly { readonly actions: readonly DeltaAction[] }[]): AddFile[] {
  const parts = new Map<string, AddFile>()
  for (const { actions } of versions) {
    for (const action of actions) {
      if ('add' in action) {
        const live = base?.parts.get(action.add.path)
        parts.set(action.add.path, live?.tags === undefined ? action.add : { ...action.add, tags: live.tags })
      } else if ('remove' in action) {
        const live = base?.parts.get(action.remove.path)
        if (live !== undefined) parts.set(live.path, live)
      }
    }
  }
  return [...parts.values()]
}

/** The versions of others since our last commit, ascending; null: the log does not reach back so far. */
async function foreignVersions(store: ObjectStore, state: TableState): Promise<number[] | null> {
  if (isOwn((await readCommitInfo(store, state.version)) ?? {})) return []
  const versions: number[] = []
  for await (const { version, info } of readHistory(store, state.version)) {
    if (isOwn(info)) return versions.reverse()
    versions.push(version)
    if (version === 0) return versions.reverse()
  }
  return null
}

export function isOwn({ run, engineInfo, operation }: CommitInfo): boolean {
  return (typeof run === 'string' || (typeof operation === 'string' && OWN_OPERATIONS.has(operation))) && engineInfo === 'chronicle-replay'
}

/** What versions of ours do that are of no run: pack parts, drop variants. */
const OWN_OPERATIONS: ReadonlySet<string> = new Set(['OPTIMIZE', 'DELETE'])

/** Null: there was no table. */
async function stateBefore(store: ObjectStore, version: number): Promise<TableState | null | 'gone'> {
  if (version === 0) return null
  return findTable(store, { version: version - 1 }).catch(() => 'gone' as const)
}

function addedPack(part: AddFile, by: string): Pack {
  return { partition: partitionOf(part.partitionValues), paths: [part.path], cells: [], by, changed: null, added: by, ...spanOf([part]) }
}

/** Cells without rows; where a part with rows of the cell has come back, it counts. */
function emptyBeside(empty: readonly LiveCell[], own: LiveCells): LiveCell[] {
  return empty.filter(({ venue, symbol, startNs, endNs, variants }) => {
    return !own.of(venue, symbol, startNs, endNs).some((found) => found.variants.some((id) => variants.includes(id)))
  })
}

function variantKeys({ venue, symbol, startNs, endNs, variants }: LiveCell): string[] {
  return variants.map((id) => `${venue}/${symbol}/${startNs}/${endNs}/${id}`)
}

/** Follows the versions of others, one after the other. */
class Followed {
  readonly #parts: Map<string, AddFile>
  /** Of parts of ours that the versions mention. */
  readonly #known: ReadonlyMap<string, readonly LiveCell[]>
  readonly #packOf = new Map<string, Pack>()
  readonly #packs = new Set<Pack>()

  constructor(base: TableState | null, known: ReadonlyMap<string, readonly LiveCell[]>, packs: readonly Pack[]) {
    this.#parts = new Map(base?.parts)
    this.#known = known
    for (const pack of packs) this.#put(pack)
  }

  follow(version: number, actions: readonly DeltaAction[]): void {
    let info: CommitInfo = {}
    const changes = new Map<string, { removes: RemoveFile[]; adds: AddFile[] }>()
    const changeOf = (values: AddFile['partitionValues']) => {
      const key = JSON.stringify(partitionOf(values))
      const known = changes.get(key) ?? { removes: [], adds: [] }
      changes.set(key, known)
      return known
    }
    const added = new Set<string>()
    for (const action of actions) if ('add' in action) added.add(action.add.path)
    for (const action of actions) {
      if ('commitInfo' in action) info = action.commitInfo
      else if ('add' in action) {
        const live = this.#parts.get(action.add.path)
        // The same file: only what is told of it has changed.
        if (live !== undefined) this.#parts.set(action.add.path, { ...live, ...action.add })
        else changeOf(action.add.partitionValues).adds.push(action.add)
      } else if ('remove' in action && !added.has(action.remove.path)) {
        const live = this.#parts.get(action.remove.path)
        if (live !== undefined) changeOf(live.partitionValues).removes.push(action.remove)
      }
    }
    for (const { removes, adds } of changes.values()) this.#apply(removes, adds, info, byOf(info, version))
  }

  get packs(): Pack[] {
    return [...this.#packs]
  }

  /** What a version did to one partition of the table. */
  #apply(removes: readonly RemoveFile[], adds: readonly AddFile[], { operation }: CommitInfo, by: string): void {
    const removed = removes.map(({ path }) => this.#parts.get(path)!)
    const merged = new Set<Pack>()
    const cells: LiveCell[] = []
    for (const { path } of removed) {
      const pack = this.#packOf.get(path)
      if (pack !== undefined) merged.add(pack)
      else for (const own of this.#known.get(path) ?? []) cells.push({ ...own, path: null })
      this.#parts.delete(path)
    }
    const gone = new Set(removed.map(({ path }) => path))
    const paths: string[] = []
    let [changed, addedBy]: [string | null, string | null] = [null, null]
    for (const pack of merged) {
      this.#drop(pack)
      cells.push(...pack.cells)
      paths.push(...pack.paths.filter((path) => !gone.has(path)))
      changed ??= pack.changed
      addedBy ??= pack.added
    }
    const back: LiveCell[] = []
    const others: AddFile[] = []
    for (const add of adds) {
      const own = this.#known.get(add.path)
      this.#parts.set(add.path, add)
      if (own === undefined) others.push(add)
      else back.push(...own)
    }
    if (removed.length === 0) {
      for (const add of others) this.#put(addedPack(add, by))
      return
    }
    paths.push(...others.map(({ path }) => path))
    const restored = new Set(back.flatMap(variantKeys))
    const rest = cells.filter((cell) => !variantKeys(cell).some((key) => restored.has(key)))
    const isMove = [...removes, ...adds].every(({ dataChange }) => dataChange === false) && hasSameRows(removed, adds)
    // A table that is put back to an earlier version has, of these, what it had then: nothing.
    if (!isMove && operation === 'RESTORE' && paths.length === 0) return
    if (!isMove && rest.length > 0) changed = by
    if (!isMove && rest.length === 0 && others.length > 0) addedBy = by
    if (paths.length === 0 && rest.length === 0) return
    const parts = paths.map((path) => this.#parts.get(path)!)
    const partition = partitionOf((removed[0] ?? others[0]!).partitionValues)
    this.#put({ partition, paths, cells: rest, by, changed, added: addedBy, ...spanOf(parts) })
  }

  #put(pack: Pack): void {
    this.#packs.add(pack)
    for (const path of pack.paths) this.#packOf.set(path, pack)
  }

  #drop(pack: Pack): void {
    this.#packs.delete(pack)
    for (const path of pack.paths) this.#packOf.delete(path)
  }
}

/** `OPTIMIZE by delta-rs:py-1.6 (version 3)`. */
function byOf({ operation, engineInfo, clientVersion }: CommitInfo, version: number): string {
  const engine = [engineInfo, clientVersion].find((name) => typeof name === 'string' && name !== '')
  return `${operation ?? 'a commit'} by ${engine ?? 'another program'} (version ${version})`
}

/** Where both sides say how many rows they have. */
function hasSameRows(removed: readonly AddFile[], added: readonly AddFile[]): boolean {
  const [before, after] = [sumRows(removed), sumRows(added)]
  return before === null || after === null || before === after
}

function sumRows(parts: readonly AddFile[]): number | null {
  let sum = 0
  for (const part of parts) {
    const rows = rowsOf(part)
    if (rows === null) return null
    sum += rows
  }
  return sum
}

/** Rows of a part; null when its statistics do not say. */
export function rowsOf({ stats }: AddFile): number | null {
  const digits = /"numRecords"\s*:\s*(\d+)/.exec(stats ?? '')?.[1]
  return digits === undefined ? null : Number(digits)
}

/** Bounds of `ts_ns` and `date` over parts, by their statistics, times as digits: no number of JSON holds them. Null: one does not say. */
function spanOf(parts: readonly AddFile[]): Pick<Pack, 'firstNs' | 'lastNs' | 'days' | 'rows'> {
  const times = parts.map(({ stats }) => boundsOf(stats, /"ts_ns"\s*:\s*(-?\d+)/))
  const dates = parts.map(({ stats }) => boundsOf(stats, /"date"\s*:\s*"(\d{4}-\d\d-\d\d)"/))
  const [firstNs, lastNs] = widest(times, (a, b) => BigInt(a) < BigInt(b)) ?? [null, null]
  return { firstNs, lastNs, days: widest(dates, (a, b) => a < b), rows: sumRows(parts) }
}

type Bounds = readonly [min: string, max: string]

function boundsOf(stats: string | undefined, value: RegExp): Bounds | null {
  const [min, max] = ['minValues', 'maxValues'].map((side) => {
    const values = new RegExp(`"${side}"\\s*:\\s*\\{([^}]*)`).exec(stats ?? '')?.[1]
    return value.exec(values ?? '')?.[1]
  })
  return min === undefined || max === undefined ? null : [min, max]
}

/** Null: one of them is not known, or there are none. */
function widest(all: readonly (Bounds | null)[], isLess: (a: string, b: string) => boolean): Bounds | null {
  let [min, max]: [string | null, string | null] = [null, null]
  for (const bounds of all) {
    if (bounds === null) return null
    if (min === null || isLess(bounds[0], min)) min = bounds[0]
    if (max === null || isLess(max, bounds[1])) max = bounds[1]
  }
  return min === null || max === null ? null : [min, max]
}

function partitionOf(values: AddFile['partitionValues']): Pack['partition'] {
  return [values.venue ?? null, values.symbol ?? null]
}
