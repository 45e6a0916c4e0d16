// biome-ignore-all assist/source/organizeImports: by what one does with them
/** All that the library offers: one barrel, named exports, by what one does with them. */

// Read logs: recorded, live, merged; what a message holds.
export { type LogOutline, outlineLog } from './log/checking/log-outline.ts'
export { type LogSummary, summarizeLog } from './log/checking/log-summary.ts'
export { type SegmentVerdict, verifyLog } from './log/checking/verify.ts'
export { findLogs, identifyLog, type LogIdentity, type LogLocation } from './log/format/log-path.ts'
export { SymbolCatalog } from './log/format/symbol-catalog.ts'
export { ArchiveSource, type ArchiveSourceOptions } from './log/reading/archive-source.ts'
export { HybridSource, type HybridSourceOptions } from './log/reading/hybrid-source.ts'
export { MergedSource } from './log/reading/merged-source.ts'
export { QueueReader, type QueueReaderOptions } from './log/reading/queue-reader.ts'
export { ReplayReader, type ReplayReaderOptions, type SegmentReading } from './log/reading/replay-reader.ts'
export { MessageBatch } from './message/batch.ts'
export { BatchBuilder, type NewMessage } from './message/batch-builder.ts'
export type { Checksum } from './message/checksum.ts'
export { type BatchOrigin, type Message, MessageCursor } from './message/message.ts'
export {
  BatchSource,
  type MessageSource,
  type ReadIssue,
  type SourceFilter,
  type SourceGrant,
  type SourceRequest,
} from './message/source.ts'
export {
  BOOK_EVENT_BYTES,
  BookEventView,
  EVENT_DIFF,
  EVENT_HEARTBEAT,
  EVENT_RESET,
  EVENT_SNAPSHOT,
  encodeBookEvent,
  FLAG_ABSOLUTE,
  FLAG_DELTA,
  FLAG_HAS_SCALE,
  MODE_L2,
  MODE_L3,
} from './protocol/book-event.ts'
export { BOOK_TICKER_BYTES, BookTickerView, encodeBookTicker } from './protocol/book-ticker.ts'
export { encodeL2Diff, L2DiffView } from './protocol/l2-diff.ts'
export { encodeL2Snapshot, L2SnapshotView } from './protocol/l2-snapshot.ts'
export {
  encodeL3Event,
  L3_ADD,
  L3_CANCEL,
  L3_EVENT_BYTES,
  L3_FLAG_AUCTION_CLOSE,
  L3_FLAG_AUCTION_OPEN,
  L3_FLAG_CANCEL_RESTRICTED_WINDOW,
  L3_FLAG_PRICE_IS_MARKET,
  L3_FLAG_RAW_HAS_ASK_ID,
  L3_FLAG_RAW_HAS_BID_ID,
  L3_HEARTBEAT,
  L3_MODIFY,
  L3_RESET,
  L3_TRADE,
  L3EventView,
  SIDE_BUY,
  SIDE_SELL,
  SIDE_UNKNOWN,
} from './protocol/l3-event.ts'
export { TYPE_BOOK_EVENT, TYPE_BOOK_TICKER, TYPE_TRADE } from './protocol/message-type.ts'
export { VENUE_IDS, venueIdOf } from './protocol/venues.ts'
export { marketId, symbolHash } from './protocol/symbol-hash.ts'
export { encodeTrade, TRADE_BYTES, TradeView } from './protocol/trade.ts'

// Filter, transform, write; make data.
export { LogWriter, type LogWriterOptions } from './log/writing/log-writer.ts'
export { QueueWriter, type QueueWriterOptions } from './log/writing/queue-writer.ts'
export {
  type MultiSymbolProgress,
  MultiSymbolReplay,
  type MultiSymbolResult,
  type SymbolResult,
  type SymbolTask,
} from './pipeline/multi-symbol-replay.ts'
export type { ErrorStrategy } from './pipeline/pipeline-run.ts'
export { ReplayPipeline } from './pipeline/replay-pipeline.ts'
export type { PipelineProgress, PipelineStats } from './pipeline/stats.ts'
export type { Filter, MessageTransform, PipelineContext, Transform } from './pipeline/transform.ts'
export { ConsoleSink, type ConsoleSinkOptions } from './sink/console-sink.ts'
export { CsvSink, type CsvSinkOptions } from './sink/csv-sink.ts'
export type { DeadLetter } from './sink/dead-letter.ts'
export { ParquetSink, type ParquetSinkOptions } from './sink/parquet-sink.ts'
export { QueueSink } from './sink/queue-sink.ts'
export type { Sink } from './sink/sink.ts'
export { type GenerateOptions, type GenerateResult, generateArchive } from './synthetic/archive.ts'
export { SyntheticSource } from './synthetic/synthetic-source.ts'

// Bring data of one's own: importers of files, and what they are written with.
export { Blocks } from './import/files/blocks.ts'
export type { ByteStream } from './import/files/byte-stream.ts'
export { CsvFields } from './import/files/csv-fields.ts'
export { Lines } from './import/files/lines.ts'
export {
  defineImporter,
  type FileGlance,
  type Importer,
  type ImportFile,
  type ImportSettings,
  type Recognised,
} from './import/importer.ts'
export { Decimal, type DecimalKind } from './import/messages/decimal.ts'
export type { ImportOutput } from './import/messages/import-output.ts'
export type { ImportTally } from './import/messages/import-tally.ts'
export { Instant } from './import/messages/instant.ts'
export type { InstrumentOutput } from './import/messages/instrument-output.ts'

// Books, gaps, snapshots.
export { APPLIED, type ApplyResult, HEARTBEAT, namedCounts, RESULT_NAMES } from './book/apply-result.ts'
export { BookReplay, type BookReplayOptions } from './book/book-replay.ts'
export { BookSet, type BookSetOptions } from './book/book-set.ts'
export { type BookState, stateOf } from './book/book-state.ts'
export { BookMemory } from './book/kernel/book-memory.ts'
export { L2Book, type L2BookOptions } from './book/l2-book.ts'
export { L3Book, type L3BookOptions } from './book/l3-book.ts'
export { bookSettingsOf, type LogBookSettings } from './book/log-settings.ts'
export type { FindingKind, SequenceFinding } from './book/sequence/sequence-finding.ts'
export { type GapPolicy, SequencePolicy, type SequencePolicyOptions } from './book/sequence/sequence-policy.ts'
export { ruleOfVenue, type SequenceRule, type UpdateIdRule } from './book/sequence/sequence-rule.ts'
export { type SnapshotLogOptions, type SnapshotLogResult, snapshotLog } from './book/snapshot/snapshot-log.ts'
export { snapshotMessage } from './book/snapshot/snapshot-message.ts'
export { type LoadedSnapshot, type SnapshotEntry, type SnapshotQuery, SnapshotStore } from './book/snapshot/snapshot-store.ts'
export { Snapshotter } from './book/snapshot/snapshotter.ts'
export { batchesBehind, restoreBook } from './book/snapshot/warm-start.ts'

// Features.
export { parseTrigger, type Trigger } from './features/clocks/trigger.ts'
export { resolveColumns } from './features/columns/builtin-columns.ts'
export { defineColumn, defineColumnGroup } from './features/columns/column.ts'
export type { FeatureEngineOptions } from './features/engine-options.ts'
export { FeatureEngine } from './features/feature-engine.ts'
export { FeatureSink, type FeatureSinkOptions } from './features/feature-sink.ts'

// Jobs.
export { BUILTIN_JOBS } from './job/builtin/index.ts'
export { bundleJob, type JobBundle, loadJob } from './job/bundle.ts'
export {
  type BacktestMarketPart,
  type BacktestMarketSource,
  type BacktestMarketSpec,
  type BacktestSpec,
  type DailySession,
  defineBacktest,
} from './job/define-backtest.ts'
export { defineJob } from './job/define-job.ts'
export { engineHash } from './job/engine-hash.ts'
export type {
  GapInfo,
  JobColumns,
  JobContext,
  JobDefinition,
  JobHandlers,
  JobParams,
  JobPipelineContext,
  JobSpec,
  JobStream,
  ParamGrid,
  RowOut,
} from './job/job-definition.ts'
export { type JobOutline, type OutlinedVariant, outlineJob } from './job/job-outline.ts'

// Backtests.
export type { AccountView } from './backtest/account-view.ts'
export type { FillView, TradeNotice } from './backtest/fill-view.ts'
export type { InstrumentsFile } from './backtest/instruments.ts'
export type { LatencyRow } from './backtest/latency-table.ts'
export type { CompatSwitch, LatencySetting, MarketSettings } from './backtest/market-terms.ts'
export type { OrderNoticeKind, OrderWhy } from './backtest/order-notice.ts'
export type { OrderDesk, OrderOptions, OrderView } from './backtest/order-desk.ts'
export type { FillReason, OrderRequest, OrderStatus, Side, TimeInForce } from './backtest/order-terms.ts'
export type { FillMode } from './backtest/resting-orders.ts'
export type { StrategyContext, StrategyHandlers } from './backtest/strategy.ts'
export type { StrategyBook } from './backtest/strategy-book.ts'

// Runs: all in one call; or plan, task, commit.
export { type RunJobOptions, type RunJobResult, runJob } from './commit/run-job.ts'
export type { SkippedDamage } from './commit/damage-tally.ts'
export { type LocalRunOptions, type LocalRunResult, type RunProgress, runLocally } from './commit/run-local.ts'
export { type RunOutcome, readOutcome } from './commit/run-outcome.ts'
export type { OnCorrupt } from './plan/fingerprint.ts'
export { planRun, type RunPlan } from './plan/plan.ts'
export type { PlanOptions } from './plan/plan-options.ts'
export type { PlannedCell } from './plan/plan-collector.ts'
export type { DamagePlace, DamageReport } from './plan/run/damage-report.ts'
export type { PlanHead } from './plan/run/plan-document.ts'
export { writePlan } from './plan/run/plan-writer.ts'
export type { Receipt } from './plan/run/receipt.ts'
export { type PlanRequestOptions, planRequest, type RunRequest } from './plan/run-request.ts'
export { type RunTaskOptions, runTask, type TaskResult } from './task/task.ts'

// Tables.
export { type CommitOptions, type CommitOutcome, commitTable, type TableChange } from './table/delta-commit.ts'
export { readHistory, readTableAsOf, type TableVersion } from './table/delta-history.ts'
export { findTable, readTable, type TableState } from './table/delta-log.ts'
export { checksumPart, checksumTable } from './table/part-checksum.ts'
export { openQuery, type Query, type QueryOptions } from './table/query.ts'
export { addChecksums, type RowChecksum, TableChecksum } from './table/table-checksum.ts'
export { openTable, type TableQueryOptions } from './table/table-query.ts'
export { PARTITION_COLUMNS, type TableSchema } from './table/table-schema.ts'
export { type VacuumOptions, type VacuumResult, vacuum } from './table/vacuum.ts'

// Stores.
export { FileStore } from './store/file-store.ts'
export type { GetOptions, ObjectInfo, ObjectStore, PutCondition, PutContent, StoredObject } from './store/object-store.ts'
export { isS3Uri, type OpenStoreOptions, openStore } from './store/open-store.ts'
export { S3Store, type S3StoreOptions } from './store/s3-store.ts'
export type { StoreCounts } from './store/store-counts.ts'

// Errors and times.
export { type ErrorCategory, type ErrorPlace, exitCodeOf, ReplayError } from './errors.ts'
export { parseInstant } from './instant.ts'
