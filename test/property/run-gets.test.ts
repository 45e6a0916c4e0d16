import { beforeAll, describe, expect, it } from 'vitest'
import { bundled, runJob } from '../../bench/made/job-run.ts'
import { type PlanHead, readPlanHead, readTasks } from '../../core/plan/run/plan-document.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { runTask } from '../../core/task/task.ts'
import { planInto } from '../support/job-runs.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { type Get, RangedStore } from '../support/ranged-store.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('run-gets')
const CHUNK_BYTES = 4 << 20
const SEGMENT_BYTES = 16 << 20
const LOOK_BYTES = 256 << 10
const PARAMS = { bars: {}, 'book-features': { every: '1s' } } as const

interface TaskGets {
  readonly partitions: number
  readonly gets: readonly Get[]
  readonly bytes: number
}

interface RunGets {
  readonly head: PlanHead
  readonly tasks: readonly TaskGets[]
}

const noted = new Map<string, Promise<RunGets>>()

/** Runs all tasks of a plan over the archive, once for all tests, and notes what each asks its store for. */
function getsOfTasks(job: keyof typeof PARAMS, slice: string, minTasks: number): Promise<RunGets> {
  const key = [job, slice, minTasks].join(' ')
  const gets = noted.get(key) ?? noteGets(job, slice, minTasks)
  noted.set(key, gets)
  return gets
}

async function noteGets(job: keyof typeof PARAMS, slice: string, minTasks: number): Promise<RunGets> {
  const [archive, table] = [new RangedStore(root), new MemoryStore()]
  const run = await planInto({ ...(await bundled(job)), archive, table, params: PARAMS[job], slice, minTasks })
  const tasks: TaskGets[] = []
  for (const { task, partitions } of await readTasks(table, run)) {
    const before = archive.gets.length
    const { failed } = await runTask({ table, archive, run, task, attempt: 'a1', clock: Date.now })
    expect(failed).toEqual([])
    const gets = archive.gets.slice(before)
    tasks.push({ partitions, gets, bytes: gets.reduce((sum, { start, end }) => sum + Math.max(0, end - start), 0) })
  }
  return { head: await readPlanHead(table, run), tasks }
}

const isSegment = ({ key }: Get): boolean => key.endsWith('.q')

describe('what a run asks an object store for', () => {
  beforeAll(async () => {
    await generateArchive(root, { symbols: 1, messages: 600_000, days: 2, seed: 3, segmentBytes: SEGMENT_BYTES })
    // Hourly restart points, of the versions that this store tells.
    await runJob({ archive: new RangedStore(root), table: new MemoryStore(), job: 'snapshots', params: { every: '1h' } })
  })

  it('one pass over whole days: every byte of a segment once, 4 MiB at a time, and every small object once', async () => {
    const { tasks } = await getsOfTasks('bars', '1h', 1)
    expect(tasks).toHaveLength(1)
    const { gets, bytes } = tasks[0]!
    const segments = new Set(gets.filter(isSegment).map(({ key }) => key))
    const [chunks, looks] = [(SEGMENT_BYTES / CHUNK_BYTES) * segments.size, 2 * segments.size]
    // Where a segment ends in free space, its last records are looked at once more.
    expect(gets.filter(isSegment).length).toBeLessThanOrEqual(chunks + looks)
    expect(bytes).toBeLessThanOrEqual(segments.size * SEGMENT_BYTES + looks * LOOK_BYTES)
    const small = gets.filter((get) => !isSegment(get)).map(({ key }) => key)
    expect(new Set(small).size).toBe(small.length)
  })

  it.each([
    ['bars', '1h', 48],
    ['bars', '1d', 2],
    ['book-features', '1h', 48],
    ['book-features', '1d', 2],
  ] as const)('%s by %s in tasks of their own: bounded for each partition, and no more than was planned', async (job, slice, minTasks) => {
    const { head, tasks } = await getsOfTasks(job, slice, minTasks)
    expect(tasks.length).toBeGreaterThan(1)
    for (const { gets, bytes } of tasks) {
      const small = new Set(gets.filter((get) => !isSegment(get)).map(({ key }) => key))
      const chunks = Math.ceil(bytes / CHUNK_BYTES)
      // A seek looks at the beginning, the end and the middle of a segment; where nobody knows how far to read, it begins small.
      const segments = new Set(gets.filter(isSegment).map(({ key }) => key)).size
      expect(gets.length).toBeLessThanOrEqual(small.size + chunks + 10 + 4 * segments)
    }
    expect(tasks.reduce((sum, { gets }) => sum + gets.length, 0)).toBeLessThanOrEqual(head.cost.getRequests)
  })

  it('an hour of a day: not much beyond that hour is fetched', async () => {
    const { head, tasks } = await getsOfTasks('book-features', '1h', 48)
    const hourBytes = head.cost.bytesInRange / 48
    const hours = tasks.filter(({ partitions }) => partitions === 1)
    expect(hours.length).toBeGreaterThan(10)
    for (const { bytes } of hours) {
      // Where a segment ends, the next one's beginning is read ahead.
      expect(bytes).toBeLessThan(hourBytes + (4 << 20) + CHUNK_BYTES)
    }
    const median = hours.map(({ bytes }) => bytes).sort((a, b) => a - b)[hours.length >> 1]!
    expect(median).toBeLessThan(hourBytes + (4 << 20))
  })
})
