import { ReplayError } from '../errors.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { type AddFile, type DeltaAction, decodeVersion, type MetaData, type Protocol, type RemoveFile, type Txn } from './delta-action.ts'
import { decodeCheckpoint } from './delta-checkpoint.ts'
import { parseSchemaString, type TableSchema } from './table-schema.ts'

/** What a table is at one version. */
export interface TableState {
  readonly version: number
  readonly protocol: Protocol
  readonly metaData: MetaData
  readonly schema: TableSchema
  /** The live parts, by key. */
  readonly parts: ReadonlyMap<string, AddFile>
  /** Parts that are out of the table and whose files may still be there, by key. */
  readonly removed: ReadonlyMap<string, RemoveFile>
  /** By appId. */
  readonly txns: ReadonlyMap<string, Txn>
  /** The newest checkpoint at or before this version, null when there is none. */
  readonly checkpoint: number | null
}

export const LOG_FOLDER = '_delta_log/'
export const LAST_CHECKPOINT = `${LOG_FOLDER}_last_checkpoint`
/** Name and version of the job, in the table's configuration. */
export const JOB_PROPERTY = 'chronicle.job'

export function versionKey(version: number): string {
  return `${LOG_FOLDER}${String(version).padStart(20, '0')}.json`
}

export function checkpointKey(version: number): string {
  return `${LOG_FOLDER}${String(version).padStart(20, '0')}.checkpoint.parquet`
}

/**
 * The table in a store, from its last checkpoint and the versions after it, or from all versions.
 * @param options.version an earlier version; @default the newest
 * @throws ReplayError input `not-a-table`, `table-protocol`, `table-schema`, `table-version`; corrupt `table-log-damaged`, `table-log-hole`
 */
export async function readTable(store: ObjectStore, options: { readonly version?: number } = {}): Promise<TableState> {
  const state = await findTable(store, options)
  if (state !== null) return state
  throw new ReplayError('not-a-table', `expected a table, which has a folder ${LOG_FOLDER}; run a job into it first`, {
    category: 'input',
    path: store.uri,
  })
}

/**
 * The same, or null when the store holds no table.
 * @param options.onlyLive what a checkpoint tells of removed parts is not wanted, and reading it takes half the time. @default false
 */
export async function findTable(
  store: ObjectStore,
  options: { readonly version?: number; readonly onlyLive?: boolean } = {},
): Promise<TableState | null> {
  const last = options.version ?? Number.POSITIVE_INFINITY
  for (const checkpoint of await checkpointsUpTo(store, options.version)) {
    const building = await fromCheckpoint(store, checkpoint, options.onlyLive !== true)
    if (building !== null) return finish(store, building, last)
  }
  const building = new TableBuilder(store.uri)
  await building.readVersions(store, last)
  if (building.version < 0) {
    return (await wasJustMade(store)) ? findTable(store, options) : null
  }
  return finish(store, building, last, true)
}

/** The table at a later version, by reading only what came after `state`. */
export async function advanceTable(store: ObjectStore, state: TableState): Promise<TableState> {
  const building = TableBuilder.from(store.uri, state)
  await building.readVersions(store, Number.POSITIVE_INFINITY)
  return building.state()
}

/** The table after a version's actions, without reading anything. */
export function applyVersion(uri: string, state: TableState | null, version: number, actions: Iterable<DeltaAction>): TableState {
  const building = state === null ? new TableBuilder(uri) : TableBuilder.from(uri, state)
  building.apply(actions)
  building.version = version
  return building.state()
}

/** The actions that a checkpoint of this state holds; parts removed before `keepFromMs` are forgotten. */
export function checkpointActions(state: TableState, keepFromMs: number): DeltaAction[] {
  const actions: DeltaAction[] = [{ protocol: state.protocol }, { metaData: state.metaData }]
  for (const txn of state.txns.values()) actions.push({ txn })
  for (const add of state.parts.values()) actions.push({ add })
  for (const remove of state.removed.values()) if (remove.deletionTimestamp >= keepFromMs) actions.push({ remove })
  return actions
}

/** The protocol of the tables written here: every Delta reader can read them. */
export const PROTOCOL = { minReaderVersion: 1, minWriterVersion: 2 } as const

/** Collects actions into a state. */
class TableBuilder {
  version = -1
  checkpoint: number | null = null
  readonly #uri: string
  #protocol: Protocol = PROTOCOL
  #metaData: MetaData | null = null
  #schema: TableSchema | null = null
  readonly #parts: Map<string, AddFile>
  readonly #removed: Map<string, RemoveFile>
  readonly #txns: Map<string, Txn>

  constructor(uri: string, state?: TableState) {
    this.#uri = uri
    this.#parts = new Map(state?.parts)
    this.#removed = new Map(state?.removed)
    this.#txns = new Map(state?.txns)
  }

  static from(uri: string, state: TableState): TableBuilder {
    const building = new TableBuilder(uri, state)
    building.version = state.version
    building.checkpoint = state.checkpoint
    building.#protocol = state.protocol
    building.#metaData = state.metaData
    building.#schema = state.schema
    return building
  }

  apply(actions: Iterable<DeltaAction>): void {
    for (const action of actions) this.applyOne(action)
  }

  applyOne(action: DeltaAction): void {
    if ('add' in action) {
      this.#parts.set(action.add.path, action.add)
      this.#removed.delete(action.add.path)
    } else if ('remove' in action) {
      this.#parts.delete(action.remove.path)
      this.#removed.set(action.remove.path, action.remove)
    } else if ('txn' in action) this.#txns.set(action.txn.appId, action.txn)
    else if ('metaData' in action) {
      this.#metaData = action.metaData
      this.#schema = null
    } else if ('protocol' in action) {
      requireReader(action.protocol, this.#uri)
      this.#protocol = action.protocol
    }
  }

  /** Reads the versions after this one, up to `last`, a few at a time. */
  async readVersions(store: ObjectStore, last: number): Promise<void> {
    while (this.version < last) {
      const versions = Array.from({ length: READ_AHEAD }, (_, i) => this.version + 1 + i)
      const objects = await Promise.all(
        versions.map((version) => store.get(versionKey(version), { range: { start: 0, end: AHEAD_BYTES } })),
      )
      for (const [i, object] of objects.entries()) {
        const version = versions[i]!
        if (version > last) return
        if (object === null) {
          const isHole = objects.slice(i + 1).some((later) => later !== null)
          if (isHole) await requireVersion(store, version)
          // Nothing after it was seen: the end, unless it was the last we asked for.
          else if (i < READ_AHEAD - 1) return
          break
        }
        const key = versionKey(version)
        const whole = object.bytes.length < AHEAD_BYTES ? object : await store.get(key)
        if (whole === null) break
        this.apply(decodeVersion(whole.bytes, `${store.uri}/${key}`))
        this.version = version
      }
    }
  }

  state(): TableState {
    const metaData = this.#metaData
    if (metaData === null) throw damaged(this.#uri, `no metaData action up to version ${this.version}`)
    this.#schema ??= {
      job: metaData.configuration[JOB_PROPERTY] ?? metaData.name ?? '',
      columns: parseSchemaString(metaData.schemaString, this.#uri),
    }
    const { version, checkpoint } = this
    return {
      version,
      checkpoint,
      protocol: this.#protocol,
      metaData,
      schema: this.#schema,
      parts: this.#parts,
      removed: this.#removed,
      txns: this.#txns,
    }
  }
}

/** Checkpoints to try, the best first. */
async function checkpointsUpTo(store: ObjectStore, version: number | undefined): Promise<CheckpointName[]> {
  const object = await store.get(LAST_CHECKPOINT)
  if (object === null) return []
  let last: CheckpointName | null = null
  try {
    const named = JSON.parse(new TextDecoder().decode(object.bytes)) as { version?: unknown; parts?: number }
    if (Number.isInteger(named.version)) last = { version: named.version as number, parts: named.parts ?? 1 }
  } catch {
    // A damaged hint is no hint: the versions themselves say all.
  }
  if (last !== null && (version === undefined || last.version <= version)) return [last]
  if (version === undefined) return []
  const earlier: CheckpointName[] = []
  for await (const { key } of store.list(LOG_FOLDER)) {
    const match = /\/(\d{20})\.checkpoint\.parquet$/.exec(key)
    if (match !== null && Number(match[1]) <= version) earlier.push({ version: Number(match[1]), parts: 1 })
  }
  return earlier.reverse().slice(0, 1)
}

interface CheckpointName {
  readonly version: number
  readonly parts: number
}

/** Null when the checkpoint cannot be read: then the versions have to say all. */
async function fromCheckpoint(store: ObjectStore, { version, parts }: CheckpointName, hasRemoved: boolean): Promise<TableBuilder | null> {
  const building = new TableBuilder(store.uri)
  const base = checkpointKey(version)
  const pad = (n: number): string => String(n).padStart(10, '0')
  const keys =
    parts === 1 ? [base] : Array.from({ length: parts }, (_, i) => base.replace('.parquet', `.${pad(i + 1)}.${pad(parts)}.parquet`))
  for (const key of keys) {
    const object = await store.get(key)
    if (object === null) return null
    try {
      for await (const action of decodeCheckpoint(object.bytes, hasRemoved)) building.applyOne(action)
    } catch (error) {
      if (error instanceof ReplayError) throw error
      return null
    }
  }
  building.version = version
  building.checkpoint = version
  return building
}

async function finish(store: ObjectStore, building: TableBuilder, last: number, isRead = false): Promise<TableState> {
  if (!isRead) await building.readVersions(store, last)
  if (Number.isFinite(last) && building.version !== last) {
    const message = `expected a version from 0 to ${building.version}, found ${last}; see: chronicle-replay runs`
    throw new ReplayError('table-version', message, { category: 'input', path: store.uri })
  }
  return building.state()
}

/** Later versions exist: so must this one, at the second look at the latest. */
async function requireVersion(store: ObjectStore, version: number): Promise<void> {
  if ((await store.get(versionKey(version))) !== null) return
  throw new ReplayError('table-log-hole', `version ${version} of the table's log is missing, and later ones exist; restore the object`, {
    category: 'corrupt',
    path: `${store.uri}/${versionKey(version)}`,
  })
}

/**
 * No version 0 and no readable checkpoint was found: then there is no later version either, unless another process has
 * written the first one since.
 */
async function wasJustMade(store: ObjectStore): Promise<boolean> {
  for await (const { key } of store.list(LOG_FOLDER)) {
    if (!/\/\d{20}\.(json|checkpoint.*parquet)$/.test(key)) continue
    if ((await store.get(versionKey(0))) !== null) return true
    throw damaged(store.uri, `expected version 0 or a checkpoint that can be read, found ${key} without them; restore the log`)
  }
  return false
}

function requireReader({ minReaderVersion }: Protocol, path: string): void {
  if (minReaderVersion <= PROTOCOL.minReaderVersion) return
  const message = `the table needs a Delta reader of version ${minReaderVersion}, this is one of version ${PROTOCOL.minReaderVersion}; another program upgraded it`
  throw new ReplayError('table-protocol', message, { category: 'input', path })
}

function damaged(path: string, what: string): ReplayError {
  return new ReplayError('table-log-damaged', what, { category: 'corrupt', path })
}

/** Versions asked for at once, also beyond the newest: that is how a hole is seen. */
const READ_AHEAD = 8
/** So much is read of each of them; the few that are longer are then read whole, one at a time. */
const AHEAD_BYTES = 1 << 20
