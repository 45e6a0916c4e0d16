import zlib from 'node:zlib'
import { expect, it } from 'vitest'
import { findLogs, type LogLocation } from '../../core/log/format/log-path.ts'
import { MergedSource } from '../../core/log/reading/merged-source.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { describeGolden, goldenJson, goldenPath } from '../golden-data.ts'

const FILTERS: Record<string, (log: LogLocation) => boolean> = {
  all: () => true,
  'symbol=btc-usdt': ({ symbol }) => symbol === 'btc-usdt',
  'date range 2025-12-31..2025-12-31': ({ date }) => date === '2025-12-31',
}

describeGolden('merging chronicle-rs logs', () => {
  it('gives the order of its fan-in reader over eight logs, one of them stepping back in time', async () => {
    const golden = goldenJson<{
      sources: string[]
      count: number
      order_chain_crc32: string
      per_source: number[]
      marks: { after: number; chain: string }[]
    }>('chronicle-rs/trades-8sym/expected.fanin.json')
    const folder = goldenPath('chronicle-rs/trades-8sym/streams/clean/binance-perp')
    const merged = new MergedSource(await Promise.all(golden.sources.map((source) => ReplayReader.open(`${folder}/${source}`))))
    const chain = Buffer.alloc(24)
    const perSource = golden.sources.map(() => 0)
    let crc = 0
    let count = 0
    const marks: { after: number; chain: string }[] = []
    for await (const message of merged) {
      const source = golden.sources.findIndex((name) => message.batch.originAt(message.index).path.endsWith(name))
      chain.writeUInt32LE(crc, 0)
      chain.writeUInt32LE(source, 4)
      chain.writeBigUInt64LE(message.seq, 8)
      chain.writeBigUInt64LE(message.timestampNs, 16)
      crc = zlib.crc32(chain)
      perSource[source]!++
      if (++count % 10000 === 0) marks.push({ after: count, chain: hex(crc) })
    }
    await merged.close()
    expect(count).toBe(golden.count)
    expect(marks).toEqual(golden.marks.map(({ after, chain: link }) => ({ after, chain: link })))
    expect(hex(crc)).toBe(golden.order_chain_crc32)
    expect(perSource).toEqual(golden.per_source)
  })

  it('gives the merged order of Hive table queries', async () => {
    const golden = goldenJson<{ merged_queries: { filter: string; order_chain_crc32: string; summary: { count: number } }[] }>(
      'chronicle-rs/table-hive.expected.json',
    )
    for (const query of golden.merged_queries) {
      const logs = findLogs(goldenPath('chronicle-rs/table-hive')).filter(FILTERS[query.filter]!)
      const merged = new MergedSource(await Promise.all(logs.map((log) => ReplayReader.open(log.path))))
      const link = Buffer.alloc(16)
      let crc = 0
      let count = 0
      for await (const message of merged) {
        link.writeUInt32LE(crc, 0)
        link.writeBigUInt64LE(message.timestampNs, 4)
        link.writeUInt32LE(message.crc32, 12)
        crc = zlib.crc32(link)
        count++
      }
      await merged.close()
      expect([query.filter, count, hex(crc)]).toEqual([query.filter, query.summary.count, query.order_chain_crc32])
    }
  })
})

function hex(value: number): string {
  return value.toString(16).padStart(8, '0')
}
