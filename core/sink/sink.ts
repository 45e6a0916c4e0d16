import type { MessageBatch } from '../message/batch.ts'

/** A destination of messages. Sinks read the selected rows of a batch and never change it. */
export interface Sink {
  /** Short name for totals, e.g. `csv`. Two sinks of one pipeline with the same name are numbered. */
  readonly name: string
  /** What the output does without of messages that it has, by kind, e.g. `trade_id-beyond-i64`. @default nothing */
  readonly noted?: Readonly<Record<string, number>>
  /** Rows of the output so far, where a message may be several. @default a row for each message */
  readonly rows?: number
  /** Takes the selected messages. The batch is reused as soon as the promise settles: await = back-pressure. */
  write(batch: MessageBatch): Promise<void> | void
  /** Makes everything written so far visible to readers of the output. */
  flush(): Promise<void>
  /** Finishes the output. Called exactly once, after the last write. */
  close(): Promise<void>
  /**
   * Called instead of `close` when the run failed, by a sink that must not leave something that could pass for a whole
   * output. @default close()
   */
  abandon?(): Promise<void>
}
