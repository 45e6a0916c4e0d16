import { describe, expect, it } from 'vitest'
import { BUILTIN_JOBS } from '../../core/job/builtin/index.ts'
import { outlineJob } from '../../core/job/job-outline.ts'
import { planRun, type RunPlan } from '../../core/plan/plan.ts'
import { encodeTasks, readPlanHead, readTask, readTasks, TASK_LINE_BYTES } from '../../core/plan/run/plan-document.ts'
import { finishPlan, writeSharedPlan } from '../../core/plan/run/plan-writer.ts'
import { runFiles } from '../../core/plan/run/run-files.ts'
import { readPartitions } from '../../core/plan/run/task-share.ts'
import { findRequest, planRequest, type RunRequest, writeRequest } from '../../core/plan/run-request.ts'
import { ListedArchive } from '../support/listed-archive.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { PlannedParts } from '../support/planned-parts.ts'

const RUN = '20240808T120000Z-00000001'
const files = runFiles(RUN)
const trades = BUILTIN_JOBS.trades!

function archiveOf(days: number): ListedArchive {
  return new ListedArchive({ symbols: 2, days, streams: ['trades'], segments: 1 })
}

function planOf(days: number): Promise<RunPlan> {
  const code = { bundle: 'code', engine: 'engine' }
  return planRun({ archive: archiveOf(days), outline: outlineJob(trades), code, run: RUN, createdMs: 0, minTasks: 4 })
}

/** What a run's files say, as long as they say one thing. */
async function partitionsOf(store: MemoryStore): Promise<number> {
  const head = await readPlanHead(store, RUN)
  let count = 0
  for await (const { index } of readPartitions(store, head)) expect(index).toBe(count++)
  expect(count).toBe(head.partitions)
  expect((await readTasks(store, RUN)).length).toBe(head.tasks)
  return count
}

describe('a plan that several may make', () => {
  it('is that of the one who came first, whatever the archive says later', async () => {
    const store = new MemoryStore()
    expect(await writeSharedPlan(store, await planOf(2), 'a1')).toBe(true)
    expect(await writeSharedPlan(store, await planOf(3), 'b1')).toBe(false)
    expect(await partitionsOf(store)).toBe(4)
  })

  it('is one of both when they race', async () => {
    for (let round = 0; round < 10; round++) {
      const store = new MemoryStore()
      const [two, three] = await Promise.all([planOf(2), planOf(3)])
      const won = await Promise.all([writeSharedPlan(store, two, 'a1'), writeSharedPlan(store, three, 'b1')])
      expect(won.filter(Boolean)).toHaveLength(1)
      expect(await partitionsOf(store)).toBe(won[0] ? 4 : 6)
    }
  })

  it('is finished or made anew by the next, wherever one died', async () => {
    const whole = new MemoryStore()
    await writeSharedPlan(whole, await planOf(2), 'a1')
    const puts = [...whole.objects.keys()]
    expect(puts.slice(-2)).toEqual([files.tasks, files.plan])
    for (let done = 0; done < puts.length; done++) {
      const store = new MemoryStore()
      for (const key of puts.slice(0, done)) store.objects.set(key, whole.objects.get(key)!)
      const isDecided = puts.slice(0, done).includes(files.tasks)
      expect(await writeSharedPlan(store, await planOf(3), 'b1')).toBe(!isDecided)
      expect(await partitionsOf(store)).toBe(isDecided ? 4 : 6)
    }
  })

  it('may have nothing to do', async () => {
    const live = new PlannedParts().commit(await planOf(2))
    const code = { bundle: 'code', engine: 'engine' }
    const outline = outlineJob(trades, {}, live)
    const nothing = await planRun({ archive: archiveOf(2), outline, code, run: RUN, createdMs: 0, live })
    const store = new MemoryStore()
    expect(await finishPlan(store, RUN)).toBe(false)
    await writeSharedPlan(store, nothing, 'a1')
    store.objects.delete(files.plan)
    expect(await finishPlan(store, RUN)).toBe(true)
    expect(await partitionsOf(store)).toBe(0)
  })
})

describe('a request', () => {
  it('plans to the same as the job itself, without its code', async () => {
    const store = new MemoryStore()
    const job = BUILTIN_JOBS.bars!
    const request: RunRequest = {
      ...{ version: 1, run: RUN, createdMs: 0, bundle: 'code', engine: 'engine', archive: 'mem', slice: '6h' },
      outline: outlineJob(job, { every: ['1m', '5m'] }),
      fromNs: '1704067200000000000',
      toNs: '1704153600000000000',
    }
    await writeRequest(store, request)
    await expect(writeRequest(store, request)).rejects.toMatchObject({ code: 'run-exists' })
    const read = (await findRequest(store, RUN))!
    expect(read).toEqual(request)
    const { head } = await planRequest(read, { archive: archiveOf(2), table: store })
    const { outline, fromNs, toNs } = request
    const range = { fromNs: BigInt(fromNs!), toNs: BigInt(toNs!), slice: '6h' }
    const direct = await planRun({ archive: archiveOf(2), outline, code: request, run: RUN, createdMs: 0, ...range })
    expect(head).toMatchObject({
      counts: direct.head.counts,
      variants: direct.head.variants,
      columns: direct.head.columns,
      sliceNs: direct.head.sliceNs,
    })
  })

  it('is older than a variant of the table: it says so and plans nothing', async () => {
    const job = BUILTIN_JOBS.bars!
    const code = { bundle: 'code', engine: 'engine' }
    const options = { archive: archiveOf(2), code, run: RUN, createdMs: 0 }
    const live = new PlannedParts().commit(await planRun({ ...options, outline: outlineJob(job, { every: ['5m'] }) }))
    const older = planRun({ ...options, outline: outlineJob(job), live })
    await expect(older).rejects.toMatchObject({ code: 'variants-changed', category: 'input' })
  })
})

describe('tasks.json', () => {
  const entry = {
    task: '009999',
    file: 'k3x9abcdefghijklmnop-01234',
    at: 8_388_607,
    length: 99_999_999,
    first: 99_999_999,
    partitions: 9_999_999,
    bytes: 999_999_999_999_999,
    seconds: 9_999_999,
  }

  it('has room for the largest tasks that there can be', () => {
    expect(encodeTasks([entry, entry]).length).toBe(2 + 2 * TASK_LINE_BYTES + 2)
  })

  it('is found line by line', async () => {
    const store = new MemoryStore()
    const entries = [0, 1, 2].map((i) => ({ ...entry, task: `00000${i}` }))
    await store.put(files.tasks, encodeTasks(entries))
    expect(await readTask(store, RUN, '000001')).toEqual(entries[1])
  })
})
