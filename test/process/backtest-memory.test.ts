import path from 'node:path'
import v8 from 'node:v8'
import vm from 'node:vm'
import { beforeAll, describe, expect, it } from 'vitest'
import { timedTasks } from '../../bench/made/timed-tasks.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder('backtest-memory')
const archive = path.join(folder, 'archive')
const DAYS = 30
/** So many that the footer of a month's part, a quarter of a megabyte for each day whatever its messages until the month ends, is little beside them. */
const MESSAGES_OF_DAY = 12_000
/** Days that are looked at early and late. */
const SEVERAL = 8
/** Of a message, its samples or its order, if they stayed. */
const LEAST_BYTES = 48

v8.setFlagsFromString('--expose-gc')
const gc = vm.runInNewContext('gc') as () => void

/** Of a day, that stay outside of the heap until the collector comes, and there need not be any. */
const LEAST_UNFREED_BYTES = 150_000

/** What `look` gives at the begin of each day of a run over them all. */
async function atEachDay(look: () => number): Promise<number[]> {
  const given: number[] = []
  globalThis.atDay = () => void given.push(look())
  const job = path.resolve(import.meta.dirname, '../support/jobs/memory-runner.ts')
  const fromNs = 1_704_067_200_000_000_000n
  await timedTasks({ archive, folder, job, params: {}, slice: '1d', fromNs, toNs: fromNs + BigInt(DAYS) * 86_400_000_000_000n })
  globalThis.atDay = undefined
  // A step at the very end of the last day is of the next.
  expect(given.length).toBe(DAYS + 1)
  return given
}

describe('a backtest over thirty days', { timeout: 300_000 }, () => {
  beforeAll(async () => {
    const [days, streams] = [DAYS, ['book', 'trades'] as const]
    await generateArchive(archive, { messages: DAYS * MESSAGES_OF_DAY, streams, level: 'l2', symbols: 1, days, seed: 1, stepBack: 0 })
  })

  it('holds at the begin of the last days what it held at the begin of early ones', async () => {
    const held = await atEachDay(() => {
      gc()
      const { heapUsed, external } = process.memoryUsage()
      return heapUsed + external
    })
    // The first days fill arrays that are used again, and a buffer more or less may be held at any of them.
    const early = Math.max(...held.slice(2, 2 + SEVERAL))
    const late = Math.min(...held.slice(-SEVERAL))
    expect(late - early).toBeLessThan((DAYS - 2 * SEVERAL) * MESSAGES_OF_DAY * LEAST_BYTES)
  })

  it('frees what it takes outside of the heap, whenever the collector comes', async () => {
    const taken = await atEachDay(() => process.memoryUsage().arrayBuffers)
    const early = Math.max(...taken.slice(2, 2 + SEVERAL))
    const late = Math.max(...taken.slice(-SEVERAL))
    expect(late - early).toBeLessThan((DAYS - SEVERAL - 2) * LEAST_UNFREED_BYTES)
  })
})
