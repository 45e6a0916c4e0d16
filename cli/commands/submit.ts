import { ReplayError } from '../../core/errors.ts'
import type { RunPlan } from '../../core/plan/plan.ts'
import { runFiles } from '../../core/plan/run/run-files.ts'
import { handListing, planRequest, type RunRequest, type RunSubmission, writeRequest } from '../../core/plan/run-request.ts'
import { writeSchedule } from '../../core/plan/run-schedule.ts'
import { readCommittedParts } from '../../core/plan/table/committed-parts.ts'
import { findTable } from '../../core/table/delta-log.ts'
import { choiceOption, countOption, numberOption, requiredOptions } from '../arguments.ts'
import { cloudOf, STACK } from '../cloud-clients.ts'
import { startExecution } from '../cloud-execution.ts'
import { followUnlessDetached } from '../cloud-follow.ts'
import { type CloudRun, runUri } from '../cloud-run.ts'
import { type CloudStack, readStack } from '../cloud-stack.ts'
import type { CommandInput, CommandIo, CommandSpec, OptionSpec } from '../command.ts'
import { IMPORT_OPTIONS } from '../import-options.ts'
import { JOB_OPTIONS, requestOf } from '../job-options.ts'
import { commandText, countText, jsonText } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { reportFindings } from '../run-report.ts'
import { checkCost, s3Option } from '../submit-checks.ts'
import { submitImport } from '../submit-import.ts'
import { plan } from './plan.ts'

const OF_IMPORTS = Object.fromEntries(
  Object.entries(IMPORT_OPTIONS).map(([name, { help, ...more }]) => [name, { help: `of an import: ${help}`, ...more }]),
)
const { workers: _workers, archive: _archive, table: _table, check: _check, ...SELECTION } = JOB_OPTIONS

// Roles of the stack reach restart points in this bucket alone.
const restartsOption = (name: 'snapshots-from' | 'snapshots-to'): OptionSpec => ({
  value: 's3://…',
  help: `${JOB_OPTIONS[name]!.help}; in the stack’s archive bucket`,
})

const TABLE: OptionSpec = { value: 's3://…', help: 'table for the rows, in the stack’s table bucket; an import has none' }

export const submit: CommandSpec = {
  name: 'submit',
  summary: 'the same run on AWS: plans, says what it may cost, starts it and follows it; exits as the run ends',
  arguments: [
    {
      name: 'job',
      help: `${plan.arguments[0]!.help}; or import, then a format and s3://… as of chronicle-replay import`,
      many: true,
    },
  ],
  options: {
    stack: STACK,
    archive: { value: 's3://…', help: 'archive to read, in the stack’s archive bucket (default: the whole bucket)' },
    table: TABLE,
    ...OF_IMPORTS,
    ...SELECTION,
    'snapshots-from': restartsOption('snapshots-from'),
    'snapshots-to': restartsOption('snapshots-to'),
    'on-error': {
      value: 'quarantine|skip',
      help: 'when a partition fails: set it aside and finish the others (default); skip: and leave damaged records, or rows of files, out, and count them',
    },
    check: {
      value: 'N|off',
      help: 'make so many partitions, drawn by the run’s id, a second time from other starts, and commit nothing if rows differ (default: off)',
    },
    tasks: { value: 'N', help: 'cut the work into about so many tasks, if its size alone would make fewer' },
    'task-timeout': { value: 'S', help: 'seconds that an attempt at a task is given at least (default: 900; more by its size)' },
    'max-dollars': { value: 'N', help: 'do not start what may cost more, by the high estimate' },
    detach: { help: 'start it and do not wait for its end' },
    pin: { value: 'D', help: 'start nothing, but pin job and options for a schedule of the stack, each of whose runs takes the last D' },
  },
  examples: [
    {
      command:
        'chronicle-replay submit bars --stack replay --archive s3://replay-archive --table s3://replay-tables/bars --param every=1m --max-dollars 20',
      does: 'bars of everything, if it costs 20 dollars at most; Ctrl-C leaves it running',
    },
    {
      command:
        'chronicle-replay submit my-job.ts --stack replay --table s3://replay-tables/out --symbols btcusdt --slice 1h --param depth=1,5,10 --detach',
      does: 'a sweep of one symbol; come back with: chronicle-replay status',
    },
    {
      command: 'chronicle-replay submit bars --stack replay --table s3://replay-tables/bars --pin 1d',
      does: 'bars of the day before, every day: says what to deploy the stack with',
    },
    {
      command: 'chronicle-replay submit import tardis s3://vendor-files/tardis/ --stack replay --archive s3://replay-archive/tardis',
      does: 'files of a bucket into an archive: those that are new; the stack has to be deployed with -c importBuckets=vendor-files',
    },
  ],
  async run(input, io) {
    const progress = new ProgressLine(io, input)
    const [job, ...more] = input.positionals
    if (job === 'import') return submitImport(more, input, io)
    if (more.length > 0)
      throw new ReplayError('usage', `unexpected argument ${JSON.stringify(more[0])}; see: chronicle-replay submit --help`, {
        category: 'input',
      })
    const { cloudRun, planned, code, map, request } = await prepare(input, progress)
    const uri = runUri(cloudRun.tableUri, request.run)
    const { head, tasks, notes } = planned
    for (const note of notes) progress.note(`note: ${note}`)
    const last = input.text('pin')
    if (last !== undefined) return pinSchedule(cloudRun, { request, code, last }, input, io, progress)
    if (head.partitions === 0) return reportCached(cloudRun, planned, input, io, progress)
    await checkCost(cloudRun, planned, progress)
    const files = runFiles(request.run)
    await cloudRun.table.put(files.bundle, Buffer.from(code), 'absent')
    if (map !== undefined) await cloudRun.table.put(files.bundleMap, Buffer.from(map), 'absent')
    // What the plan would list and look into again.
    await handListing(cloudRun.table, request, planned.listing)
    await writeRequest(cloudRun.table, request)
    const executionArn = await startExecution(cloudRun, { name: request.run, tasks: files.tasks })
    progress.note(`run ${request.run} is started: ${uri}`)
    const estimate = { partitions: head.counts, tasks: tasks.length, cost: head.cost }
    return followUnlessDetached(cloudRun, { run: request.run, uri, executionArn, estimate }, input, io)
  },
}

interface Prepared {
  readonly cloudRun: CloudRun & { readonly stack: CloudStack }
  readonly request: RunRequest
  readonly code: string
  readonly map: string | undefined
  /** The plan as it would be made now; the run's own is made by its first step. */
  readonly planned: RunPlan
}

/** Reads stack, job, archive and table; writes nothing. */
async function prepare(input: CommandInput, progress: ProgressLine): Promise<Prepared> {
  const cloud = cloudOf(input)
  choiceOption(input, 'on-error', ['quarantine', 'skip'])
  const { stack: stackName } = requiredOptions(input, { stack: STACK, table: TABLE })
  const maxDollars = numberOption(input, 'max-dollars') ?? null
  const limits = { minTasks: countOption(input, 'tasks'), minTaskSeconds: countOption(input, 'task-timeout') }
  const stack = await readStack(cloud, stackName)
  const tableUri = s3Option(input, 'table', stack.tableBucket)
  const archiveUri = s3Option(input, 'archive', stack.archiveBucket)
  const [table, archiveStore] = [cloud.open(tableUri), cloud.open(archiveUri)]
  const live = await readCommittedParts(table)
  const [job] = input.positionals as [string]
  const asked = await requestOf(input, job, {
    defaultCheck: 'off',
    ...{ archive: archiveUri, live, taskBytes: TASK_BYTES * stack.taskVcpus },
    ...(limits.minTasks !== undefined && { minTasks: limits.minTasks }),
    ...(limits.minTaskSeconds !== undefined && { minTaskSeconds: limits.minTaskSeconds }),
  })
  const { bundle } = asked
  const request = withRestarts(asked.request, input, stack)
  const restarts = request.restarts === undefined ? undefined : cloud.open(request.restarts)
  progress.note(`listing ${archiveUri} …`)
  const planned = await planRequest(request, { archive: archiveStore, table, live, restarts })
  reportFindings(planned.head.findings, progress)
  for (const advice of planned.advice) progress.note(`advice: ${advice}`)
  const { low, high } = planned.head.cost.dollars
  const submission: RunSubmission = {
    stack: stack.name,
    stateMachineArn: stack.stateMachineArn,
    queues: stack.queues,
    logGroup: stack.logGroup,
    taskVcpus: stack.taskVcpus,
    maxVcpus: stack.maxVcpus,
    definition: definitionOf(job, request, areaOf(tableUri, stack)),
    ...{ maxDollars, dollars: { low, high } },
  }
  return {
    cloudRun: { cloud, table, tableUri, run: request.run, submission, stack },
    request: { ...request, minTasks: request.minTasks ?? minTasksOf(planned, stack), submission },
    code: bundle.code,
    map: bundle.map,
    planned,
  }
}

/** Its place for restart points where the stack's roles reach it. @throws ReplayError input `usage` */
function withRestarts(request: RunRequest, input: CommandInput, { archiveBucket }: CloudStack): RunRequest {
  if (request.restarts === undefined) return request
  const option = request.outline.writesRestartPoints ? 'snapshots-to' : 'snapshots-from'
  return { ...request, restarts: s3Option(input, option, archiveBucket) }
}

/** The area that a table lies in; null: none, or the stack has none. */
function areaOf(tableUri: string, { tableBucket, areas }: CloudStack): string | null {
  const [folder] = tableUri.slice(`s3://${tableBucket}/`.length).split('/')
  return areas.find((area) => area === folder) ?? null
}

/** The stack's role that writes beside the logs is for the built-in job alone. @throws ReplayError input `job-restart-points` */
function definitionOf(job: string, { outline }: RunRequest, area: string | null): RunSubmission['definition'] {
  if (!outline.writesRestartPoints) return area === null ? 'task' : `task-${area}`
  if (job === 'snapshots' && area !== null) {
    const message = `restart points are for everybody: the role that writes them reaches no table below ${area}/; take a --table outside of all areas`
    throw new ReplayError('job-restart-points', message, { category: 'input' })
  }
  if (job === 'snapshots') return 'snapshots'
  const message = `${job} writes restart points, which later runs take on trust: on a stack the built-in job snapshots alone may; submit that one, or run yours with "run" where you may write into the archive`
  throw new ReplayError('job-restart-points', message, { category: 'input' })
}

/**
 * Bytes of a task per vCPU of its container: a few minutes of work, beside which the start of a container counts for little
 * (bench/simulate-cloud.ts). A smaller run is spread over the vCPUs that there are, as long as it is still worth a start.
 */
const TASK_BYTES = 16 * 2 ** 30
const SMALL_TASK_BYTES = 4 * 2 ** 30

function minTasksOf({ head }: RunPlan, { maxVcpus, taskVcpus }: CloudStack): number {
  const places = Math.floor(maxVcpus / taskVcpus)
  return Math.max(1, Math.min(places, Math.floor(head.cost.bytesRead / (SMALL_TASK_BYTES * taskVcpus))))
}

/** Pins what was asked for, and says how a stack comes to run it by the clock. */
async function pinSchedule(
  { table, stack, tableUri, submission }: Prepared['cloudRun'],
  { request, code, last }: { readonly request: RunRequest; readonly code: string; readonly last: string },
  input: CommandInput,
  io: CommandIo,
  progress: ProgressLine,
): Promise<number> {
  if (request.fromNs !== undefined || request.toNs !== undefined)
    throw new ReplayError('usage', '--pin: a schedule has no --from and --to; its runs take the last D before their time', {
      category: 'input',
    })
  const { run: _run, createdMs: _createdMs, ...asked } = request
  // Of other days, so of other costs.
  const schedule = await writeSchedule(table, { ...asked, last, submission: { ...submission, dollars: null } }, code)
  const scheduleTable = tableUri.slice(`s3://${stack.tableBucket}/`.length)
  const context = { scheduleId: schedule, scheduleTable, scheduleDefinition: submission.definition }
  if (input.flag('json')) io.out(jsonText({ schedule, context }))
  const settings = Object.entries({ ...context, scheduleExpression: 'cron(30 0 * * ? *)' })
  const words = settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])
  progress.note(
    `schedule ${schedule} is pinned\nnext: ${commandText(['cdk', 'deploy', ...words])} (with the other settings of stack ${stack.name})`,
  )
  return 0
}

async function reportCached(
  { table, tableUri }: CloudRun,
  { head }: RunPlan,
  input: CommandInput,
  io: CommandIo,
  progress: ProgressLine,
): Promise<number> {
  const version = (await findTable(table))?.version ?? -1
  if (input.flag('json'))
    io.out(jsonText({ run: null, state: 'unchanged', version, estimate: { partitions: head.counts, tasks: 0, cost: head.cost } }))
  progress.note(
    `nothing to do: ${countText(head.counts.cached)} partitions are in version ${version} of the table\nnext: ${commandText(['chronicle-replay', 'query', tableUri])} "select count(*) from t"`,
  )
  return 0
}
