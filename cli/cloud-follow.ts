import { setTimeout } from 'node:timers/promises'
import { RunReceiptsReader } from './cloud-receipts.ts'
import { comeBackText, exitCodeOfRun, reportStatus, statusLine } from './cloud-report.ts'
import type { CloudRun } from './cloud-run.ts'
import { isOver, type RunStatus, statusDocument, statusOf } from './cloud-status.ts'
import type { CommandInput, CommandIo } from './command.ts'
import { interruptible } from './interruptible.ts'
import { jsonText } from './output.ts'
import { ProgressLine } from './progress.ts'

/** Milliseconds between two looks; a service that is not AWS has no rates to spare. */
const LOOK_MS = 5_000
const LOCAL_LOOK_MS = 500

/**
 * Follows a run until it is over and returns the exit code of its outcome. Ctrl-C only ends the following.
 * @param more goes into the JSON document before the status
 */
export async function followRun(run: CloudRun, more: object, input: CommandInput, io: CommandIo): Promise<number> {
  const progress = new ProgressLine(io, input)
  const receipts = new RunReceiptsReader(run)
  let status: RunStatus | null = null
  const work = async (signal: AbortSignal): Promise<void> => {
    // Each kind of warning once: their numbers grow.
    const told = new Set<string>()
    const isNew = (warning: string): boolean => told.size < told.add(warning.replaceAll(/[\d.]+/g, '#')).size
    for (;;) {
      status = await statusOf(run, receipts, Date.now())
      const { warnings } = status
      if (isOver(status)) break
      for (const warning of warnings.filter(isNew)) progress.note(`warning: ${warning}`)
      progress.update(() => statusLine(status!))
      await setTimeout(run.cloud.endpoint === undefined ? LOOK_MS : LOCAL_LOOK_MS, undefined, { signal }).catch(() => {})
      signal.throwIfAborted()
    }
    progress.end()
    if (input.flag('json')) io.out(jsonText({ ...more, ...statusDocument(status) }))
    reportStatus(status, run.tableUri, progress)
  }
  const interrupted = await interruptible(io, progress, work, () => comeBackText(run.tableUri, run.run))
  return interrupted === 0 ? exitCodeOfRun(status!) : interrupted
}

/** What a command does that has started a run. @param more as of `followRun` */
export async function followUnlessDetached(run: CloudRun, more: object, input: CommandInput, io: CommandIo): Promise<number> {
  if (!input.flag('detach')) return followRun(run, more, input, io)
  if (input.flag('json')) io.out(jsonText({ ...more, state: 'submitted' }))
  new ProgressLine(io, input).note(comeBackText(run.tableUri, run.run))
  return 0
}
