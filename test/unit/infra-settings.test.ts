import { describe, expect, it } from 'vitest'
import { readSettings, type Settings } from '../../infra/settings.ts'

const read = (context: Record<string, string | number | boolean> = {}): Settings => readSettings((name) => context[name])

describe('settings of the stack', () => {
  it('have defaults', () => {
    expect(read()).toMatchObject({
      stack: 'ChronicleReplay',
      architecture: 'X86_64',
      taskVcpus: 4,
      taskMemoryGiB: 8,
      maxVcpus: 256,
      maxConcurrency: 64,
      ec2Spot: false,
      schedule: null,
    })
  })

  it('are words on the command line and values in cdk.json', () => {
    expect(read({ taskVcpus: '8', ec2Spot: 'true' })).toEqual(read({ taskVcpus: 8, ec2Spot: true }))
    expect(read({ maxVcpus: '100000', taskVcpus: '1' }).maxConcurrency).toBe(10_000)
  })

  it('make a schedule together', () => {
    const schedule = { scheduleExpression: 'rate(1 day)', scheduleId: '7f3a09c2', scheduleTable: 'flow' }
    expect(read(schedule).schedule).toEqual({ expression: 'rate(1 day)', id: '7f3a09c2', table: 'flow', definition: 'task' })
    expect(() => read({ scheduleId: '7f3a09c2' })).toThrow('scheduleExpression, scheduleId and scheduleTable together')
  })

  it('let a schedule run in an area that there is', () => {
    const schedule = {
      scheduleExpression: 'rate(1 day)',
      scheduleId: '7f3a09c2',
      scheduleTable: 'desk/flow',
      scheduleDefinition: 'task-desk',
    }
    expect(read({ ...schedule, areas: 'desk,research' }).schedule).toMatchObject({ definition: 'task-desk' })
    expect(() => read(schedule)).toThrow('scheduleDefinition: expected task or snapshots')
  })

  it.each([
    [{ taskVcpus: '3' }, 'taskVcpus: expected 4 or 1 or 2 or 8 or 16, found 3'],
    [{ taskVcpus: '8', taskMemoryGiB: '18' }, 'taskMemoryGiB: expected 16 to 60 in steps of 4, found 18'],
    [{ taskMemoryGiB: '31' }, 'taskMemoryGiB: expected a whole number from 8 to 30, found 31'],
    [{ maxConcurrency: '1' }, 'maxConcurrency: expected a whole number from 2 to 10000, found 1'],
    [{ spotWaitMinutes: '5' }, 'spotWaitMinutes: expected a whole number from 10 to 1440, found 5'],
    [{ logDays: '31' }, 'logDays: expected 1, 3, 5, 7'],
    [{ architecture: 'arm64' }, 'architecture: expected X86_64 or ARM64, found arm64'],
    [{ imageTag: 'a b' }, 'imageTag: expected a tag or sha256:…, found a b'],
    [{ imageTag: '1.2.3' }, 'imageTag: expected a repository with it'],
    [{ areas: 'desk,Research' }, 'areas: expected names of a-z and 0-9'],
    [{ zones: 'us-east-1' }, 'zones: expected names of zones'],
    [{ scheduleTable: '/flow' }, 'scheduleTable: expected'],
  ])('say what is allowed: %o', (context, message) => {
    expect(() => read(context)).toThrow(message)
  })
})
