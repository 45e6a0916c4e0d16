import fs from 'node:fs'
import path from 'node:path'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { BOOK_EVENT_EXCHANGE_TS_OFFSET } from '../../core/protocol/book-event.ts'
import { BOOK_TICKER_TIMESTAMP_OFFSET } from '../../core/protocol/book-ticker.ts'
import { TYPE_BOOK_EVENT, TYPE_BOOK_TICKER, TYPE_TRADE } from '../../core/protocol/message-type.ts'
import { TRADE_TIMESTAMP_OFFSET } from '../../core/protocol/trade.ts'
import { type MadeMessage, makeLog } from './made-log.ts'

/** Times of a message, nanoseconds since the epoch. */
export interface MessageTimes {
  readonly exchangeNs: bigint
  readonly recordNs: bigint
  /** The latest of its log so far. */
  readonly latestExchangeNs: bigint
  readonly latestRecordNs: bigint
  readonly isBook: boolean
}

/** Copies those messages of an archive that were there, it is said, at some time; gives how many. */
export async function cutArchive(from: string, to: string, wasThere: (times: MessageTimes) => boolean): Promise<number> {
  let count = 0
  for (const log of fs.globSync('v1/*/*/*/*', { cwd: from })) {
    const messages: MadeMessage[] = []
    let [latestExchangeNs, latestRecordNs] = [0n, 0n]
    for await (const { view, payloadOffset, length, seq, timestampNs, typeId } of await ReplayReader.open(path.join(from, log))) {
      const exchangeNs = view.getBigUint64(payloadOffset + EXCHANGE_TIME_AT[typeId]!, true)
      if (exchangeNs > latestExchangeNs) latestExchangeNs = exchangeNs
      if (timestampNs > latestRecordNs) latestRecordNs = timestampNs
      if (!wasThere({ exchangeNs, recordNs: timestampNs, latestExchangeNs, latestRecordNs, isBook: typeId === TYPE_BOOK_EVENT })) continue
      messages.push({ seq, timestampNs, typeId, payload: new Uint8Array(view.buffer, view.byteOffset + payloadOffset, length).slice() })
    }
    if (messages.length === 0) continue
    count += messages.length
    makeLog(path.join(to, log), messages, { segmentBytes: 2 ** 22, stride: 64 })
    const meta = path.join(from, log, 'meta.json')
    if (fs.existsSync(meta)) fs.copyFileSync(meta, path.join(to, log, 'meta.json'))
  }
  return count
}

const EXCHANGE_TIME_AT: Readonly<Record<number, number>> = {
  [TYPE_BOOK_EVENT]: BOOK_EVENT_EXCHANGE_TS_OFFSET,
  [TYPE_BOOK_TICKER]: BOOK_TICKER_TIMESTAMP_OFFSET,
  [TYPE_TRADE]: TRADE_TIMESTAMP_OFFSET,
}
