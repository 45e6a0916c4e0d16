import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { commitParts, EVERY_TYPE, madeAdd } from '../../bench/made/made-table.ts'
import { decodePath, encodePath } from '../../core/table/delta-action.ts'
import { commitTable } from '../../core/table/delta-commit.ts'
import { readHistory, readTableAsOf } from '../../core/table/delta-history.ts'
import { checkpointKey, findTable, LAST_CHECKPOINT, readTable, versionKey } from '../../core/table/delta-log.ts'
import type { TableSchema } from '../../core/table/table-schema.ts'
import { MemoryStore } from '../support/memory-store.ts'

const SCHEMA: TableSchema = { job: 'flow', columns: EVERY_TYPE }

describe('histories', () => {
  test('any history of commits is what a set of names says, now and as of each version, with and without checkpoints', async () => {
    const step = fc.record({ adds: fc.nat(3), removes: fc.array(fc.nat(30), { maxLength: 3 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const store = new MemoryStore()
        const model: string[][] = []
        let made = 0
        for (const [i, { adds, removes }] of steps.entries()) {
          const live = model.at(-1) ?? []
          const out = [...new Set(removes.filter((n) => n < live.length).map((n) => live[n]!))]
          const added = Array.from({ length: adds }, () => madeAdd(`part ${made++}%.parquet`, { n: 'é' }))
          const outcome = await commitParts(store, SCHEMA, added, { removes: out, run: `run-${i}` })
          expect(outcome).toMatchObject({ version: i, written: true, checkpointError: null })
          model.push([...live.filter((key) => !out.includes(key)), ...added.map(({ path }) => path)])
          expect([...outcome.state!.parts.keys()].sort()).toEqual([...model.at(-1)!].sort())
        }
        const last = steps.length - 1
        const check = async (version: number): Promise<void> => {
          const state = await readTable(store, { version })
          expect([...state.parts.keys()].sort()).toEqual([...model[version]!].sort())
          expect([...state.txns.keys()].sort()).toEqual(Array.from({ length: version + 1 }, (_, i) => `run-${i}`).sort())
          for (const part of state.parts.values())
            expect({ ...part, dataChange: true }).toEqual({ ...madeAdd(''), path: part.path, tags: { n: 'é' } })
        }
        for (let version = 0; version <= last; version++) await check(version)
        expect(store.objects.has(LAST_CHECKPOINT)).toBe(last >= 10)
        store.objects.delete(LAST_CHECKPOINT)
        await check(last)
        expect((await readTable(store)).version).toBe(last)
      }),
      { numRuns: 25 },
    )
  })

  test('from the checkpoint alone, when earlier versions were cleaned away', async () => {
    const store = new MemoryStore()
    for (let i = 0; i < 13; i++) await commitParts(store, SCHEMA, [madeAdd(`${i}.parquet`)], { run: `run-${i}` })
    const whole = await readTable(store)
    for (let i = 0; i <= 10; i++) store.objects.delete(versionKey(i))
    const { parts, schema, txns, version, checkpoint } = await readTable(store)
    expect([version, checkpoint, parts.size, txns.size, schema]).toEqual([12, 10, 13, 13, whole.schema])
    expect(await Array.fromAsync(readHistory(store, 12), ({ version: each }) => each)).toEqual([12, 11])
    store.objects.set(checkpointKey(10), { bytes: new Uint8Array(100), etag: '', modifiedMs: 0 })
    await expect(readTable(store)).rejects.toMatchObject({ code: 'table-log-damaged', category: 'corrupt' })
  })

  test('a damaged checkpoint or hint does no harm while all versions are there', async () => {
    const store = new MemoryStore()
    for (let i = 0; i < 12; i++) await commitParts(store, SCHEMA, [madeAdd(`${i}.parquet`)])
    for (const key of [checkpointKey(10), LAST_CHECKPOINT]) {
      store.objects.set(key, { bytes: Buffer.from('what?'), etag: '', modifiedMs: 0 })
      expect((await readTable(store)).parts.size).toBe(12)
    }
  })

  test('as of a version and a run', async () => {
    const store = new MemoryStore()
    for (let i = 0; i < 20; i++) await commitParts(store, SCHEMA, [madeAdd(`${i}.parquet`)], { run: `run-${i % 15}` })
    expect((await readTableAsOf(store, undefined)).version).toBe(19)
    expect((await readTableAsOf(store, '7')).version).toBe(7)
    expect((await readTableAsOf(store, 'run-3')).version).toBe(18)
    expect((await readTableAsOf(store, '/t/_chronicle/runs/run-14')).version).toBe(14)
    const unknown = { code: 'table-version', category: 'input' }
    await expect(readTableAsOf(store, '20')).rejects.toMatchObject(unknown)
    await expect(readTableAsOf(store, 'run-99')).rejects.toMatchObject(unknown)
  })
})

describe('what is no table, or not ours', () => {
  const failed = (code: string, category: string) => ({ code, category })

  test('nothing there', async () => {
    const store = new MemoryStore()
    expect(await findTable(store)).toBeNull()
    await expect(readTable(store)).rejects.toMatchObject(failed('not-a-table', 'input'))
  })

  test('a hole anywhere in the log', async () => {
    for (let hole = 1; hole < 29; hole++) {
      const store = new MemoryStore()
      for (let i = 0; i < 30; i++) await store.put(versionKey(i), Buffer.from(`{"txn":{"appId":"a","version":${i}}}\n`))
      store.objects.delete(versionKey(hole))
      await expect(readTable(store)).rejects.toMatchObject(failed('table-log-hole', 'corrupt'))
    }
  })

  test('a log without its beginning', async () => {
    const store = new MemoryStore()
    for (let i = 0; i < 4; i++) await commitParts(store, SCHEMA, [madeAdd(`${i}.parquet`)])
    store.objects.delete(versionKey(2))
    await expect(readTable(store)).rejects.toMatchObject(failed('table-log-hole', 'corrupt'))
    store.objects.delete(versionKey(0))
    await expect(readTable(store)).rejects.toMatchObject({ category: 'corrupt' })
  })

  test('a version cut off at any byte is read whole or refused', async () => {
    const store = new MemoryStore()
    await commitParts(store, SCHEMA, [madeAdd('a.parquet')])
    const { bytes } = store.objects.get(versionKey(0))!
    const lineEnds = [...bytes.keys()].filter((i) => bytes[i] === 10)
    for (let length = 0; length < bytes.length - 1; length++) {
      if (lineEnds.includes(length) || lineEnds.includes(length - 1)) continue
      store.objects.set(versionKey(0), { bytes: bytes.subarray(0, length), etag: '', modifiedMs: 0 })
      await expect(readTable(store)).rejects.toMatchObject({ code: 'table-log-damaged', category: 'corrupt' })
    }
  })

  test.each([
    ['reader', { minReaderVersion: 3, minWriterVersion: 7 }],
    ['writer', { minReaderVersion: 1, minWriterVersion: 7 }],
  ])('a newer %s protocol', async (kind, protocol) => {
    const store = new MemoryStore()
    await commitParts(store, SCHEMA, [madeAdd('a.parquet')])
    await store.put(versionKey(1), Buffer.from(`${JSON.stringify({ protocol })}\n`))
    if (kind === 'reader') await expect(readTable(store)).rejects.toMatchObject(failed('table-protocol', 'input'))
    else expect((await readTable(store)).version).toBe(1)
    await expect(commitParts(store, SCHEMA, [])).rejects.toMatchObject(failed('table-protocol', 'input'))
  })

  test('another job, and other columns than added ones', async () => {
    const store = new MemoryStore()
    await commitParts(store, SCHEMA, [madeAdd('a.parquet')])
    const withColumns = (columns: TableSchema['columns']) => commitParts(store, { job: 'flow', columns }, [])
    await expect(commitParts(store, { ...SCHEMA, job: 'bars' }, [])).rejects.toMatchObject(failed('table-job', 'input'))
    await expect(withColumns(EVERY_TYPE.slice(1))).rejects.toMatchObject(failed('table-schema', 'input'))
    await expect(withColumns(EVERY_TYPE.map((column) => ({ ...column, type: 'f64' as const })))).rejects.toMatchObject(
      failed('table-schema', 'input'),
    )
    await expect(withColumns(EVERY_TYPE.map((column) => ({ ...column, nullable: true })))).rejects.toMatchObject(
      failed('table-schema', 'input'),
    )
    const added = { name: 'extra', type: 'i32' } as const
    await withColumns([added, ...EVERY_TYPE])
    expect((await readTable(store)).schema.columns).toEqual([
      ...EVERY_TYPE.map((column) => ({ nullable: false, ...column })),
      { ...added, nullable: true },
    ])
    await withColumns([added, ...EVERY_TYPE])
    expect((await readTable(store)).version).toBe(2)
  })

  test('columns of types that jobs do not have', async () => {
    const store = new MemoryStore()
    await commitParts(store, SCHEMA, [])
    const text = Buffer.from(store.objects.get(versionKey(0))!.bytes)
      .toString()
      .replace('\\"double\\"', '\\"decimal(9,2)\\"')
    store.objects.set(versionKey(0), { bytes: Buffer.from(text), etag: '', modifiedMs: 0 })
    await expect(readTable(store)).rejects.toMatchObject({ ...failed('table-schema', 'input'), message: expect.stringContaining('price') })
  })
})

test('keys survive the encoding of paths', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }).filter((text) => text.isWellFormed()),
      (key) => {
        expect(decodePath(encodePath(key), '')).toBe(key)
      },
    ),
  )
  expect(encodePath('symbol=a b%/é.parquet')).toBe('symbol=a%20b%25/%C3%A9.parquet')
})

test.each(['symbol=50%/a.parquet', 'symbol=50%zz/a.parquet', 'symbol=%FF/a.parquet'])(
  'a path that nobody encoded, %s, is told by name',
  async (bad) => {
    const store = new MemoryStore()
    await commitParts(store, SCHEMA, [madeAdd('a.parquet')])
    const { bytes } = store.objects.get(versionKey(0))!
    const text = Buffer.from(bytes)
      .toString()
      .replace(encodePath(madeAdd('a.parquet').path), bad)
    store.objects.set(versionKey(0), { bytes: Buffer.from(text), etag: '', modifiedMs: 0 })
    await expect(readTable(store)).rejects.toMatchObject({
      code: 'table-log-damaged',
      category: 'corrupt',
      message: expect.stringMatching(/percent-encoded path.*"symbol=.*0{20}\.json/),
    })
  },
)

describe('commits', () => {
  test('a lost race: decided again on the newer table', async () => {
    const store = new MemoryStore()
    await commitParts(store, SCHEMA, [madeAdd('a.parquet')])
    const seen: string[][] = []
    const outcome = await commitTable(store, {
      run: 'slow',
      clock: () => 5,
      random: Math.random,
      pause: () => Promise.resolve(),
      async decide(state) {
        seen.push([...state!.parts.keys()].map((key) => key.slice(-9)))
        if (seen.length < 3) await commitParts(store, SCHEMA, [madeAdd(`${seen.length}.parquet`)])
        return { schema: SCHEMA, adds: [madeAdd('x.parquet')], removes: [...state!.parts.values()], info: {} }
      },
    })
    expect(seen.map((names) => names.length)).toEqual([1, 2, 3])
    expect(outcome.version).toBe(3)
    expect([...(await readTable(store)).parts.keys()]).toEqual([madeAdd('x.parquet').path])
  })

  test.each([1, 2, 3])('the answers of %i puts are lost: one version', async (losses) => {
    const store = new MemoryStore()
    let puts = 0
    store.faultOf = (key) => (key.endsWith('.json') && puts++ < losses ? 'lose' : null)
    const outcome = await commitParts(store, SCHEMA, [madeAdd('a.parquet')], { run: 'r', attempt: 1 })
    expect(outcome).toMatchObject({ version: 0, written: true })
    expect(await commitParts(store, SCHEMA, [madeAdd('b.parquet')], { run: 'r', attempt: 1 })).toMatchObject({ version: 0, written: false })
    expect((await readTable(store)).parts.size).toBe(1)
  })

  test('puts that never arrive are tried again, but not for ever', async () => {
    const store = new MemoryStore()
    let puts = 0
    store.faultOf = () => (puts++ < 3 ? 'refuse' : null)
    expect(await commitParts(store, SCHEMA, [madeAdd('a.parquet')])).toMatchObject({ version: 0, written: true })
    store.faultOf = () => 'refuse'
    const waits: number[] = []
    const pause = (ms: number) => Promise.resolve(waits.push(ms))
    await expect(commitParts(store, SCHEMA, [], { maxTries: 12, pause, random: () => 0.5 })).rejects.toMatchObject({
      code: 'commit-contended',
      category: 'transient',
    })
    expect(waits).toEqual([5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000, 1000])
  })

  test('an error that no further try mends is thrown at once', async () => {
    const store = new MemoryStore()
    store.faultOf = () => Promise.reject(new Error('access denied'))
    await expect(commitParts(store, SCHEMA, [])).rejects.toThrow('access denied')
  })

  test('nothing to change writes nothing', async () => {
    const store = new MemoryStore()
    expect(await commitParts(store, SCHEMA, [], { decide: () => null })).toMatchObject({ version: -1, written: false, state: null })
    expect(store.objects.size).toBe(0)
  })

  test('a checkpoint that fails harms no commit, and the next commit makes it', async () => {
    const store = new MemoryStore()
    for (let i = 0; i < 10; i++) await commitParts(store, SCHEMA, [madeAdd(`${i}.parquet`)])
    store.faultOf = (key) => (key.includes('checkpoint') ? 'refuse' : null)
    const outcome = await commitParts(store, SCHEMA, [madeAdd('10.parquet')])
    expect(outcome).toMatchObject({ version: 10, written: true, checkpointError: { code: 'store-unreachable' } })
    expect(store.objects.has(LAST_CHECKPOINT)).toBe(false)
    store.faultOf = (key) => (key === LAST_CHECKPOINT ? 'refuse' : null)
    await commitParts(store, SCHEMA, [madeAdd('11.parquet')])
    store.faultOf = () => null
    await commitParts(store, SCHEMA, [madeAdd('12.parquet')])
    expect(await readTable(store)).toMatchObject({ version: 12, checkpoint: 12 })
    expect((await readTable(store)).parts.size).toBe(13)
  })

  test('a slow checkpoint does not turn the hint back', async () => {
    const store = new MemoryStore()
    for (let i = 0; i < 10; i++) await commitParts(store, SCHEMA, [])
    store.faultOf = async (key) => {
      if (key !== checkpointKey(10)) return null
      store.faultOf = () => null
      for (let i = 11; i < 22; i++) await commitParts(store, SCHEMA, [])
      return null
    }
    await commitParts(store, SCHEMA, [])
    expect(JSON.parse(Buffer.from(store.objects.get(LAST_CHECKPOINT)!.bytes).toString())).toMatchObject({ version: 21 })
  })

  test('a part that is taken out and comes back is live, and not a removed one', async () => {
    const store = new MemoryStore()
    const part = madeAdd('a.parquet')
    await commitParts(store, SCHEMA, [part])
    await commitParts(store, SCHEMA, [], { removes: [part.path] })
    expect((await readTable(store)).removed.size).toBe(1)
    await commitParts(store, SCHEMA, [part])
    const { parts, removed } = await readTable(store)
    expect([parts.size, removed.size]).toEqual([1, 0])
  })

  test('parts removed long ago are forgotten by checkpoints', async () => {
    const store = new MemoryStore()
    const day = 86_400_000
    await commitParts(store, SCHEMA, [madeAdd('old.parquet'), madeAdd('new.parquet')])
    await commitParts(store, SCHEMA, [], { removes: [madeAdd('old.parquet').path], clock: () => 0 })
    await commitParts(store, SCHEMA, [], { removes: [madeAdd('new.parquet').path], clock: () => 5 * day })
    for (let i = 3; i <= 10; i++) await commitParts(store, SCHEMA, [], { clock: () => 10 * day })
    expect([...(await readTable(store)).removed.keys()]).toEqual([madeAdd('new.parquet').path])
  })
})
