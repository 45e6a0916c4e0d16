import { ReplayError } from '../errors.ts'
import type { Transform } from './transform.ts'

/**
 * Regroups messages into batches of `size` (the last may be smaller).
 * @throws ReplayError input `batch-size` unless `size` is a positive integer
 */
export function regroup(size: number): Transform {
  if (!Number.isSafeInteger(size) || size < 1) {
    throw new ReplayError('batch-size', `batch size: expected a positive integer, found ${size}`, { category: 'input' })
  }
  return {
    name: 'batch',
    flushesItself: true,
    async apply(input, output) {
      for (const message of input) {
        output.forward(message)
        if (output.count === size) await output.flush()
      }
    },
  }
}
