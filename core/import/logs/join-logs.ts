import { ReplayReader } from '../../log/reading/replay-reader.ts'
import type { LogFolder } from '../../log/stores/log-folder.ts'
import { LogWriter } from '../../log/writing/log-writer.ts'
import { crc32 } from '../../message/crc32.ts'
import { recordBytes } from '../../message/record.ts'
import { BOOK_EVENT_SEQ_OFFSET } from '../../protocol/book-event.ts'
import { TYPE_BOOK_EVENT } from '../../protocol/message-type.ts'
import { segmentBytesFor } from './log-stager.ts'

/** Records of a log, from one on. */
export interface LogShare {
  readonly log: string | LogFolder
  readonly skip: number
  readonly records: number
}

/** Writes logs one behind the other as one, in which records and book events are numbered from 0 on. */
export async function joinLogs(shares: readonly LogShare[], directory: string): Promise<void> {
  let bytes = 0
  for (const share of shares) await eachRecord(share, (_type, _time, payload) => (bytes += recordBytes(payload.length)))
  const writer = LogWriter.open(directory, { segmentBytes: segmentBytesFor(bytes), isDurable: false })
  for (const share of shares) {
    await eachRecord(share, (typeId, timestampNs, payload) => {
      if (typeId === TYPE_BOOK_EVENT) {
        const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
        view.setBigUint64(BOOK_EVENT_SEQ_OFFSET, writer.nextSeq, true)
      }
      const [low, high] = [Number(timestampNs & 0xffff_ffffn), Number(timestampNs >> 32n)]
      writer.appendRecord(typeId, low, high, payload, 0, payload.length, crc32(payload))
    })
  }
  writer.finish()
}

/**
 * Whether one log begins with a message that another one ends with, at one time; both have it where a download overlaps the one before.
 * @param ns of the last record of one, and the first of the other
 */
export async function shareMessage(before: LogShare, after: LogShare, ns: bigint): Promise<boolean> {
  const known = new Set<string>()
  await eachRecord(before, (typeId, timestampNs, payload) => {
    if (timestampNs === ns) known.add(textOf(typeId, payload))
  })
  let isShared = false
  await eachRecord(after, (typeId, timestampNs, payload) => {
    if (timestampNs === ns && known.has(textOf(typeId, payload))) isShared = true
  })
  return isShared
}

/** Of a message but for its number, which tells its place. */
function textOf(typeId: number, payload: Uint8Array): string {
  if (typeId === TYPE_BOOK_EVENT) payload.fill(0, BOOK_EVENT_SEQ_OFFSET, BOOK_EVENT_SEQ_OFFSET + 8)
  return `${typeId} ${Buffer.from(payload).toString('latin1')}`
}

type EachRecord = (typeId: number, timestampNs: bigint, payload: Uint8Array) => void

async function eachRecord({ log, skip, records }: LogShare, each: EachRecord): Promise<void> {
  const reader = await ReplayReader.open(log)
  let index = 0
  try {
    for (let batch = await reader.nextBatch(); batch !== null && index < skip + records; batch = await reader.nextBatch()) {
      for (let k = 0; k < batch.length && index < skip + records; k++, index++) {
        if (index < skip) continue
        const { view, payloadOffset, length, typeId, timestampNs } = batch.at(batch.rowAt(k))
        each(typeId, timestampNs, new Uint8Array(view.buffer, view.byteOffset + payloadOffset, length).slice())
      }
    }
  } finally {
    await reader.close()
  }
}
