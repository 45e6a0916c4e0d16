import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { AnsweringThread } from '../answering-thread.ts'
import { needingRoom } from '../disk-full.ts'
import { ReplayError } from '../errors.ts'
import { hostLibrary } from '../host-library.ts'
import { WriterLock } from '../log/writing/writer-lock.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { ImportPlan, PlannedUnit } from './import-plan.ts'
import type { UnitOptions, UnitResult } from './import-unit.ts'
import { type FolderStep, LogPlace, type StagedShare } from './logs/log-place.ts'
import { addCounts, emptyCounts, type ImportCounts } from './messages/import-tally.ts'
import type { OwnImporter } from './own-importer.ts'
import { type ImportWorkerData, runUnit, type ToldError, toldOf, type UnitReply, type UnitTask } from './unit-task.ts'

export interface ImportRunOptions {
  readonly archive: ObjectStore
  readonly plan: ImportPlan
  readonly unit: UnitOptions
  /** Threads; 1: this one. */
  readonly workers: number
  /** What these files give takes the place of what is there. */
  readonly replaces: boolean
  /** Of an importer of the user's. */
  readonly own?: OwnImporter | null
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined
}

export interface ImportProgress {
  readonly units: number
  readonly unitsDone: number
  /** Of files, as stored. */
  readonly bytes: number
  readonly bytesDone: number
}

/** A unit that could not be imported. */
export interface FailedUnit {
  readonly files: readonly string[]
  readonly error: ToldError
}

export interface ImportResult {
  /** Of the units that were read now. */
  readonly counts: ImportCounts
  /** Folders of the archive, by what became of them. */
  readonly folders: readonly { readonly key: string; readonly action: FolderStep['action']; readonly records: number }[]
  /** Files that were imported before, in the same way. */
  readonly known: readonly string[]
  readonly failed: readonly FailedUnit[]
}

/** What was imported of a unit, and how: `_imports/<unit>.json` in the archive. */
interface UnitReceipt {
  readonly importer: string
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly digest: string }[]
  readonly counts: ImportCounts
  readonly folders: readonly string[]
}

/** What another version of the code would make otherwise has another number. */
const VERSION = 1

/**
 * Imports files into an archive: units are read side by side into staged logs, then each log is put into its place, whole. An import
 * that was killed is gone on from when it is begun again; what was imported already is known.
 * @throws ReplayError input `import-active` while another import writes into the archive, `disk-full`;
 *   those of the store; the reason of the signal
 */
export async function runImport(options: ImportRunOptions): Promise<ImportResult> {
  const { archive, plan } = options
  const aside = asideOf(archive)
  needingRoom(aside, 'folder', () => fs.mkdirSync(aside, { recursive: true }))
  const lock = lockOf(aside)
  try {
    const todo: StagedUnit[] = []
    const known: string[] = []
    for (const unit of plan.units) {
      const id = unitId(unit, options.unit)
      if (!options.replaces && (await isKnown(archive, id))) known.push(...pathsOf(unit))
      else todo.push({ unit, id, directory: path.join(aside, id) })
    }
    const failed = await readUnits(todo, options)
    const read = todo.filter(isRead).map((staged): ReadUnit => ({ ...staged, result: resultOf(staged), files: namesOf(staged.unit) }))
    const { units: done, steps, refused } = await agreeOnSteps(read, archive, aside, options.replaces)
    failed.push(...refused)
    const counts = await place(done, steps, archive, aside)
    // What was read is where it belongs, or refused; of an import that ends before, it is gone on from.
    fs.rmSync(aside, { recursive: true, force: true })
    return { counts, folders: steps.map(summaryOf), known, failed }
  } finally {
    lock?.release()
  }
}

/** Null: the system has no locks of this kind. @throws ReplayError input `import-active` */
function lockOf(aside: string): WriterLock | null {
  try {
    return WriterLock.acquire(aside)
  } catch (error) {
    if (error instanceof ReplayError && error.code === 'flock-missing') return null
    if (!(error instanceof ReplayError) || error.code !== 'writer-active') throw error
    throw new ReplayError('import-active', 'another import writes into this archive', { category: 'input', path: aside, cause: error })
  }
}

interface StagedUnit {
  readonly unit: PlannedUnit
  readonly id: string
  readonly directory: string
}

/** A unit of which the logs are staged. */
interface ReadUnit extends StagedUnit {
  readonly result: UnitResult
  readonly files: UnitReceipt['files']
}

function pathsOf({ files }: PlannedUnit): string[] {
  return files.map(({ path: file }) => file)
}

function namesOf({ files }: PlannedUnit): UnitReceipt['files'] {
  return files.map(({ name, bytes, digest }) => ({ name, bytes, digest }))
}

/** Beside the archive's logs, or where the archive is a store, in a folder of this machine. */
function asideOf({ directory, uri }: ObjectStore): string {
  if (directory !== undefined) return path.join(directory, '_imports', 'staged')
  return path.join(os.tmpdir(), `chronicle-import-${createHash('sha256').update(uri).digest('hex').slice(0, 16)}`)
}

/** Tells what is read, and how, from all else. Where the files lie does not matter. */
function unitId({ importer, files }: PlannedUnit, { settings, range, scales, onError, keepsTruncated }: UnitOptions): string {
  const sets = { symbols: [...(range.symbols ?? [])].sort(), streams: [...(range.streams ?? [])].sort() }
  const how = {
    VERSION,
    importer,
    settings,
    ...sets,
    from: String(range.fromNs ?? ''),
    to: String(range.toNs ?? ''),
    scales,
    onError,
    keepsTruncated,
  }
  const what = files.map(({ name, digest, holds }) => [name, digest, holds])
  return createHash('sha256')
    .update(JSON.stringify([how, what]))
    .digest('hex')
    .slice(0, 24)
}

async function isKnown(archive: ObjectStore, id: string): Promise<boolean> {
  const found = await archive.get(receiptKey(id))
  if (found === null) return false
  const { folders } = JSON.parse(new TextDecoder().decode(found.bytes)) as UnitReceipt
  for (const key of folders) if ((await archive.get(`v1/${key}/meta.json`)) === null) return false
  return true
}

/** Reads what was not read before an import was killed; gives what failed. */
async function readUnits(units: readonly StagedUnit[], options: ImportRunOptions): Promise<FailedUnit[]> {
  const { workers, unit: how, own = null, signal, onProgress } = options
  const failed: FailedUnit[] = []
  const queue = units.filter((unit) => !isRead(unit))
  const bytesOf = ({ unit }: StagedUnit): number => unit.files.reduce((sum, { bytes }) => sum + bytes, 0)
  const bytes = units.reduce((sum, each) => sum + bytesOf(each), 0)
  let bytesDone = bytes - queue.reduce((sum, each) => sum + bytesOf(each), 0)
  let unitsDone = units.length - queue.length
  // The largest first: at the end nobody waits for one that began last.
  queue.sort((a, b) => bytesOf(a) - bytesOf(b) || (a.id < b.id ? -1 : 1))
  const tell = (): void => onProgress?.({ units: units.length, unitsDone, bytes, bytesDone })
  const read = async (run: (task: UnitTask) => Promise<UnitReply>): Promise<void> => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      signal?.throwIfAborted()
      const { directory, unit } = next
      fs.rmSync(directory, { recursive: true, force: true })
      const reply = await run({ unit, options: how, directory, own })
      if ('failure' in reply) failed.push({ files: pathsOf(unit), error: reply.failure })
      else keepResult(directory, reply)
      bytesDone += bytesOf(next)
      unitsDone++
      tell()
    }
  }
  tell()
  const threads = Math.min(workers, queue.length)
  if (threads <= 1) await read(runUnit)
  else await Promise.all(Array.from({ length: threads }, () => readInThread(read)))
  signal?.throwIfAborted()
  return failed
}

async function readInThread(read: (run: (task: UnitTask) => Promise<UnitReply>) => Promise<void>): Promise<void> {
  const file = new URL(import.meta.url.endsWith('.ts') ? './import-worker.ts' : './import-worker.js', import.meta.url)
  let thread: AnsweringThread<UnitTask, UnitReply> | null = null
  try {
    await read(async (task) => {
      thread ??= new AnsweringThread<UnitTask, UnitReply>(file, { workerData: { library: hostLibrary().url } satisfies ImportWorkerData })
      const { reply, hasEnded } = await thread.ask(task)
      if (hasEnded) thread = null
      return reply
    })
  } finally {
    await (thread as AnsweringThread<UnitTask, UnitReply> | null)?.terminate()
  }
}

function keepResult(directory: string, result: UnitResult): void {
  const file = resultFile(directory)
  needingRoom(file, 'file', () => fs.writeFileSync(`${file}.tmp`, JSON.stringify(result)))
  fs.renameSync(`${file}.tmp`, file)
}

function resultFile(directory: string): string {
  return path.join(directory, 'unit.json')
}

function isRead({ directory }: StagedUnit): boolean {
  return fs.existsSync(resultFile(directory))
}

function resultOf({ directory }: StagedUnit): UnitResult {
  return JSON.parse(fs.readFileSync(resultFile(directory), 'utf8')) as UnitResult
}

interface AgreedSteps {
  readonly units: readonly ReadUnit[]
  readonly steps: readonly FolderStep[]
  readonly refused: readonly FailedUnit[]
}

/**
 * All that is to be done, before any of it is. Units of which a log cannot be put into its place are left out as a whole, and those
 * that are in its way with them.
 */
async function agreeOnSteps(staged: readonly ReadUnit[], archive: ObjectStore, aside: string, replaces: boolean): Promise<AgreedSteps> {
  const logs = new LogPlace(archive, aside)
  const refused: FailedUnit[] = []
  let units = staged
  for (;;) {
    const steps: FolderStep[] = []
    const out = new Map<string, ReplayError>()
    for (const [key, shares] of sharesOf(units)) {
      try {
        requireOneSymbol(key, shares)
        steps.push(await logs.stepFor(key, shares, replaces))
      } catch (error) {
        if (!(error instanceof ReplayError) || error.category !== 'input') throw error
        for (const { origin } of shares) if (!out.has(origin.unit)) out.set(origin.unit, error)
      }
    }
    if (out.size === 0) return { units, steps, refused }
    for (const { id, unit } of units) {
      const error = out.get(id)
      if (error !== undefined) refused.push({ files: pathsOf(unit), error: toldOf(error) })
    }
    units = units.filter(({ id }) => !out.has(id))
  }
}

/** By folder of the archive, in order. */
function sharesOf(units: readonly ReadUnit[]): [key: string, shares: StagedShare[]][] {
  const shares = new Map<string, StagedShare[]>()
  for (const { id, unit, files, result } of units) {
    for (const folder of result.folders) {
      const own = shares.get(folder.key) ?? []
      shares.set(folder.key, own)
      own.push({ folder, origin: { unit: id, format: unit.importer, files } })
    }
  }
  return [...shares].sort(([a], [b]) => (a < b ? -1 : 1))
}

function requireOneSymbol(key: string, [first, ...others]: readonly StagedShare[]): void {
  const other = others.find(({ folder }) => folder.identity.exchangeSymbol !== first!.folder.identity.exchangeSymbol)
  if (other === undefined) return
  const both = `${first!.folder.identity.exchangeSymbol} and ${other.folder.identity.exchangeSymbol}`
  throw new ReplayError('symbol-collision', `two symbols have one code in v1/${key}: ${both}; import them apart, with --venue`, {
    category: 'input',
  })
}

/** Puts logs into their places, then notes that their units are in the archive. */
async function place(units: readonly ReadUnit[], steps: readonly FolderStep[], archive: ObjectStore, aside: string): Promise<ImportCounts> {
  const logs = new LogPlace(archive, aside)
  for (const step of steps) await logs.carryOut(step)
  const sum = emptyCounts()
  for (const { id, unit, files, result } of units) {
    const { counts, folders } = result
    addCounts(sum, counts)
    const receipt: UnitReceipt = { importer: unit.importer, files, counts, folders: folders.map(({ key }) => key) }
    await archive.put(receiptKey(id), new TextEncoder().encode(`${JSON.stringify(receipt, null, 1)}\n`))
  }
  return sum
}

function summaryOf({ key, action, origins }: FolderStep): ImportResult['folders'][number] {
  return { key, action, records: origins.reduce((sum, { records }) => sum + records, 0) }
}

function receiptKey(id: string): string {
  return `_imports/${id}.json`
}
