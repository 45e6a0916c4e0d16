import fs from 'node:fs'
import path from 'node:path'
import { type FileRecord, readRecords } from '../queue-files.ts'
import { type IndexedTimes, soundTimes } from './sound-times.ts'

/** A message of an archive, read by the byte rules of docs/format.md without the library. */
export interface PlainMessage {
  readonly stream: string
  readonly typeId: number
  /** Record time, where it can be believed; else that of the record before it. */
  readonly timeNs: bigint
  /** The record time is not this one: it cannot be believed. */
  readonly isWild: boolean
  /** Nor is it known where it belongs. */
  readonly isUnusable: boolean
  /** Record time steps back by more than a minute here, and stays there. */
  readonly isStepBack: boolean
  /** The seek index has another time for it. */
  readonly isDiffering: boolean
  readonly recordSeq: bigint
  /** segment · 2³² + byte offset ÷ 64. */
  readonly position: bigint
  readonly payload: DataView
}

export interface PlainInstrument {
  readonly venue: string
  readonly symbol: string
  /** Dates that have a folder of the streams read. */
  readonly dates: ReadonlySet<string>
  /** In file order, one folder after the other. */
  readonly streams: readonly (readonly PlainMessage[])[]
  /** The streams merged by record time: always the one whose next message has the least time, the first of equals. */
  readonly messages: readonly PlainMessage[]
  /** Records that are there a second time, and are not read again. */
  readonly repeated: number
  /** A day has folders, and none of a book. */
  readonly lacksBook: boolean
  /** Places where segments are missing, as their numbers and indexes show. */
  readonly holes: number
}

/** Reads a whole archive; of each instrument the streams that a job reads. */
export function readPlainArchive(root: string, wants: (stream: string) => boolean): PlainInstrument[] {
  return foldersOf(path.join(root, 'v1')).flatMap((venue) =>
    foldersOf(path.join(root, 'v1', venue)).flatMap((symbol) => {
      const folder = path.join(root, 'v1', venue, symbol)
      const logs = foldersOf(folder)
        .filter(isDate)
        .flatMap((date) => foldersOf(path.join(folder, date)).map((stream) => ({ date, stream, folder: path.join(folder, date, stream) })))
        .filter(({ stream, folder: log }) => wants(stream) && hasSegments(log))
      if (logs.length === 0) return []
      const read = logs.map((log) => ({ ...log, ...readLog(log) }))
      const names = [...new Set(logs.map(({ stream }) => stream))].sort()
      const streams = names.map((name) => read.filter(({ stream }) => stream === name).flatMap(({ messages }) => messages))
      const [repeated, holes] = [read.reduce((sum, log) => sum + log.repeated, 0), read.reduce((sum, log) => sum + log.holes, 0)]
      const dates = new Set(logs.map(({ date }) => date))
      const withBook = new Set(logs.filter(({ stream }) => stream === 'book' || stream === 'l3').map(({ date }) => date))
      const lacksBook = withBook.size < dates.size
      return [{ venue, symbol, dates, streams, messages: merged(streams), repeated, lacksBook, holes }]
    }),
  )
}

function foldersOf(folder: string): string[] {
  return fs
    .readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
}

/** A day of the calendar, which 30 February is not. */
function isDate(name: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(name) && new Date(`${name}T00:00:00Z`).toJSON()?.slice(0, 10) === name
}

function hasSegments(folder: string): boolean {
  return fs.readdirSync(folder).some((name) => /^\d{9}\.q(\.zst)?$/.test(name))
}

interface ReadLog extends Pick<PlainInstrument, 'repeated' | 'holes'> {
  readonly messages: PlainMessage[]
}

function readLog({ folder, date, stream }: { readonly folder: string; readonly date: string; readonly stream: string }): ReadLog {
  const all = readRecords(folder)
  const records = withoutRepeated(all)
  const times = soundTimes(records, date, indexesOf(folder, records))
  const entries = entriesOf(folder, records)
  const messages = records.map(({ segment, offset, seq, timestampNs, typeId, payload }, i) => ({
    stream,
    typeId,
    ...times[i]!,
    isDiffering: !times[i]!.isWild && !times[i]!.isStepBack && (entries.get(`${segment} ${offset} ${seq}`) ?? timestampNs) !== timestampNs,
    recordSeq: seq,
    position: (BigInt(segment) << 32n) + BigInt(offset / 64),
    payload: new DataView(payload.buffer, payload.byteOffset, payload.byteLength),
  }))
  return { messages, repeated: all.length - records.length, holes: holesOf(folder) }
}

/** Without what a segment begins with that was there before: a copy, or recorded again. */
function withoutRepeated(records: readonly FileRecord[]): FileRecord[] {
  const known = new Set<string>()
  let [segment, isRepeating] = [-1, false]
  return records.filter((record) => {
    if (record.segment !== segment) isRepeating = true
    segment = record.segment
    const { seq, timestampNs, typeId, payload } = record
    const name = `${seq} ${timestampNs} ${typeId} ${Buffer.from(payload).toString('latin1')}`
    isRepeating &&= known.has(name)
    known.add(name)
    return !isRepeating
  })
}

function holesOf(folder: string): number {
  const idsOf = (names: RegExp): number[] => {
    const found = fs.readdirSync(folder).filter((name) => names.test(name))
    return found.map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b)
  }
  const ids = idsOf(/^\d{9}\.q(\.zst)?$/)
  const between = ids.filter((id, i) => id > (ids[i - 1] ?? -1) + 1).length
  return between + ((idsOf(/^\d{9}\.idx$/).at(-1) ?? -1) > ids.at(-1)! ? 1 : 0)
}

/** What the seek indexes say, by the byte rules of docs/format.md; not those that saw only a part of their segment. */
function indexesOf(folder: string, records: readonly FileRecord[]): Map<number, IndexedTimes> {
  const indexes = new Map<number, IndexedTimes>()
  for (const segment of new Set(records.map((record) => record.segment))) {
    const file = path.join(folder, `${String(segment).padStart(9, '0')}.idx`)
    if (!fs.existsSync(file)) continue
    const bytes = fs.readFileSync(file)
    const isWhole = (bytes.readUInt32LE(12) & 1) === 0 && bytes.readBigUInt64LE(16) === BigInt(segment)
    const [minSeq, maxSeq, , maxNs] = [40, 48, 56, 64].map((at) => bytes.readBigUInt64LE(at)) as [bigint, bigint, bigint, bigint]
    if (isWhole) indexes.set(segment, { minSeq, maxSeq, maxNs })
  }
  return indexes
}

/** Times of records by the entries of the seek indexes: segment, offset and sequence. */
function entriesOf(folder: string, records: readonly FileRecord[]): Map<string, bigint> {
  const entries = new Map<string, bigint>()
  for (const segment of new Set(records.map((record) => record.segment))) {
    const file = path.join(folder, `${String(segment).padStart(9, '0')}.idx`)
    if (!fs.existsSync(file)) continue
    const bytes = fs.readFileSync(file)
    if ((bytes.readUInt32LE(12) & 1) !== 0 || bytes.readBigUInt64LE(16) !== BigInt(segment)) continue
    for (let at = 80; at < bytes.length; at += 24)
      entries.set(`${segment} ${bytes.readBigUInt64LE(at + 16)} ${bytes.readBigUInt64LE(at)}`, bytes.readBigUInt64LE(at + 8))
  }
  return entries
}

function merged(streams: PlainMessage[][]): PlainMessage[] {
  const all: PlainMessage[] = []
  const next = streams.map(() => 0)
  for (;;) {
    let least = -1
    for (let i = 0; i < streams.length; i++) {
      const head = streams[i]![next[i]!]
      if (head !== undefined && (least < 0 || head.timeNs < streams[least]![next[least]!]!.timeNs)) least = i
    }
    if (least < 0) return all
    all.push(streams[least]![next[least]!++]!)
  }
}
