import type { ObjectStore } from '../../store/object-store.ts'
import type { AddFile, CommitInfo, RemoveFile } from '../../table/delta-action.ts'
import { readActions, readCommitInfo, readHistory } from '../../table/delta-history.ts'
import { findTable, type TableState } from '../../table/delta-log.ts'
import { runOfPart } from '../../table/vacuum.ts'
import { readPlanHead } from '../run/plan-document.ts'
import { readRunReceipts } from '../run/run-receipts.ts'
import { readRecord } from './cell-record.ts'
import { liveCellOf, livePartCells } from './live-cells.ts'
import type { LiveCell, Pack } from './pack.ts'

/** What the parts of a table hold. */
export interface PartLedger {
  /** Every done partition: of a part of its own, in a pack, or without rows. */
  readonly cells: readonly LiveCell[]
  /** Rows in parts of other programs. */
  readonly packs: readonly Pack[]
  /** What is recorded of cells that no part tells of; to be written again where it is not the same any more. */
  readonly record: string
}

/**
 * Reads what the parts of a table hold. Our own parts say it by their tags. Of what other programs did since our last commit
 * the log tells: a version that moves rows (OPTIMIZE) keeps the partitions of the parts it takes out, one that changes rows
 * (DELETE, UPDATE, an overwrite) leaves them changed, and parts that only come hold rows of no run. Our next commit records
 * what is known then, so that it outlives the log.
 */
export async function readPartLedger(store: ObjectStore, state: TableState): Promise<PartLedger> {
  const { text, empty, packs } = await readRecord(store, state)
  const foreign = await foreignVersions(store, state)
  const base = foreign === null ? null : foreign.length === 0 ? state : await stateBefore(store, foreign[0]!)
  if (foreign === null || base === 'gone') return { ...(await withoutHistory(store, state, empty, packs)), record: text }
  const books = new Books(store, base, empty, packs)
  for (const version of foreign) await books.follow(version)
  await books.check(state)
  return { ...books.result(), record: text }
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

export function isOwn({ run, engineInfo }: CommitInfo): boolean {
  return typeof run === 'string' && engineInfo === 'chronicle-replay'
}

/** Null: there was no table. */
async function stateBefore(store: ObjectStore, version: number): Promise<TableState | null | 'gone'> {
  if (version === 0) return null
  return findTable(store, { version: version - 1 }).catch(() => 'gone' as const)
}

/** What the parts themselves and the record say, where the log does not tell what happened. */
async function withoutHistory(
  store: ObjectStore,
  state: TableState,
  empty: readonly LiveCell[],
  packs: readonly Pack[],
): Promise<Omit<PartLedger, 'record'>> {
  const receipts = new PartReceipts(store)
  const own: LiveCell[] = []
  const known = packs.filter(({ paths }) => paths.every((path) => state.parts.has(path)))
  const inPack = new Set(known.flatMap(({ paths }) => paths))
  const others: Pack[] = []
  for (const part of state.parts.values()) {
    if (inPack.has(part.path)) continue
    const cell = liveCellOf(part) ?? (await receipts.cellOf(part.path))
    if (cell !== null) own.push(cell)
    else others.push(addedPack(part, 'another program, in versions that the log does not have any more'))
  }
  const all = [...known, ...others]
  return { cells: [...own, ...emptyBeside(empty, own), ...all.flatMap(cellsOf)], packs: all }
}

function addedPack(part: AddFile, by: string): Pack {
  return { partition: partitionOf(part.partitionValues), paths: [part.path], cells: [], by, changed: null, added: by, ...spanOf([part]) }
}

/** Cells without rows; where a part with rows of the cell has come back, it counts. */
function emptyBeside(empty: readonly LiveCell[], own: readonly LiveCell[]): LiveCell[] {
  const keys = new Set(own.flatMap(variantKeys))
  return empty.filter((cell) => !variantKeys(cell).some((key) => keys.has(key)))
}

function variantKeys({ venue, symbol, startNs, endNs, variants }: LiveCell): string[] {
  return variants.map((id) => `${venue}/${symbol}/${startNs}/${endNs}/${id}`)
}

function cellsOf(pack: Pack): LiveCell[] {
  return pack.cells.map((cell) => ({ ...cell, path: null, pack }))
}

/** Follows the versions of others, one after the other. */
class Books {
  readonly #receipts: PartReceipts
  readonly #parts: Map<string, AddFile>
  readonly #own = new Map<string, LiveCell>()
  readonly #packOf = new Map<string, Pack>()
  readonly #packs = new Set<Pack>()
  readonly #empty: readonly LiveCell[]
  readonly #store: ObjectStore

  constructor(store: ObjectStore, base: TableState | null, empty: readonly LiveCell[], packs: readonly Pack[]) {
    this.#store = store
    this.#receipts = new PartReceipts(store)
    this.#parts = new Map(base?.parts)
    this.#empty = empty
    for (const cell of base === null ? [] : livePartCells(base)) this.#own.set(cell.path!, cell)
    for (const pack of packs) this.#put(pack)
  }

  async follow(version: number): Promise<void> {
    const actions = (await readActions(this.#store, version)) ?? []
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
    for (const { removes, adds } of changes.values()) await this.#apply(removes, adds, info, byOf(info, version))
  }

  /** What a version did to one partition of the table. */
  async #apply(removes: readonly RemoveFile[], adds: readonly AddFile[], { operation }: CommitInfo, by: string): Promise<void> {
    const removed = removes.map(({ path }) => this.#parts.get(path)!)
    const merged = new Set<Pack>()
    const cells: LiveCell[] = []
    for (const { path } of removed) {
      const own = this.#own.get(path)
      if (own !== undefined) cells.push({ ...own, path: null })
      const pack = this.#packOf.get(path)
      if (pack !== undefined) merged.add(pack)
      this.#parts.delete(path)
      this.#own.delete(path)
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
      const own = liveCellOf(add) ?? (await this.#receipts.cellOf(add.path))
      this.#parts.set(add.path, add)
      if (own === null) others.push(add)
      else {
        back.push(own)
        this.#own.set(add.path, own)
      }
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

  /** The parts are those of the table, and each of them is known; what is not came in a way that the log does not tell. */
  async check(state: TableState): Promise<void> {
    for (const part of state.parts.values()) {
      if (this.#own.has(part.path) || this.#packOf.has(part.path)) continue
      const cell = liveCellOf(part) ?? (await this.#receipts.cellOf(part.path))
      if (cell !== null) this.#own.set(part.path, cell)
      else this.#put(addedPack(part, 'another program'))
    }
  }

  result(): Omit<PartLedger, 'record'> {
    const own = [...this.#own.values()]
    const packs = [...this.#packs]
    return { cells: [...own, ...emptyBeside(this.#empty, own), ...packs.flatMap(cellsOf)], packs }
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

/** Cells of our parts whose tags another program's checkpoint or RESTORE did not keep: receipts tell them. */
class PartReceipts {
  readonly #store: ObjectStore
  readonly #runs = new Map<string, Promise<ReadonlyMap<string, LiveCell>>>()

  constructor(store: ObjectStore) {
    this.#store = store
  }

  /** Null: no run of this table put the part. */
  async cellOf(path: string): Promise<LiveCell | null> {
    const run = runOfPart(path)
    if (run === null) return null
    const known = this.#runs.get(run) ?? this.#read(run).catch(() => new Map<string, LiveCell>())
    this.#runs.set(run, known)
    return (await known).get(path) ?? null
  }

  async #read(run: string): Promise<ReadonlyMap<string, LiveCell>> {
    const cells = new Map<string, LiveCell>()
    const { done } = await readRunReceipts(this.#store, await readPlanHead(this.#store, run))
    for (const { venue, symbol, startNs, endNs, variants, inputs, restart, part, ...receipt } of done.values()) {
      if (part === null) continue
      const fingerprint = receipt.soundFingerprint ?? receipt.fingerprint
      cells.set(part.path, { venue, symbol, startNs, endNs, variants, fingerprint, inputs, restart, run, path: part.path })
    }
    return cells
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

/** Bounds of `ts_ns` over parts, by their statistics, as digits: no number of JSON holds them. Null: one does not say. */
function spanOf(parts: readonly AddFile[]): Pick<Pack, 'firstNs' | 'lastNs' | 'rows'> {
  let [first, last]: [bigint | null, bigint | null] = [null, null]
  let isKnown = parts.length > 0
  for (const { stats } of parts) {
    const bounds = ['minValues', 'maxValues'].map((side) => {
      const at = (stats ?? '').indexOf(`"${side}"`)
      const digits = at < 0 ? undefined : /^[^}]*?"ts_ns"\s*:\s*(-?\d+)/.exec((stats ?? '').slice(at))?.[1]
      return digits === undefined ? null : BigInt(digits)
    })
    const [min, max] = bounds as [bigint | null, bigint | null]
    if (min === null || max === null) isKnown = false
    else {
      if (first === null || min < first) first = min
      if (last === null || max > last) last = max
    }
  }
  const rows = sumRows(parts)
  return isKnown ? { firstNs: String(first), lastNs: String(last), rows } : { firstNs: null, lastNs: null, rows }
}

function partitionOf(values: AddFile['partitionValues']): Pack['partition'] {
  return [values.venue ?? null, values.symbol ?? null, values.date ?? null]
}
