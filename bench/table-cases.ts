import fs from 'node:fs'
import path from 'node:path'
import { commitRun } from '../core/commit/commit.ts'
import { readCommittedParts } from '../core/plan/table/committed-parts.ts'
import { FileStore } from '../core/store/file-store.ts'
import type { AddFile } from '../core/table/delta-action.ts'
import { commitTable } from '../core/table/delta-commit.ts'
import { checksumPart } from '../core/table/part-checksum.ts'
import { openTable } from '../core/table/table-query.ts'
import type { BenchCase, Timed } from './bench-case.ts'
import type { BenchLoad } from './load.ts'
import { MadeRun, madeRunId } from './made/made-run.ts'
import { EVERY_TYPE, everyTypeRows, writePart } from './made/made-table.ts'

const SCHEMA = { job: 'flow', columns: EVERY_TYPE }

/** A part for each 20 messages of the load: 10,000 at the default size. Targets: 10,000 parts in 5 s, 100,000 in 60 s; the first row in 2 s. */
export const TABLE_CASES: Readonly<Record<string, BenchCase>> = {
  'commit-parts': { unit: 'parts', target: 2000, run: (load) => commitParts(load, 1) },
  'commit-replace': { unit: 'parts', target: 2000, run: (load) => commitParts(load, 2) },
  'commit-checkpoint': { unit: 'parts', target: 2000, run: (load) => commitParts(load, 11, 'commit') },
  'read-committed': { unit: 'parts', target: 10_000, run: (load) => commitParts(load, 11, 'read') },
  'query-first-row': { unit: 'parts', target: 5000, run: queryFirstRow },
  'checksum-rows': { unit: 'rows', run: checksumRows },
}

/**
 * The commit of a run; of the last of several every part replaces one of the first. Eleven are as many as make a checkpoint due:
 * those between the first and the last are of one part.
 * @param timed the last commit, or what the next plan reads of the table
 */
async function commitParts(load: BenchLoad, runs: number, timed: 'commit' | 'read' = 'commit'): Promise<Timed> {
  const count = Math.min(100_000, Math.floor(load.messages / 20))
  const folder = path.join(load.folder, `commit-${process.pid}`)
  const store = new FileStore(folder)
  const partitions = Array.from({ length: count }, (_, i) => ({
    symbol: `s${i % 100}`,
    cell: 470_000 + Math.floor(i / 100),
    variants: ['a'],
  }))
  let ms = 0
  try {
    for (let n = 0; n < runs; n++) {
      const isWhole = n === 0 || n === runs - 1
      const own = isWhole ? partitions : partitions.slice(0, 1)
      const run = await MadeRun.create(store, { run: madeRunId(n), partitions: own, bundle: `code${n}` })
      for (let from = 0; from < own.length; from += 1000) {
        const size = Math.min(1000, own.length - from)
        await run.finish(new Map(Array.from({ length: size }, (_, i) => [from + i, 5])))
      }
      const startedMs = performance.now()
      const { added, removed } = await commitRun(store, run.head.run, { clock: () => MADE_MS, random: Math.random })
      ms = performance.now() - startedMs
      const replaced = n === 0 ? 0 : own.length
      if (added.parts !== own.length || removed.parts !== replaced) throw new Error(`expected ${own.length} parts, found ${added.parts}`)
    }
    if (timed === 'read') {
      const startedMs = performance.now()
      const { job } = await readCommittedParts(store)
      ms = performance.now() - startedMs
      if (job === null) throw new Error('expected a table')
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
  return { count, ms }
}

/** When the receipts were made: of older parts a commit would look for the files, and these have none. */
const MADE_MS = 1_723_161_300_000

async function queryFirstRow(load: BenchLoad): Promise<Timed> {
  const count = Math.min(10_000, Math.floor(load.messages / 20))
  const store = new FileStore(path.join(load.folder, `table-${count}`))
  if (!fs.existsSync(path.join(store.uri, 'complete'))) await makeTable(store, count)
  const startedMs = performance.now()
  const query = await openTable(store)
  const rows = await query.rows('select * from t limit 1')
  const ms = performance.now() - startedMs
  await query.close()
  if (rows.length !== 1) throw new Error('expected a row')
  return { count, ms }
}

/** Parts of 100 rows, one per symbol and day. */
async function makeTable(store: FileStore, count: number): Promise<void> {
  fs.rmSync(store.uri, { recursive: true, force: true })
  const model = await writePart(store.uri, EVERY_TYPE, everyTypeRows(100), { name: 'model.parquet' })
  const adds: AddFile[] = []
  for (let i = 0; i < count; i++) {
    const symbol = `s${i % 100}`
    const key = `venue=binance/symbol=${symbol}/part-${i}.parquet`
    fs.mkdirSync(path.dirname(path.join(store.uri, key)), { recursive: true })
    fs.copyFileSync(path.join(store.uri, model.path), path.join(store.uri, key))
    adds.push({ ...model, path: key, partitionValues: { venue: 'binance', symbol } })
  }
  const decide = () => ({ schema: SCHEMA, adds, removes: [], info: {} })
  await commitTable(store, { run: 'bench', decide, clock: Date.now, random: Math.random })
  fs.writeFileSync(path.join(store.uri, 'complete'), '')
}

async function checksumRows(load: BenchLoad): Promise<Timed> {
  const count = load.messages
  const folder = path.join(load.folder, `checksum-${process.pid}`)
  try {
    const part = await writePart(folder, EVERY_TYPE, everyTypeRows(count), { name: 'a.parquet' })
    const startedMs = performance.now()
    const { rows } = await checksumPart(new FileStore(folder), part, SCHEMA)
    return { count: rows, ms: performance.now() - startedMs }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}
