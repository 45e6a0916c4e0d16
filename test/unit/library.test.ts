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
