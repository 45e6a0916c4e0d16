import { afterEach, beforeAll, expect, test } from 'vitest'
import { BatchControl } from '../../localstack/faults.ts'
import { describeCloud } from './cloud.ts'
import { CloudRuns } from './cloud-runs.ts'

describeCloud('a run goes on', (cloud) => {
  const runs = new CloudRuns(cloud, 'retries')
  const control = new BatchControl(cloud.server.endpoint)
  const OPTIONS = ['--param', 'every=10s', '--tasks', '6']
  let expected = ''

  beforeAll(async () => {
    await runs.open()
    expected = await runs.localSum('bars', '--param', 'every=10s')
  })
  afterEach(() => control.clear())

  test('after a transient exit, a SIGTERM and a Spot interruption: each task is tried again', async () => {
    await control.add({ jobs: '*-task-000000', attempt: 1, exitCode: 75, instead: true })
    await control.add({ jobs: '*-task-000001', attempt: 1, kill: 'SIGTERM', afterOutput: 'task-begins' })
    await control.add({ jobs: '*-task-000002', attempt: 1, kill: 'SIGKILL', spot: true, afterOutput: 'task-begins' })
    const table = runs.newTable()
    const { code, document, said } = await runs.submit('bars', table, ...OPTIONS)
    expect(code, said).toBe(0)
    expect(document).toMatchObject({ state: 'committed', outcome: { partitions: { missing: 0 } } })
    expect(new Set(await control.met())).toEqual(new Set([0, 1, 2].map((n) => `${document.run}-task-00000${n}#1`)))
    expect(await runs.sum(table)).toBe(expected)
  })

  test('when submits are throttled', async () => {
    // Each of the tasks about twice: the state machine waits longer after each refusal.
    await control.add({ jobs: '*-task-*', throttle: true, times: 12 })
    const table = runs.newTable()
    const { code, said } = await runs.submit('bars', table, ...OPTIONS)
    expect(code, said).toBe(0)
    expect(await control.met()).toHaveLength(12)
    expect(await runs.sum(table)).toBe(expected)
  })

  test('on demand, with a task that Spot does not place', async () => {
    await control.add({ jobs: '*-task-000003', unplaced: true })
    const table = runs.newTable()
    const { code, document, said } = await runs.submit('bars', table, ...OPTIONS)
    expect(code, said).toBe(0)
    const statuses = (await runs.jobs(`${document.run}-task-000003`)).map((job) => job.status)
    expect(statuses.sort()).toEqual(['FAILED', 'SUCCEEDED'])
    expect(await runs.sum(table)).toBe(expected)
  })

  test('when tasks run twice at once, and a task is done again after its receipts are written', async () => {
    await control.add({ jobs: '*-task-*', times: 6, duplicate: true })
    await control.add({ jobs: '*-task-000004', attempt: 1, exitCode: 75 })
    const table = runs.newTable()
    const { code, document, said } = await runs.submit('bars', table, ...OPTIONS)
    expect(code, said).toBe(0)
    expect(await control.met()).toContain(`${document.run}-task-000004#1`)
    expect(await runs.sum(table)).toBe(expected)
    expect(await runs.versions(table)).toBe(1)
  })

  test('when plan and commit are tried again', async () => {
    await control.add({ jobs: '*-plan', attempt: 1, exitCode: 75 })
    await control.add({ jobs: '*-commit', attempt: 1, exitCode: 75 })
    const table = runs.newTable()
    const { code, said } = await runs.submit('bars', table, ...OPTIONS)
    expect(code, said).toBe(0)
    expect(await control.met()).toHaveLength(2)
    expect(await runs.sum(table)).toBe(expected)
    expect(await runs.versions(table)).toBe(1)
  })
})
