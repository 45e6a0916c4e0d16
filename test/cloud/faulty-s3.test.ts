import { afterAll, beforeAll, expect, test } from 'vitest'
import { randomOf } from '../../bench/simulation/random.ts'
import { BatchControl } from '../../localstack/faults.ts'
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts'
import { describeCloud } from './cloud.ts'
import { CloudRuns } from './cloud-runs.ts'

const SEED = 20_240_808
/** Of one request in ten that fails, over a run's hundreds. */
const LEAST_FAULTS = 5

describeCloud('a submitted run whose containers have an S3 that fails', (cloud) => {
  const runs = new CloudRuns(cloud, 'faulty')
  const control = new BatchControl(cloud.server.endpoint)
  let proxy: FaultyProxy

  beforeAll(async () => {
    await runs.open()
    proxy = await startFaultyProxy(cloud.server.endpoint, 0.1, randomOf(SEED))
  })
  afterAll(async () => {
    await control.clear()
    await proxy.close()
  })

  test('makes the same table, in one version', async () => {
    await control.add({ times: 1000, endpoint: proxy.endpoint })
    const table = runs.newTable()
    const { code, document, said } = await runs.submit('bars', table, '--param', 'every=10s', '--tasks', '6')
    expect(code, said).toBe(0)
    expect(document).toMatchObject({ state: 'committed', outcome: { version: 0, partitions: { missing: 0 } } })
    const faults = Object.values(proxy.faults).reduce((sum, count) => sum + count, 0)
    expect(faults, `of ${proxy.requests()} requests`).toBeGreaterThanOrEqual(LEAST_FAULTS)
    expect(await runs.sum(table)).toBe(await runs.localSum('bars', '--param', 'every=10s'))
    expect(await runs.versions(table)).toBe(1)
  })
})
