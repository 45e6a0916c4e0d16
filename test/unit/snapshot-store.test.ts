import fs from 'node:fs'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { L2Book } from '../../core/book/l2-book.ts'
import { SequencePolicy } from '../../core/book/sequence/sequence-policy.ts'
import type { SnapshotHeader } from '../../core/book/snapshot/snapshot-file.ts'
import { SnapshotStore } from '../../core/book/snapshot/snapshot-store.ts'
import { Snapshotter } from '../../core/book/snapshot/snapshotter.ts'
import { FileStore } from '../../core/store/file-store.ts'
import type { ObjectStore } from '../../core/store/object-store.ts'
import { batchOf, diff, snapshot } from '../support/book-messages.ts'
import { temporaryDirectory } from '../support/queue-files.ts'

const POLICY = new SequencePolicy().state()
const sidecar = {
  position: { date: '2026-01-01', segment: 0, offset: 64 },
  lastIds: { updateId: '0', nativeSeq: '0', headerSeq: '0' },
  policy: POLICY,
  inputs: 'abc',
}

function headerOf(seq: bigint, exchangeEndNs = seq * 10n, ingestEndNs = seq * 100n): SnapshotHeader {
  return {
    bookMode: 0,
    venueId: 1,
    marketId: 7,
    seq,
    ingestStartNs: 0n,
    ingestEndNs,
    exchangeStartNs: 0n,
    exchangeEndNs,
    bookHash: new Uint8Array(16),
  }
}

describe('snapshot store', () => {
  let root: string
  let files: ObjectStore
  let store: SnapshotStore
  beforeEach(() => {
    root = fs.mkdtempSync(path.join(fs.realpathSync(process.env.TMPDIR ?? '/tmp'), 'chronicle-'))
    files = new FileStore(root)
    store = new SnapshotStore(files, 'log', 1, 7)
    return () => fs.rmSync(root, { recursive: true })
  })

  it('finds by sequence, exchange time and ingest time', async () => {
    // Exchange time steps back at 20: selection is by the time itself, ties by sequence.
    for (const [seq, exchange] of [
      [5n, 50n],
      [10n, 200n],
      [20n, 100n],
      [100n, 200n],
    ] as const)
      await store.write(headerOf(seq, exchange), new Uint8Array(12), sidecar)
    const find = async (by: 'seq' | 'exchange' | 'ingest', at: bigint) => (await store.find({ by, at }))?.header.seq
    expect(await Promise.all([4n, 5n, 19n, 20n, 99n, 2n ** 64n - 1n].map((at) => find('seq', at)))).toEqual([
      undefined,
      5n,
      10n,
      20n,
      20n,
      100n,
    ])
    expect(await Promise.all([49n, 50n, 100n, 199n, 200n].map((at) => find('exchange', at)))).toEqual([undefined, 5n, 20n, 20n, 100n])
    expect(await Promise.all([499n, 500n, 1999n, 2000n].map((at) => find('ingest', at)))).toEqual([undefined, 5n, 10n, 20n])
  })

  it('finds by position, which sequences that restart cannot', async () => {
    for (const [seq, segment, offset] of [
      [900n, 0, 640],
      [5n, 1, 64],
      [6n, 1, 6400],
    ] as const)
      await store.write(headerOf(seq), new Uint8Array(12), { ...sidecar, position: { date: null, segment, offset } })
    const find = async (segment: number, offset: number, date: string | null = null) =>
      (await store.find({ by: 'position', at: { date, segment, offset } }))?.header.seq
    expect(await Promise.all([find(0, 639), find(0, 640), find(1, 0), find(1, 6399), find(2, 64), find(2, 64, '2026-01-01')])).toEqual([
      undefined,
      900n,
      900n,
      5n,
      6n,
      undefined,
    ])
  })

  it('uses the paths of the peer, and writes the file that readers select by last', async () => {
    const puts: string[] = []
    const watched: ObjectStore = {
      uri: files.uri,
      get: files.get.bind(files),
      list: files.list.bind(files),
      delete: files.delete.bind(files),
      put: (key, bytes) => {
        puts.push(key)
        return files.put(key, bytes)
      },
    }
    await new SnapshotStore(watched, '', 3, 9).write(headerOf(42n), new Uint8Array(0), sidecar)
    expect(puts).toEqual(['snapshots/3/9/snapshot_42.json', 'snapshots/3/9/snapshot_42.bin'])
  })

  it('ignores snapshots of other inputs, without a sidecar, or with that of other bytes, when inputs are asked for', async () => {
    await store.write(headerOf(1n), new Uint8Array(12), sidecar)
    await store.write(headerOf(2n), new Uint8Array(12), { ...sidecar, inputs: 'changed' })
    await store.write(headerOf(3n), new Uint8Array(12), sidecar)
    await store.write(headerOf(4n), new Uint8Array(12), sidecar)
    const folder = path.join(root, 'log/snapshots/1/7')
    fs.rmSync(path.join(folder, 'snapshot_3.json'))
    fs.copyFileSync(path.join(folder, 'snapshot_1.json'), path.join(folder, 'snapshot_4.json'))
    expect((await store.find({ by: 'seq', at: 9n, inputs: 'abc' }))?.header.seq).toBe(1n)
    expect((await store.find({ by: 'seq', at: 9n }))?.header.seq).toBe(4n)
    expect((await store.find({ by: 'seq', at: 9n }))?.sidecar).toBeNull()
    expect((await store.find({ by: 'seq', at: 2n, inputs: 'changed' }))?.sidecar?.position).toEqual(sidecar.position)
  })

  it('passes over a damaged file for the next best', async () => {
    await store.write(headerOf(1n), new Uint8Array(12), sidecar)
    await store.write(headerOf(2n), new Uint8Array(12), sidecar)
    fs.truncateSync(path.join(root, 'log/snapshots/1/7/snapshot_2.bin'), 130)
    fs.writeFileSync(path.join(root, 'log/snapshots/1/7/snapshot_3.tmp'), 'half')
    for (const by of ['seq', 'exchange', 'ingest'] as const) expect((await store.find({ by, at: 2n ** 63n }))?.header.seq).toBe(1n)
  })

  it('retention by age, count and bytes, oldest sequence first', async () => {
    for (const seq of [1n, 2n, 10n, 11n]) await store.write(headerOf(seq), new Uint8Array(12), sidecar)
    const left = async () => (await store.list()).map(({ seq }) => Number(seq))
    expect((await store.retain({ maxCount: 3 }, 0)).map(({ seq }) => seq)).toEqual([1n])
    expect(await left()).toEqual([2, 10, 11])
    await store.retain({ maxBytes: 300 }, 0)
    expect(await left()).toEqual([10, 11])
    fs.utimesSync(path.join(root, 'log/snapshots/1/7/snapshot_10.bin'), 1, 1)
    await store.retain({ maxAgeMs: 1000 }, 2500)
    expect(await left()).toEqual([11])
    expect(fs.readdirSync(path.join(root, 'log/snapshots/1/7')).sort()).toEqual(['snapshot_11.bin', 'snapshot_11.json'])
  })

  it('none is written while quarantined', async () => {
    const policy = new SequencePolicy({ onGap: 'quarantine', rule: { updateIds: 'first-follows-last' } })
    const book = new L2Book()
    const snapshotter = new Snapshotter({ book, policy, store, inputs: 'abc', everyEvents: 1 })
    const ids = (first: number) => diff([[BigInt(first), 1n]], [], { updateIdFirst: first, updateIdLast: first, nativeSeq: first })
    const written: bigint[] = []
    for (const message of batchOf([snapshot([], [], { nativeSeq: 1 }), ids(2), ids(9), ids(10), snapshot([], [], { nativeSeq: 20 })])) {
      const verdict = policy.check(message)
      if (verdict === 0) book.apply(message)
      if (!snapshotter.observe(message)) continue
      written.push(message.seq)
      await snapshotter.write(message)
    }
    expect(written).toEqual([0n, 1n, 4n])
    const quarantined = {
      ...sidecar,
      policy: { ...POLICY, markets: policy.state().markets.map((market) => ({ ...market, quarantined: 1 })) },
    }
    await expect(store.write(headerOf(50n), new Uint8Array(12), quarantined)).rejects.toThrow(
      expect.objectContaining({ code: 'snapshot-quarantined' }),
    )
  })
})

describe('file store', () => {
  const bytes = (text: string) => new TextEncoder().encode(text)

  it('puts, gets, ranges, lists in key order, deletes', async () => {
    const store = new FileStore(temporaryDirectory())
    expect(await store.get('a/b')).toBeNull()
    for (const key of ['a/c', 'a/b', 'a-', 'a/b.x/y', 'z']) await store.put(key, bytes(key))
    const keys: string[] = []
    for await (const { key, size } of store.list('a')) keys.push(`${key} ${size}`)
    expect(keys).toEqual(['a- 2', 'a/b 3', 'a/b.x/y 7', 'a/c 3'])
    expect(new TextDecoder().decode((await store.get('a/b.x/y', { range: { start: 2, end: 99 } }))!.bytes)).toBe('b.x/y')
    await store.delete('a/b')
    await store.delete('a/b')
    expect(await store.get('a/b')).toBeNull()
    expect(await store.get('a')).toBeNull()
  })

  it('conditional puts: absent once, ifMatch only over that version, and a get notices a change', async () => {
    const root = temporaryDirectory()
    const store = new FileStore(root)
    const results = await Promise.all(Array.from({ length: 8 }, (_, i) => store.put('log/1.json', bytes(`writer ${i}`), 'absent')))
    expect(results.filter((etag) => etag !== null)).toHaveLength(1)
    const { etag } = (await store.get('log/1.json'))!
    expect(results).toContain(etag)
    expect(await store.put('log/1.json', bytes('newer version'), { ifMatch: 'other' })).toBeNull()
    expect(await store.put('log/1.json', bytes('newer version'), { ifMatch: etag })).not.toBeNull()
    await expect(store.get('log/1.json', { ifMatch: etag })).rejects.toThrow(
      expect.objectContaining({ code: 'object-changed', category: 'input' }),
    )
    expect(fs.readdirSync(path.join(root, 'log'))).toEqual(['1.json'])
  })

  it('refuses keys that leave the store', async () => {
    const store = new FileStore(temporaryDirectory())
    for (const key of ['../x', '/x', 'a//b', 'a/./b', ''])
      await expect(store.get(key)).rejects.toThrow(expect.objectContaining({ code: 'object-key' }))
  })
})
