import { setImmediate } from 'node:timers/promises'

/** How long work may keep the event loop to itself. */
const TURN_EVERY_MS = 20

/**
 * Turns of the event loop for others. Local files are read without ever waiting: without a turn now and then no signal, timer or file
 * that is written would get its own.
 */
export class LoopTurns {
  #lastMs = performance.now()

  /** A turn, to be awaited; undefined: the last one was just now. */
  next(): Promise<void> | undefined {
    return performance.now() - this.#lastMs < TURN_EVERY_MS ? undefined : this.#turn()
  }

  async #turn(): Promise<void> {
    await setImmediate()
    this.#lastMs = performance.now()
  }
}
