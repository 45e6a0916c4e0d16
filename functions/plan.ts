import { requireEngine } from '../core/job/engine-hash.ts'
import { finishPlan, writeSharedPlan } from '../core/plan/run/plan-writer.ts'
import { requireNotCancelled } from '../core/plan/run/run-cancel.ts'
import { ATTEMPT_TIME } from '../core/plan/run/run-files.ts'
import { findRequest, handedListing, planRequest } from '../core/plan/run-request.ts'
import { adoptSchedule } from '../core/plan/run-schedule.ts'
import type { Container } from './container.ts'
import type { Log } from './log.ts'

/** Plans the run that was asked for, without its code. A run that is planned stays as it is. Returns the command's exit code. */
export async function plan({ tableUri, run, engine, attempt, open }: Container, log: Log): Promise<number> {
  const table = open(tableUri)
  const request = (await findRequest(table, run)) ?? (await adoptSchedule(table, run))
  requireEngine(run, request.engine, engine)
  await requireNotCancelled(table, run)
  if (await finishPlan(table, run)) {
    log.info('planned-before')
    return 0
  }
  const listing = (await handedListing(table, request)) ?? undefined
  const restarts = request.restarts === undefined ? undefined : open(request.restarts)
  const made = await planRequest(request, { archive: open(request.archive), table, listing, restarts })
  // Short, and still of this attempt alone.
  const isOurs = await writeSharedPlan(table, made, attempt.slice(0, ATTEMPT_TIME) + attempt.slice(-10))
  const { counts, tasks, partitions, cost } = made.head
  log.info(isOurs ? 'planned' : 'planned-by-another', {
    ...counts,
    tasks,
    partitions,
    bytes: cost.bytesRead,
    dollars: cost.dollars,
    isListed: listing === undefined,
  })
  return 0
}
