/** Totals of a pipeline run. read = filtered + skipped + consumed + forwarded; each sink's written = forwarded + emitted. */
export interface PipelineStats {
  /** Messages the source examined. With push-down, those in segments and blocks it did not read are not among them. */
  readonly read: number
  /** Messages read only to warm up state, not counted in `read`. */
  readonly warmUpRead: number
  /** Left out by a filter, at the source or in the pipeline. */
  readonly filtered: number
  /** Left out because they were damaged, or a transform failed on them, under `skip`. */
  readonly skipped: number
  /** Taken in by a transform and not passed on. */
  readonly consumed: number
  /** Messages of the source that reached the sinks. */
  readonly forwarded: number
  /** Messages made by transforms that reached the sinks. */
  readonly emitted: number
  /** Messages per sink. */
  readonly written: Readonly<Record<string, number>>
  /** Rows per sink, of those where a message is several: levels of book events. */
  readonly rows: Readonly<Record<string, number>>
  /** Values that outputs have NULL for as they cannot hold them, by kind: `<column>-beyond-i64`. */
  readonly noted: Readonly<Record<string, number>>
  /** Issues met, by code. */
  readonly issues: Readonly<Record<string, number>>
  /** Bytes of the records examined, headers and padding included. */
  readonly bytes: number
  readonly durationMs: number
  readonly messagesPerSecond: number
  /** Order-independent checksum of what reached the sinks (see ReplayChecksum), when asked for. */
  readonly checksum: { readonly rows: number; readonly sum: bigint } | null
}

/** What a progress callback gets, after each batch. */
export interface PipelineProgress {
  readonly read: number
  readonly forwarded: number
  readonly bytes: number
  readonly elapsedMs: number
}
