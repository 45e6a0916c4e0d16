import { describe, expect, it } from 'vitest'
import { howOf, unitId } from '../../core/import/import-how.ts'
import type { ImportPlan, PlannedUnit } from '../../core/import/import-plan.ts'
import { writeImportRecord } from '../../core/import/import-records.ts'
import { emptyCounts } from '../../core/import/messages/import-tally.ts'
import { claimArchive, findInterrupted, releaseArchive } from '../../core/plan/imports/import-claim.ts'
import { type ImportRunOptions, planImportRun } from '../../core/plan/imports/import-run-plan.ts'
import { readPlanHead, readTasks } from '../../core/plan/run/plan-document.ts'
import { writePlan } from '../../core/plan/run/plan-writer.ts'
import { markCancelled } from '../../core/plan/run/run-cancel.ts'
import { runFiles } from '../../core/plan/run/run-files.ts'
import { readPartitions } from '../../core/plan/run/task-share.ts'
import { IMPORT_DEFAULTS } from '../support/imported.ts'
import { MemoryStore } from '../support/memory-store.ts'

const RUN = '20240808T120000Z-00000001'
const NEXT = '20240809T120000Z-00000002'
const HOW = howOf(IMPORT_DEFAULTS)
const KEY = 'binance-usdm/btcusdt/2024-03-01/trades'

/** A unit of one file, with what its name tells. */
function unitOf(symbol: string, day: number, bytes = 1000): PlannedUnit {
  const date = `2024-03-0${day}`
  const name = `binance-futures_trades_${date}_${symbol}.csv.gz`
  const reference = { kind: 'local', path: `/downloads/${name}`, size: 1, mtimeMs: 0 } as const
  const told = { holds: 'trades', unit: name, venue: 'binance-futures', symbols: [symbol], dates: [date] }
  return { importer: 'tardis', files: [{ ...told, name, path: reference.path, reference, bytes, digest: `${symbol}${day}` }] }
}

/** One that does not tell what it is of. */
const untold: PlannedUnit = (() => {
  const name = 'capture.csv'
  const reference = { kind: 'local', path: `/downloads/${name}`, size: 1, mtimeMs: 0 } as const
  return { importer: 'tardis', files: [{ holds: 'trades', unit: name, name, path: name, reference, bytes: 10, digest: 'untold' }] }
})()

const UNITS = [untold, ...['BTCUSDT', 'ETHUSDT', 'SOLUSDT'].flatMap((symbol) => [1, 2, 3].map((day) => unitOf(symbol, day)))]
const planOf = (units: readonly PlannedUnit[]): ImportPlan => ({
  units,
  unread: [],
  leftOut: [{ path: 'notes.txt', why: 'this is no file of a format' }],
})

const optionsOf = (archive: MemoryStore, units: readonly PlannedUnit[] = UNITS): ImportRunOptions => ({
  ...{ archive, plan: planOf(units), how: HOW, replaces: false, own: null, engine: 'engine', run: RUN, createdMs: 1, minTasks: 4 },
})

/** What tasks find, by task: the files of each partition. */
async function written(archive: MemoryStore, options: ImportRunOptions): Promise<[task: string, index: number, file: string][]> {
  const plan = await planImportRun(options)
  await writePlan(archive, plan, plan.bundle)
  const found: [string, number, string][] = []
  for await (const { task, index, unit } of readPartitions(archive, await readPlanHead(archive, options.run)))
    found.push([task, index, unit!.files[0]!.name])
  return found
}

describe('the plan of an import', () => {
  it('has a partition for each unit, by venue, symbol and day, in tasks of about equal bytes, whatever the order of the files', async () => {
    const archive = new MemoryStore()
    const found = await written(archive, optionsOf(archive))
    expect(found.map(([, , file]) => file)).toEqual(UNITS.map(({ files }) => files[0]!.name))
    expect(found.map(([, index]) => index)).toEqual(UNITS.map((_, i) => i))
    expect((await readTasks(archive, RUN)).map(({ partitions }) => partitions)).toEqual([2, 2, 2, 2, 2])
    const other = new MemoryStore()
    expect(await written(other, optionsOf(other, UNITS.toReversed()))).toEqual(found)
    expect([...other.objects].map(([key, { bytes }]) => [key, bytes])).toEqual([...archive.objects].map(([key, { bytes }]) => [key, bytes]))
  })

  it('takes files apart that are large, and many small ones together', async () => {
    const archive = new MemoryStore()
    const units = [unitOf('BTCUSDT', 1, 3e9), unitOf('BTCUSDT', 2, 3e9), ...[3, 4, 5, 6].map((day) => unitOf('BTCUSDT', day))]
    const { tasks } = await planImportRun({ ...optionsOf(archive, units), minTasks: 1 })
    expect(tasks.map(({ partitions }) => partitions)).toEqual([1, 1, 4])
  })

  it('has only what is not in the archive yet, and all of it where that is to be replaced', async () => {
    const archive = new MemoryStore()
    const [unit] = UNITS.slice(1) as [PlannedUnit]
    const files = unit.files.map(({ name, bytes, digest }) => ({ name, bytes, digest }))
    await writeImportRecord(archive, unitId(unit, HOW), { importer: 'tardis', files, counts: emptyCounts(), folders: [KEY] })
    const planned = async (more: Partial<ImportRunOptions> = {}): Promise<number> =>
      (await planImportRun({ ...optionsOf(archive), ...more })).head.partitions
    // It is known, but somebody has removed the log.
    expect(await planned()).toBe(UNITS.length)
    await archive.put(`v1/${KEY}/meta.json`, Buffer.from('{}'))
    const { head, units, known } = await planImportRun(optionsOf(archive))
    expect([head.counts, head.imports!.known]).toEqual([{ run: UNITS.length - 1, cached: 1, stale: 0 }, 1])
    expect([units.length, known]).toEqual([UNITS.length - 1, [unit]])
    expect(head.imports!.leftOut).toEqual(planOf([]).leftOut)
    expect(await planned({ replaces: true })).toBe(UNITS.length)
    // Other settings or other bytes are another import.
    expect(await planned({ how: { ...HOW, onError: 'skip' } })).toBe(UNITS.length)
    const changed = { ...unit, files: unit.files.map((file) => ({ ...file, digest: 'other' })) }
    expect(await planned({ plan: planOf([changed]) })).toBe(1)
  })

  it('is known again as the same import, whatever of it is done', async () => {
    const archive = new MemoryStore()
    const { head } = await planImportRun(optionsOf(archive))
    const record = { importer: 'tardis', files: [], counts: emptyCounts(), folders: [] }
    await writeImportRecord(archive, unitId(UNITS[3]!, HOW), record)
    const again = await planImportRun({ ...optionsOf(archive, UNITS.toReversed()), run: NEXT })
    expect([again.head.partitions, again.head.imports!.digest]).toEqual([UNITS.length - 1, head.imports!.digest])
    const more = await planImportRun(optionsOf(archive, [...UNITS, unitOf('XRPUSDT', 1)]))
    expect(more.head.imports!.digest).not.toBe(head.imports!.digest)
  })
})

describe('the claim of an archive', () => {
  const claim = { run: RUN, digest: 'a' }
  const next = { run: NEXT, digest: 'b' }

  it('is of one submitted run until that has committed or is cancelled', async () => {
    const archive = new MemoryStore()
    await claimArchive(archive, claim)
    await archive.put(runFiles(RUN).request, Buffer.from('{}'))
    await claimArchive(archive, claim)
    await expect(claimArchive(archive, next)).rejects.toMatchObject({ code: 'import-active', category: 'input' })
    await releaseArchive(archive, NEXT)
    await expect(claimArchive(archive, next)).rejects.toMatchObject({ code: 'import-active' })
    await releaseArchive(archive, RUN)
    await claimArchive(archive, next)
    await archive.put(runFiles(NEXT).request, Buffer.from('{}'))
    await markCancelled(archive, NEXT)
    await claimArchive(archive, claim)
  })

  it('gives way where the run was killed on a machine, which finds it again by what it imports', async () => {
    const archive = new MemoryStore()
    await claimArchive(archive, claim)
    // Nothing of it was planned.
    expect(await findInterrupted(archive, 'a')).toBeNull()
    await archive.put(runFiles(RUN).plan, Buffer.from('{}'))
    expect([await findInterrupted(archive, 'a'), await findInterrupted(archive, 'b')]).toEqual([RUN, null])
    await claimArchive(archive, next)
    expect(await findInterrupted(archive, 'a')).toBeNull()
  })
})
