import type { LogBookSettings } from '../book/log-settings.ts'
import type { GapPolicy, SequencePolicyState } from '../book/sequence/sequence-policy.ts'
import type { SnapshotHome } from '../book/snapshot/restart-points.ts'
import { SnapshotInputs, segmentVersions } from '../book/snapshot/snapshot-inputs.ts'
import { snapshotSettings } from '../book/snapshot/snapshot-log.ts'
import type { SnapshotPosition, SnapshotSidecar } from '../book/snapshot/snapshot-sidecar.ts'
import { type LoadedSnapshot, listSnapshots, type SnapshotEntry, SnapshotStore } from '../book/snapshot/snapshot-store.ts'
import { ReplayError } from '../errors.ts'
import { ReplayReader } from '../log/reading/replay-reader.ts'
import type { LogFolder } from '../log/stores/log-folder.ts'
import type { InputFolder } from '../plan/run/task-share.ts'
import { MODE_L2 } from '../protocol/book-event.ts'

/** A snapshot that the book of a pass goes on from. */
export interface BookRestart {
  readonly snapshot: LoadedSnapshot
  /** The last message that is in it; reading goes on behind it. */
  readonly position: SnapshotPosition
  readonly policy: SequencePolicyState
  /** How its book was built: as the whole pass would. */
  readonly settings: LogBookSettings
}

/** What the search has to know of an instrument's folders. */
export interface SearchedFolders {
  open(folder: InputFolder): Promise<LogFolder>
  /** Of which only the segments are looked at, not what is in them. */
  openSegments(folder: InputFolder): Promise<LogFolder>
  settingsOf(folder: InputFolder): Promise<LogBookSettings>
  homeOf(folder: InputFolder): SnapshotHome
  /** Whether nothing before its first message matters to its book. */
  beginsWhole(folder: InputFolder): Promise<boolean>
  check(folders: readonly InputFolder[]): Promise<void>
}

export interface RestartQuery {
  /** The book's folders from the first one that the plan lets one read to the one to look in, ascending. */
  readonly books: readonly InputFolder[]
  /** The first of them is the first that there is. */
  readonly isOrigin: boolean
  /** The snapshot has to be of before the first message at or after this time, nanoseconds since the epoch; null: of any time. */
  readonly fromNs: bigint | null
  readonly onGap: GapPolicy
}

/** Snapshots that are looked into, per folder: what is passed over is of other inputs, damaged, or of another session. */
const MAX_TRIES = 16

/**
 * The nearest snapshot in the last of the folders that a pass may go on from, or null.
 *
 * It counts only if its inputs are those that the plan listed: every segment from a folder whose book begins whole, or the
 * first that there is, to the one of its position. So a corrected day takes the snapshots of all days behind it with it.
 * Sequences repeat after a writer's restart: they only say which sidecar to look into first, its position decides.
 */
export async function findRestart(query: RestartQuery, folders: SearchedFolders): Promise<BookRestart | null> {
  const folder = query.books.at(-1)!
  const home = folders.homeOf(folder)
  const markets = await listSnapshots(home.store, home.prefix)
  const [market] = markets
  // A log that mixes markets has no one book.
  if (market === undefined || markets.length > 1) return null
  const limit = query.fromNs === null ? null : await placeOf(await folders.open(folder), query.fromNs)
  const store = new SnapshotStore(home.store, home.prefix, market.venueId, market.marketId)
  for (const entry of inOrder(market.entries, limit).slice(0, MAX_TRIES)) {
    const isInReach = ({ position: { date, ...place } }: SnapshotSidecar): boolean =>
      date === folder.date && (limit === null || isBefore(place, limit))
    const snapshot = await tryLoad(store, entry, isInReach)
    if (snapshot === null || saysNothing(snapshot)) continue
    const { sidecar } = snapshot
    const { position } = sidecar
    const settings = await settingsOf(snapshot, query, folders)
    if (settings === null) continue
    const isLast = limit === null && !(await isFollowed(await folders.open(folder), position))
    // The next folder's sequence has nothing to do with the one that ended.
    const policy = isLast ? { ...sidecar.policy, lastRecordSeqs: {} } : sidecar.policy
    return { snapshot, position, policy, settings }
  }
  return null
}

/** Puts a reader of a snapshot’s folder behind it; gives the time of its last message. @throws ReplayError corrupt `snapshot-position` when another message is there */
export async function beginBehind(reader: ReplayReader, { position, snapshot }: BookRestart): Promise<bigint> {
  await reader.seekToPosition(position.segment, position.offset)
  const last = await reader.next()
  if (last?.seq === snapshot.header.seq) return last.timestampNs
  const message = `snapshot: expected the message of sequence ${snapshot.header.seq} at its position, found ${last?.seq ?? 'none'}; delete the snapshot`
  const { segment, offset } = position
  throw new ReplayError('snapshot-position', message, { category: 'corrupt', path: snapshot.entry.key, segment, offset })
}

/**
 * Puts a reader before the first message at or after a time: so many messages before it that what is believed of the times there is
 * what a reader from the begin on believes (SoundTimes), whatever the first of them is; and that a gap between is seen.
 * @param holdsWild records of a log without any sound time belong behind the time, too
 */
export async function beginBefore(reader: ReplayReader, timeNs: bigint, holdsWild = false): Promise<undefined> {
  for (const backNs of LEAD_NS) {
    const fromNs = timeNs > backNs ? timeNs - backNs : 0n
    if (!(await reader.seekToTimestamp(fromNs))) {
      if (holdsWild) break
      return undefined // nothing is left to read
    }
    const lead = await leadOf(reader, timeNs)
    if (lead === null) continue
    await reader.seekToPosition(lead.segment, lead.offset)
    return undefined
  }
  await reader.seekToTimestamp(0n)
  return undefined
}

/** Where a reader stands, if enough messages come from there on before one at or after a time. */
async function leadOf(reader: ReplayReader, timeNs: bigint): Promise<Omit<Place, 'seq'> | null> {
  let lead = 0
  let first: Omit<Place, 'seq'> | null = null
  for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
    for (let k = 0; k < batch.length; k++) {
      const { segment, segmentOffset: offset, timestampNs } = batch.at(batch.rowAt(k))
      if (timestampNs >= timeNs) return null
      first ??= { segment, offset }
      if (++lead === MIN_LEAD) return first
    }
  }
  return null
}

/** A second, a minute, an hour. */
const LEAD_NS = [1_000_000_000n, 60_000_000_000n, 3_600_000_000_000n]
/** Messages that look ahead at each other, several times over. */
const MIN_LEAD = 48

interface Place {
  readonly segment: number
  readonly offset: number
  readonly seq: bigint
}

/** Where the first message at or after a time is; null: there is none. */
async function placeOf(log: LogFolder, timeNs: bigint): Promise<Place | null> {
  const reader = await ReplayReader.open(log)
  try {
    if (!(await reader.seekToTimestamp(timeNs))) return null
    for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
      if (batch.length === 0) continue
      const { segment, segmentOffset, seq } = batch.at(batch.rowAt(0))
      return { segment, offset: segmentOffset, seq }
    }
    return null
  } finally {
    await reader.close()
  }
}

/** Whether a message lies behind a position. */
async function isFollowed(log: LogFolder, { segment, offset }: SnapshotPosition): Promise<boolean> {
  const reader = await ReplayReader.open(log)
  try {
    return (await reader.seekToPosition(segment, offset)) && (await reader.next()) !== null && (await reader.next()) !== null
  } finally {
    await reader.close()
  }
}

/** Those of lower sequences first, the nearest before the others. */
function inOrder(entries: readonly SnapshotEntry[], limit: Place | null): SnapshotEntry[] {
  const descending = entries.toReversed()
  if (limit === null) return descending
  const isLower = ({ seq }: SnapshotEntry): boolean => seq < limit.seq
  return [...descending.filter(isLower), ...descending.filter((entry) => !isLower(entry))]
}

async function tryLoad(
  ...[store, entry, wants]: [SnapshotStore, ...Parameters<SnapshotStore['loadIf']>]
): ReturnType<SnapshotStore['loadIf']> {
  try {
    return await store.loadIf(entry, wants)
  } catch (error) {
    if (error instanceof ReplayError && (error.category === 'corrupt' || error.code === 'snapshot-missing')) return null
    throw error
  }
}

/** An empty L2 book: whether it has scales yet is not in the file. */
function saysNothing({ header, payload }: LoadedSnapshot): boolean {
  return header.bookMode === MODE_L2 && payload.length === 12 && payload[0] === 0 && payload[1] === 0
}

function isBefore(a: Omit<SnapshotPosition, 'date'>, b: Place): boolean {
  return a.segment < b.segment || (a.segment === b.segment && a.offset < b.offset)
}

/** The settings that a snapshot was made with, if its inputs are the planned ones; else null. */
async function settingsOf(
  { sidecar }: LoadedSnapshot,
  { books, isOrigin, onGap }: RestartQuery,
  folders: SearchedFolders,
): Promise<LogBookSettings | null> {
  const last = books.length - 1
  const isOf = async (first: number): Promise<LogBookSettings | null> => {
    const settings = await folders.settingsOf(books[first]!)
    const inputs = new SnapshotInputs(snapshotSettings(settings, onGap, 'abort'))
    for (const folder of books.slice(first)) inputs.enterFolder(folder.date, segmentVersions(await folders.openSegments(folder)))
    if (inputs.upTo(sidecar!.position.segment) !== sidecar!.inputs) return null
    await folders.check(books.slice(first))
    return settings
  }
  // The two that are likely, then the others, as far as a pass could have begun with them.
  const ofOrigin = isOrigin ? await isOf(0) : null
  if (ofOrigin !== null) return ofOrigin
  for (let first = last; first >= 0; first--) {
    const settings = await isOf(first)
    const isWhole = await folders.beginsWhole(books[first]!)
    if (settings !== null || isWhole) return isWhole ? settings : null
  }
  return null
}
