import fs from 'node:fs'
import path from 'node:path'
import { needingRoom } from '../disk-full.ts'
import { ReplayError } from '../errors.ts'
import { type ImportHow, unitId } from '../import/import-how.ts'
import { removeStaged, stagedPrefix, writeImportRecord } from '../import/import-records.ts'
import { type FolderStep, type LogOrigin, LogPlace, type StagedShare } from '../import/logs/log-place.ts'
import { addCounts, emptyCounts } from '../import/messages/import-tally.ts'
import { inTurns } from '../in-turns.ts'
import { holdsArchive, releaseArchive } from '../plan/imports/import-claim.ts'
import type { PlanHead } from '../plan/run/plan-document.ts'
import type { ImportedUnit } from '../plan/run/receipt.ts'
import { requireNotCancelled } from '../plan/run/run-cancel.ts'
import { type DoneReceipt, type MissingPartition, readRunReceipts } from '../plan/run/run-receipts.ts'
import { readPartitions } from '../plan/run/task-share.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { makeTemporaryFolder } from '../temporary-folder.ts'
import type { CommitResult, ImportedFolder } from './commit-result.ts'
import { groupFailures } from './failure-groups.ts'
import { tallyMessages } from './left-out-tally.ts'

/** Logs that are put into their places side by side. */
const PLACES_AT_ONCE = 16

/**
 * Puts what the tasks of a run have staged into the archive: each log whole, joined where several units, or what is there, have messages
 * of it. A unit of which one log cannot be is left out as a whole, and told. Committing again goes on, and changes nothing that is done.
 * @throws ReplayError input `run-cancelled`; corrupt `receipt`, `plan-document`; those of the store
 */
export async function commitImport(archive: ObjectStore, head: PlanHead): Promise<CommitResult> {
  await requireNotCancelled(archive, head.run)
  const imports = head.imports!
  const { done, missing } = await readRunReceipts(archive, head)
  const aside = asideOf(archive, head.run)
  try {
    const logs = new LogPlace(archive, aside)
    await logs.finish()
    const agreed = await agreeOnSteps([...done.values()], logs, imports)
    await inTurns(agreed.steps, PLACES_AT_ONCE, (step) => logs.carryOut(step))
    const counts = emptyCounts()
    const files = agreed.units.reduce((sum, { imported }) => sum + imported!.files.length, 0)
    for (const { imported } of agreed.units) addCounts(counts, imported!.counts)
    await inTurns(agreed.units, PLACES_AT_ONCE, async ({ fingerprint, imported }) => {
      await writeImportRecord(archive, fingerprint, { ...imported!, folders: imported!.folders.map(({ key }) => key) })
    })
    const heldBack = await heldBackOf(archive, head, agreed.refused)
    // Of runs before it, too, that came to no end; unless another one has begun since, of which nothing is known.
    await removeStaged(archive, (await holdsArchive(archive, head.run)) ? null : head.run)
    await releaseArchive(archive, head.run)
    const all = [...missing, ...heldBack]
    const placed = agreed.steps.filter(({ action }) => action !== 'same')
    const folders = agreed.steps.map(({ key, action, origins }): ImportedFolder => {
      return { key, action, records: origins.reduce((sum, { records }) => sum + records, 0) }
    })
    const { known, leftOut, leftOutFiles, unread = [] } = imports
    return {
      run: head.run,
      state: placed.length > 0 ? 'committed' : 'unchanged',
      version: -1,
      partitions: { planned: head.partitions, done: agreed.units.length, missing: all.length },
      added: {
        partitions: agreed.units.length,
        parts: placed.length,
        rows: agreed.units.reduce((sum, { checksum }) => sum + checksum.rows, 0),
        bytes: 0,
      },
      removed: { parts: 0 },
      messages: tallyMessages(agreed.units),
      imported: { files, counts, folders, known, leftOut, leftOutFiles, unread },
      heldBack,
      missing: all.slice(0, MAX_MISSING),
      failures: groupFailures(all, new Map()),
      warning: null,
    }
  } finally {
    if (archive.directory === undefined) fs.rmSync(aside, { recursive: true, force: true })
  }
}

const MAX_MISSING = 1000

/** On the archive's disk, or where the archive is a store, a folder of this machine. */
function asideOf({ directory }: ObjectStore, run: string): string {
  if (directory === undefined) return makeTemporaryFolder('chronicle-import-')
  const aside = path.join(directory, stagedPrefix(run, 0, 'joined'))
  needingRoom(aside, 'folder', () => fs.mkdirSync(aside, { recursive: true }))
  return aside
}

interface AgreedSteps {
  readonly units: readonly DoneReceipt[]
  readonly steps: readonly FolderStep[]
  readonly refused: ReadonlyMap<number, ReplayError>
}

/** All that is to be done, before any of it is. Units of which a log cannot be put are left out, and those in its way with them. */
async function agreeOnSteps(
  done: readonly DoneReceipt[],
  logs: LogPlace,
  { how, replaces }: NonNullable<PlanHead['imports']>,
): Promise<AgreedSteps> {
  const refused = new Map<number, ReplayError>()
  let units = done
  for (;;) {
    const steps: FolderStep[] = []
    const out = new Map<string, ReplayError>()
    await inTurns(sharesOf(units, how), PLACES_AT_ONCE, async ([key, shares]) => {
      try {
        requireOneSymbol(key, shares)
        steps.push(await logs.stepFor(key, shares, replaces))
      } catch (error) {
        if (!(error instanceof ReplayError) || error.category !== 'input') throw error
        for (const { origin } of shares) if (!out.has(origin.unit)) out.set(origin.unit, error)
      }
    })
    if (out.size === 0) return { units, steps: steps.sort((a, b) => (a.key < b.key ? -1 : 1)), refused }
    for (const { fingerprint, partition } of units) {
      const error = out.get(fingerprint)
      if (error !== undefined) refused.set(partition, error)
    }
    units = units.filter(({ fingerprint }) => !out.has(fingerprint))
  }
}

/** By folder of the archive, in order. */
function sharesOf(units: readonly DoneReceipt[], how: ImportHow): [key: string, shares: StagedShare[]][] {
  const shares = new Map<string, StagedShare[]>()
  for (const { fingerprint, imported } of units) {
    const { importer, folders } = imported!
    const files = imported!.files.map(({ name, bytes, digest }) => ({ name, bytes, digest }))
    const grewFrom = (origin: LogOrigin): boolean => isGrown(imported!, origin, how)
    for (const folder of folders) {
      const own = shares.get(folder.key) ?? []
      shares.set(folder.key, own)
      own.push({ folder, origin: { unit: fingerprint, format: importer, files }, grewFrom })
    }
  }
  return [...shares].sort(([a], [b]) => (a < b ? -1 : 1))
}

/** Whether a unit has the files of one that was imported before, in the same way, and more. */
function isGrown({ importer, files }: ImportedUnit, { unit, files: before }: LogOrigin, how: ImportHow): boolean {
  const again = files.filter(({ name, digest }) => before.some((file) => file.name === name && file.digest === digest))
  return again.length < files.length && again.length === before.length && unitId({ importer, files: again }, how) === unit
}

function requireOneSymbol(key: string, [first, ...others]: readonly StagedShare[]): void {
  const other = others.find(({ folder }) => folder.identity.exchangeSymbol !== first!.folder.identity.exchangeSymbol)
  if (other === undefined) return
  const both = `${first!.folder.identity.exchangeSymbol} and ${other.folder.identity.exchangeSymbol}`
  throw new ReplayError('symbol-collision', `two symbols have one code in v1/${key}: ${both}; import them apart, with --venue`, {
    category: 'input',
  })
}

async function heldBackOf(archive: ObjectStore, head: PlanHead, refused: ReadonlyMap<number, ReplayError>): Promise<MissingPartition[]> {
  if (refused.size === 0) return []
  const heldBack: MissingPartition[] = []
  for await (const { index, task, venue, symbol, startNs, endNs, bytes } of readPartitions(archive, head)) {
    const error = refused.get(index)
    if (error === undefined) continue
    const { code, category, message } = error
    heldBack.push({ partition: index, task, venue, symbol, startNs, endNs, bytes, error: { code, category, message } })
  }
  return heldBack
}
