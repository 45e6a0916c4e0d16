import path from 'node:path'
import { LogWriter } from '../../core/log/writing/log-writer.ts'
import { TYPE_TRADE } from '../../core/protocol/message-type.ts'
import { tradeMessage } from './batches.ts'

export const timeNs = (text: string): bigint => BigInt(Date.parse(text)) * 1_000_000n

/** An archive of a few trades in four days, most of whose bars have none: what a job remembers shows. */
export function writeQuietArchive(archive: string): void {
  writeTrades(archive, '2024-03-09', [
    ['05:20:00', 10],
    ['06:00:00', 12],
    ['20:10:00', 13],
  ])
  writeTrades(archive, '2024-03-11', [['00:00:00', 20]])
  writeTrades(archive, '2024-03-12', [['23:59:59', 30]])
}

function writeTrades(archive: string, date: string, trades: readonly (readonly [time: string, price: number])[]): void {
  const writer = LogWriter.open(path.join(archive, 'v1/x/a', date, 'trades'), { segmentBytes: 1 << 20 })
  for (const [time, price] of trades) {
    const timestampNs = timeNs(`${date}T${time}Z`)
    writer.append(TYPE_TRADE, timestampNs, tradeMessage(0n, timestampNs, { price, quantity: 1 }).payload)
  }
  writer.finish()
}
