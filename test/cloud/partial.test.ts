import path from 'node:path'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { BatchControl } from '../../localstack/faults.ts'
import { describeCloud } from './cloud.ts'
import { CloudRuns } from './cloud-runs.ts'

describeCloud('a run that is not whole', (cloud) => {
  const runs = new CloudRuns(cloud, 'partial')
  const control = new BatchControl(cloud.server.endpoint)
  const tolerant = path.join(import.meta.dirname, 'jobs/tolerant.ts')

  beforeAll(() => runs.open())
  afterEach(() => control.clear())

  test('tasks that fail for good, are killed or hang leave it partial, with reasons; resume runs only them', async () => {
    await control.add({ jobs: '*-task-000001', exitCode: 170, instead: true })
    await control.add({ jobs: '*-task-000002', kill: 'SIGKILL', afterOutput: 'task-begins' })
    // A process that is stopped hears no SIGTERM: it hangs for real.
    await control.add({ jobs: '*-task-000003', kill: 'SIGSTOP', afterOutput: 'task-begins' })
    await control.add({ jobs: '*-task-000003', timeout: 2 })
    const table = runs.newTable()
    const first = await runs.submit(tolerant, table, '--tasks', '6')
    expect(first.code, first.said).toBe(4)
    const { run, uri, outcome } = first.document
    expect(first.document.state).toBe('partial')
    expect(outcome!.partitions.missing).toBeGreaterThanOrEqual(3)
    expect(outcome!.partitions.done).toBeGreaterThan(0)
    expect(outcome!.failures.reduce((sum, group) => sum + group.partitions, 0)).toBe(outcome!.partitions.missing)
    const reasons = first.document.failedJobs.map(({ first: name, exitCode, reason }) => [name, exitCode, reason]).sort()
    expect(reasons).toEqual([
      [`${run}-task-000001`, 170, 'Essential container in task exited'],
      [`${run}-task-000002`, 137, 'Essential container in task exited'],
      [`${run}-task-000003`, 137, 'Job attempt duration exceeded timeout'],
    ])
    expect(first.said).toContain('exit 137, Job attempt duration exceeded timeout')
    await control.clear()

    const second = await runs.command('resume', uri)
    expect(second.code, second.said).toBe(0)
    expect(second.document).toMatchObject({ state: 'committed', outcome: { version: 1, partitions: { missing: 0 } } })
    const again = (await runs.jobs(`${run}-r1-task-`)).map((job) => job.jobName!.slice(-6)).sort()
    expect(again).toEqual(['000001', '000002', '000003'])
    expect(await runs.sum(table)).toBe(await runs.localSum(tolerant))
  })

  test('status tells how it stands', async () => {
    await control.add({ jobs: '*-task-000000', exitCode: 12, instead: true })
    const { document } = await runs.submit(tolerant, runs.newTable(), '--tasks', '3')
    const { code, document: status, said } = await runs.command('status', document.uri)
    expect(code).toBe(4)
    expect(status).toMatchObject({ run: document.run, state: 'partial', outcome: { state: 'partial' } })
    expect(said).toContain('resume')
  })
})
