import { EXIT_PARTIAL, ReplayError } from '../core/errors.ts'
import { howOf } from '../core/import/import-how.ts'
import type { ImportPlan } from '../core/import/import-plan.ts'
import { engineHash } from '../core/job/engine-hash.ts'
import { claimArchive } from '../core/plan/imports/import-claim.ts'
import { planImportRun } from '../core/plan/imports/import-run-plan.ts'
import { writePlan } from '../core/plan/run/plan-writer.ts'
import { newRunId, runFiles } from '../core/plan/run/run-files.ts'
import { type RunSubmission, writeRequest } from '../core/plan/run-request.ts'
import { choiceOption, countOption, numberOption, requiredOptions } from './arguments.ts'
import { cloudOf, STACK } from './cloud-clients.ts'
import { startExecution } from './cloud-execution.ts'
import { followUnlessDetached } from './cloud-follow.ts'
import { runUri } from './cloud-run.ts'
import { type CloudStack, readStack } from './cloud-stack.ts'
import type { CommandInput, CommandIo } from './command.ts'
import { importDocument } from './import-document.ts'
import { lookAtFiles } from './import-options.ts'
import { commandText, countText, jsonText } from './output.ts'
import { ProgressLine } from './progress.ts'
import { checkCost, s3Option } from './submit-checks.ts'

/** Bytes of files of a task per vCPU of its container: some minutes of work. */
const TASK_BYTES = 2 ** 30
/** A smaller import is spread over the vCPUs that there are, as long as it is still worth a start. */
const SMALL_TASK_BYTES = 2 ** 28

/**
 * Submits an import: looks at the files with the rights of whoever asks, plans the run in the archive, and starts it. Its documents lie
 * in the archive.
 * @param words format, or a module, or nothing; then `s3://…`
 * @throws ReplayError input `usage`, `import-active`, `import-bucket`, `import-here`, `import-nothing`, and those of `lookAtFiles`
 */
export async function submitImport(words: readonly string[], input: CommandInput, io: CommandIo): Promise<number> {
  const progress = new ProgressLine(io, input)
  const cloud = cloudOf(input)
  const { stack: name } = requiredOptions(input, { stack: STACK })
  if (input.text('table') !== undefined) throw new ReplayError('usage', 'an import has no --table', { category: 'input' })
  const maxDollars = numberOption(input, 'max-dollars') ?? null
  const stack = await readStack(cloud, name)
  const archiveUri = s3Option(input, 'archive', stack.archiveBucket)
  const archive = cloud.open(archiveUri)
  progress.note(`looking at the files …`)
  const { own, options, plan } = await lookAtFiles(
    input,
    words,
    choiceOption(input, 'on-error', ['quarantine', 'skip']) === 'skip' ? 'skip' : 'abort',
  )
  for (const { path, why } of plan.leftOut) progress.problem(`left out ${path}: ${why}`)
  if (plan.units.length === 0) throw new ReplayError('import-nothing', 'none of the files can be imported', { category: 'input' })
  requireReadable(plan, stack)
  const [createdMs, engine] = [Date.now(), await engineHash()]
  const bytes = plan.units.reduce((sum, { files }) => sum + files.reduce((all, file) => all + file.bytes, 0), 0)
  const places = Math.min(Math.floor(stack.maxVcpus / stack.taskVcpus), Math.floor(bytes / (SMALL_TASK_BYTES * stack.taskVcpus)))
  const run = newRunId(createdMs, Math.random)
  const planned = await planImportRun({
    ...{ archive, plan, how: howOf(options), replaces: input.flag('replace'), own, engine, run, createdMs },
    taskBytes: TASK_BYTES * stack.taskVcpus,
    minTasks: countOption(input, 'tasks') ?? Math.max(1, places),
    minTaskSeconds: countOption(input, 'task-timeout'),
  })
  const { head, tasks } = planned
  if (head.partitions === 0) {
    if (input.flag('json')) {
      const document = importDocument({ imported: undefined, missed: plan.unread, bytes: 0, durationMs: 0 })
      io.out(jsonText({ run: null, state: 'unchanged', ...document, known: head.imports!.known }))
    }
    const next = commandText(['chronicle-replay', 'inspect', archiveUri])
    progress.note(`nothing to do: ${countText(head.imports!.known)} files were imported before\nnext: ${next}`)
    return plan.unread.length > 0 ? EXIT_PARTIAL : 0
  }
  const { low, high } = head.cost.dollars
  const submission: RunSubmission = {
    ...{ stack: stack.name, stateMachineArn: stack.stateMachineArn, queues: stack.queues, logGroup: stack.logGroup },
    ...{ taskVcpus: stack.taskVcpus, maxVcpus: stack.maxVcpus, definition: 'import', maxDollars, dollars: { low, high } },
  }
  const cloudRun = { cloud, table: archive, tableUri: archiveUri, run, submission, stack }
  await checkCost(cloudRun, planned, progress)
  await claimArchive(archive, { run, digest: head.imports!.digest })
  await writePlan(archive, planned, planned.bundle)
  await writeRequest(archive, { version: 1, run, createdMs, bundle: head.bundle, engine, archive: archiveUri, submission })
  const executionArn = await startExecution(cloudRun, { name: run, tasks: runFiles(run).tasks })
  const uri = runUri(archiveUri, run)
  progress.note(`run ${run} is started: ${uri}`)
  const estimate = { partitions: head.counts, tasks: tasks.length, cost: head.cost }
  return followUnlessDetached(cloudRun, { run, uri, executionArn, estimate }, input, io)
}

/** Tasks have the stack's rights, and what is in its image. */
function requireReadable({ units }: ImportPlan, { name, importBuckets }: CloudStack): void {
  for (const { importer, files } of units) {
    for (const { path, reference } of files) {
      if (importer === 'columns') {
        const message =
          'files of the format columns are read by DuckDB, which is not in the image; import them on a machine: chronicle-replay import'
        throw new ReplayError('import-here', message, { category: 'input', path })
      }
      const bucket = reference.kind === 'object' ? reference.uri.slice('s3://'.length) : null
      if (bucket !== null && importBuckets.includes(bucket)) continue
      const expected = importBuckets.map((each) => `s3://${each}/…`).join(', ')
      const message = `stack ${name} imports from ${expected}; copy the file there, or deploy the stack with -c importBuckets=${bucket ?? 'BUCKET'}`
      throw new ReplayError('import-bucket', message, { category: 'input', path })
    }
  }
}
