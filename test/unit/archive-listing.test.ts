import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dateOfDay } from '../../core/instant.ts'
import { type ArchiveListing, listArchive } from '../../core/plan/archive/archive-listing.ts'
import { spansOf } from '../../core/plan/archive/archive-spans.ts'
import { decodeListing, encodeListing } from '../../core/plan/archive/handed-listing.ts'
import type { ObjectInfo, ObjectStore } from '../../core/store/object-store.ts'
import { PagedStore, Rounds } from '../support/paged-store.ts'

const ETAG = '"d41d8cd98f00b204e9800998ecf8427e"'
const FILES = ['000000000.idx', '000000000.q', 'meta.json']

function pagedOf(keys: readonly string[], rounds = new Rounds()): PagedStore {
  const sorted = [...new Set(keys)].sort()
  return new PagedStore(sorted.length, (i) => infoOf(sorted[i]!, sorted[i]!.length), rounds.answer)
}

function infoOf(key: string, size: number): ObjectInfo {
  return { key, size, etag: ETAG, modifiedMs: 0 }
}

/** The same store for one who does not know that it has folders. */
function chainOf(store: ObjectStore): ObjectStore {
  return { uri: store.uri, get: store.get, put: store.put, delete: store.delete, list: (prefix, onOdd) => store.list(prefix, onOdd) }
}

/** All that a listing says. */
function toldBy({ instruments, objects, others, findings, objectsText }: ArchiveListing): unknown {
  const told = instruments.map(({ venue, symbol, folders }) => ({
    ...{ venue, symbol },
    folders: folders.map((folder) => {
      const { at: _, ...rest } = folder
      return { ...rest, text: objectsText(folder) }
    }),
  }))
  return { told, objects, others, findings }
}

/** Symbols × days of a venue, three objects a day, 25 a page. */
function yearOf(symbols: number, days: number, rounds: Rounds): PagedStore {
  const dates = Array.from({ length: days }, (_, i) => dateOfDay(19_000 + i))
  const infoAt = (index: number): ObjectInfo => {
    const [file, day] = [index % 3, Math.floor(index / 3) % days]
    const symbol = String(Math.floor(index / 3 / days)).padStart(5, '0')
    return infoOf(`v1/venue/sym-${symbol}/${dates[day]}/trades/${FILES[file]}`, 1000)
  }
  return new PagedStore(3 * symbols * days, infoAt, rounds.answer, 25)
}

describe('the listing of an archive', () => {
  const name = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('btc', 'btc-usd', 'btc!', 'eth', 'A', 'a b', '&amp;', '\u00e9', '\u{1f600}', '\uff5e') },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 3000 }).map((n) => `s${n}`) },
  )
  const rest = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('2024-01-01/book/000000000.q', '2024-01-01/book/meta.json', '2024-01-02/book/000000000.q') },
    { weight: 2, arbitrary: fc.constantFrom('2024-01-01/book/snapshots/1/2/snapshot_3.bin', '2024-01-02/trades/notes.txt') },
    { weight: 1, arbitrary: fc.constantFrom('2024-13-01/book/000000000.q', 'x', '000000000.q', '.DS_Store', '2024-01-01/book/0.q') },
  )
  const key = fc.oneof(
    { weight: 20, arbitrary: fc.tuple(name, name, rest).map((parts) => `v1/${parts.join('/')}`) },
    { weight: 1, arbitrary: fc.tuple(name, rest).map((parts) => `v1/${parts.join('/')}`) },
    { weight: 1, arbitrary: name.map((word) => `v1/${word}`) },
  )

  it('says the same in stretches at once as in one chain, whatever is asked for (property)', async () => {
    const some = fc.option(fc.array(name, { minLength: 1, maxLength: 3 }), { nil: undefined })
    await fc.assert(
      fc.asyncProperty(fc.array(key, { maxLength: 300 }), some, some, async (keys, venues, symbols) => {
        const store = pagedOf(keys)
        const selection = { venues, symbols }
        const [apart, chain] = [await listArchive(store, selection), await listArchive(chainOf(store), selection)]
        // Of some symbols, what lies beside their folders is not even listed.
        if (symbols === undefined) expect(toldBy(apart)).toEqual(toldBy(chain))
        else expect(toldBy({ ...apart, others: 0, findings: [] })).toEqual(toldBy({ ...chain, others: 0, findings: [] }))
      }),
    )
  })

  it('has every key in one span, also keys that were not there when it was cut', async () => {
    const before = pagedOf(Array.from({ length: 3000 }, (_, i) => `v1/a/s${i}/2024-01-01/book/000000000.q`))
    const spans = await spansOf(before, {})
    expect(spans.length).toBeGreaterThan(100)
    const keys = Array.from({ length: 5000 }, (_, i) => `v1/${'abc'[i % 3]}/s${i}/2024-01-02/book/000000000.q`).sort()
    const now = pagedOf(keys)
    const listed: string[] = []
    for (const { prefix, stretch } of spans) for await (const info of now.list(prefix, undefined, stretch)) listed.push(info.key)
    expect(listed).toEqual(keys)
  })

  it('waits a twentieth of what a chain of pages waits, and asks for hardly more pages', async () => {
    const rounds = new Rounds()
    const store = yearOf(200, 40, rounds)
    const { instruments } = await listArchive(store)
    expect(instruments).toHaveLength(200)
    expect(instruments.every(({ folders }) => folders.length === 40)).toBe(true)
    const chain = (3 * 200 * 40) / 25
    expect(rounds.count).toBeLessThan(chain / 20)
    expect(store.pages).toBeLessThan(1.4 * chain)
  })

  it('of some symbols asks for these alone', async () => {
    const rounds = new Rounds()
    const store = yearOf(1000, 100, rounds)
    expect((await listArchive(store, { symbols: ['sym-00007', 'sym-00900'] })).objects).toBe(2 * 3 * 100)
    expect(store.pages).toBe(1 + 2 * 13)
  })

  it('can be handed over: the same from its bytes, and nothing from those of another archive or damaged ones', async () => {
    const keys = ['a', 'b'].flatMap((venue) =>
      ['book', 'trades'].flatMap((stream) =>
        [...FILES, 'snapshots/1/2/snapshot_3.bin', 'odd "name".txt', '000000001.q.tmp'].map(
          (file) => `v1/${venue}/s/2024-01-01/${stream}/${file}`,
        ),
      ),
    )
    const listing = await listArchive(pagedOf([...keys, 'v1/stray']))
    const bytes = encodeListing('s3://paged/archive', listing)
    expect(toldBy(decodeListing(bytes, 's3://paged/archive')!)).toEqual(toldBy(listing))
    expect(decodeListing(bytes, 's3://another/archive')).toBeNull()
    expect(decodeListing(bytes, 's3://paged/archive')!.looks).toBeUndefined()
    const looks = new Map([
      ['v1/a/s/2024-01-01/book/', null],
      ['v1/b/s/2024-01-01/trades/', { fromNs: 2n ** 60n + 1n, toNs: 2n ** 61n + 3n }],
    ])
    const looked = decodeListing(encodeListing('s3://paged/archive', { ...listing, looks }), 's3://paged/archive')!
    expect([toldBy(looked), looked.looks]).toEqual([toldBy(listing), looks])
    for (const end of [0, 3, bytes.length - 1]) expect(decodeListing(bytes.slice(0, end), 's3://paged/archive')).toBeNull()
  })
})
