import fs from 'node:fs'
import path from 'node:path'
import '../core/provide-library.ts'
import { importLocally } from '../core/commit/import-local.ts'
import { planImport } from '../core/import/import-plan.ts'
import { findSources } from '../core/import/source-files.ts'
import { engineHash } from '../core/job/engine-hash.ts'
import { findLogs } from '../core/log/format/log-path.ts'
import { ReplayReader } from '../core/log/reading/replay-reader.ts'
import { planImportRun } from '../core/plan/imports/import-run-plan.ts'
import { newRunId } from '../core/plan/run/run-files.ts'
import { FileStore } from '../core/store/file-store.ts'
import { bareDbn, bareItch, bareLevels, bareRecording, bareTrades } from './bare-import.ts'
import type { BenchCase, MessageHash, Timed } from './bench-case.ts'
import type { BenchLoad } from './load.ts'
import type { ImportFiles } from './made/import-files.ts'

/**
 * Imports as the command does them, from the first look at a file to logs that are on the disk, beside loops that decode the same files
 * and do nothing with what they find. Recordings are counted in bytes of text. Two workers import four files at least 1.7 times as fast
 * as one.
 */
export const IMPORT_CASES: Readonly<Record<string, BenchCase>> = {
  'bare-databento': { unit: 'records', run: async ({ imports }) => bareDbn(imports.dbn) },
  'import-databento': importCase('databento', 2.5e6, ({ dbn }) => [dbn]),
  'bare-itch': { unit: 'records', run: async ({ imports }) => bareItch(imports.itch) },
  'import-itch': importCase('itch', 3e6, ({ itch }) => [itch]),
  'bare-tardis-l2': { unit: 'rows', run: ({ imports }) => bareLevels(imports.levels) },
  'import-tardis-l2': importCase('tardis-l2', 1e6, ({ levels }) => [levels]),
  'bare-tardis-trades': { unit: 'rows', run: ({ imports }) => bareTrades(imports.trades) },
  'import-tardis-trades': importCase('tardis-trades', 1.5e6, ({ trades }) => [trades]),
  'bare-recorder': { unit: 'bytes', run: ({ imports }) => bareRecording(imports.recording) },
  'import-recorder': importCase('recorder', 120e6, ({ recording }) => [recording]),
  'import-workers-1': { unit: 'rows', run: (load, hash) => imported(load, load.imports.several, 1, hash) },
  'import-workers-2': { unit: 'rows', bare: 'import-workers-1', run: (load, hash) => imported(load, load.imports.several, 2, hash) },
}

function importCase(name: string, target: number, files: (imports: ImportFiles) => readonly string[]): BenchCase {
  const unit = name === 'recorder' ? 'bytes' : name.startsWith('tardis') ? 'rows' : 'records'
  return { unit, target, bare: `bare-${name}`, run: (load, hash) => imported(load, files(load.imports), 1, hash) }
}

async function imported({ folder }: BenchLoad, files: readonly string[], workers: number, hash: MessageHash | null): Promise<Timed> {
  const archive = path.join(folder, `imported-${process.pid}`)
  fs.mkdirSync(archive)
  const settings = { words: {} }
  const how = { settings, range: {}, scales: {}, onError: 'abort', keepsTruncated: false } as const
  const startedMs = performance.now()
  const plan = await planImport(await findSources(files), { importer: null, settings, isStrict: true })
  const createdMs = Date.now()
  const run = { run: newRunId(createdMs, Math.random), createdMs, engine: await engineHash(), minTasks: 8 * workers }
  const planned = await planImportRun({ ...run, archive: new FileStore(archive), plan, how, replaces: false, own: null })
  const made = await importLocally(planned, { tableUri: archive, workers, clock: Date.now, random: Math.random })
  const ms = performance.now() - startedMs
  if (made === null) throw new Error('nothing was imported')
  for (const { error } of made.failed) throw new Error(error.message)
  if (hash !== null) await addLogs(archive, hash)
  fs.rmSync(archive, { recursive: true })
  const isText = plan.units[0]!.importer === 'hftbacktest'
  return { count: isText ? plan.units[0]!.files[0]!.bytes : made.commit.imported!.counts.rows, ms }
}

async function addLogs(archive: string, hash: MessageHash): Promise<void> {
  for (const { path: log } of findLogs(archive)) {
    const reader = await ReplayReader.open(log)
    for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) hash.add(batch)
    await reader.close()
  }
}
