import type { MessageBatch } from '../core/message/batch.ts'
import type { BenchLoad } from './load.ts'

/** A measured piece of work. `run` returns how many messages (or rows, or bytes) it handled. */
export interface BenchCase {
  readonly unit: 'messages' | 'rows' | 'records' | 'bytes' | 'seeks' | 'events' | 'parts'
  /** What the issue asks for, per second; absent for calibration. */
  readonly target?: number
  /** The bare loop it is compared with. */
  readonly bare?: string
  run(load: BenchLoad, hash: MessageHash | null): Promise<number | Timed>
}

/** A count with a time of its own, where the case knows better than the clock around it. */
export interface Timed {
  readonly count: number
  readonly ms: number
}

/** Order-dependent hash over sequence, time, type and length of each message, so that a bench cannot rot into doing nothing. */
export class MessageHash {
  #state = 0x811c9dc5

  add(batch: MessageBatch): void {
    const { seqWords, timeWords, types, lengths } = batch
    let state = this.#state
    for (let k = 0; k < batch.length; k++) {
      const row = batch.rowAt(k)
      state = Math.imul(state ^ seqWords[2 * row]!, 0x01000193)
      state = Math.imul(state ^ timeWords[2 * row]!, 0x01000193)
      state = Math.imul(state ^ timeWords[2 * row + 1]!, 0x01000193)
      state = Math.imul(state ^ ((types[row]! << 16) + lengths[row]!), 0x01000193)
    }
    this.#state = state
  }

  addNumbers(numbers: Float64Array): void {
    for (const number of numbers) this.#state = Math.imul(this.#state ^ number, 0x01000193)
  }

  text(): string {
    return (this.#state >>> 0).toString(16).padStart(8, '0')
  }
}
