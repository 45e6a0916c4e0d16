import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { dayOfDate } from '../../core/instant.ts'
import type { JobWindow } from '../../core/job/job-outline.ts'
import type { TimeSpan } from '../../core/log/reading/sound-times.ts'
import { type FolderFact, FolderFacts, NO_FACTS } from '../../core/plan/archive/archive-facts.ts'
import { type ListedFolder, listArchive } from '../../core/plan/archive/archive-listing.ts'
import { DaySpans, dayTimeOf, reachBeyond } from '../../core/plan/archive/day-spans.ts'
import { lookAtFolders } from '../../core/plan/archive/folder-reach.ts'
import { decodeListing, encodeListing } from '../../core/plan/archive/handed-listing.ts'
import { InstrumentDays } from '../../core/plan/archive/instrument-days.ts'
import { cellGrid } from '../../core/plan/cells.ts'
import { FileStore } from '../../core/store/file-store.ts'
import type { ObjectStore } from '../../core/store/object-store.ts'
import { compressSegment, inDirectory, type MadeLogOptions, makeLog, plainMessages } from '../support/made-log.ts'
import { RangedStore } from '../support/ranged-store.ts'

const HOUR_NS = 3_600_000_000_000n
const DAY_NS = 24n * HOUR_NS
const FIRST = dayOfDate('2024-01-01')
const FIRST_NS = BigInt(FIRST) * DAY_NS
/** Hours since the first day. */
const at = (hours: number): bigint => FIRST_NS + (BigInt(Math.round(hours * 3600)) * HOUR_NS) / 3600n
const span = (from: number, to: number): TimeSpan => ({ fromNs: at(from), toNs: at(to) })

describe('days and what they reach', () => {
  // The second begins eight hours early, the third ends an hour late; there is no fourth.
  const spans = new DaySpans([
    { day: FIRST, reach: undefined },
    { day: FIRST + 1, reach: span(16, 48) },
    { day: FIRST + 1, reach: undefined },
    { day: FIRST + 2, reach: span(48, 73) },
    { day: FIRST + 4, reach: undefined },
  ])

  it.each([
    [0, 1, [0, 0]],
    [15, 16, [0, 0]],
    [15, 16.01, [0, 1]],
    [24, 25, [1, 1]],
    [47, 48.5, [1, 2]],
    [72, 73, [2, 2]],
    [72.5, 96, [2, 2]],
    [73, 96, [3, 2]],
    [80, 96.5, [3, 3]],
    [-24, 0, [0, -1]],
    [120, 130, [4, 3]],
  ] as const)('hours %d to %d', (from, to, [first, last]) => {
    expect([spans.firstReaching(dayTimeOf(at(from))), spans.lastReaching(dayTimeOf(at(to)))]).toEqual([first, last])
    expect(spans.touches(at(from), at(to))).toBe(first <= last)
  })

  it('are cut off where no time is believed, and nothing where records are of their day', () => {
    expect(reachBeyond(FIRST, at(0), at(24))).toBeNull()
    expect(reachBeyond(FIRST, at(3), at(25))).toEqual(span(0, 25))
    expect(reachBeyond(FIRST, at(-30), at(100))).toEqual(span(-24, 48))
    expect(reachBeyond(FIRST, at(26), at(28))).toEqual(span(0, 28))
    // In whole microseconds.
    expect(reachBeyond(0, 0n, DAY_NS + 1n)).toEqual({ fromNs: 0n, toNs: DAY_NS + 1000n })
    expect(reachBeyond(1, DAY_NS - 1n, DAY_NS)).toEqual({ fromNs: DAY_NS - 1000n, toNs: 2n * DAY_NS })
  })
})

describe('an instrument whose folders reach beyond their days', () => {
  const folder = (day: number, stream: string): ListedFolder => {
    return { day, stream, digest: `${stream}-${day}`, bytes: 2400, objects: 1, snapshots: 0, at: 0 }
  }
  const folders = [0, 1, 2].flatMap((i) => [folder(FIRST + i, 'book'), folder(FIRST + i, 'trades')])
  const shanghai = new Map(folders.map((each) => [each, span(24 * (each.day - FIRST) - 8, 24 * (each.day - FIRST) + 24)]))
  const WINDOW: JobWindow = { beforeNs: 0, afterNs: 0, wholeDay: false }
  const daysOf = (reaches?: ReadonlyMap<ListedFolder, TimeSpan>, facts = NO_FACTS): InstrumentDays =>
    new InstrumentDays({ venue: 'x', symbol: 'a', folders }, () => true, { usesBook: true, facts, readsWhole: false, reaches })
  const grid = cellGrid('1h', null)

  it('has the cells that they touch, and these depend on them', () => {
    const [tidy, early] = [daysOf(), daysOf(shanghai)]
    const hours = (days: InstrumentDays): number[] => [...days.cells(grid, -1e9, 1e9, 0)].map((cell) => cell - 24 * FIRST)
    expect(hours(tidy)).toEqual(Array.from({ length: 72 }, (_, i) => i))
    expect(hours(early)).toEqual(Array.from({ length: 80 }, (_, i) => i - 8))
    const inputs = (days: InstrumentDays, hour: number): readonly number[] => days.windowOf(grid, 24 * FIRST + hour, WINDOW)
    expect([15, 16, 24].map((hour) => inputs(tidy, hour))).toEqual([
      [0, 0],
      [0, 0],
      [1, 1],
    ])
    expect([-8, 15, 16, 24].map((hour) => inputs(early, hour))).toEqual([
      [0, 0],
      [0, 0],
      [0, 1],
      [1, 1],
    ])
    expect(early.hasInput(at(-9), at(-8), 0)).toBe(false)
    expect(early.hasInput(at(-9), at(-8), 1)).toBe(true)
  })

  it('spreads the bytes of a folder over what it reaches, each once', () => {
    const early = daysOf(shanghai)
    const cells = [...early.cells(grid, -1e9, 1e9, 0)].map((cell) => early.bytesOf(grid, cell, WINDOW, 'origin'))
    expect(cells.reduce((sum, { start, end }) => sum + end - start, 0)).toBeCloseTo(6 * 2400)
    for (const [i, { start }] of cells.entries()) expect(start).toBeCloseTo(cells[i - 1]?.end ?? 0)
  })

  it('begins with the folder before a restart where other streams may lie in that', () => {
    const known = new FolderFacts()
    known.add({ folder: 'v1/x/a/2024-01-02/book/', digest: `book-${FIRST + 1}`, begins: 'snapshot', beginsNs: String(at(16)) })
    const [tidy, early] = [daysOf(undefined, known), daysOf(shanghai, known)]
    // From the very record on that it begins with.
    expect([15.99, 16, 20, 30].map((hour) => early.restartOf(at(hour)))).toEqual(['origin', '2024-01-02', '2024-01-02', '2024-01-02'])
    expect(tidy.restartOf(at(30))).toBe('2024-01-02')
    expect(tidy.planned.firstIndex('2024-01-02', 2)).toBe(1)
    expect(early.planned.firstIndex('2024-01-02', 2)).toBe(0)
    expect(early.planned.firstIndex('window', 2)).toBe(2)
  })
})

describe('facts about folders', () => {
  const tidy = (folder: string, digest: string): FolderFact => ({ folder, digest, reach: null })
  const key = (day: number, stream = 'trades'): string => `v1/x/a/2024-01-0${day}/${stream}/`
  const digest = (i: number): string => String(i).repeat(32)

  it('take a few bytes for a tidy folder, and are read back', () => {
    const facts = new FolderFacts()
    const many = Array.from({ length: 9 }, (_, i) => i + 1)
    for (const day of many.filter((each) => each !== 4)) expect(facts.add(tidy(key(day), digest(day)))).toBe(true)
    expect(facts.add(tidy(key(3), digest(3)))).toBe(false)
    const text = facts.encode()
    expect(text.split('\n')).toHaveLength(2)
    expect(text.length).toBeLessThan(9 * 12 + 60)
    const again = FolderFacts.decode(text)
    for (const day of many) expect(again.of(key(day), digest(day))?.reach).toBe(day === 4 ? undefined : null)
    expect(again.of(key(3), digest(4))).toBeUndefined()
    expect(again.encode()).toBe(text)
    // As another commit adds them: with the digests that were kept.
    const merged = new FolderFacts()
    merged.add({ folder: key(1), digest: digest(1), begins: 'reset', beginsNs: '5' })
    for (const fact of again.all()) merged.add(fact)
    expect(merged.of(key(1), digest(1))).toEqual({ folder: key(1), digest: digest(1), begins: 'reset', beginsNs: '5', reach: null })
  })

  it('grow whatever comes first, and are forgotten with other bytes', () => {
    const all: FolderFact[] = [
      tidy(key(1), digest(1)),
      { folder: key(1), digest: digest(1), reach: ['5', '9'] },
      { folder: key(1), digest: digest(1), reach: ['7', '20'] },
      { folder: key(1), digest: digest(1), begins: 'snapshot', beginsNs: '6' },
    ]
    for (const order of [all, all.toReversed(), [all[3]!, all[1]!, all[0]!, all[2]!]]) {
      const facts = new FolderFacts()
      for (const fact of order) facts.add(fact)
      for (const each of [facts, FolderFacts.decode(facts.encode())])
        expect(each.of(key(1), digest(1))).toEqual({ ...all[3], reach: ['5', '20'] })
      expect(facts.of(key(1), digest(2))).toBeUndefined()
      facts.add(tidy(key(1), digest(2)))
      expect(facts.of(key(1), digest(1))).toBeUndefined()
      expect(facts.of(key(1), digest(2))?.reach).toBeNull()
    }
  })

  it('that cannot be read are none', () => {
    const lines = ['{', 'null', '{"tidy":3}', '{"tidy":"v1/x/a/trades","from":"soon","digests":"111111111111"}', '{"digest":"d"}', '[]']
    const facts = FolderFacts.decode(lines.join('\n'))
    expect(facts.of(key(1), digest(1))).toBeUndefined()
    expect([...facts.all()]).toEqual([])
  })
})

describe('a look at folders', () => {
  const HOME = 'v1/x/a/2024-01-01/trades'

  /** What the folder of 2024-01-01 is found to reach, in hours. */
  async function look(store: ObjectStore, facts = NO_FACTS): Promise<readonly [from: number, to: number] | null> {
    const listing = await listArchive(store)
    const [instrument] = listing.instruments
    const { reaches } = await lookAtFolders({ archive: store, listing, facts, folders: [[instrument!, instrument!.folders]] })
    const [reach] = reaches.values()
    const hoursOf = (timeNs: bigint): number => Math.round(Number((timeNs - FIRST_NS) / 1_000_000n) / 36) / 100_000
    return reach === undefined ? null : [hoursOf(reach.fromNs), hoursOf(reach.toNs - 1n)]
  }

  function make(root: string, hours: readonly number[], options: MadeLogOptions = {}): void {
    const messages = plainMessages(hours.length, (i) => ({ timestampNs: at(hours[i]!) }))
    makeLog(path.join(root, HOME), messages, { segmentBytes: 512, ...options })
  }

  /** The same of a directory and of a store, and what the store was asked for. */
  async function both(root: string): Promise<{ found: readonly number[] | null; gets: RangedStore['gets'] }> {
    const store = new RangedStore(root, () => 0)
    const found = await look(store)
    expect(await look(new FileStore(root))).toEqual(found)
    return { found, gets: store.gets }
  }

  it('asks for a hundred bytes of the first and the last index, and for the segments only where these say more', async () => {
    await inDirectory(async (root) => {
      make(root, [1, 2, 3])
      const one = await both(root)
      expect(one.found).toBeNull()
      expect(one.gets).toEqual([{ key: `${HOME}/000000000.idx`, start: 0, end: 104 }])
      make(root, [1, 2, 3, 5, 8, 9, 11, 12, 14, 20])
      expect((await both(root)).gets.map(({ key }) => key.slice(-13))).toEqual(['000000000.idx', '000000003.idx'])
    })
    await inDirectory(async (root) => {
      make(root, [-8, 3, 5, 8, 9, 11, 12, 15.5])
      const { found, gets } = await both(root)
      expect(found).toEqual([-8, 24])
      expect(gets).toHaveLength(3)
      expect(gets.reduce((sum, { start, end }) => sum + end - start, 0)).toBeLessThan(400)
    })
  })

  it('is not made again by whoever has the listing of one who looked', async () => {
    await inDirectory(async (root) => {
      make(root, [-8, 3, 5, 8])
      const other = HOME.replace('2024-01-01', '2024-01-02')
      makeLog(
        path.join(root, other),
        plainMessages(2, (i) => ({ timestampNs: at(24 + i) })),
      )
      const store = new RangedStore(root, () => 0)
      const listed = await listArchive(store)
      const folders = (of: typeof listed) => of.instruments.map((instrument) => [instrument, instrument.folders] as const)
      const first = await lookAtFolders({ archive: store, listing: listed, facts: NO_FACTS, folders: folders(listed) })
      expect([first.looks.size, first.reaches.size, store.gets.length > 0]).toEqual([2, 1, true])
      store.gets.length = 0
      const handed = decodeListing(encodeListing(root, { ...listed, looks: first.looks }), root)!
      const second = await lookAtFolders({ archive: store, listing: handed, facts: NO_FACTS, folders: folders(handed) })
      expect(store.gets).toEqual([])
      expect([...second.reaches.values()]).toEqual([...first.reaches.values()])
      expect([second.looks, second.unseen]).toEqual([first.looks, 0])
      // What could not be looked into there is not looked into here either: the plan is that of which the cost was told.
      const fewer = decodeListing(encodeListing(root, { ...listed, looks: new Map([...first.looks].slice(1)) }), root)!
      const third = await lookAtFolders({ archive: store, listing: fewer, facts: NO_FACTS, folders: folders(fewer) })
      expect([third.unseen, store.gets]).toEqual([1, []])
    })
  })

  it('reads a segment that has no index, or one of another time', async () => {
    await inDirectory(async (root) => {
      make(root, [1, 5, 9, 12, 20, 24.5], { stride: 0 })
      expect((await both(root)).found).toEqual([0, 24.5])
      make(root, [1, 5, 9, 12, 20, 24.5, 25], { sealed: false })
      expect((await both(root)).found).toEqual([0, 25])
      for (const name of fs.readdirSync(path.join(root, HOME)).filter((each) => each.endsWith('.idx')))
        fs.writeFileSync(path.join(root, HOME, name), 'damaged')
      expect((await both(root)).found).toEqual([0, 25])
    })
  })

  it('does not believe a wild time that an index saw', async () => {
    for (const wildHours of [-400_000, 9000, 2_000_000]) {
      await inDirectory(async (root) => {
        make(root, [1, 2, wildHours, 3, 4, 25], { segmentBytes: 4096 })
        expect((await both(root)).found).toEqual([0, 25])
      })
    }
  })

  it('of compressed segments, of what nobody can read, and of what is known', async () => {
    await inDirectory(async (root) => {
      make(root, [-2, 3, 5, 20])
      compressSegment(path.join(root, HOME), 0, 256)
      expect((await both(root)).found).toEqual([-2, 24])
      fs.rmSync(path.join(root, HOME, '000000000.idx'))
      expect((await both(root)).found).toEqual([-2, 24])
      const store = new RangedStore(root, () => 0)
      const [folder] = (await listArchive(store)).instruments[0]!.folders
      const facts = new FolderFacts()
      facts.add({ folder: `${HOME}/`, digest: folder!.digest, reach: [String(at(-5)), String(at(24) + 1n)] })
      expect(await look(store, facts)).toEqual([-5, 24])
      expect(store.gets).toEqual([])
      for (const name of fs.readdirSync(path.join(root, HOME))) fs.writeFileSync(path.join(root, HOME, name), 'damaged')
      expect((await both(root)).found).toBeNull()
    })
  })
})
