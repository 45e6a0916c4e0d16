import { QueueWriter, type QueueWriterOptions } from '../log/writing/queue-writer.ts'
import type { MessageBatch } from '../message/batch.ts'
import { CRC32_OFFSET, RECORD_HEADER_BYTES } from '../message/record.ts'
import type { Sink } from './sink.ts'

/** Appends messages to a Chronicle queue: same type, payload and record time, new sequences. Commits once a batch. */
export class QueueSink implements Sink {
  readonly name = 'queue'
  readonly #writer: QueueWriter

  /** @throws ReplayError input `writer-active` when another writer has the queue */
  constructor(path: string, options: QueueWriterOptions = {}) {
    this.#writer = QueueWriter.open(path, { groupBytes: DEFAULT_GROUP_BYTES, ...options })
  }

  write(batch: MessageBatch): void {
    const { offsets, lengths, types, timeWords } = batch
    for (let k = 0; k < batch.length; k++) {
      const row = batch.rowAt(k)
      const offset = offsets[row]!
      const crc = batch.viewAt(row).getUint32(offset + CRC32_OFFSET, true)
      this.#writer.appendRecord(
        types[row]!,
        timeWords[2 * row]!,
        timeWords[2 * row + 1]!,
        batch.bufferAt(row),
        offset + RECORD_HEADER_BYTES,
        lengths[row]!,
        crc,
      )
    }
  }

  async flush(): Promise<void> {
    this.#writer.flush()
  }

  async close(): Promise<void> {
    this.#writer.close()
  }
}

const DEFAULT_GROUP_BYTES = 1024 * 1024
