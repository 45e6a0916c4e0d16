import { beforeAll, expect, test } from 'vitest'
import { isoTime } from '../../core/instant.ts'
import { planRequest } from '../../core/plan/run-request.ts'
import { adoptSchedule } from '../../core/plan/run-schedule.ts'
import { readCommittedParts } from '../../core/plan/table/committed-parts.ts'
import { openStore } from '../../core/store/open-store.ts'
import { runCli } from '../support/run-cli.ts'
import { describeCloud } from './cloud.ts'
import { CloudRuns, SLICE } from './cloud-runs.ts'

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
    expect((await readCommittedParts(openStore(table))).variants).toHaveLength(2)
  })

  test('submit --pin starts nothing, but leaves what a schedule runs and says how to deploy it', async () => {
    const table = runs.newTable()
    const options = ['--param', 'every=1m', '--pin', '1d']
    const pin = async (...more: string[]) => {
      const words = ['submit', 'bars', '--stack', cloud.stack, '--table', table, '--archive', runs.archive, '--slice', SLICE]
      const { code, out, err } = await runCli(...words, ...options, ...more, '--json')
      return { code, told: out === '' ? null : (JSON.parse(out) as { schedule: string; context: Record<string, string> }), err }
    }
    const { code, told, err } = await pin('--tasks', '4')
    expect(code, err).toBe(0)
    const { schedule } = told!
    const context = { scheduleId: schedule, scheduleTable: table.split('/').at(-1), scheduleDefinition: 'task' }
    expect(told).toEqual({ schedule: expect.stringMatching(/^[0-9a-f]{8}$/), context })
    for (const [name, value] of Object.entries(context)) expect(err).toContain(`-c ${name}=${value}`)
    const store = openStore(table)
    const keys = await Array.fromAsync(store.list(''), ({ key }) => key)
    expect(keys).toEqual(['bundle.js', 'request.json'].map((name) => `_chronicle/schedules/${schedule}/${name}`))
    expect((await pin('--tasks', '4')).told).toEqual(told)
    expect((await pin('--tasks', '5')).told!.schedule).not.toBe(schedule)

    // What the schedule's runs begin with: the day before their time.
    const request = await adoptSchedule(store, `20240102T003000Z-${schedule}`)
    expect(request).toMatchObject({ archive: runs.archive, slice: SLICE, minTasks: 4, submission: { stack: cloud.stack, dollars: null } })
    const { head } = await planRequest(request, { archive: openStore(runs.archive), table: store })
    expect([isoTime(BigInt(head.fromNs)), isoTime(BigInt(head.toNs))]).toEqual(['2024-01-01T00:00:00Z', '2024-01-02T00:00:00Z'])
    expect(head.partitions).toBe(2 * 4)
  })

  test('submit --pin refuses what no schedule can be', async () => {
    for (const [options, message] of [
      [['--pin', '1d', '--from', '2024-01-01'], '--pin: a schedule has no --from and --to'],
      [['--pin', '5h'], 'error schedule-range: a schedule reaches back a multiple of its slice of 6h: 6h; found 5h'],
      [['--pin', 'daily'], 'error duration: expected a duration'],
    ] as const) {
      const table = runs.newTable()
      const { code, said } = await runs.submit('bars', table, ...options)
      expect([code, said]).toEqual([2, expect.stringContaining(message)])
      expect(await Array.fromAsync(openStore(table).list(''))).toEqual([])
    }
  })

  async function symbols(): Promise<string[]> {
    const found = new Set<string>()
    for await (const { key } of openStore(runs.archive).list('v1/')) found.add(key.split('/')[2]!)
    return [...found].sort()
  }
})
