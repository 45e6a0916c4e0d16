import fs from 'node:fs'
import path from 'node:path'
import { readRecords } from '../queue-files.ts'

/** A message of an archive, read by the byte rules of FORMAT.md without the library. */
export interface PlainMessage {
  readonly stream: string
  readonly typeId: number
  readonly timeNs: bigint
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
  /** Merged by record time: always the stream whose next message has the least time, the first of equals. */
  readonly messages: readonly PlainMessage[]
}

/** Reads a whole archive; of each instrument the streams that a job reads. */
export function readPlainArchive(root: string, wants: (stream: string) => boolean): PlainInstrument[] {
  return foldersOf(path.join(root, 'v1')).flatMap((venue) =>
    foldersOf(path.join(root, 'v1', venue)).flatMap((symbol) => {
      const folder = path.join(root, 'v1', venue, symbol)
      const dates = foldersOf(folder).filter((date) => foldersOf(path.join(folder, date)).some(wants))
      const messages = dates.flatMap((date) => {
        const streams = foldersOf(path.join(folder, date)).filter(wants)
        return merged(streams.map((stream) => readStream(path.join(folder, date, stream), stream)))
      })
      return dates.length === 0 ? [] : [{ venue, symbol, dates: new Set(dates), messages }]
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

function readStream(folder: string, stream: string): PlainMessage[] {
  return readRecords(folder).map(({ segment, offset, seq, timestampNs, typeId, payload }) => ({
    stream,
    typeId,
    timeNs: timestampNs,
    recordSeq: seq,
    position: (BigInt(segment) << 32n) + BigInt(offset / 64),
    payload: new DataView(payload.buffer, payload.byteOffset, payload.byteLength),
  }))
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
