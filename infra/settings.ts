import { ReplayError } from '../core/errors.ts'

/** What a stack can be made with: context of the CDK app (`-c name=value`), all of it optional. */
export interface Settings {
  /** Name of the stack. @default ChronicleReplay */
  readonly stack: string
  /** An archive that exists; its lifecycle and policy stay its owner's. @default a bucket of the stack's own */
  readonly archiveBucket: string | null
  /** Names of other buckets that imports may read; the archive's own they may. @default none */
  readonly importBuckets: readonly string[]
  /** First folders of the table bucket whose jobs have a role of their own each, which reaches no other folder. @default none */
  readonly areas: readonly string[]
  /** An ECR repository with an image that was built elsewhere. @default the deployment builds and pushes one */
  readonly repository: string | null
  /** Tag of that image, or `sha256:…`. @default latest */
  readonly imageTag: string
  /** Names of the region's availability zones to be in. @default the first two */
  readonly zones: readonly string[]
  /** @default X86_64 */
  readonly architecture: 'X86_64' | 'ARM64'
  /** vCPUs of a task's container, and so its worker threads: 1, 2, 4, 8 or 16. @default 4 */
  readonly taskVcpus: number
  /** GiB of memory of a task's container. @default 2 per vCPU */
  readonly taskMemoryGiB: number
  /** GiB of disk for the parts that a task is writing: 21 to 200. @default 50 */
  readonly scratchGiB: number
  /** vCPUs that each queue may use at once. @default 256 */
  readonly maxVcpus: number
  /** Tasks that are submitted at once: 2 to 10,000. @default as many as `maxVcpus` holds */
  readonly maxConcurrency: number
  /** Tasks run on EC2 Spot instances, in a queue of their own, instead of Fargate Spot. @default false */
  readonly ec2Spot: boolean
  /** Minutes after which a task that Spot does not place is run on demand: 10 to 1,440. @default 15 */
  readonly spotWaitMinutes: number
  /** Hours after which a run that has not committed is ended: 1 to 720. @default 24 */
  readonly deadlineHours: number
  /** Days that logs are kept, one of those that CloudWatch offers. @default 30 */
  readonly logDays: number
  /** ARN of an SNS topic that hears of alarms. @default alarms are only shown */
  readonly alarmTopic: string | null
  /** Id of the region's managed prefix list of S3. @default known for some regions (network.ts) */
  readonly s3PrefixList: string | null
  /** Runs that start by the clock. @default none */
  readonly schedule: ScheduleSettings | null
}

/** What tasks of a run in an area are started as. */
export type AreaDefinition = `task-${string}`

/** A pinned request (docs/architecture.md) and when to run it. */
export interface ScheduleSettings {
  /** Of EventBridge Scheduler, UTC: `cron(30 0 * * ? *)`, `rate(1 day)`. */
  readonly expression: string
  /** Eight hex digits: the hash of what is pinned. */
  readonly id: string
  /** Prefix of the table in the stack's table bucket. */
  readonly table: string
  readonly definition: 'task' | 'snapshots' | AreaDefinition
}

/** Memory that Fargate offers for vCPUs, GiB: from, to, in steps of. */
const FARGATE_MEMORY: Readonly<Record<number, readonly [number, number, number]>> = {
  1: [2, 8, 1],
  2: [4, 16, 1],
  4: [8, 30, 1],
  8: [16, 60, 4],
  16: [32, 120, 8],
}

const LOG_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653]

/**
 * Reads the settings.
 * @param context gives what was said for a name; undefined: nothing
 * @throws ReplayError input `stack-setting`
 */
export function readSettings(context: (name: string) => unknown): Settings {
  const said = (name: string): string | null => {
    const value = context(name)
    return value === undefined || value === null || value === '' ? null : String(value)
  }
  const matching = (name: string, pattern: RegExp, what: string): string | null => {
    const value = said(name)
    if (value !== null && !pattern.test(value)) throw refused(name, what, value)
    return value
  }
  const whole = (name: string, otherwise: number, least: number, most: number): number => {
    const value = said(name) ?? String(otherwise)
    if (/^\d+$/.test(value) && Number(value) >= least && Number(value) <= most) return Number(value)
    throw refused(name, `a whole number from ${least} to ${most}`, value)
  }
  const oneOf = <T extends string>(name: string, values: readonly [T, ...T[]]): T => {
    const value = said(name) ?? values[0]
    const found = values.find((each) => each === value)
    if (found === undefined) throw refused(name, values.join(' or '), value)
    return found
  }

  const taskVcpus = Number(oneOf('taskVcpus', ['4', '1', '2', '8', '16']))
  const [least, most, step] = FARGATE_MEMORY[taskVcpus]!
  const taskMemoryGiB = whole('taskMemoryGiB', 2 * taskVcpus, least, most)
  if ((taskMemoryGiB - least) % step !== 0) throw refused('taskMemoryGiB', `${least} to ${most} in steps of ${step}`, String(taskMemoryGiB))
  const maxVcpus = whole('maxVcpus', 256, 2 * taskVcpus, 100_000)
  const logDays = whole('logDays', 30, 1, 3653)
  if (!LOG_DAYS.includes(logDays)) throw refused('logDays', LOG_DAYS.join(', '), String(logDays))
  const listed = (text: string | null): string[] => (text ?? '').split(',').filter((name) => name !== '')
  const areas = listed(matching('areas', /^[a-z0-9]{1,32}(,[a-z0-9]{1,32})*$/, 'names of a-z and 0-9, up to 32, with commas'))
  const repository = matching('repository', /^[a-z0-9][a-z0-9._/-]{1,255}$/, 'the name of an ECR repository')
  const imageTag = matching('imageTag', /^(sha256:[0-9a-f]{64}|[A-Za-z0-9_][\w.-]{0,127})$/, 'a tag or sha256:…')
  if (imageTag !== null && repository === null)
    throw refused('imageTag', 'a repository with it, as its image is of another build', imageTag)
  return {
    stack: matching('stack', /^[A-Za-z][A-Za-z0-9-]{0,63}$/, 'a name of letters, digits and "-"') ?? 'ChronicleReplay',
    archiveBucket: matching('archiveBucket', /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'the name of a bucket'),
    importBuckets: listed(matching('importBuckets', /^[a-z0-9][a-z0-9.-]+(,[a-z0-9][a-z0-9.-]+)*$/, 'names of buckets, with commas')),
    areas,
    repository,
    imageTag: imageTag ?? 'latest',
    zones: listed(
      matching('zones', /^[a-z]{2}(-[a-z]+)+-\d[a-z](,[a-z]{2}(-[a-z]+)+-\d[a-z])*$/, 'names of zones, with commas: us-east-1a,…'),
    ),
    architecture: oneOf('architecture', ['X86_64', 'ARM64']),
    taskVcpus,
    taskMemoryGiB,
    scratchGiB: whole('scratchGiB', 50, 21, 200),
    maxVcpus,
    maxConcurrency: whole('maxConcurrency', Math.min(10_000, Math.floor(maxVcpus / taskVcpus)), 2, 10_000),
    ec2Spot: oneOf('ec2Spot', ['false', 'true']) === 'true',
    spotWaitMinutes: whole('spotWaitMinutes', 15, 10, 1440),
    deadlineHours: whole('deadlineHours', 24, 1, 720),
    logDays,
    alarmTopic: matching('alarmTopic', /^arn:[^:]+:sns:[^:]+:\d{12}:.+$/, 'the ARN of an SNS topic'),
    s3PrefixList: matching('s3PrefixList', /^pl-[0-9a-f]+$/, 'pl-…, as `aws ec2 describe-managed-prefix-lists` tells'),
    schedule: readSchedule(matching, oneOf, areas),
  }
}

function readSchedule(
  matching: (name: string, pattern: RegExp, what: string) => string | null,
  oneOf: <T extends string>(name: string, values: readonly [T, ...T[]]) => T,
  areas: readonly string[],
): ScheduleSettings | null {
  const expression = matching('scheduleExpression', /^(cron|rate)\(.+\)$/, 'cron(…) or rate(…)')
  const id = matching('scheduleId', /^[0-9a-f]{8}$/, 'eight hex digits')
  const table = matching('scheduleTable', /^[^/].*[^/]$|^[^/]$/, "the table's prefix in the table bucket, without / around it")
  const definition = oneOf<ScheduleSettings['definition']>('scheduleDefinition', [
    'task',
    'snapshots',
    ...areas.map((area) => `task-${area}` as const),
  ])
  if (expression === null && id === null && table === null) return null
  if (expression !== null && id !== null && table !== null) return { expression, id, table, definition }
  throw refused('scheduleExpression', 'scheduleExpression, scheduleId and scheduleTable together', 'only some of them')
}

function refused(name: string, expected: string, found: string): ReplayError {
  return new ReplayError('stack-setting', `${name}: expected ${expected}, found ${found}; change it in -c ${name}=… or cdk.json`, {
    category: 'input',
  })
}
