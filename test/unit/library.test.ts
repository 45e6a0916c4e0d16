import { expect, it } from 'vitest'
import * as library from '../../core/index.ts'

it('offers its readers, writers, sinks and payload views to those who import it', () => {
  const offered = [
    ...['ReplayReader', 'QueueReader', 'HybridSource', 'MergedSource', 'ArchiveSource', 'SyntheticSource', 'QueueWriter', 'LogWriter'],
    ...['ReplayPipeline', 'MultiSymbolReplay', 'CsvSink', 'ParquetSink', 'QueueSink', 'ConsoleSink', 'FeatureSink'],
    ...['BookEventView', 'L2DiffView', 'L2SnapshotView', 'L3EventView', 'BookTickerView', 'TradeView'],
    ...['encodeL2Diff', 'encodeL2Snapshot', 'encodeL3Event', 'encodeBookTicker', 'encodeTrade', 'L2Book', 'L3Book', 'SnapshotStore'],
  ]
  expect(offered.filter((name) => !(name in library))).toEqual([])
})

it('offers writers of payloads what they write with, and the table of venues', () => {
  expect(library).toMatchObject({ EVENT_DIFF: 2, MODE_L3: 1, FLAG_ABSOLUTE: 1, L3_TRADE: 4, SIDE_SELL: 2 })
  expect(library.VENUE_IDS).toMatchObject({ 'binance-usdm': 1, synthetic: 100 })
  expect(library.venueIdOf('desk')).toBe(0)
})

it.each([
  ['LogWriter.open', () => library.LogWriter.open('nowhere', { segmentByte: 1 } as never), 'segmentBytes'],
  ['QueueWriter.open', () => library.QueueWriter.open('nowhere', { groupByte: 1 } as never), 'groupBytes'],
  ['CsvSink', () => new library.CsvSink({ pth: 'x.csv' } as never), 'path'],
  ['ParquetSink', () => new library.ParquetSink({ path: 'x.parquet', row: 'trades' } as never), 'rows'],
  ['ConsoleSink', () => new library.ConsoleSink({ limits: 5 } as never), 'limit'],
])('%s refuses options that there are not, and touches nothing', (taker, make, near) => {
  expect(make).toThrow(expect.objectContaining({ code: 'unknown-option', category: 'input' }))
  expect(make).toThrow(`${taker} has no option`)
  expect(make).toThrow(`did you mean ${near}?`)
})

it.each([
  ['ReplayReader.open', () => library.ReplayReader.open('nowhere', { checkCRC: false } as never), 'checkCrc'],
  ['ReplayReader.open', () => library.ReplayReader.openWithFilter('nowhere', 'btc', { onCorupt: 'skip' } as never), 'onCorrupt'],
  ['QueueReader.open', () => library.QueueReader.open('nowhere', { poolMs: 5 } as never), 'pollMs'],
  ['HybridSource.open', () => library.HybridSource.open('nowhere', { from: 1n } as never), 'fromNs'],
  ['ArchiveSource', async () => new library.ArchiveSource([], { soundTime: true } as never), 'soundTimes'],
  ['openQuery', () => library.openQuery('nowhere', { thread: 5 } as never), 'threads'],
  ['openTable', () => library.openTable(new library.FileStore('nowhere'), { asof: '1' } as never), 'asOf'],
  ['vacuum', () => library.vacuum(new library.FileStore('nowhere'), { olderThan: 0 } as never), 'olderThanMs'],
])('%s refuses options that there are not before it looks for anything', async (taker, open, near) => {
  const error = (await open().then(() => null, (thrown: unknown) => thrown)) as library.ReplayError // biome-ignore format: a chain
  expect([error.code, error.category]).toEqual(['unknown-option', 'input'])
  expect(error.message).toContain(`${taker} has no option`)
  expect(error.message).toContain(`did you mean ${near}?`)
})
