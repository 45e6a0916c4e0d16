import { beforeAll, expect, test } from 'vitest'
import { openStore } from '../../core/store/open-store.ts'
import { readTable } from '../../core/table/delta-log.ts'
import { describeCloud } from './cloud.ts'
import { CloudRuns } from './cloud-runs.ts'

describeCloud('one table', (cloud) => {
  const runs = new CloudRuns(cloud, 'tables')

  beforeAll(() => runs.open())

  test('two runs at once both commit', async () => {
    const table = runs.newTable()
    const [some, rest] = await symbols()
    const both = await Promise.all([some!, rest!].map((symbol) => runs.submit('trades', table, '--symbols', symbol, '--tasks', '3')))
    for (const { code, said } of both) expect(code, said).toBe(0)
    expect(both.map(({ document }) => document.outcome!.version).sort()).toEqual([0, 1])
    expect(await runs.sum(table)).toBe(await runs.localSum('trades'))
  })

  test('a sweep: one submit, all variants in the table, each as it is alone', async () => {
    const table = runs.newTable()
    const { code, said } = await runs.submit('bars', table, '--param', 'every=10s,1m', '--tasks', '4')
    expect(code, said).toBe(0)
    expect(await runs.sum(table)).toBe(await runs.localSum('bars', '--param', 'every=10s,1m'))
    const { parts } = await readTable(openStore(table))
    const variants = new Set([...parts.values()].flatMap((part) => part.tags!.variants!.split(' ')))
    expect(variants.size).toBe(2)
  })

  async function symbols(): Promise<string[]> {
    const found = new Set<string>()
    for await (const { key } of openStore(runs.archive).list('v1/')) found.add(key.split('/')[2]!)
    return [...found].sort()
  }
})
