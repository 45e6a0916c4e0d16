import { type FailureGroup, groupFailures } from '../core/commit/failure-groups.ts'
import { ReplayError } from '../core/errors.ts'
import { claimArchive } from '../core/plan/imports/import-claim.ts'
import { encodeTasks, readPlanHead, readTasks } from '../core/plan/run/plan-document.ts'
import { finishPlan } from '../core/plan/run/plan-writer.ts'
import { requireNotCancelled } from '../core/plan/run/run-cancel.ts'
import { runFiles } from '../core/plan/run/run-files.ts'
import { readMissing } from '../core/plan/run/run-receipts.ts'
import { executionName, lastExecution, resumptionsOf, startExecution } from './cloud-execution.ts'
import { followUnlessDetached } from './cloud-follow.ts'
import type { CloudRun } from './cloud-run.ts'
import type { CommandInput, CommandIo } from './command.ts'
import { countText } from './output.ts'
import { ProgressLine } from './progress.ts'
import { groupText, reportFindings } from './run-report.ts'

/**
 * Starts a further execution for a run on AWS, whose map has only the tasks that something is missing of; each of these runs
 * only what is missing. Where the run was never planned to the end, it is planned now.
 */
export async function resumeCloudRun(cloudRun: CloudRun, input: CommandInput, io: CommandIo): Promise<number> {
  const { table, run } = cloudRun
  await requireNotCancelled(table, run)
  await requireEnded(cloudRun)
  const progress = new ProgressLine(io, input)
  const { tasks, groups } = await writeMissingTasks(cloudRun, progress)
  const resumption = await resumptionsOf(table, run)
  const name = executionName(run, resumption)
  const executionArn = await startExecution(cloudRun, { name, tasks })
  const more = { run, resumed: groups.map(({ category: _, ...group }) => group), executionArn }
  return followUnlessDetached(cloudRun, more, input, io)
}

/** Two executions at once would do the same work twice. @throws ReplayError input `run-running` */
async function requireEnded(cloudRun: CloudRun): Promise<void> {
  const execution = await lastExecution(cloudRun)
  if (execution?.status !== 'RUNNING') return
  const message = `run ${cloudRun.run} is still at it (execution ${execution.name}); wait for its end, or cancel it`
  throw new ReplayError('run-running', message, { category: 'input' })
}

/** Writes the list of tasks to run as `resume-N.json`, and says why they are missing. */
async function writeMissingTasks(
  { table, run }: CloudRun,
  progress: ProgressLine,
): Promise<{ readonly tasks: string; readonly groups: readonly FailureGroup[] }> {
  const isPlanned = await finishPlan(table, run)
  let missing: ReadonlySet<string> | null = null
  let groups: readonly FailureGroup[] = []
  if (isPlanned) {
    const head = await readPlanHead(table, run)
    // Another import may have come in between.
    if (head.imports !== undefined) await claimArchive(table, { run, digest: head.imports.digest })
    const partitions = await readMissing(table, head)
    missing = new Set(partitions.map(({ task }) => task))
    groups = groupFailures(partitions, new Map())
    progress.note(
      `run ${run}: ${countText(partitions.length)} of ${countText(head.partitions)} partitions are left to run, in ${countText(missing.size)} tasks`,
    )
    for (const group of groups) progress.note(`  ${groupText(group)}`)
    reportFindings(head.findings, progress)
  } else progress.note(`run ${run}: its plan was not finished; it is planned again`)
  const entries = missing === null ? null : (await readTasks(table, run)).filter(({ task }) => missing.has(task))
  // Also where the plan itself is to be made: its name counts the resumptions.
  const list = entries === null ? Buffer.from('[]\n') : encodeTasks(entries)
  for (let n = (await resumptionsOf(table, run)) + 1; ; n++) {
    const key = runFiles(run).resumed(n)
    if ((await table.put(key, list, 'absent')) !== null) return { tasks: entries === null ? runFiles(run).tasks : key, groups }
  }
}
