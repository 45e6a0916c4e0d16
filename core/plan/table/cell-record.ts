import type { ObjectStore } from '../../store/object-store.ts'
import { readCommitInfo } from '../../table/delta-history.ts'
import type { TableState } from '../../table/delta-log.ts'
import type { LiveCell, Pack } from './pack.ts'

/*
 * Partitions that no part of their own tells of: those without rows, and those in packs. They are the lines of an object below
 * `_chronicle/empty/`. The version that changed them has a txn with the object's number, so that they change in the same
 * instant as the parts and outlive both checkpoints and the versions of the log. Tables of earlier days name the object in
 * that version's commitInfo.
 */
export const EMPTY_CELLS = 'chronicle.empty'
export const EMPTY_OBJECT = 'chronicle.empty.object'
export const EMPTY_FOLDER = '_chronicle/empty/'

export interface CellRecord {
  /** As it is stored; `''`: there is none. */
  readonly text: string
  readonly empty: readonly LiveCell[]
  readonly packs: readonly Pack[]
}

/** Key of the object; null when a table has none. */
export async function emptyCellsKey(store: ObjectStore, state: TableState): Promise<string | null> {
  const object = state.txns.get(EMPTY_OBJECT)
  if (object !== undefined) return keyOf(object.version)
  const txn = state.txns.get(EMPTY_CELLS)
  if (txn === undefined) return null
  const key = (await readCommitInfo(store, txn.version))?.emptyCells
  return typeof key === 'string' ? key : null
}

export async function readRecord(store: ObjectStore, state: TableState): Promise<CellRecord> {
  const key = await emptyCellsKey(store, state)
  const object = key === null ? null : await store.get(key)
  // Lost: partitions without rows are not known to be done, and run again; rows in packs are rows of no run.
  if (object === null) return { text: '', empty: [], packs: [] }
  const text = Buffer.from(object.bytes).toString()
  return { text, ...decodeRecord(text) }
}

/** Puts a new record, and gives the number that its txn has. */
async function writeRecord(store: ObjectStore, text: string, random: () => number): Promise<{ key: string; object: number }> {
  for (;;) {
    const object = Math.floor(random() * 2 ** 52)
    if ((await store.put(keyOf(object), Buffer.from(text), 'absent')) !== null) return { key: keyOf(object), object }
  }
}

/** What a version has to say where it changes the record; nothing where that stays the same. */
export interface RecordChange {
  readonly txns: readonly { readonly appId: string; readonly version: number }[]
  readonly info: Readonly<Record<string, unknown>>
}

/** Puts the record of a version, unless it is the one before. @param before as it is stored; @param version that is about to be written */
export async function changeRecord(
  store: ObjectStore,
  {
    before,
    empty,
    packs,
    version,
    random,
  }: Omit<CellRecord, 'text'> & {
    readonly before: string
    readonly version: number
    readonly random: () => number
  },
): Promise<RecordChange> {
  const text = encodeRecord(empty, packs)
  if (text === before) return { txns: [], info: {} }
  const { key, object } = await writeRecord(store, text, random)
  const txns = [
    { appId: EMPTY_CELLS, version },
    { appId: EMPTY_OBJECT, version: object },
  ]
  return { txns, info: { emptyCells: key } }
}

export function encodeRecord(empty: readonly LiveCell[], packs: readonly Pack[]): string {
  const plain = ({ pack: _, ...cell }: LiveCell): Omit<LiveCell, 'pack'> => ({ ...cell, path: null })
  const lines = [...empty.map(plain), ...packs.map((pack) => ({ pack: { ...pack, cells: pack.cells.map(plain) } }))]
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}

export function decodeRecord(text: string): Omit<CellRecord, 'text'> {
  const empty: LiveCell[] = []
  const packs: Pack[] = []
  for (const line of text.split('\n')) {
    if (line === '') continue
    const found = JSON.parse(line) as LiveCell | { readonly pack: Pack }
    if ('venue' in found) empty.push(found)
    else packs.push(found.pack)
  }
  return { empty, packs }
}

function keyOf(object: number): string {
  return `${EMPTY_FOLDER}${object.toString(36)}.jsonl`
}
