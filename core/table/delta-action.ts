import { ReplayError } from '../errors.ts'

/**
 * The actions of the Delta Lake transaction log (protocol reader 1, writer 2), as objects.
 * Source: delta-io/delta, PROTOCOL.md, "Actions". One version of a table is one object of JSON lines, one action per line.
 * In memory `path` is the object's key; on disk it is percent-encoded (`encodePath`).
 */
export type DeltaAction =
  | { readonly commitInfo: CommitInfo }
  | { readonly protocol: Protocol }
  | { readonly metaData: MetaData }
  | { readonly txn: Txn }
  | { readonly add: AddFile }
  | { readonly remove: RemoveFile }
  | { readonly sidecar: Sidecar }

export interface Protocol {
  readonly minReaderVersion: number
  readonly minWriterVersion: number
  /** What readers have to know from reader version 3 on, and writers from writer version 7 on. */
  readonly readerFeatures?: readonly string[]
  readonly writerFeatures?: readonly string[]
}

export interface MetaData {
  readonly id: string
  readonly name?: string
  readonly format: { readonly provider: string; readonly options: Readonly<Record<string, string>> }
  readonly schemaString: string
  readonly partitionColumns: readonly string[]
  readonly configuration: Readonly<Record<string, string>>
  /** Milliseconds since the epoch. */
  readonly createdTime?: number
}

/** A part that is in the table from this version on. */
export interface AddFile {
  /** Key of the part in the table's store. */
  readonly path: string
  readonly partitionValues: Readonly<Record<string, string | null>>
  /** Bytes. */
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly modificationTime: number
  readonly dataChange: boolean
  /** JSON: numRecords, minValues, maxValues, nullCount. */
  readonly stats?: string
  readonly tags?: Readonly<Record<string, string>>
  /** Of another program: rows of the part that do not count. */
  readonly deletionVector?: unknown
}

/** A file beside a checkpoint of the v2 spec, with some of its actions. */
export interface Sidecar {
  /** Its name in the folder of sidecars. */
  readonly path: string
}

/** A part that is out of the table from this version on; its file stays until `vacuum`. */
export interface RemoveFile {
  readonly path: string
  /** Milliseconds since the epoch. */
  readonly deletionTimestamp: number
  readonly dataChange: boolean
  readonly extendedFileMetadata: boolean
  readonly partitionValues?: Readonly<Record<string, string | null>>
  readonly size?: number
}

/** How far an application has come: a commit that finds its own version here is not made again. */
export interface Txn {
  readonly appId: string
  readonly version: number
  readonly lastUpdated?: number
}

/** Who made a version, and how; any further fields are ours. Always the first line of the versions that we write. */
export interface CommitInfo {
  /** Milliseconds since the epoch. */
  readonly timestamp?: number
  readonly operation?: string
  readonly run?: string
  readonly attempt?: number
  /** Tells our own version from another's when the answer to our put was lost. */
  readonly nonce?: string
  readonly [field: string]: unknown
}

/** The bytes of a version; in pieces, so that no string grows with the number of parts, and in memory once. */
export function encodeVersion(actions: readonly DeltaAction[]): Uint8Array {
  let bytes = Buffer.alloc(0)
  let length = 0
  for (let from = 0; from < actions.length; from += LINES_PER_PIECE) {
    const lines = actions.slice(from, from + LINES_PER_PIECE).map((action) => `${JSON.stringify(onDisk(action))}\n`)
    const piece = Buffer.from(lines.join(''))
    if (length + piece.length > bytes.length) {
      // All that follow are about as long as these.
      const perAction = (length + piece.length) / Math.min(actions.length, from + LINES_PER_PIECE)
      const grown = Buffer.allocUnsafe(Math.ceil(Math.max(perAction * actions.length * 1.05, length + piece.length)))
      bytes.copy(grown, 0, 0, length)
      bytes = grown
    }
    length += piece.copy(bytes, length)
  }
  return bytes.subarray(0, length)
}

/**
 * The actions of a version; those of newer protocols that do not change what is in a table are left out.
 * @throws ReplayError corrupt `table-log-damaged`
 */
export function* decodeVersion(bytes: Uint8Array, path: string): Generator<DeltaAction> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const words = new SharedWords()
  for (let start = 0, line = 1; start < buffer.length; line++) {
    const newline = buffer.indexOf(10, start)
    const end = newline < 0 ? buffer.length : newline
    const text = buffer.toString('utf8', start, end).trim()
    start = end + 1
    if (text === '') continue
    let action: unknown
    try {
      action = JSON.parse(text)
    } catch (cause) {
      throw new ReplayError('table-log-damaged', `expected one JSON action per line, found something else in line ${line}`, {
        category: 'corrupt',
        path,
        cause,
      })
    }
    const known = inMemory(action as Record<string, unknown>, path)
    if (known !== null) yield words.share(known)
  }
}

/** Keeps one copy of what very many parts say alike: symbols, days, runs. */
export class SharedWords {
  readonly #words = new Map<string, string>()

  /** The action itself, its partition values and tags replaced by those kept. */
  share<A extends DeltaAction>(action: A): A {
    if ('add' in action) {
      this.#shareValues(action.add.partitionValues)
      if (action.add.tags) this.#shareValues(action.add.tags)
    } else if ('remove' in action && action.remove.partitionValues) this.#shareValues(action.remove.partitionValues)
    return action
  }

  #shareValues(values: Readonly<Record<string, string | null>>): void {
    for (const name in values) {
      const word = values[name]
      // Of these each part has its own.
      if (word === null || word === undefined || name === 'fingerprint' || name === 'sum' || name === 'cell') continue
      const known = this.#words.get(word)
      if (known !== undefined) (values as Record<string, string | null>)[name] = known
      else if (this.#words.size < MAX_WORDS) this.#words.set(word, word)
    }
  }
}

/** Percent-encodes a key for the log, part by part; the `=` of partition folders stays readable. */
export function encodePath(key: string): string {
  return key
    .split('/')
    .map((part) => encodeURIComponent(part).replaceAll('%3D', '='))
    .join('/')
}

/**
 * The key of a path in the log. One that is not percent-encoded, as a lone `%` shows, is refused: read as it is, it may be another
 * part's key than its writer's, and `vacuum` would take that part for one of no table.
 * @param log where the path is from @throws ReplayError corrupt `table-log-damaged`
 */
export function decodePath(path: string, log: string): string {
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch (cause) {
    const message = `expected a percent-encoded path, as Delta has it, found ${JSON.stringify(path)}; mend it where it was written (a lone % is %25)`
    throw new ReplayError('table-log-damaged', message, { category: 'corrupt', path: log, cause })
  }
}

function onDisk(action: DeltaAction): DeltaAction {
  if ('add' in action) return { add: { ...action.add, path: encodePath(action.add.path) } }
  if ('remove' in action) return { remove: { ...action.remove, path: encodePath(action.remove.path) } }
  return action
}

function inMemory(action: Record<string, unknown>, log: string): DeltaAction | null {
  const { add, remove } = action as { add?: AddFile; remove?: RemoveFile }
  if (add) return { add: { ...add, path: decodePath(add.path, log) } }
  if (remove) return { remove: { ...remove, path: decodePath(remove.path, log) } }
  return ['commitInfo', 'protocol', 'metaData', 'txn', 'sidecar'].some((kind) => kind in action) ? (action as DeltaAction) : null
}

const LINES_PER_PIECE = 1000
const MAX_WORDS = 50_000
