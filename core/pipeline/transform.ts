import type { MessageBatch } from '../message/batch.ts'
import type { BatchBuilder } from '../message/batch-builder.ts'
import type { MessageCursor } from '../message/message.ts'

/** Narrows the selection of a batch in place: no payload is touched, nothing is copied. */
export interface Filter {
  readonly name: string
  /** @param leaveOut given under `skip`: takes a message that the filter failed on, which then does not pass */
  select(batch: MessageBatch, leaveOut?: (message: MessageCursor, error: unknown) => void): void
  /** Nothing more will pass: the run ends. @default false */
  readonly isOver?: boolean
}

/** What a transform may want to know before the first batch. */
export interface PipelineContext {
  /** Reports something worth a user's attention without failing. */
  readonly warn: (code: string, message: string) => void
}

/**
 * Turns batches into other batches: 0, 1 or many messages out per message.
 * Messages are passed on with `output.forward(message)` and made with `output.emit(…)`; what is not forwarded counts as consumed.
 */
export interface Transform {
  readonly name?: string
  /** True: what is in `output` stays there between calls until the transform flushes it. @default false */
  readonly flushesItself?: boolean
  open?(context: PipelineContext): void
  /** The input and its cursors are valid until this returns (or its promise settles). */
  apply(input: MessageBatch, output: BatchBuilder): void | Promise<void>
  /** End of stream. */
  finish?(output: BatchBuilder): void | Promise<void>
}

/** A transform written per message. Under `skip` a throw costs that one message. */
export interface MessageTransform {
  readonly name?: string
  open?(context: PipelineContext): void
  message(message: MessageCursor, output: BatchBuilder): void | Promise<void>
  finish?(output: BatchBuilder): void | Promise<void>
}
