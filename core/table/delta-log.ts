import { ReplayError } from '../errors.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { type CheckpointName, hintedCheckpoint, LOG_FOLDER, listCheckpoints, SIDECAR_FOLDER } from './checkpoint-list.ts'
import { type AddFile, type DeltaAction, decodeVersion, type MetaData, type Protocol, type RemoveFile, type Txn } from './delta-action.ts'
import { decodeCheckpoint } from './delta-checkpoint.ts'
import { PROTOCOL, requireReader } from './table-protocol.ts'
import { PARTITION_COLUMNS, parseSchemaString, type TableSchema } from './table-schema.ts'

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
  /** Of the versions after it, or of all: what readers have to go through. */
  readonly logBytes: number
}

export { checkpointKey, LAST_CHECKPOINT, LOG_FOLDER } from './checkpoint-list.ts'
/** Name and version of the job, in the table's configuration. */
export const JOB_PROPERTY = 'chronicle.job'

export function versionKey(version: number): string {
  return `${LOG_FOLDER}${String(version).padStart(20, '0')}.json`
}

/**
 * The table in a store, from its last checkpoint and the versions after it, or from all versions.
 * @param options.version an earlier version; @default the newest
 * @throws ReplayError input `not-a-table`, `table-protocol`, `table-schema`, `table-version`; corrupt `table-log-damaged`, `table-log-hole`
 */
export async function readTable(
  store: ObjectStore,
  options: { readonly version?: number; readonly onlyLive?: boolean } = {},
): Promise<TableState> {
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
  const hasRemoved = options.onlyLive !== true
  const hint = await hintedCheckpoint(store)
  if (hint !== null && hint.version <= last) {
    const building = await fromCheckpoint(store, hint, hasRemoved)
    if (building !== null && (await reachesEnd(store, building, hint.version, last))) return finish(store, building, last)
  }
  // Without a hint that leads to the end: the whole log, where it is there from its beginning.
  if (hint === null || options.version !== undefined) {
    const building = new TableBuilder(store.uri)
    const isEarlier = options.version !== undefined && options.version > FEW_VERSIONS
    if (!isEarlier && (await isReadToEnd(building.readVersions(store, last))) && building.version >= 0) return finish(store, building, last)
  }
  for (const checkpoint of await listCheckpoints(store, last)) {
    const building = await fromCheckpoint(store, checkpoint, hasRemoved)
    if (building === null) continue
    await building.readVersions(store, last)
    return finish(store, building, last)
  }
  const building = new TableBuilder(store.uri)
  await building.readVersions(store, last)
  if (building.version < 0) {
    return (await wasJustMade(store, options.version)) ? findTable(store, options) : null
  }
  return finish(store, building, last)
}

/**
 * Whether the versions behind a checkpoint lead to the table's end. The hint may be an old one, and the versions between it and
 * a newer checkpoint cleaned away: then none follows, or not the next, and the checkpoint's own version is gone, too.
 */
async function reachesEnd(store: ObjectStore, building: TableBuilder, checkpoint: number, last: number): Promise<boolean> {
  if (!(await isReadToEnd(building.readVersions(store, last)))) return false
  if (building.version > checkpoint || building.version === last) return true
  return (await store.get(versionKey(checkpoint), { range: { start: 0, end: 1 } })) !== null || !(await hasNewer(store, checkpoint))
}

async function hasNewer(store: ObjectStore, checkpoint: number): Promise<boolean> {
  const [newest] = await listCheckpoints(store, Number.POSITIVE_INFINITY)
  return newest !== undefined && newest.version > checkpoint
}

/** False: a version is missing before later ones, which a newer checkpoint may make good. */
async function isReadToEnd(reading: Promise<void>): Promise<boolean> {
  try {
    await reading
    return true
  } catch (error) {
    if (error instanceof ReplayError && error.code === 'table-log-hole') return false
    throw error
  }
}

/** The table at a later version, by reading only what came after `state`. */
export async function advanceTable(store: ObjectStore, state: TableState): Promise<TableState> {
  const building = TableBuilder.from(store.uri, state)
  await building.readVersions(store, Number.POSITIVE_INFINITY)
  return building.state()
}

/** A version as it is written. */
export interface WrittenVersion {
  readonly version: number
  readonly actions: Iterable<DeltaAction>
  readonly bytes: number
}

/** The table after a version, without reading anything. */
export function applyVersion(uri: string, state: TableState | null, { version, actions, bytes }: WrittenVersion): TableState {
  const building = state === null ? new TableBuilder(uri) : TableBuilder.from(uri, state)
  building.apply(actions)
  building.version = version
  building.logBytes += bytes
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

/** Collects actions into a state. */
class TableBuilder {
  version = -1
  checkpoint: number | null = null
  logBytes = 0
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
    building.logBytes = state.logBytes
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
    } else if ('protocol' in action) this.#protocol = action.protocol
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
        this.logBytes += whole.bytes.length
        this.version = version
      }
    }
  }

  state(): TableState {
    const metaData = this.#metaData
    if (metaData === null) throw damaged(this.#uri, `no metaData action up to version ${this.version}`)
    requireReader({ protocol: this.#protocol, metaData, parts: this.#parts }, this.#uri)
    this.#schema ??= schemaOf(metaData, this.#uri)
    const { version, checkpoint, logBytes } = this
    return {
      version,
      checkpoint,
      logBytes,
      protocol: this.#protocol,
      metaData,
      schema: this.#schema,
      parts: this.#parts,
      removed: this.#removed,
      txns: this.#txns,
    }
  }
}

/** @throws ReplayError input `table-schema` */
function schemaOf(metaData: MetaData, path: string): TableSchema {
  const { partitionColumns, configuration, name, schemaString } = metaData
  if (partitionColumns.join() !== PARTITION_COLUMNS.join()) {
    const message = `expected a table in partitions of ${PARTITION_COLUMNS.join(', ')}, found [${partitionColumns.join(', ')}]; another program made or changed it`
    throw new ReplayError('table-schema', message, { category: 'input', path })
  }
  return { job: configuration[JOB_PROPERTY] ?? name ?? '', columns: parseSchemaString(schemaString, path) }
}

/** Null when the checkpoint cannot be read: then the versions have to say all. */
async function fromCheckpoint(store: ObjectStore, { version, keys }: CheckpointName, hasRemoved: boolean): Promise<TableBuilder | null> {
  const building = new TableBuilder(store.uri)
  const rest = [...keys]
  for (let key = rest.shift(); key !== undefined; key = rest.shift()) {
    const object = await store.get(key)
    if (object === null) return null
    const isText = key.endsWith('.json')
    try {
      const path = `${store.uri}/${key}`
      const actions = isText ? decodeVersion(object.bytes, path) : decodeCheckpoint(object.bytes, path, hasRemoved)
      for (const action of actions) {
        if ('sidecar' in action) rest.push(`${SIDECAR_FOLDER}${action.sidecar.path.split('/').at(-1)}`)
        else building.applyOne(action)
      }
    } catch {
      return null
    }
  }
  building.version = version
  building.checkpoint = version
  return building
}

async function finish(store: ObjectStore, building: TableBuilder, last: number): Promise<TableState> {
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
async function wasJustMade(store: ObjectStore, wanted: number | undefined): Promise<boolean> {
  for await (const { key } of store.list(LOG_FOLDER)) {
    if (!/\/\d{20}\.(json|checkpoint.*parquet)$/.test(key)) continue
    if ((await store.get(versionKey(0))) !== null) return true
    if (wanted !== undefined && (await findTable(store)) !== null) {
      const message = `the log does not reach back to version ${wanted} any more: it was cleaned; see: chronicle-replay runs`
      throw new ReplayError('table-version', message, { category: 'input', path: store.uri })
    }
    throw damaged(store.uri, `expected version 0 or a checkpoint that can be read, found ${key} without them; restore the log`)
  }
  return false
}

function damaged(path: string, what: string): ReplayError {
  return new ReplayError('table-log-damaged', what, { category: 'corrupt', path })
}

/** An earlier version than this is read from the first one on, without asking for checkpoints. */
const FEW_VERSIONS = 10
/** Versions asked for at once, also beyond the newest: that is how a hole is seen. */
const READ_AHEAD = 8
/** So much is read of each of them; the few that are longer are then read whole, one at a time. */
const AHEAD_BYTES = 1 << 20
