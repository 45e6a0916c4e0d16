import zlib from 'node:zlib'
import { ReplayError } from '../../errors.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import { hex32 } from '../book-digest.ts'
import { decodeSnapshot, decodeSnapshotHeader, encodeSnapshot, SNAPSHOT_HEADER_BYTES, type SnapshotHeader } from './snapshot-file.ts'
import { decodeSidecar, encodeSidecar, type SnapshotPosition, type SnapshotSidecar } from './snapshot-sidecar.ts'

/** A snapshot file that a listing found. */
export interface SnapshotEntry {
  readonly key: string
  /** From the file name. */
  readonly seq: bigint
  readonly bytes: number
  readonly etag: string
  /** Last change, milliseconds since the epoch. */
  readonly modifiedMs: number
}

export interface LoadedSnapshot {
  readonly entry: SnapshotEntry
  readonly header: SnapshotHeader
  readonly payload: Uint8Array
  /** Null for a snapshot of the peer, which has none, and where it belongs to other bytes. */
  readonly sidecar: SnapshotSidecar | null
}

/**
 * Which snapshot: the latest with record sequence ≤ `at`; the one with the greatest exchange or ingest end time ≤ `at`;
 * or the last whose message lies at or before a position of the same day (only a sidecar knows, and only it can tell
 * apart sequences that repeat after a writer's restart).
 */
export type SnapshotQuery = (
  | { readonly by: 'seq' | 'exchange' | 'ingest'; readonly at: bigint }
  | { readonly by: 'position'; readonly at: SnapshotPosition }
) & {
  /** Fingerprint of the inputs as they are now: snapshots without a sidecar, or of other inputs, are passed over. */
  readonly inputs?: string | undefined
}

export interface SnapshotRetention {
  /** Delete what was last changed longer ago than this, milliseconds. */
  readonly maxAgeMs?: number | undefined
  /** Keep at most so many. */
  readonly maxCount?: number | undefined
  /** Keep at most so many bytes of snapshot files. */
  readonly maxBytes?: number | undefined
}

/** The snapshots of a market. */
export interface MarketSnapshots {
  readonly venueId: number
  readonly marketId: number
  /** By ascending sequence. */
  readonly entries: readonly SnapshotEntry[]
}

export interface SnapshotKey {
  /** Key of the log directory, ends with `/`; `''`: the store's root. */
  readonly log: string
  readonly venueId: number
  readonly marketId: number
  readonly seq: bigint
}

/** What a key says of a snapshot; null: it is none. */
export function snapshotOfKey(key: string): SnapshotKey | null {
  const [, log = '', venueId, marketId, seq] = /^(.*\/)?snapshots\/(\d+)\/(\d+)\/snapshot_(\d{1,20})\.bin$/.exec(key) ?? []
  return seq === undefined ? null : { log, venueId: Number(venueId), marketId: Number(marketId), seq: BigInt(seq) }
}

/**
 * All snapshots of a log, by one listing.
 * @param prefix key of the log directory (stream folder) in the store; empty = the store's root
 */
export async function listSnapshots(store: ObjectStore, prefix: string): Promise<MarketSnapshots[]> {
  const folder = snapshotsFolder(prefix)
  const markets = new Map<string, { venueId: number; marketId: number; entries: SnapshotEntry[] }>()
  for await (const { key, size, etag, modifiedMs } of store.list(folder)) {
    const found = snapshotOfKey(key)
    if (found === null || snapshotsFolder(found.log) !== folder) continue
    const { venueId, marketId, seq } = found
    const market = `${venueId}/${marketId}`
    const known = markets.get(market) ?? { venueId, marketId, entries: [] }
    known.entries.push({ key, seq, bytes: size, etag, modifiedMs })
    markets.set(market, known)
  }
  for (const { entries } of markets.values()) entries.sort(bySequence)
  return [...markets.values()]
}

/**
 * The snapshots of one market: `<prefix>snapshots/<venueId>/<marketId>/snapshot_<seq>.bin`, each with a sidecar `.json`.
 * The `.bin` is what readers select by, so it is written last and deleted first.
 */
export class SnapshotStore {
  readonly #store: ObjectStore
  readonly #folder: string
  /** Headers by key and ETag, so that a listing is read once. */
  readonly #headers = new Map<string, SnapshotHeader | null>()

  /** @param prefix key of the log directory (stream folder) in the store; empty = the store's root */
  constructor(store: ObjectStore, prefix: string, venueId: number, marketId: number) {
    this.#store = store
    this.#folder = `${snapshotsFolder(prefix)}${venueId}/${marketId}/`
  }

  /**
   * Writes a snapshot and its sidecar; one of the same sequence is replaced.
   * @throws ReplayError bug `snapshot-quarantined` when the policy state is quarantined for the market
   */
  async write(header: SnapshotHeader, payload: Uint8Array, sidecar: Omit<SnapshotSidecar, 'version' | 'bytes' | 'crc32'>): Promise<void> {
    if (sidecar.policy.markets.some((market) => market.marketId === header.marketId && market.quarantined !== 0)) {
      throw new ReplayError('snapshot-quarantined', 'a book in quarantine is not known, so no snapshot of it can be written', {
        category: 'bug',
        seq: header.seq,
      })
    }
    const bytes = encodeSnapshot(header, payload)
    const key = `${this.#folder}snapshot_${header.seq}`
    await this.#put(`${key}.json`, encodeSidecar({ version: 1, bytes: bytes.length, crc32: hex32(zlib.crc32(bytes)), ...sidecar }))
    await this.#put(`${key}.bin`, bytes)
  }

  /** Not everybody who may create may replace, and an attempt that died may have left the same. */
  async #put(key: string, bytes: Uint8Array): Promise<void> {
    if ((await this.#store.put(key, bytes, 'absent')) !== null) return
    const there = await this.#store.get(key)
    if (there === null || Buffer.compare(there.bytes, bytes) !== 0) await this.#store.put(key, bytes)
  }

  /** All snapshots by ascending sequence. */
  async list(): Promise<SnapshotEntry[]> {
    const entries: SnapshotEntry[] = []
    for await (const { key, size, etag, modifiedMs } of this.#store.list(this.#folder)) {
      const match = /^snapshot_(\d{1,20})\.bin$/.exec(key.slice(this.#folder.length))
      if (match !== null) entries.push({ key, seq: BigInt(match[1]!), bytes: size, etag, modifiedMs })
    }
    return entries.sort(bySequence)
  }

  /**
   * The best snapshot for a query, or null. Damaged ones and those of other inputs are passed over for the next best.
   */
  async find(query: SnapshotQuery): Promise<LoadedSnapshot | null> {
    const candidates: { entry: SnapshotEntry; value: bigint }[] = []
    for (const entry of await this.list()) {
      const value = await this.#valueOf(entry, query)
      if (value !== null && value <= (query.by === 'position' ? orderOf(query.at) : query.at)) candidates.push({ entry, value })
    }
    candidates.sort((a, b) => (a.value !== b.value ? (a.value < b.value ? 1 : -1) : a.entry.seq < b.entry.seq ? 1 : -1))
    for (const { entry } of candidates) {
      const loaded = await this.#tryLoad(entry)
      if (loaded === null) continue
      if (query.inputs === undefined || loaded.sidecar?.inputs === query.inputs) return loaded
    }
    return null
  }

  /**
   * Reads one snapshot and its sidecar.
   * @throws ReplayError corrupt: `snapshot-…` of snapshot-file.ts; input `snapshot-missing`
   */
  async load(entry: SnapshotEntry): Promise<LoadedSnapshot> {
    const [snapshot, sidecar] = [await this.#read(entry), await this.#readSidecar(entry)]
    return withSidecar(snapshot, sidecar)
  }

  /**
   * Reads a snapshot if its sidecar says that it is wanted: the sidecar is the smaller of the two. Null when it is not, or has none.
   * @throws as `load`
   */
  async loadIf(
    entry: SnapshotEntry,
    wants: (sidecar: SnapshotSidecar) => boolean,
  ): Promise<(LoadedSnapshot & { readonly sidecar: SnapshotSidecar }) | null> {
    const sidecar = await this.#readSidecar(entry)
    if (sidecar === null || !wants(sidecar)) return null
    const snapshot = withSidecar(await this.#read(entry), sidecar)
    return snapshot.sidecar === null ? null : { ...snapshot, sidecar }
  }

  async #read(entry: SnapshotEntry): Promise<ReadSnapshot> {
    const path = `${this.#store.uri}/${entry.key}`
    const object = await this.#store.get(entry.key)
    if (object === null)
      throw new ReplayError('snapshot-missing', 'the snapshot was deleted since it was listed', { category: 'input', path })
    return { entry, ...decodeSnapshot(object.bytes, path), bytes: object.bytes }
  }

  /**
   * Deletes what the limits do not allow, oldest sequence first, and returns what was deleted.
   * @param nowMs the current time, milliseconds since the epoch; @param isDryRun deletes nothing, and returns what would be
   */
  async retain(limits: SnapshotRetention, nowMs: number, isDryRun = false): Promise<SnapshotEntry[]> {
    const kept = await this.list()
    const deleted: SnapshotEntry[] = []
    const { maxAgeMs = Number.POSITIVE_INFINITY, maxCount = Number.POSITIVE_INFINITY, maxBytes = Number.POSITIVE_INFINITY } = limits
    let bytes = kept.reduce((sum, entry) => sum + entry.bytes, 0)
    let count = kept.length
    for (const entry of kept) {
      if (nowMs - entry.modifiedMs <= maxAgeMs && count <= maxCount && bytes <= maxBytes) continue
      if (!isDryRun) {
        await this.#store.delete(entry.key)
        await this.#store.delete(entry.key.replace(/bin$/, 'json'))
      }
      deleted.push(entry)
      bytes -= entry.bytes
      count--
    }
    return deleted
  }

  /** What a query compares; null when the snapshot does not have it. */
  async #valueOf(entry: SnapshotEntry, query: SnapshotQuery): Promise<bigint | null> {
    if (query.by === 'seq') return entry.seq
    if (query.by === 'position') {
      const position = (await this.#readSidecar(entry))?.position
      return position === undefined || position.date !== query.at.date ? null : orderOf(position)
    }
    const header = await this.#header(entry)
    if (header === null) return null
    return query.by === 'exchange' ? header.exchangeEndNs : header.ingestEndNs
  }

  async #tryLoad(entry: SnapshotEntry): Promise<LoadedSnapshot | null> {
    try {
      return await this.load(entry)
    } catch (error) {
      if (error instanceof ReplayError && (error.category === 'corrupt' || error.code === 'snapshot-missing')) return null
      throw error
    }
  }

  /** The header of a snapshot; null when it is damaged or gone. */
  async #header(entry: SnapshotEntry): Promise<SnapshotHeader | null> {
    const version = `${entry.key} ${entry.etag}`
    const known = this.#headers.get(version)
    if (known !== undefined) return known
    const object = await this.#store.get(entry.key, { range: { start: 0, end: SNAPSHOT_HEADER_BYTES } })
    let header: SnapshotHeader | null = null
    try {
      if (object !== null) header = decodeSnapshotHeader(object.bytes, entry.bytes)
    } catch (error) {
      if (!(error instanceof ReplayError)) throw error
    }
    this.#headers.set(version, header)
    return header
  }

  /** The sidecar, or null when there is none or it is damaged. */
  async #readSidecar(entry: SnapshotEntry): Promise<SnapshotSidecar | null> {
    const key = entry.key.replace(/bin$/, 'json')
    const object = await this.#store.get(key)
    if (object === null) return null
    try {
      return decodeSidecar(object.bytes, `${this.#store.uri}/${key}`)
    } catch (error) {
      if (error instanceof ReplayError) return null
      throw error
    }
  }
}

/** A snapshot and its file's bytes. */
type ReadSnapshot = Omit<LoadedSnapshot, 'sidecar'> & { readonly bytes: Uint8Array }

/** The sidecar counts if it is of exactly these bytes. */
function withSidecar({ bytes, ...snapshot }: ReadSnapshot, sidecar: SnapshotSidecar | null): LoadedSnapshot {
  const isOf = sidecar !== null && sidecar.bytes === bytes.length && sidecar.crc32 === hex32(zlib.crc32(bytes))
  return { ...snapshot, sidecar: isOf ? sidecar : null }
}

/** Positions of one day as numbers in file order. */
function orderOf(position: SnapshotPosition): bigint {
  return (BigInt(position.segment) << 64n) + BigInt(position.offset)
}

function snapshotsFolder(prefix: string): string {
  return `${prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`}snapshots/`
}

function bySequence(a: SnapshotEntry, b: SnapshotEntry): number {
  return a.seq < b.seq ? -1 : 1
}
