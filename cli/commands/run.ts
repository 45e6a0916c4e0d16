import { type RunProgress, runLocally } from '../../core/commit/run-local.ts'
import { writePlan } from '../../core/plan/run/plan-writer.ts'
import { findTable } from '../../core/table/delta-log.ts'
import { choiceOption, countOption } from '../arguments.ts'
import { cloudOf } from '../cloud-clients.ts'
import type { CommandInput, CommandIo, CommandSpec } from '../command.ts'
import { interruptible } from '../interruptible.ts'
import { JOB_OPTIONS, ON_ERROR_CHOICES, type PlannedCommand, planCommand } from '../job-options.ts'
import { commandText, countText, jsonText } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import {
  idleNote,
  keptText,
  messagesDocument,
  missingStreamText,
  NOTHING_READ,
  progressText,
  reportFindings,
  reportRun,
  restartsText,
  runDocument,
  stoppedText,
} from '../run-report.ts'
import { plan } from './plan.ts'

export const run: CommandSpec = {
  name: 'run',
  summary: 'runs a job over an archive on this machine and commits its rows to a table',
  arguments: plan.arguments,
  options: {
    ...JOB_OPTIONS,
    'dry-run': { help: 'only say what would be done, as plan does' },
  },
  examples: [
    { command: 'chronicle-replay run bars --archive archive --table bars', does: 'one-minute bars of all that there is' },
    {
      command: 'chronicle-replay run bars --archive archive --table bars --on-error skip',
      does: 'the same where records are damaged: they are left out, counted, and told',
    },
    {
      command: 'chronicle-replay run my-job.ts --archive archive --table out --symbols btcusdt --slice 1h --param depth=1,5,10',
      does: 'three variants of one’s own job, in partitions of an hour',
    },
  ],
  async run(input, io) {
    if (input.flag('dry-run')) return plan.run(input, io)
    const onError = choiceOption(input, 'on-error', ON_ERROR_CHOICES)
    const planned = await planCommand(input)
    const cloud = cloudOf(input)
    const table = cloud.open(planned.tableUri)
    const { head, notes } = planned.plan
    const progress = new ProgressLine(io, input)
    for (const note of notes) progress.note(`note: ${note}`)
    reportFindings(head.findings, progress)
    if (head.restartPoints !== undefined && head.partitions > 0) progress.note(restartsText(head.restartPoints, head))
    if (head.partitions === 0) return reportCached(planned, (await findTable(table))?.version ?? -1, input, io)
    let code = 0
    let isPlanned = false
    let isCommitted = false
    const work = async (signal: AbortSignal): Promise<void> => {
      await writePlan(table, planned.plan, planned.bundle.code, planned.bundle.map)
      isPlanned = true
      const onProgress = (made: RunProgress): void => progress.update(() => progressText(made))
      const options = {
        tableUri: planned.tableUri,
        run: head.run,
        endpoint: cloud.endpoint,
        workers: countOption(input, 'workers'),
        onError: onError === 'abort' ? onError : undefined,
        clock: Date.now,
        random: Math.random,
      }
      const result = await runLocally({ ...options, signal, onProgress, onIdle: (at) => progress.problem(idleNote(at)) })
      isCommitted = true
      progress.end()
      if (input.flag('json')) io.out(jsonText(runDocument(result, head)))
      code = reportRun(result, { tableUri: planned.tableUri, head }, progress)
    }
    const kept = (): string => (isPlanned ? keptText(planned.tableUri, head.run) : 'nothing was begun')
    try {
      const interrupted = await interruptible(io, progress, work, kept)
      return interrupted === 0 ? code : interrupted
    } catch (error) {
      if (isPlanned && !isCommitted) progress.note(`run ${head.run} stopped: ${stoppedText(planned.tableUri, head.run, error)}`)
      throw error
    }
  },
}

function reportCached({ plan: { head }, tableUri }: PlannedCommand, version: number, input: CommandInput, io: CommandIo): number {
  const { run: toRun, cached, stale } = head.counts
  const { missingStreams, otherCode } = head
  const told = { ...(missingStreams !== undefined && { missingStreams }), ...(otherCode !== undefined && { otherCode }) }
  if (input.flag('json'))
    io.out(
      jsonText({
        ...{ run: null, state: 'unchanged' },
        partitions: { run: toRun, cached, stale, failed: 0 },
        rows: 0,
        version,
        failures: [],
        findings: head.findings ?? [],
        ...messagesDocument(NOTHING_READ),
        ...told,
        ...{ messages: 0, bytes: 0, durationMs: 0 },
      }),
    )
  const progress = new ProgressLine(io, input)
  for (const missing of head.missingStreams ?? []) progress.note(missingStreamText(missing, head))
  progress.note(
    `nothing to do: ${countText(cached)} partitions are in version ${version} of the table\nnext: ${commandText(['chronicle-replay', 'query', tableUri])} "select count(*) from t"`,
  )
  return 0
}
