import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { commitParts, EVERY_TYPE, madeAdd } from '../../bench/made/made-table.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { readTable } from '../../core/table/delta-log.ts'
import { runOfPart, vacuum } from '../../core/table/vacuum.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const DAY = 86_400_000
const SCHEMA = { job: 'flow', columns: EVERY_TYPE }
const CLOSED = '20240808T120000Z-7f3a09c2'
const OPEN = '20240809T120000Z-00000000'
const partOf = (name: string, run = CLOSED) => madeAdd(`part-${name}-abc-${run}-1.parquet`)

test('only parts that are unreferenced, old and of no open run go', async () => {
  const store = new MemoryStore()
  const put = (key: string, day: number, size = 10) => {
    store.nowMs = day * DAY
    return store.put(key, new Uint8Array(size))
  }
  const [live, stray, young, ofOpen, outLately, outLongAgo] = [
    partOf('live'),
    partOf('stray'),
    partOf('young'),
    partOf('of-open', OPEN),
    partOf('out-lately'),
    partOf('out-long-ago'),
  ] as const
  for (const { path } of [live, stray, ofOpen, outLately, outLongAgo]) await put(path, 0)
  await put(young.path, 9)
  await commitParts(store, SCHEMA, [live, outLately, outLongAgo])
  await commitParts(store, SCHEMA, [], { removes: [outLongAgo.path], clock: () => 1 * DAY })
  await commitParts(store, SCHEMA, [], { removes: [outLately.path], clock: () => 9 * DAY })
  for (const key of ['_chronicle/runs/x/plan.json', 'README.parquet', 'venue=a/notes.txt']) await put(key, 0)
  const before = [...store.objects.keys()].sort()
  const options = { olderThanMs: 7 * DAY, nowMs: 10 * DAY, isOpenRun: (run: string) => run === OPEN }
  const seen: string[] = []

  const dry = await vacuum(store, { ...options, isDryRun: true, onFile: (key) => seen.push(key) })

  expect(dry).toEqual({ files: 2, bytes: 20 })
  expect(seen.sort()).toEqual([outLongAgo.path, stray.path].sort())
  expect([...store.objects.keys()].sort()).toEqual(before)

  expect(await vacuum(store, options)).toEqual(dry)
  expect([...store.objects.keys()].sort()).toEqual(before.filter((key) => !seen.includes(key)))
  expect(await vacuum(store, options)).toEqual({ files: 0, bytes: 0 })
  expect([...(await readTable(store)).parts.keys()]).toEqual([live.path])
})

test('what killed puts left behind goes, too', async () => {
  const store = new FileStore(temporaryFolder('vacuum'))
  await commitParts(store, SCHEMA, [partOf('live')])
  const leave = (key: string, day: number): string => {
    const file = path.join(store.uri, key)
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, 'half')
    fs.utimesSync(file, day * 86_400, day * 86_400)
    return file
  }
  const uuid = '0d8cb2b9-6a30-4b0c-9d9b-7c6f7e8a9b10'
  const old = leave(`venue=a/part.parquet.${uuid}.tmp`, 1)
  const kept = [leave(`_delta_log/7.json.${uuid}.tmp`, 9), leave('venue=a/notes.tmp', 1), leave('venue=a/notes.txt', 1)]
  const options = { olderThanMs: 7 * DAY, nowMs: 10 * DAY, isOpenRun: () => false }
  expect(await vacuum(store, options)).toEqual({ files: 1, bytes: 4 })
  expect([old, ...kept].map((file) => fs.existsSync(file))).toEqual([false, true, true, true])
})

test('a folder that is no table is left alone', async () => {
  const store = new MemoryStore()
  await store.put(partOf('a').path, new Uint8Array(10))
  await expect(vacuum(store, { olderThanMs: 0, nowMs: DAY, isOpenRun: () => false })).rejects.toMatchObject({ code: 'not-a-table' })
  expect(store.objects.size).toBe(1)
})

test('the run in the name of a part', () => {
  expect(runOfPart(partOf('a-b', OPEN).path)).toBe(OPEN)
  expect(runOfPart('venue=a/part-1-2-3.parquet')).toBeNull()
  expect(runOfPart(`_delta_log/part-a-${OPEN}-1.parquet`)).toBeNull()
})
