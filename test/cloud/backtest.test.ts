import path from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { openStore } from '../../core/store/open-store.ts'
import { tableRows } from '../support/table-lines.ts'
import { describeCloud } from './cloud.ts'
import { CloudRuns } from './cloud-runs.ts'

/** Ticks that the prices of all synthetic symbols lie on. */
const SWEEP = ['--param', 'tick=0.0001', '--param', 'offset=0,1', '--param', 'queue=risk,power:3', '--param', 'latency=1ms,2s']

describeCloud('a sweep of a backtest', (cloud) => {
  const runs = new CloudRuns(cloud, 'backtest')

  beforeAll(() => runs.open())

  test.each(['small-maker', 'small-evening'])('%s: submitted, it gives the rows of a run here', async (name) => {
    const job = path.resolve(import.meta.dirname, `../support/jobs/${name}.ts`)
    const table = runs.newTable()
    const { code, document, said } = await runs.submit(job, table, ...SWEEP, '--tasks', '8')
    expect(code, said).toBe(0)
    expect(document.tasks!.total).toBeGreaterThan(1)
    expect(await runs.sum(table)).toBe(await runs.localSum(job, ...SWEEP, '--workers', '1'))

    const fills = new Map<unknown, number>()
    for (const { kind, variant } of (await tableRows(openStore(table))) as unknown as { kind: string; variant: string }[])
      if (kind === 'fill') fills.set(variant, (fills.get(variant) ?? 0) + 1)
    expect(fills.size).toBe(8)
    for (const count of fills.values()) expect(count).toBeGreaterThan(50)
  })
})
