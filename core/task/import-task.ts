import fs from 'node:fs'
import path from 'node:path'
import { ReplayError } from '../errors.ts'
import { unitOptionsOf } from '../import/import-how.ts'
import { importerOf, type PlannedUnit, requirePublished } from '../import/import-plan.ts'
import { stagedPrefix } from '../import/import-records.ts'
import { importUnit } from '../import/import-unit.ts'
import type { Importer } from '../import/importer.ts'
import { putFolder, type StoredFolder } from '../import/logs/log-place.ts'
import type { StagedFolder } from '../import/logs/log-stager.ts'
import { type ImportCounts, LARGEST_STEP } from '../import/messages/import-tally.ts'
import { loadImporter } from '../import/own-importer.ts'
import { openReference } from '../import/source-files.ts'
import { inTurns } from '../in-turns.ts'
import { requireEngine } from '../job/engine-hash.ts'
import type { DamagePlace } from '../plan/run/damage-report.ts'
import type { MessageCounts } from '../plan/run/message-counts.ts'
import { type PlanHead, readPlanHead, readTask } from '../plan/run/plan-document.ts'
import { type Receipt, receiptFrame, rowlessReceipt } from '../plan/run/receipt.ts'
import { requireNotCancelled } from '../plan/run/run-cancel.ts'
import { type PlannedPartition, readTaskShare } from '../plan/run/task-share.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { makeTemporaryFolder } from '../temporary-folder.ts'
import { type RunTaskOptions, readBundle, type TaskWork } from './task.ts'

/**
 * Does what a task of a run that imports is there for: reads units, one after the other, into logs that are staged in the archive's
 * store under the attempt's name. They are put into their places by the commit, which knows all of them. Receipts are left to the caller.
 * @throws ReplayError input `run-unknown`, `task-unknown`, `run-cancelled`, `engine-differs`, `import-module`; corrupt `plan-document`, `bundle-damaged`
 */
export async function workImport(options: RunTaskOptions): Promise<TaskWork> {
  const { table, run, task, only, signal, onProgress } = options
  const head = await readPlanHead(table, run)
  if (options.engine !== undefined) requireEngine(run, head.engine, options.engine)
  const shares = await readTaskShare(table, head, await readTask(table, run, task))
  const own = await ownImporter(options, head)
  const receipts: Receipt[] = []
  const progress = { messages: 0, bytes: 0, plannedBytes: 0 }
  let left = 0
  for (const { unit, partitions } of shares) {
    const [partition] = partitions
    if (unit === undefined || partition === undefined || only?.has(partition.index) === false) continue
    if (signal?.aborted === true) {
      left++
      continue
    }
    await requireNotCancelled(table, run)
    const receipt = await importPartition(unit, partition, { options, head, own })
    receipts.push(receipt)
    progress.messages += receipt.checksum.rows
    progress.bytes += receipt.timing.bytes
    progress.plannedBytes += partition.bytes
    onProgress?.({ partitions: receipts.length, ...progress })
  }
  return { receipts, left }
}

interface ImportContext {
  readonly options: RunTaskOptions
  readonly head: PlanHead
  readonly own: readonly Importer[]
}

async function ownImporter({ table }: RunTaskOptions, head: PlanHead): Promise<Importer[]> {
  const { own } = head.imports!
  return own === null ? [] : [await loadImporter({ path: own, code: await readBundle(table, head) })]
}

/** What fails is told by the receipt. */
async function importPartition(unit: PlannedUnit, partition: PlannedPartition, context: ImportContext): Promise<Receipt> {
  const { options, head } = context
  const { run, task, attempt, clock } = options
  const startedMs = clock()
  const frame = receiptFrame(partition, head, { run, task, attempt })
  try {
    requirePublished(unit)
    const { folders, counts } = await readUnit(unit, partition, context)
    const rows = folders.reduce((sum, { records }) => sum + records, 0)
    const files = unit.files.map(({ name, bytes, digest, holds }) => ({ name, bytes, digest, holds }))
    const receipt = rowlessReceipt(frame, null, { startedMs, durationMs: clock() - startedMs })
    return {
      ...receipt,
      checksum: { rows, sum: '0' },
      messages: messagesOf(counts),
      imported: { importer: unit.importer, files, counts, folders },
      timing: { ...receipt.timing, bytes: partition.bytes },
    }
  } catch (error) {
    return rowlessReceipt(frame, toldOf(error), { startedMs, durationMs: clock() - startedMs })
  }
}

async function readUnit(
  unit: PlannedUnit,
  { index }: PlannedPartition,
  { options, head, own }: ImportContext,
): Promise<{ readonly folders: readonly StoredFolder[]; readonly counts: ImportCounts }> {
  const { archive, endpoint, run, attempt } = options
  const { directory: root } = archive
  const prefix = stagedPrefix(run, index, attempt)
  const files = unit.files.map(({ name, holds, reference }) => ({ name, holds, stored: openReference(reference, endpoint) }))
  const directory = root === undefined ? makeTemporaryFolder('chronicle-import-') : path.join(root, prefix)
  try {
    const { folders, counts } = await importUnit(importerOf(unit.importer, own), files, unitOptionsOf(head.imports!.how), directory)
    if (root === undefined) await putStaged(archive, folders, prefix)
    return { counts, folders: folders.map((folder) => storedFolder(folder, prefix)) }
  } catch (error) {
    fs.rmSync(directory, { recursive: true, force: true })
    throw error
  } finally {
    if (root === undefined) fs.rmSync(directory, { recursive: true, force: true })
  }
}

function storedFolder({ directory, ...folder }: StagedFolder, prefix: string): StoredFolder {
  return { ...folder, staged: stagedKey(directory, prefix), files: fs.readdirSync(directory).length }
}

function stagedKey(directory: string, prefix: string): string {
  return `${prefix}/${path.basename(directory)}`
}

async function putStaged(archive: ObjectStore, folders: readonly StagedFolder[], prefix: string): Promise<void> {
  await inTurns(folders, PUTS_AT_ONCE, ({ directory }) => putFolder(archive, directory, stagedKey(directory, prefix), 'absent'))
}

const PUTS_AT_ONCE = 8

/** Rows of files, as a run counts messages: what has a message, or is a part of one, is handled. */
function messagesOf({ rows, leftOut, unrepresentable, bad, noted, places }: ImportCounts): MessageCounts {
  // Not a count, so that it cannot be added up.
  const { [LARGEST_STEP]: _, ...counted } = noted
  const first = Object.entries(places).map(([code, { path: folder, offset }]): DamagePlace => {
    return { folder, code, ...(offset !== undefined && { offset }) }
  })
  return {
    read: rows,
    warmUp: 0,
    leftOut: { ...leftOut, ...unrepresentable, ...bad },
    noted: counted,
    ...(first.length > 0 && { places: first }),
  }
}

function toldOf(error: unknown): Receipt['error'] {
  if (error instanceof ReplayError) return { code: error.code, category: error.category, message: error.message }
  return { code: 'import-failed', category: 'bug', message: (error as Error).stack ?? String(error) }
}
