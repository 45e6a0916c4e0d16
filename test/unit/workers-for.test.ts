import os from 'node:os'
import { expect, it } from 'vitest'
import { workersFor } from '../../core/commit/run-local.ts'

it('a run has a thread for each 4 MiB times a variant, at least one, and no more than the machine runs at once', () => {
  const most = os.availableParallelism()
  const threads = [
    [0, 1],
    [1, 1],
    [4 << 20, 1],
    [(4 << 20) + 1, 1],
    [1 << 20, 8],
    [2 ** 40, 1],
  ].map(([bytes, variants]) => workersFor(bytes!, variants!))
  expect(threads).toEqual([1, 1, 1, Math.min(2, most), Math.min(2, most), most])
})
