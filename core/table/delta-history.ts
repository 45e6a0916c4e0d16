import { ReplayError } from '../errors.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { type CommitInfo, type DeltaAction, decodeVersion } from './delta-action.ts'
import { readTable, type TableState, versionKey } from './delta-log.ts'

/** One version of a table, as its commitInfo tells it. */
export interface TableVersion {
  readonly version: number
  readonly info: CommitInfo
}

/** The versions of a table, newest first, `READ_AHEAD` at a time; of each only the first line is read. Ends where the log was cut off. */
export async function* readHistory(store: ObjectStore, newest: number): AsyncGenerator<TableVersion> {
  for (let from = newest; from >= 0; from -= READ_AHEAD) {
    const versions = Array.from({ length: Math.min(READ_AHEAD, from + 1) }, (_, i) => from - i)
    const infos = await Promise.all(versions.map((version) => readCommitInfo(store, version)))
    for (const [i, info] of infos.entries()) {
      if (info === null) return
      yield { version: versions[i]!, info }
    }
  }
}

/** Who made a version: its commitInfo (empty when it has none), or null when there is no such version. */
export async function readCommitInfo(store: ObjectStore, version: number): Promise<CommitInfo | null> {
  const path = `${store.uri}/${versionKey(version)}`
  for (let bytes = FIRST_READ_BYTES; ; bytes *= 8) {
    const object = await store.get(versionKey(version), { range: { start: 0, end: bytes } })
    if (object === null) return null
    const isWhole = object.bytes.length < bytes
    const newline = object.bytes.indexOf(10)
    if (newline < 0 && !isWhole) continue
    const [first] = decodeVersion(newline < 0 ? object.bytes : object.bytes.subarray(0, newline), path)
    if (first !== undefined && 'commitInfo' in first) return first.commitInfo
    // Others write it in another place.
    if (!isWhole) continue
    for (const action of decodeVersion(object.bytes, path)) if ('commitInfo' in action) return action.commitInfo
    return {}
  }
}

/** All that a version says; null when there is no such version. */
export async function readActions(store: ObjectStore, version: number): Promise<DeltaAction[] | null> {
  const object = await store.get(versionKey(version))
  return object === null ? null : [...decodeVersion(object.bytes, `${store.uri}/${versionKey(version)}`)]
}

/**
 * The table as a version (`17`) or a run left it.
 * @param options.onlyLive as of `findTable`
 * @throws ReplayError input `table-version` when the table has no such version or run, and those of `readTable`
 */
export async function readTableAsOf(
  store: ObjectStore,
  asOf: string | undefined,
  options: { readonly onlyLive?: boolean } = {},
): Promise<TableState> {
  if (asOf === undefined) return readTable(store, options)
  if (/^\d{1,15}$/.test(asOf)) return readTable(store, { ...options, version: Number(asOf) })
  const run = asOf.replace(/\/+$/, '').split('/').at(-1)!
  const newest = await readTable(store, options)
  if (newest.txns.has(run)) {
    for await (const { version, info } of readHistory(store, newest.version)) {
      if (info.run === run) return version === newest.version ? newest : readTable(store, { ...options, version })
    }
  }
  throw new ReplayError(
    'table-version',
    `expected a version or a run that was committed to this table, found ${asOf}; see: chronicle-replay runs`,
    {
      category: 'input',
      path: store.uri,
    },
  )
}

const READ_AHEAD = 8
const FIRST_READ_BYTES = 1 << 14
