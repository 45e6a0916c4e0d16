import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'
import { needingRoom } from '../../disk-full.ts'
import { ReplayError } from '../../errors.ts'
import { StoreLogs } from '../../log/stores/store-logs.ts'
import { metaJson } from '../../log/writing/meta-json.ts'
import { marketId } from '../../protocol/symbol-hash.ts'
import { copyObject, type ObjectStore } from '../../store/object-store.ts'
import { joinLogs, type LogShare, shareMessage } from './join-logs.ts'
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

/** A staged log of which the archive's store holds the files. */
export interface StoredFolder extends Omit<StagedFolder, 'directory'> {
  /** Prefix of their keys, without a last `/`. */
  readonly staged: string
  /** Files there: fewer are what a removal has left. */
  readonly files: number
}

/** A staged log, and where it is from. */
export interface StagedShare {
  readonly folder: StoredFolder
  readonly origin: Pick<LogOrigin, 'unit' | 'format' | 'files'>
  /** Whether its files are those of an origin and more, read in the same way: what that one gave is in it. */
  grewFrom(origin: LogOrigin): boolean
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
  /** For logs that are being joined: a local folder, on the archive's disk where that is one. */
  readonly #aside: string

  constructor(archive: ObjectStore, aside: string) {
    this.#archive = archive
    this.#aside = aside
  }

  /**
   * What is to be done for a log of which all shares are known. Nothing is changed.
   * @throws ReplayError input `folder-exists` where other files made what is there, `import-overlap` where shares hold the same times,
   *   `staged-gone` where what was staged was given up since
   */
  async stepFor(key: string, shares: readonly StagedShare[], replaces: boolean): Promise<FolderStep> {
    const found = await this.#logThere(key)
    const there = found?.origins ?? null
    const staged = shares.map(({ folder, origin }): LogOrigin => {
      const { records, minNs, maxNs, scales } = folder
      return { ...origin, records, minNs, maxNs, ...(scales !== null && { scales }) }
    })
    const isThere = staged.map((origin, i) => {
      return there?.some((one) => one.unit === origin.unit || (shares[i]!.grewFrom(one) && isAlike(one, origin))) === true
    })
    const fresh = staged.filter((_, i) => !isThere[i])
    const needed = there === null || replaces ? shares : shares.filter((_, i) => !isThere[i])
    // What was staged may have been put already, before a kill, or by an earlier commit of the run.
    const isGone = (await Promise.all(needed.map(({ folder }) => this.#isGone(folder)))).includes(true)
    if (there !== null && fresh.length === 0 && (!replaces || isGone)) return { key, action: 'same', shares: [], origins: there }
    if (isGone) {
      const message = `what was read for v1/${key} is gone, as it was refused before, or another import came in between; import these files again`
      throw new ReplayError('staged-gone', message, { category: 'input', path: this.#archive.uri })
    }
    requireOneDepth(key, [...shares.map(({ folder }) => folder), ...(found === null || there!.length === 0 || replaces ? [] : [found])])
    if (there === null || replaces) {
      const origins = inOrder(staged, key)
      return this.#seamless({ key, action: there === null ? 'put' : 'replace', shares: sharesInOrder(shares, origins), origins }, [])
    }
    if (there.length === 0) throw existsError(key, 'it was not made by an import')
    const kept = there.filter((origin) => !needed.some((share) => share.grewFrom(origin)))
    const origins = inOrder([...kept, ...fresh], key, kept)
    const action = kept.length === there.length ? 'join' : 'replace'
    return this.#seamless({ key, action, shares: sharesInOrder(needed, origins), origins }, kept)
  }

  /** @throws ReplayError input `import-overlap`, `folder-exists` where one goes on with the messages that another one ended with */
  async #seamless(step: FolderStep, there: readonly LogOrigin[]): Promise<FolderStep> {
    const { key, shares, origins } = step
    const seams = origins.flatMap((origin, i) => (i > 0 && origins[i - 1]!.maxNs === origin.minNs ? i : []))
    if (seams.length === 0) return step
    const logs = await this.#sharesOf(key, shares, origins)
    for (const i of seams) {
      const [before, after] = [origins[i - 1]!, origins[i]!]
      if (await shareMessage(logs[i - 1]!, logs[i]!, BigInt(after.minNs))) throw overlapError(before, after, key, there)
    }
    return step
  }

  /** Does it. The log is there as it was, or as it is to be; in a store its `meta.json` comes last. */
  async carryOut({ key, action, shares, origins }: FolderStep): Promise<void> {
    if (action === 'same') return
    const meta = metaText(shares, origins)
    const { directory: root } = this.#archive
    const { staged, files } = shares[0]!.folder
    if (origins.length === 1) {
      if (root === undefined) await this.#place({ key, staged, files, meta })
      else await moveIntoPlace(path.join(root, staged), path.join(root, 'v1', key), meta)
      return
    }
    const joined = path.join(this.#aside, `joined-${nameOf(key)}`)
    fs.rmSync(joined, { recursive: true, force: true })
    await joinLogs(await this.#sharesOf(key, shares, origins), joined)
    if (root === undefined) await this.#place({ key, ...(await this.#upload(joined, `${staged}-joined`)), meta })
    else await moveIntoPlace(joined, path.join(root, 'v1', key), meta)
  }

  /** Ends what one that died has begun: in a store a log is put into its place object by object. */
  async finish(): Promise<void> {
    for await (const { key } of this.#archive.list(PLACING)) {
      const found = await this.#archive.get(key)
      if (found !== null) await this.#place(JSON.parse(new TextDecoder().decode(found.bytes)) as Placing)
    }
  }

  async #isGone({ staged, files }: Pick<StoredFolder, 'staged' | 'files'>): Promise<boolean> {
    const { directory } = this.#archive
    if (directory !== undefined) {
      const folder = path.join(directory, staged)
      return !fs.existsSync(folder) || fs.readdirSync(folder).length < files
    }
    let found = 0
    for await (const _ of this.#archive.list(`${staged}/`)) found++
    return found < files
  }

  async #sharesOf(key: string, shares: readonly StagedShare[], origins: readonly LogOrigin[]): Promise<LogShare[]> {
    const byUnit = new Map(shares.map((share) => [share.origin.unit, share.folder.staged]))
    const isOwn = byUnit.size === origins.length
    const [there, log] = isOwn ? [null, null] : [await this.#logThere(key), await this.#logAt(`v1/${key}`)]
    const skips = new Map<string, number>()
    let from = 0
    for (const { unit, records } of there?.origins ?? []) {
      skips.set(unit, from)
      from += records
    }
    return Promise.all(
      origins.map(async ({ unit, records }) => {
        const own = byUnit.get(unit)
        return own === undefined ? { log: log!, skip: skips.get(unit)!, records } : { log: await this.#logAt(own), skip: 0, records }
      }),
    )
  }

  async #logAt(folder: string): Promise<LogShare['log']> {
    const { directory } = this.#archive
    return directory === undefined ? await StoreLogs.of(this.#archive).open(`${folder}/`) : path.join(directory, folder)
  }

  /** Null: nothing is there. */
  async #logThere(key: string): Promise<LogThere | null> {
    const found = await this.#archive.get(`v1/${key}/meta.json`)
    if (found === null) {
      const note = await this.#archive.get(noteOf(key))
      if (note !== null) return logIn((JSON.parse(new TextDecoder().decode(note.bytes)) as Placing).meta)
      for await (const { key: object } of this.#archive.list(`v1/${key}/`)) if (/\.q(?:\.zst)?$/.test(object)) return NOT_IMPORTED
      return null
    }
    return logIn(new TextDecoder().decode(found.bytes))
  }

  /** From where it is staged in the store. There is a log once its `meta.json` is there; until then a note says what is to be there. */
  async #place(placing: Placing): Promise<void> {
    const { key, meta } = placing
    await this.#archive.put(noteOf(key), new TextEncoder().encode(JSON.stringify(placing)))
    try {
      await this.#copy(placing)
    } catch (error) {
      // What is staged is removed once all of it is in its place: by a commit of the same run that was under way at the same time.
      if (!(await this.#isGone(placing))) throw error
    }
    await this.#archive.put(`v1/${key}/meta.json`, new TextEncoder().encode(meta))
    await this.#archive.delete(noteOf(key))
  }

  async #copy({ key, staged, files }: Placing): Promise<void> {
    const names: string[] = []
    for await (const { key: object } of this.#archive.list(`${staged}/`)) names.push(object.slice(staged.length + 1))
    if (names.length < files) return
    const prefix = `v1/${key}/`
    await this.#archive.delete(`${prefix}meta.json`)
    for await (const { key: object } of this.#archive.list(prefix))
      if (!names.includes(object.slice(prefix.length))) await this.#archive.delete(object)
    for (const name of names) await copyObject(this.#archive, `${staged}/${name}`, prefix + name)
  }

  async #upload(directory: string, staged: string): Promise<Pick<Placing, 'staged' | 'files'>> {
    const files = fs.readdirSync(directory).length
    await putFolder(this.#archive, directory, staged)
    fs.rmSync(directory, { recursive: true })
    return { staged, files }
  }
}

/** What is known of a log of the archive. */
interface LogThere {
  /** Empty: no import wrote it. */
  readonly origins: readonly LogOrigin[]
  readonly depthLimit: number | null
}

const NOT_IMPORTED: LogThere = { origins: [], depthLimit: null }

function logIn(meta: string): LogThere {
  try {
    const { source, depth_limit: depthLimit = null } = JSON.parse(meta) as {
      readonly source?: { readonly origins?: readonly LogOrigin[] }
      readonly depth_limit?: number
    }
    return { origins: source?.origins ?? [], depthLimit }
  } catch {
    return NOT_IMPORTED
  }
}

/** A book whose depth is limited would be cut, or cut another. @throws ReplayError input `import-depth` */
function requireOneDepth(key: string, logs: readonly Pick<LogThere, 'depthLimit'>[]): void {
  const depths = [...new Set(logs.map(({ depthLimit }) => depthLimit))]
  if (depths.length < 2) return
  const found = depths.map((depth) => (depth === null ? 'whole books' : `books of ${depth} levels`)).join(' and ')
  const message = `${found} would be one log, v1/${key}: import those of one depth, and the others into another archive, or with another --venue`
  throw new ReplayError('import-depth', message, { category: 'input' })
}

/** A log that is on its way into its place: what stands in for it where that is interrupted. */
interface Placing {
  readonly key: string
  readonly staged: string
  readonly files: number
  readonly meta: string
}

const PLACING = '_imports/placing/'

function noteOf(key: string): string {
  return `${PLACING}${nameOf(key)}.json`
}

/** Puts the files of a folder below a prefix, without a last `/`. */
export async function putFolder(store: ObjectStore, directory: string, prefix: string, condition?: 'absent'): Promise<void> {
  for (const name of fs.readdirSync(directory)) {
    const file = path.join(directory, name)
    await store.put(`${prefix}/${name}`, { file, size: fs.statSync(file).size }, condition)
  }
}

/** Of a log, without `/`. */
function nameOf(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 16)
}

/** The log is where it was, or where it belongs. */
async function moveIntoPlace(directory: string, target: string, meta: string): Promise<void> {
  needingRoom(directory, 'log', () => fs.writeFileSync(path.join(directory, 'meta.json'), meta))
  await reachDisk(directory)
  needingRoom(target, 'log', () => {
    fs.mkdirSync(path.dirname(target), { recursive: true })
    const old = `${directory}.old`
    fs.rmSync(old, { recursive: true, force: true })
    if (fs.existsSync(target)) fs.renameSync(target, old)
    fs.renameSync(directory, target)
    fs.rmSync(old, { recursive: true, force: true })
  })
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

/**
 * By their times.
 * @param there those of them that are in the archive
 * @throws ReplayError input `import-overlap`, `folder-exists` where what is there was made of a file of the same name
 */
function inOrder(origins: readonly LogOrigin[], key: string, there: readonly LogOrigin[] = []): LogOrigin[] {
  const sorted = [...origins].sort((a, b) => {
    return Number(BigInt(a.minNs) - BigInt(b.minNs)) || Number(BigInt(a.maxNs) - BigInt(b.maxNs)) || (tieOf(a) < tieOf(b) ? -1 : 1)
  })
  for (const [i, origin] of sorted.entries()) {
    const before = sorted[i - 1]
    if (before === undefined || BigInt(before.maxNs) <= BigInt(origin.minNs)) continue
    throw overlapError(before, origin, key, there)
  }
  return sorted
}

/** Whether what further files gave changed nothing of a log. */
function isAlike(a: LogOrigin, b: LogOrigin): boolean {
  return a.records === b.records && a.minNs === b.minNs && a.maxNs === b.maxNs && String(a.scales) === String(b.scales)
}

/** Files that lie in several folders may have one name. */
function tieOf(origin: LogOrigin): string {
  return `${namesOf(origin)} ${origin.unit}`
}

function overlapError(a: LogOrigin, b: LogOrigin, key: string, there: readonly LogOrigin[]): ReplayError {
  const again = there.includes(a) === there.includes(b) ? null : sharedFile(a, b)
  if (again !== null) {
    const { name, isSame } = again
    return existsError(key, isSame ? `it was made of ${name} in another way` : `it was made of a file of the name ${name} with other bytes`)
  }
  const message = `${namesOf(a)} and ${namesOf(b)} both hold messages of the same times for v1/${key}: are they of one day, or one a newer download? Import one of them`
  return new ReplayError('import-overlap', message, { category: 'input' })
}

function existsError(key: string, why: string): ReplayError {
  const message = `v1/${key} exists, and ${why}; --replace puts what these files give in its place`
  return new ReplayError('folder-exists', message, { category: 'input' })
}

function sharesInOrder(shares: readonly StagedShare[], origins: readonly LogOrigin[]): StagedShare[] {
  const at = (share: StagedShare): number => origins.findIndex(({ unit }) => unit === share.origin.unit)
  return shares.filter((share) => at(share) >= 0).sort((a, b) => at(a) - at(b))
}

/** A name that files of both have; first of one that has other bytes. */
function sharedFile(a: LogOrigin, b: LogOrigin): { readonly name: string; readonly isSame: boolean } | null {
  const shared = b.files.flatMap(({ name, digest }) => {
    const known = a.files.filter((file) => file.name === name)
    return known.length === 0 ? [] : { name, isSame: known.some((file) => file.digest === digest) }
  })
  return shared.find(({ isSame }) => !isSame) ?? shared[0] ?? null
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
