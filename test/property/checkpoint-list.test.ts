import { describe, expect, test } from 'vitest'
import { commitParts, EVERY_TYPE, madeAdd } from '../../bench/made/made-table.ts'
import { checkpointKey, SIDECAR_FOLDER } from '../../core/table/checkpoint-list.ts'
import { encodeCheckpoint } from '../../core/table/delta-checkpoint.ts'
import { checkpointActions, LAST_CHECKPOINT, readTable, versionKey } from '../../core/table/delta-log.ts'
import { MemoryStore } from '../support/memory-store.ts'

const VERSIONS = 25
const SCHEMA = { job: 'flow', columns: EVERY_TYPE }

/** A table of a part a version, with our own checkpoints at 10 and 20. */
async function madeTable(): Promise<MemoryStore> {
  const store = new MemoryStore()
  for (let i = 0; i < VERSIONS; i++) await commitParts(store, SCHEMA, [madeAdd(`${i}.parquet`)])
  return store
}

const clean = (store: MemoryStore, before: number): void => {
  for (let version = 0; version < before; version++) store.objects.delete(versionKey(version))
}
const read = async (store: MemoryStore) => {
  const { version, parts } = await readTable(store)
  return [version, parts.size]
}

describe('checkpoints of a cleaned log', () => {
  test('are found without a hint, and behind one that is old', async () => {
    const store = await madeTable()
    clean(store, 20)
    store.objects.delete(LAST_CHECKPOINT)
    expect(await read(store)).toEqual([VERSIONS - 1, VERSIONS])
    await store.put(LAST_CHECKPOINT, Buffer.from('{"version":10,"size":1}'))
    expect(await read(store)).toEqual([VERSIONS - 1, VERSIONS])
    for (let version = 20; version < VERSIONS; version++) store.objects.delete(versionKey(version))
    expect(await read(store)).toEqual([20, 21])
  })

  test('of several files count only when all are there', async () => {
    const store = await madeTable()
    const actions = checkpointActions(await readTable(store, { version: 22 }), 0)
    const names = [1, 2].map((n) => checkpointKey(22).replace('.parquet', `.000000000${n}.0000000002.parquet`))
    for (const [n, name] of names.entries()) await store.put(name, encodeCheckpoint(actions.filter((_, i) => i % 2 === n)))
    for (const key of [LAST_CHECKPOINT, checkpointKey(10), checkpointKey(20)]) store.objects.delete(key)
    clean(store, 22)
    expect(await read(store)).toEqual([VERSIONS - 1, VERSIONS])
    store.objects.delete(names[1]!)
    await expect(readTable(store)).rejects.toMatchObject({ code: expect.stringMatching(/^table-log/), category: 'corrupt' })
  })

  test('of the v2 spec, with sidecars', async () => {
    const store = await madeTable()
    const actions = checkpointActions(await readTable(store, { version: 22 }), 0)
    const isPart = (action: object): boolean => 'add' in action
    await store.put(`${SIDECAR_FOLDER}a.parquet`, encodeCheckpoint(actions.filter(isPart)))
    const top = [
      ...actions.filter((action) => !isPart(action)),
      { checkpointMetadata: { version: 22 } },
      { sidecar: { path: 'a.parquet' } },
    ]
    const key = checkpointKey(22).replace('.parquet', '.80a083e8-7026-4e79-81be-64bd76c43a11.json')
    await store.put(key, Buffer.from(top.map((action) => `${JSON.stringify(action)}\n`).join('')))
    for (const old of [LAST_CHECKPOINT, checkpointKey(10), checkpointKey(20)]) store.objects.delete(old)
    clean(store, 22)
    expect(await read(store)).toEqual([VERSIONS - 1, VERSIONS])
  })

  test('an earlier version that was cleaned away is refused by name', async () => {
    const store = await madeTable()
    clean(store, 20)
    await expect(readTable(store, { version: 5 })).rejects.toMatchObject({ code: 'table-version', category: 'input' })
  })
})

describe('protocols', () => {
  const features = (readerFeatures: string[], writerFeatures: string[]) => ({
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures,
    writerFeatures,
  })

  test.each([
    [
      'features that nothing uses',
      features(['deletionVectors', 'columnMapping'], ['deletionVectors', 'columnMapping', 'changeDataFeed']),
      null,
    ],
    ['a reader feature', features(['variantType'], ['variantType']), /variantType/],
    ['a writer feature', features([], ['rowTracking', 'appendOnly']), /rowTracking/],
    ['an old writer version, of which nothing is used', { minReaderVersion: 2, minWriterVersion: 5 }, null],
  ])('%s', async (_, protocol, refused) => {
    const store = new MemoryStore()
    await commitParts(store, SCHEMA, [madeAdd('a.parquet')])
    await store.put(versionKey(1), Buffer.from(`${JSON.stringify({ protocol })}\n`))
    const committing = commitParts(store, SCHEMA, [madeAdd('b.parquet')])
    if (refused === null) expect((await committing).version).toBe(2)
    else await expect(committing).rejects.toMatchObject({ code: 'table-protocol', message: expect.stringMatching(refused) })
  })

  test('an append-only table takes rows, and none are taken out', async () => {
    const store = new MemoryStore()
    const { state } = await commitParts(store, SCHEMA, [madeAdd('a.parquet')])
    const metaData = { ...state!.metaData, configuration: { ...state!.metaData.configuration, 'delta.appendOnly': 'true' } }
    await store.put(versionKey(1), Buffer.from(`${JSON.stringify({ metaData })}\n`))
    expect((await commitParts(store, SCHEMA, [madeAdd('b.parquet')])).version).toBe(2)
    const replacing = commitParts(store, SCHEMA, [], { removes: [madeAdd('a.parquet').path] })
    await expect(replacing).rejects.toMatchObject({ code: 'table-append-only', category: 'input' })
  })
})
