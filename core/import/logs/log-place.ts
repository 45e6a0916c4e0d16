import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'
import { ReplayError } from '../../errors.ts'
import { StoreLogs } from '../../log/stores/store-logs.ts'
import { metaJson } from '../../log/writing/meta-json.ts'
import { marketId } from '../../protocol/symbol-hash.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import { joinLogs, type LogShare } from './join-logs.ts'
import type { StagedFolder } from './log-stager.ts'

/** Where records of a log come from: files that were read together. */
export interface LogOrigin {
  /** Tells the unit and how it was read from others. */
  readonly unit: string
  readonly format: string
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly digest: string }[]
  readonly records: number
  /** Of its records, nanoseconds since the epoch, as texts. */
  readonly minNs: string
  readonly maxNs: string
  /** Decimals of prices and sizes; absent: no book. */
  readonly scales?: readonly [price: number, size: number]
}

/** A staged log, and where it is from. */
export interface StagedShare {
  readonly folder: StagedFolder
  readonly origin: Pick<LogOrigin, 'unit' | 'format' | 'files'>
}

/** What is to become of a folder of the archive. */
export interface FolderStep {
  /** `<venue>/<symbol>/<date>/<stream>` */
  readonly key: string
  /** `same`: it is there. `join`: what is there goes on in what was staged, or before it. */
  readonly action: 'put' | 'same' | 'join' | 'replace'
  readonly shares: readonly StagedShare[]
  readonly origins: readonly LogOrigin[]
}

/** The place of logs in an archive: what is there, and how logs get there, each whole. */
export class LogPlace {
  readonly #archive: ObjectStore
  /** A local folder on the archive's disk, or else one for what is about to be put. */
  readonly #aside: string

  constructor(archive: ObjectStore, aside: string) {
    this.#archive = archive
    this.#aside = aside
  }

  /**
   * What is to be done for a log of which all shares are known. Nothing is changed.
   * @throws ReplayError input `folder-exists` where other files made what is there, `import-overlap` where shares hold the same times
   */
  async stepFor(key: string, shares: readonly StagedShare[], replaces: boolean): Promise<FolderStep> {
    const there = await this.#originsOf(key)
    const staged = shares.map(({ folder, origin }): LogOrigin => {
      const { records, minNs, maxNs, scales } = folder
      return { ...origin, records, minNs, maxNs, ...(scales !== null && { scales }) }
    })
    const isNew = (origin: LogOrigin): boolean => there === null || !there.some(({ unit }) => unit === origin.unit)
    // After a kill what was staged may have been put already.
    const isPut = shares.some(({ folder }) => !fs.existsSync(folder.directory))
    if (there !== null && !staged.some(isNew) && (!replaces || isPut)) return { key, action: 'same', shares: [], origins: there }
    if (there === null || replaces) {
      const origins = inOrder(staged, key)
      return { key, action: there === null ? 'put' : 'replace', shares: sharesInOrder(shares, origins), origins }
    }
    const more = staged.filter(isNew)
    const again = there.length === 0 ? null : sharedName(there, more)
    if (there.length === 0 || again !== null) {
      const by =
        there.length === 0
          ? 'it was not made by an import'
          : `it was made of a file of the name ${again} with other bytes, or in another way`
      const message = `v1/${key} exists, and ${by}; --replace puts what these files give in its place`
      throw new ReplayError('folder-exists', message, { category: 'input', path: this.#archive.uri })
    }
    const origins = inOrder([...there, ...more], key)
    return { key, action: 'join', shares: sharesInOrder(shares, origins), origins }
  }

  /** Does it. The log is there as it was, or as it is to be; in a store its `meta.json` comes last. */
  async carryOut({ key, action, shares, origins }: FolderStep): Promise<void> {
    if (action === 'same') return
    const [first] = shares
    let directory = first!.folder.directory
    if (origins.length > 1) {
      directory = path.join(this.#aside, `joined-${createHash('sha256').update(key).digest('hex').slice(0, 16)}`)
      fs.rmSync(directory, { recursive: true, force: true })
      await joinLogs(await this.#sharesOf(key, shares, origins), directory)
    }
    fs.writeFileSync(path.join(directory, 'meta.json'), metaText(shares, origins))
    await this.#put(key, directory)
  }

  async #sharesOf(key: string, shares: readonly StagedShare[], origins: readonly LogOrigin[]): Promise<LogShare[]> {
    const { directory } = this.#archive
    const byUnit = new Map(shares.map((share) => [share.origin.unit, share.folder.directory]))
    const prefix = `v1/${key}/`
    const there = directory === undefined ? await StoreLogs.of(this.#archive).open(prefix) : path.join(directory, prefix)
    let from = 0
    return origins.map(({ unit, records }) => {
      const own = byUnit.get(unit)
      if (own !== undefined) return { log: own, skip: 0, records }
      const share = { log: there, skip: from, records }
      from += records
      return share
    })
  }

  /** Null: nothing is there. Empty: something is that no import made. */
  async #originsOf(key: string): Promise<readonly LogOrigin[] | null> {
    const found = await this.#archive.get(`v1/${key}/meta.json`)
    if (found === null) {
      for await (const { key: object } of this.#archive.list(`v1/${key}/`)) if (/\.q(?:\.zst)?$/.test(object)) return []
      return null
    }
    try {
      const meta = JSON.parse(new TextDecoder().decode(found.bytes)) as { source?: { origins?: readonly LogOrigin[] } }
      return meta.source?.origins ?? []
    } catch {
      return []
    }
  }

  async #put(key: string, directory: string): Promise<void> {
    const { directory: root } = this.#archive
    if (root !== undefined) {
      await reachDisk(directory)
      const target = path.join(root, 'v1', key)
      fs.mkdirSync(path.dirname(target), { recursive: true })
      const old = `${directory}.old`
      fs.rmSync(old, { recursive: true, force: true })
      if (fs.existsSync(target)) fs.renameSync(target, old)
      fs.renameSync(directory, target)
      fs.rmSync(old, { recursive: true, force: true })
      return
    }
    const prefix = `v1/${key}/`
    const names = fs.readdirSync(directory).sort((a, b) => Number(a === 'meta.json') - Number(b === 'meta.json'))
    await this.#archive.delete(`${prefix}meta.json`)
    for await (const object of this.#archive.list(prefix))
      if (!names.includes(object.key.slice(prefix.length))) await this.#archive.delete(object.key)
    for (const name of names) {
      const file = path.join(directory, name)
      await this.#archive.put(prefix + name, { file, size: fs.statSync(file).size })
    }
    fs.rmSync(directory, { recursive: true, force: true })
  }
}

/** Waits until the files of a folder are on the disk. */
async function reachDisk(directory: string): Promise<void> {
  await Promise.all(
    fs.readdirSync(directory).map(async (name) => {
      const file = await open(path.join(directory, name), 'r+')
      try {
        await file.sync()
      } finally {
        await file.close()
      }
    }),
  )
}

/** By their times. @throws ReplayError input `import-overlap` */
function inOrder(origins: readonly LogOrigin[], key: string): LogOrigin[] {
  const sorted = [...origins].sort((a, b) => Number(BigInt(a.minNs) - BigInt(b.minNs)) || (namesOf(a) < namesOf(b) ? -1 : 1))
  for (const [i, origin] of sorted.entries()) {
    const before = sorted[i - 1]
    if (before === undefined || BigInt(before.maxNs) <= BigInt(origin.minNs)) continue
    const message = `${namesOf(before)} and ${namesOf(origin)} both hold messages of the same times for v1/${key}: are they of one day, or one a newer download? Import one of them`
    throw new ReplayError('import-overlap', message, { category: 'input' })
  }
  return sorted
}

function sharesInOrder(shares: readonly StagedShare[], origins: readonly LogOrigin[]): StagedShare[] {
  const at = (share: StagedShare): number => origins.findIndex(({ unit }) => unit === share.origin.unit)
  return shares.filter((share) => at(share) >= 0).sort((a, b) => at(a) - at(b))
}

/** A name that files of both have. */
function sharedName(there: readonly LogOrigin[], more: readonly LogOrigin[]): string | null {
  const known = new Set(there.flatMap(({ files }) => files.map(({ name }) => name)))
  return more.flatMap(({ files }) => files.map(({ name }) => name)).find((name) => known.has(name)) ?? null
}

function namesOf({ files }: Pick<LogOrigin, 'files'>): string {
  return files.map(({ name }) => name).join(' + ')
}

/** Says of a log what it is and where it is from; nothing of when or by whom it was imported. */
function metaText(shares: readonly StagedShare[], origins: readonly LogOrigin[]): string {
  const { identity, venueId, streamId, scales, depthLimit } = shares[0]!.folder
  const [from, to] = [BigInt(origins[0]!.minNs), BigInt(origins.at(-1)!.maxNs)]
  const scalesOf = (which: 0 | 1): number => Math.max(...origins.map((origin) => origin.scales?.[which] ?? 0))
  return metaJson({
    venue: identity.venue,
    symbol_code: identity.symbol,
    ingest_time_ns: to,
    event_time_range: [from, to],
    completeness: 'sealed',
    exchange_symbol: identity.exchangeSymbol,
    venue_id: venueId,
    market_id: marketId(identity.exchangeSymbol),
    stream_id: streamId,
    ...(scales !== null && { price_scale: scalesOf(0), size_scale: scalesOf(1) }),
    ...(depthLimit !== null && { depth_limit: depthLimit }),
    source: { origins },
  })
}
