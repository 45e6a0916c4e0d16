import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, expect, test } from 'vitest'
import { BatchControl } from '../../localstack/faults.ts'
import { describeCloud } from './cloud.ts'
import { CloudRuns } from './cloud-runs.ts'

describeCloud('cancel', (cloud) => {
  const runs = new CloudRuns(cloud, 'cancel')
  const control = new BatchControl(cloud.server.endpoint)
  const tolerant = path.join(import.meta.dirname, 'jobs/tolerant.ts')

  beforeAll(() => runs.open())

  test('leaves no process and no half commit, and is for good', async () => {
    const table = runs.newTable()
    const { document } = await runs.submit(tolerant, table, '--tasks', '8', '--param', 'pauseMs=1000', '--detach')
    const { run, uri } = document
    while (!(await control.running()).some((job) => job.name.startsWith(`${run}-task-`) && job.pids.length > 0)) await sleep(100)
    const { pids } = (await control.running()).find((job) => job.name.startsWith(run))!

    const cancelled = await runs.command('cancel', uri)
    expect(cancelled.code, cancelled.said).toBe(0)
    expect(cancelled.document.state).toBe('cancelled')
    expect((await control.running()).filter((job) => job.name.startsWith(run))).toEqual([])
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    const jobs = await runs.jobs(run)
    expect(jobs.filter((job) => job.status !== 'SUCCEEDED' && job.status !== 'FAILED')).toEqual([])
    expect(jobs.filter((job) => job.jobName!.endsWith('-commit'))).toEqual([])
    expect(await runs.versions(table)).toBe(0)

    const status = await runs.command('status', uri)
    expect(status.document).toMatchObject({ state: 'cancelled', outcome: null })
    expect((await runs.command('resume', uri)).code).toBe(2)
    expect((await runs.command('cancel', uri)).code, 'cancelling again changes nothing').toBe(0)
  })
})
