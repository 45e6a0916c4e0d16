import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { TYPE_BOOK_EVENT, TYPE_BOOK_TICKER, TYPE_TRADE } from '../../core/protocol/message-type.ts'
import { tickerMessage, tradeMessage } from './batches.ts'
import { compressSegment, indexPath, type MadeMessage, makeLog, type PlacedMessage, segmentPath } from './made-log.ts'
import { bookPayload, DAY_NS, FIRST_DAY_NS } from './small-archive.ts'

const SECOND_NS = 1_000_000_000n
const HOUR_NS = 3600n * SECOND_NS
const MARKET = { symbolHash: 7n }

export const STREAMS = ['book', 'ticker', 'trades'] as const
export type StreamName = (typeof STREAMS)[number]

/** When a recorder begins a new folder: how far its day is ahead of the UTC day. */
const ROLLS = {
  utc: 0n,
  shanghai: 8n * HOUR_NS,
  'new-york': -5n * HOUR_NS,
  'cme-day': 1n * HOUR_NS,
  'half-second-late': -SECOND_NS / 2n,
  'minutes-late': -240n * SECOND_NS,
  'second-early': SECOND_NS,
  'minutes-early': 300n * SECOND_NS,
} as const

/** What is written in place of a record's time; `isClear`: no folder of that day can have it, whatever lies beside it. */
const WILD = {
  zero: { isClear: true, of: () => 0n },
  milliseconds: { isClear: true, of: (timeNs: bigint) => timeNs / 1_000_000n },
  microseconds: { isClear: true, of: (timeNs: bigint) => timeNs / 1000n },
  'next-year': { isClear: true, of: (timeNs: bigint) => timeNs + 365n * DAY_NS },
  'all-ones': { isClear: true, of: () => 2n ** 64n - 1n },
  2262: { isClear: true, of: () => 2n ** 63n },
  yesterday: { isClear: false, of: (timeNs: bigint) => timeNs - (timeNs % DAY_NS) - 43_200n * SECOND_NS },
  'late-day': { isClear: false, of: (timeNs: bigint) => timeNs - (timeNs % DAY_NS) + 86_399n * SECOND_NS },
  'hour-ahead': { isClear: false, of: (timeNs: bigint) => timeNs + HOUR_NS },
  'two-minutes-back': { isClear: false, of: (timeNs: bigint) => timeNs - 120n * SECOND_NS },
  'bit-flip': { isClear: false, of: (timeNs: bigint, bit: number) => timeNs ^ (1n << BigInt(bit)) },
} as const

export type WildKind = keyof typeof WILD

export interface WildTimes {
  readonly stream: StreamName
  readonly kind: WildKind
  /** Thousandths of the stream. */
  readonly at: number
  /** So many records in a row. */
  readonly count: number
  readonly bit: number
  /** Damaged in the file: what the index says is right. */
  readonly isAfterwards: boolean
}

/** The recorder is started again, and its clock is another. */
export interface ClockStep {
  /** Thousandths of the range. */
  readonly at: number
  /** How far its clock was ahead before, and behind after. */
  readonly aheadNs: bigint
  readonly behindNs: bigint
  readonly snapshotsAgain: boolean
}

/** What becomes of a whole segment. */
export interface SegmentFault {
  readonly kind: 'copy' | 'renumbered-copy' | 'overlap' | 'first-missing' | 'middle-missing' | 'last-missing'
  readonly stream: StreamName
  /** Which folder, and which segment of it, of those there are. */
  readonly folder: number
  readonly segment: number
}

export interface UntidyInstrument {
  readonly symbol: string
  readonly rolls: Readonly<Record<StreamName, keyof typeof ROLLS>>
  /** Messages per stream. */
  readonly messages: Readonly<Record<StreamName, number>>
  readonly snapshots: 'daily' | 'first' | 'none'
  /** How far record times are behind those of the exchange: nanoseconds. */
  readonly lagNs: bigint
  readonly wild: readonly WildTimes[]
  readonly step: ClockStep | null
  readonly segments: readonly SegmentFault[]
  readonly compressed: boolean
}

export interface UntidyPlan {
  readonly seed: number
  readonly instruments: readonly UntidyInstrument[]
  readonly litter: readonly (keyof typeof LITTER)[]
}

/** Names of instruments as venues have them. */
export const ODD_NAMES = [
  '币安人生USDT',
  'BRK B',
  'ES=F',
  '^GSPC',
  'BTC%2FUSDT',
  '#BTC',
  '.BXBT',
  'a..b',
  'NULL',
  'A',
  'tBTCF0:USTF0',
  '-0',
  '~x',
] as const

/** Files and folders that are no part of a log. */
const LITTER = {
  DS_Store: (root: string) =>
    put(root, '.DS_Store', 'v1/.DS_Store', 'v1/test/.DS_Store', ...foldersOf(root).map((folder) => `${folder}/.DS_Store`)),
  SUCCESS: (root: string) =>
    put(root, '_SUCCESS', 'v1/test/_SUCCESS', ...foldersOf(root).map((folder) => `${path.dirname(folder)}/_SUCCESS`)),
  temporary: (root: string) => put(root, ...foldersOf(root).map((folder) => `${folder}/000000099.q.tmp`)),
  'empty-folders': (root: string) => {
    for (const folder of ['v1/test/none', 'v1/test/a/2024-01-02/none', 'v1/test/a/2024-01-09/trades', 'v1/test/a/2024-01-09/book']) {
      fs.mkdirSync(path.join(root, folder), { recursive: true })
    }
  },
  'no-such-day': (root: string) => {
    const [folder] = foldersOf(root)
    const [, , symbol, , stream] = folder!.split('/') as [string, string, string, string, string]
    for (const date of ['2024-02-30', '2024-13-01', 'latest']) {
      fs.cpSync(path.join(root, folder!), path.join(root, 'v1/test', symbol, date, stream), { recursive: true })
    }
  },
} as const

/** A record as it lies in the archive. */
export interface UntidyRecord extends PlacedMessage {
  readonly stream: StreamName
  readonly folder: string
  /** The recorder's clock when it was written. */
  readonly clockNs: bigint
  readonly wild: WildKind | null
  /** No folder of its day can have its time, whatever lies beside it. */
  readonly isClear: boolean
  /** It is there once more. */
  readonly isRepeated: boolean
}

/** What is in an archive, by the one who put it there. */
export interface UntidyTruth {
  readonly records: readonly UntidyRecord[]
  /** Records of segments that are gone. */
  readonly missing: readonly UntidyRecord[]
}

export interface UntidyOptions {
  /** Segments are missing, or are there twice. @default false */
  readonly hasLosses?: boolean
  /** @default only `a`, `b`, `c` */
  readonly names?: readonly string[]
  /** The most messages per stream. @default 40 */
  readonly maxMessages?: number
}

/** Plans of archives as recorders, clocks, disks and people leave them. */
export function untidyArchives({
  hasLosses = false,
  names = ['a', 'b', 'c'],
  maxMessages = 40,
}: UntidyOptions = {}): fc.Arbitrary<UntidyPlan> {
  const stream = fc.constantFrom(...STREAMS)
  // Of few, most seeks find nothing to pass over.
  const count = fc.oneof({ weight: 7, arbitrary: fc.integer({ min: 0, max: maxMessages }) }, fc.integer({ min: 0, max: 8 * maxMessages }))
  const roll = fc.constantFrom(...(Object.keys(ROLLS) as (keyof typeof ROLLS)[]))
  const wild: fc.Arbitrary<WildTimes> = fc.record({
    stream,
    kind: fc.constantFrom(...(Object.keys(WILD) as WildKind[])),
    at: fc.nat(999),
    count: fc.constantFrom(1, 1, 1, 1, 2, 3, 8),
    bit: fc.nat(63),
    isAfterwards: fc.boolean(),
  })
  const step: fc.Arbitrary<ClockStep> = fc.record({
    at: fc.nat(999),
    aheadNs: fc.constantFrom(0n, 90n * SECOND_NS, HOUR_NS),
    behindNs: fc.constantFrom(0n, 45n * SECOND_NS, HOUR_NS),
    snapshotsAgain: fc.boolean(),
  })
  const segment: fc.Arbitrary<SegmentFault> = fc.record({
    kind: fc.constantFrom('copy', 'renumbered-copy', 'overlap', 'first-missing', 'middle-missing', 'last-missing'),
    stream,
    folder: fc.nat(9),
    segment: fc.nat(9),
  })
  const rolls = fc.oneof(
    roll.map((each) => ({ book: each, ticker: each, trades: each })),
    fc.record({ book: roll, ticker: roll, trades: roll }),
  )
  const instrument = fc.record({
    rolls,
    messages: fc.record({ book: count, ticker: count, trades: count }),
    snapshots: fc.constantFrom('daily', 'daily', 'first', 'none'),
    lagNs: fc.constantFrom(0n, 0n, 0n, 300_000_000n, -700_000_000n, 6n * SECOND_NS, -6n * SECOND_NS, HOUR_NS),
    wild: fc.array(wild, { maxLength: 4 }),
    step: fc.option(step, { freq: 2 }),
    segments: hasLosses ? fc.array(segment, { minLength: 1, maxLength: 2 }) : fc.constant([]),
    compressed: fc.boolean(),
  })
  return fc.record({
    seed: fc.nat(),
    instruments: fc
      .tuple(fc.shuffledSubarray([...names], { minLength: 1, maxLength: 2 }), instrument, instrument)
      .map(([symbols, ...each]) => symbols.map((symbol, i): UntidyInstrument => ({ symbol, ...each[i]! }))),
    litter: fc.subarray(Object.keys(LITTER) as (keyof typeof LITTER)[]),
  })
}

/** Three days from `FIRST_DAY_NS` on. Null: there is nothing to write. */
export function writeUntidyArchive(root: string, plan: UntidyPlan): UntidyTruth | null {
  const random = randomOf(plan.seed)
  fs.mkdirSync(root, { recursive: true })
  const truths = plan.instruments.map((instrument) => writeInstrument(root, instrument, random))
  const records = truths.flatMap((truth) => truth.records)
  if (records.length === 0) return null
  for (const kind of plan.litter) LITTER[kind](root)
  return { records, missing: truths.flatMap((truth) => truth.missing) }
}

/** What of a plan is in an archive, for a count over many. */
export function kindsOf({ instruments, litter }: UntidyPlan): string[] {
  const kinds = instruments.flatMap(({ symbol, rolls, lagNs, wild, step, segments, compressed }) => [
    ...(/^[abc]$/.test(symbol) ? [] : ['odd name']),
    ...new Set(Object.values(rolls).map((roll) => `rolls ${roll}`)),
    ...(new Set(Object.values(rolls)).size > 1 ? ['streams rolled differently'] : []),
    ...(lagNs === 0n ? [] : [`clocks apart ${Number(lagNs) / 1e9} s`]),
    ...wild.map(({ kind, count }) => `wild ${kind}${count > 1 ? ' in a row' : ''}`),
    ...(step === null || step.aheadNs + step.behindNs === 0n ? [] : ['clock steps back']),
    ...segments.map(({ kind }) => `segment ${kind}`),
    ...(compressed ? ['compressed'] : []),
  ])
  return [...new Set([...kinds, ...litter.map((kind) => `litter ${kind}`)])]
}

/** A message on its way into a folder. */
interface Draft {
  readonly stream: StreamName
  readonly trueNs: bigint
  readonly clockNs: bigint
  readonly isRestarted: boolean
  wild: WildTimes | null
}

function writeInstrument(root: string, instrument: UntidyInstrument, random: () => number): UntidyTruth {
  const truths = STREAMS.map((stream): UntidyTruth => {
    const drafts = draftsOf(stream, instrument, random)
    for (const wild of instrument.wild) {
      if (wild.stream !== stream) continue
      const first = Math.floor((wild.at * drafts.length) / 1000)
      for (const draft of drafts.slice(first, first + wild.count)) draft.wild = wild
    }
    const folders = foldersOfStream(stream, drafts, instrument)
    const records = folders.flatMap(({ date, sessions }) => {
      const folder = `v1/test/${instrument.symbol}/${date}/${stream}`
      return writeFolder(root, folder, stream, sessions, random)
    })
    return breakSegments(root, records, instrument, stream)
  })
  if (instrument.compressed) compressSome(root, instrument.symbol, random)
  return { records: truths.flatMap(({ records }) => records), missing: truths.flatMap(({ missing }) => missing) }
}

/** Times that cells, bars and days meet at, and any others; in true order, as they come to the recorder. */
function draftsOf(stream: StreamName, { messages, step }: UntidyInstrument, random: () => number): Draft[] {
  const rangeNs = 3n * DAY_NS
  const times = Array.from({ length: messages[stream] }, () => {
    const kind = random()
    if (kind < 0.3) return BigInt(Math.floor(random() * Number(rangeNs)))
    // A busy quarter of an hour: what is wild is wild beside others.
    if (kind < 0.6) return DAY_NS + BigInt(Math.floor(random() * 900e9))
    const hour = BigInt(Math.floor(random() * 72)) * HOUR_NS
    const offset = [0n, 1n, 999n, 1000n, 400_000_000n, 3n * SECOND_NS, 299n * SECOND_NS][Math.floor(random() * 7)]!
    return random() < 0.5 && hour > offset ? hour - offset : hour + offset
  })
  const stepNs = step === null ? 0n : (rangeNs * BigInt(step.at)) / 1000n
  let wasBefore = true
  return times
    .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    .map((offsetNs) => {
      const trueNs = FIRST_DAY_NS + offsetNs
      const isBefore = offsetNs < stepNs
      const shiftNs = step === null ? 0n : isBefore ? step.aheadNs : -step.behindNs
      const jitterNs = random() < 0.1 ? BigInt(Math.floor(random() * 899e6)) : 0n
      const isRestarted = step !== null && wasBefore && !isBefore
      wasBefore = isBefore
      return { stream, trueNs, clockNs: trueNs + shiftNs - jitterNs, isRestarted, wild: null }
    })
}

interface Session {
  readonly drafts: Draft[]
  readonly messages: MadeMessage[]
}

/** Distributes messages over folders, as a recorder does: it goes to a later folder as its clock says, and to an earlier one only when it is started again. */
function foldersOfStream(
  stream: StreamName,
  drafts: readonly Draft[],
  { rolls, snapshots, lagNs, step }: UntidyInstrument,
): { readonly date: string; readonly sessions: readonly Session[] }[] {
  const folders = new Map<string, Session[]>()
  let [date, id, isFirst] = ['', 1000n, true]
  let session: Session | null = null
  for (const draft of drafts) {
    const day = dateOf(draft.clockNs + ROLLS[rolls[stream]])
    if (session === null || draft.isRestarted || day > date) {
      date = day
      session = { drafts: [], messages: [] }
      folders.set(date, [...(folders.get(date) ?? []), session])
    }
    const begins = session.messages.length === 0
    const hasSnapshot = begins && (draft.isRestarted ? step!.snapshotsAgain : snapshots === 'daily' || (snapshots === 'first' && isFirst))
    isFirst = false
    const { message, nextId } = messageOf(stream, draft, BigInt(session.messages.length), hasSnapshot, id, lagNs)
    id = nextId
    session.drafts.push(draft)
    session.messages.push(message)
  }
  return [...folders].map(([day, sessions]) => ({ date: day, sessions }))
}

function messageOf(
  stream: StreamName,
  { trueNs, clockNs, wild }: Draft,
  seq: bigint,
  isSnapshot: boolean,
  id: bigint,
  lagNs: bigint,
): { readonly message: MadeMessage; readonly nextId: bigint } {
  const exchangeNs = trueNs - lagNs
  const timestampNs = wild === null || wild.isAfterwards ? clockNs : BigInt.asUintN(64, WILD[wild.kind].of(clockNs, wild.bit))
  const noise = Number((trueNs / 1000n) % 13n)
  if (stream === 'book') {
    const values = [noise, (noise * 5) % 13, (noise * 7) % 13, (noise * 11) % 13]
    const kind = isSnapshot ? 'snapshot' : noise === 12 ? 'snapshot' : noise === 11 && seq > 0n ? 'reset' : 'diff'
    // Now and then updates are missing.
    const before = noise === 10 ? id + 5n : id
    const payload = bookPayload(kind, before, exchangeNs, clockNs, values, true)
    return { message: { seq, timestampNs, typeId: TYPE_BOOK_EVENT, payload }, nextId: kind === 'diff' ? before + 2n : before }
  }
  if (stream === 'trades') {
    const fields = { timestampNs: exchangeNs, price: 100 + noise / 4, quantity: (1 + noise) / 8, isBuyerMaker: noise % 2 === 0 }
    return {
      message: { seq, timestampNs, typeId: TYPE_TRADE, payload: tradeMessage(seq, clockNs, { ...MARKET, ...fields }).payload },
      nextId: id,
    }
  }
  const fields = { timestampNs: exchangeNs, bidPrice: 100 + noise / 4, askPrice: 104 }
  return {
    message: { seq, timestampNs, typeId: TYPE_BOOK_TICKER, payload: tickerMessage(seq, clockNs, { ...MARKET, ...fields }).payload },
    nextId: id,
  }
}

function writeFolder(root: string, folder: string, stream: StreamName, sessions: readonly Session[], random: () => number): UntidyRecord[] {
  const directory = path.join(root, folder)
  const segmentBytes = 1024 << (2 * Math.floor(3 * random()))
  const stride = random() < 0.5 ? 2 : 5
  let firstSegment = 0
  return sessions.flatMap(({ drafts, messages }) => {
    const placed = makeLog(directory, messages, { segmentBytes, stride, firstSegment })
    firstSegment = placed.at(-1)!.segment + 1
    return placed.map((message, i): UntidyRecord => {
      const { wild, clockNs } = drafts[i]!
      const kind = wild?.kind ?? null
      const base = { ...message, stream, folder, clockNs, wild: kind, isClear: kind !== null && WILD[kind].isClear, isRepeated: false }
      if (wild === null || !wild.isAfterwards) return base
      const timestampNs = BigInt.asUintN(64, WILD[wild.kind].of(clockNs, wild.bit))
      writeTime(segmentPath(directory, message.segment), message.offset, timestampNs)
      return { ...base, timestampNs }
    })
  })
}

function writeTime(file: string, offset: number, timestampNs: bigint): void {
  const bytes = fs.readFileSync(file)
  bytes.writeBigUInt64LE(timestampNs, offset + 16)
  fs.writeFileSync(file, bytes)
}

/** Takes segments away, and puts others there twice. */
function breakSegments(root: string, all: readonly UntidyRecord[], { segments }: UntidyInstrument, stream: StreamName): UntidyTruth {
  let records = [...all]
  const missing: UntidyRecord[] = []
  for (const fault of segments) {
    if (fault.stream !== stream) continue
    const folders = [...new Set(records.map(({ folder }) => folder))]
    const folder = folders[fault.folder % folders.length]
    if (folder === undefined) continue
    const ids = [...new Set(records.filter((record) => record.folder === folder).map(({ segment }) => segment))]
    const directory = path.join(root, folder)
    const last = ids.at(-1)!
    const id = ids[fault.kind === 'first-missing' ? 0 : fault.kind === 'last-missing' ? ids.length - 1 : fault.segment % ids.length]!
    const isMiddle = id !== ids[0] && id !== last
    const isOwn = (record: UntidyRecord): boolean => record.folder === folder && record.segment === id
    if (fault.kind.endsWith('missing')) {
      if (ids.length < 2 || (fault.kind === 'middle-missing' && !isMiddle)) continue
      // What only its copy has is not there twice.
      const repeatedSeqs = new Set(records.filter((record) => record.folder === folder && record.isRepeated).map(({ seq }) => seq))
      if (records.some((record) => isOwn(record) && repeatedSeqs.has(record.seq))) continue
      fs.rmSync(segmentPath(directory, id))
      // Nobody knows of a last one, unless its index is there.
      if (fault.segment % 2 === 0) fs.rmSync(indexPath(directory, id), { force: true })
      missing.push(...records.filter(isOwn))
      records = records.filter((record) => !isOwn(record))
      continue
    }
    const copy = last + 1
    const own = records.filter(isOwn)
    const repeated = fault.kind === 'overlap' ? own.slice(Math.floor(own.length / 2)) : own
    if (fault.kind === 'overlap') {
      const segmentBytes = fs.statSync(segmentPath(directory, id)).size
      const placed = makeLog(directory, repeated, { segmentBytes, stride: 2, firstSegment: copy })
      records.push(...placed.map((message, i) => ({ ...repeated[i]!, ...message, isRepeated: true })))
      continue
    }
    const bytes = fs.readFileSync(segmentPath(directory, id))
    if (fault.kind === 'renumbered-copy') bytes.writeUInt32LE(copy, 8)
    fs.writeFileSync(segmentPath(directory, copy), bytes)
    records.push(...repeated.map((record) => ({ ...record, segment: copy, isRepeated: true })))
  }
  return { records, missing }
}

function compressSome(root: string, symbol: string, random: () => number): void {
  for (const segment of fs.globSync('*/*/*.q', { cwd: path.join(root, 'v1/test', symbol) }).sort()) {
    if (random() < 0.5) continue
    compressSegment(path.join(root, 'v1/test', symbol, path.dirname(segment)), Number(path.basename(segment, '.q')), 1024)
  }
}

function dateOf(timeNs: bigint): string {
  return new Date(Number(timeNs / 1_000_000n)).toISOString().slice(0, 10)
}

/** Stream-day folders, relative, sorted; also those whose names begin with a dot, which patterns pass over. */
export function foldersOf(root: string): string[] {
  return fs
    .readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((folder) => folder.split(path.sep).join('/'))
    .filter((folder) => folder.startsWith('v1/') && folder.split('/').length === 5 && fs.statSync(path.join(root, folder)).isDirectory())
    .sort()
}

function put(root: string, ...names: readonly string[]): void {
  for (const name of new Set(names)) fs.writeFileSync(path.join(root, name), 'not a log')
}

/** Mulberry32: numbers of [0, 1), the same for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
