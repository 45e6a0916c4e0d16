/** chronicle-replay: the library. One barrel, named exports. */
export { type ErrorCategory, type ErrorPlace, exitCodeOf, ReplayError } from './errors.ts'
export { findLogs, identifyLog, type LogIdentity, type LogLocation } from './log/log-path.ts'
export { type LogOutline, outlineLog } from './log/log-outline.ts'
export { type LogSummary, summarizeLog } from './log/log-summary.ts'
export { LogWriter, type LogWriterOptions } from './log/log-writer.ts'
export { QueueWriter, type QueueWriterOptions } from './log/queue-writer.ts'
export { ReplayReader, type ReplayReaderOptions, type SegmentReading } from './log/replay-reader.ts'
export { SymbolCatalog } from './log/symbol-catalog.ts'
export { type SegmentVerdict, verifyLog } from './log/verify.ts'
export { ArchiveSource } from './pipeline/archive-source.ts'
export { type BatchOrigin, MessageBatch } from './pipeline/batch.ts'
export { BatchBuilder, type NewMessage } from './pipeline/batch-builder.ts'
export type { Checksum } from './pipeline/checksum.ts'
export type { DeadLetter } from './pipeline/dead-letter.ts'
export { MergedSource } from './pipeline/merged-source.ts'
export { type Message, MessageCursor } from './pipeline/message.ts'
export {
  type MultiSymbolProgress,
  MultiSymbolReplay,
  type MultiSymbolResult,
  type SymbolResult,
  type SymbolTask,
} from './pipeline/multi-symbol-replay.ts'
export type { ErrorStrategy } from './pipeline/pipeline-run.ts'
export { ReplayPipeline } from './pipeline/replay-pipeline.ts'
export type { Sink } from './pipeline/sink.ts'
export { BatchSource, type MessageSource, type ReadIssue, type SourceFilter, type SourceGrant, type SourceRequest } from './pipeline/source.ts'
export type { PipelineProgress, PipelineStats } from './pipeline/stats.ts'
export type { Filter, MessageTransform, PipelineContext, Transform } from './pipeline/transform.ts'
export { TYPE_BOOK_EVENT, TYPE_BOOK_TICKER, TYPE_TRADE } from './protocol/message-type.ts'
export { type GenerateOptions, type GenerateResult, generateArchive } from './synthetic/archive.ts'
export { openQuery, type Query, type QueryOptions } from './table/query.ts'
