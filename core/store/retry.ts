import { setTimeout } from 'node:timers/promises'
import { ReplayError } from '../errors.ts'

export interface RetryOptions {
  /** Tries in all. @default 10 */
  readonly tries?: number | undefined
  /** The longest pause before the second try, milliseconds; twice as long before each further one. @default 100 */
  readonly firstPauseMs?: number | undefined
  /** No pause is longer, milliseconds. @default 10,000 */
  readonly maxPauseMs?: number | undefined
  /** Numbers in [0, 1): spreads those who were refused together. @default Math.random */
  readonly random?: (() => number) | undefined
  /** Waits so many milliseconds. @default a timer */
  readonly pause?: ((ms: number) => Promise<unknown>) | undefined
  /** Called before each further try. */
  readonly onRetry?: ((error: ReplayError) => void) | undefined
}

/**
 * Does work again that failed with a `transient` error, not for ever: the pause is a random part (full jitter) of a bound that
 * doubles. The work is given the number of the try, 1 first.
 * @throws the last error of the work, or its first one that is not transient
 */
export async function retry<T>(work: (tried: number) => Promise<T>, options: RetryOptions = {}): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await work(tried)
    } catch (error) {
      await pauseBeforeRetry(error, tried, options)
    }
  }
}

/** @throws the error, when it is not transient or there were enough tries */
async function pauseBeforeRetry(error: unknown, tried: number, options: RetryOptions): Promise<void> {
  const { tries = 10, firstPauseMs = 100, maxPauseMs = 10_000, random = Math.random, pause = setTimeout, onRetry } = options
  if (!(error instanceof ReplayError) || error.category !== 'transient' || tried >= tries) throw error
  onRetry?.(error)
  await pause(random() * Math.min(maxPauseMs, firstPauseMs * 2 ** (tried - 1)))
}
