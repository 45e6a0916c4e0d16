import { setTimeout as sleep } from 'node:timers/promises'
import { ReplayError } from '../errors.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { checkpointKeys } from './checkpoint-list.ts'
import { type AddFile, type CommitInfo, type DeltaAction, encodeVersion } from './delta-action.ts'
import { encodeCheckpoint } from './delta-checkpoint.ts'
import { readCommitInfo } from './delta-history.ts'
import {
  advanceTable,
  applyVersion,
  checkpointActions,
  findTable,
  JOB_PROPERTY,
  LAST_CHECKPOINT,
  type TableState,
  versionKey,
} from './delta-log.ts'
import { PROTOCOL, requireWriter } from './table-protocol.ts'
import { mergeSchemas, PARTITION_COLUMNS, schemaStringOf, type TableSchema } from './table-schema.ts'

/** What one version changes. */
export interface TableChange {
  readonly schema: TableSchema
  /** Columns of the table that another program added, which the rows may lack. @default none */
  readonly foreignColumns?: ReadonlySet<string> | undefined
  readonly adds: readonly AddFile[]
  /** Live parts to take out. */
  readonly removes: readonly AddFile[]
  /** The rows of the parts that go are those of the parts that come. @default false */
  readonly isMove?: boolean
  /** Further transactions to record. */
  readonly txns?: readonly { readonly appId: string; readonly version: number }[]
  /** Further fields of the version's commitInfo. */
  readonly info: Readonly<Record<string, unknown>>
}

export interface CommitOptions {
  /** Who commits: the txn's appId. */
  readonly run: string
  /**
   * The txn's version, from 1: a commit of this run with this number or a later one in the table makes this one a repetition.
   * @default one more than the run has in the table: then `decide` has to see what the run's earlier commits brought
   */
  readonly attempt?: number
  /**
   * Says what to change, given the table as it is (null: there is none yet); null: nothing. Called again with the newer
   * table after each lost race, so it must not remember what it said before.
   */
  decide(state: TableState | null): TableChange | null | Promise<TableChange | null>
  /** The version is no run's, and does not say so. @default false */
  readonly isMaintenance?: boolean
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** Numbers in [0, 1). */
  readonly random: () => number
  /** Called when the version is written, before a checkpoint that may be due: `decide` is not asked again. */
  readonly onWritten?: () => void
  /** Waits so many milliseconds. @default a timer */
  readonly pause?: (ms: number) => Promise<unknown>
  /** Lost races and transient errors that are borne. @default 100 */
  readonly maxTries?: number
}

export interface CommitOutcome {
  /** The table's version that has the change, or the newest one when nothing was to change; -1: there is no table. */
  readonly version: number
  /** Whether this call (or an earlier try of it) wrote a version. */
  readonly written: boolean
  readonly state: TableState | null
  /** Why the checkpoint that was due was not written; null when all is well. */
  readonly checkpointError: unknown
}

/**
 * Writes one version of a table, or none, by a conditional put.
 *
 * - A lost race: the table is read again and `decide` asked again.
 * - A put whose answer was lost (an error, or a refusal although our version is there) is known by a nonce in commitInfo.
 * - A process that dies and commits again with the same run and attempt finds its txn in the table and changes nothing.
 *
 * @throws ReplayError transient `commit-contended` after `maxTries`; input `table-protocol`, `table-job`, `table-schema`; what `decide` throws
 */
export async function commitTable(store: ObjectStore, options: CommitOptions): Promise<CommitOutcome> {
  const { run, maxTries = 100 } = options
  const nonce = nonceOf(options.random)
  let state = await findTable(store)
  for (let tried = 0; tried < maxTries; tried++) {
    const before = state?.txns.get(run)?.version ?? 0
    const attempt = options.attempt ?? before + 1
    if (before >= attempt) return unchanged(state)
    const tries = await tryVersion(
      store,
      state,
      { run, attempt, nonce, timestamp: options.clock(), isMaintenance: options.isMaintenance === true },
      options,
    )
    if (tries === 'unchanged') return unchanged(state)
    if (tries !== 'lost') {
      state = tries
      options.onWritten?.()
      return { version: state.version, written: true, state, checkpointError: await checkpointIfDue(store, state, options.clock()) }
    }
    await backOff(tried, options)
    state = state === null ? await findTable(store) : await advanceTable(store, state)
  }
  throw new ReplayError('commit-contended', `${maxTries} tries to write the next version of the table were in vain; commit again`, {
    category: 'transient',
    path: store.uri,
  })
}

/** The table with the change that was asked for; what the change was made of is done with then. */
async function tryVersion(
  store: ObjectStore,
  state: TableState | null,
  by: Committer,
  { decide }: CommitOptions,
): Promise<TableState | 'unchanged' | 'lost'> {
  const change = await decide(state)
  if (change === null) return 'unchanged'
  if (state !== null) requireWriter(state, change.removes.length > 0 && change.isMove !== true, store.uri)
  const version = (state?.version ?? -1) + 1
  const actions = actionsOf(store.uri, state, change, by)
  const bytes = encodeVersion(actions)
  const isOurs = await putVersion(store, version, bytes, by.nonce)
  return isOurs ? applyVersion(store.uri, state, { version, actions, bytes: bytes.length }) : 'lost'
}

function unchanged(state: TableState | null): CommitOutcome {
  return { version: state?.version ?? -1, written: false, state, checkpointError: null }
}

interface Committer {
  readonly run: string
  readonly attempt: number
  readonly nonce: string
  readonly isMaintenance: boolean
  /** Milliseconds since the epoch. */
  readonly timestamp: number
}

/** commitInfo comes first, so that the history can be read without the parts. */
function actionsOf(uri: string, state: TableState | null, change: TableChange, by: Committer): DeltaAction[] {
  const { run, attempt, nonce, timestamp, isMaintenance } = by
  const commitInfo: CommitInfo = {
    timestamp,
    operation: 'WRITE',
    operationParameters: { mode: 'Append', partitionBy: JSON.stringify(PARTITION_COLUMNS) },
    isBlindAppend: false,
    engineInfo: 'chronicle-replay',
    ...change.info,
    ...(!isMaintenance && { run, attempt }),
    nonce,
  }
  return [
    { commitInfo },
    ...metaDataOf(uri, state, change, timestamp, nonce),
    ...[{ appId: run, version: attempt }, ...(change.txns ?? [])].map((txn) => ({ txn: { ...txn, lastUpdated: timestamp } })),
    ...change.removes.map(({ path, partitionValues, size }) => ({
      remove: { path, deletionTimestamp: timestamp, dataChange: change.isMove !== true, extendedFileMetadata: true, partitionValues, size },
    })),
    ...change.adds.map((add) => ({ add })),
  ]
}

function metaDataOf(uri: string, state: TableState | null, change: TableChange, createdTime: number, nonce: string): DeltaAction[] {
  const { schema: wanted, foreignColumns } = change
  if (state === null) {
    const metaData = {
      id: uuidOf(nonce),
      name: wanted.job,
      format: { provider: 'parquet', options: {} },
      schemaString: schemaStringOf(wanted),
      partitionColumns: PARTITION_COLUMNS,
      configuration: { [JOB_PROPERTY]: wanted.job },
      createdTime,
    }
    return [{ protocol: PROTOCOL }, { metaData }]
  }
  const schema = mergeSchemas(state.schema, wanted, uri, foreignColumns)
  return schema === state.schema
    ? []
    : [{ metaData: { ...state.metaData, schemaString: schemaStringOf(schema, state.metaData.schemaString) } }]
}

/** Whether the version is ours. Only another's version at this number is a lost race. */
async function putVersion(store: ObjectStore, version: number, bytes: Uint8Array, nonce: string): Promise<boolean> {
  let failure: unknown
  try {
    if ((await store.put(versionKey(version), bytes, 'absent')) !== null) return true
  } catch (error) {
    failure = error
  }
  const winner = await readCommitInfo(store, version)
  if (winner?.nonce === nonce) return true
  // Not there, so nothing is known of the put but its error. A later arrival of it cannot hurt: the next try has the same number.
  const isTransient = failure instanceof ReplayError && failure.category === 'transient'
  if (failure !== undefined && winner === null && !isTransient) throw failure
  return false
}

/** Waits a random time up to a bound that doubles. */
async function backOff(tried: number, { random, pause = sleep }: CommitOptions): Promise<void> {
  await pause(random() * Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tried))
}

/**
 * Writes a checkpoint when the last is 10 versions old, or what was written since is long to read, and then the hint to it. The version
 * is committed whatever comes of it: an error is given back, and the next commit tries again.
 */
async function checkpointIfDue(store: ObjectStore, state: TableState, nowMs: number): Promise<unknown> {
  if (state.version - (state.checkpoint ?? 0) < VERSIONS_PER_CHECKPOINT && state.logBytes < BYTES_PER_CHECKPOINT) return null
  try {
    await writeCheckpoint(store, state, nowMs)
    return null
  } catch (error) {
    return error
  }
}

async function writeCheckpoint(store: ObjectStore, state: TableState, nowMs: number): Promise<void> {
  const actions = checkpointActions(state, nowMs - KEEP_REMOVED_MS)
  const keys = checkpointKeys(state.version, Math.ceil(actions.length / ACTIONS_PER_FILE))
  for (const [i, key] of keys.entries()) {
    await store.put(key, encodeCheckpoint(actions.slice(i * ACTIONS_PER_FILE, (i + 1) * ACTIONS_PER_FILE)))
  }
  const parts = keys.length > 1 ? { parts: keys.length } : {}
  const hint = Buffer.from(JSON.stringify({ version: state.version, size: actions.length, ...parts }))
  for (let tried = 0; tried < 5; tried++) {
    const current = await store.get(LAST_CHECKPOINT)
    // A slow committer must not turn the hint back.
    if (current !== null && hintedVersion(current.bytes) >= state.version) return
    if ((await store.put(LAST_CHECKPOINT, hint, current === null ? 'absent' : { ifMatch: current.etag })) !== null) return
  }
}

function hintedVersion(bytes: Uint8Array): number {
  try {
    return Number((JSON.parse(Buffer.from(bytes).toString()) as { version?: unknown }).version ?? -1)
  } catch {
    return -1
  }
}

function nonceOf(random: () => number): string {
  return Array.from({ length: 4 }, () =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0'),
  ).join('')
}

/** A version 4 UUID of 32 hex digits. */
function uuidOf(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
}

const VERSIONS_PER_CHECKPOINT = 10
/** Of JSON, which takes readers some 10 s for each 100 MB. */
const BYTES_PER_CHECKPOINT = 8 * 2 ** 20
/** A checkpoint of more is several files, so that none is in memory as a whole. */
const ACTIONS_PER_FILE = 50_000
/** Delta's default retention of removed files. */
const KEEP_REMOVED_MS = 7 * 86_400_000
const FIRST_PAUSE_MS = 10
const MAX_PAUSE_MS = 2_000
