import { groupFailures } from '../../core/commit/failure-groups.ts'
import { resumeImport } from '../../core/commit/import-local.ts'
import { type RunProgress, runLocally } from '../../core/commit/run-local.ts'
import { readPlanHead } from '../../core/plan/run/plan-document.ts'
import { requireNotCancelled } from '../../core/plan/run/run-cancel.ts'
import { readMissing } from '../../core/plan/run/run-receipts.ts'
import { choiceOption, countOption } from '../arguments.ts'
import { cloudOf, ENDPOINT } from '../cloud-clients.ts'
import { resumeCloudRun } from '../cloud-resume.ts'
import { findCloudRun, runOf } from '../cloud-run.ts'
import type { CommandSpec } from '../command.ts'
import { reportImport } from '../import-report.ts'
import { interruptible } from '../interruptible.ts'
import { countText, jsonText } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { groupText, idleNote, keptText, progressText, reportFindings, reportRun, runDocument } from '../run-report.ts'
import { openTableStore } from '../table-store.ts'

const ON_ERROR_CHOICES = ['quarantine', 'abort'] as const

export const resume: CommandSpec = {
  name: 'resume',
  summary: 'goes on with a run: what has no receipt or failed is run, then all of it is committed',
  arguments: [{ name: 'run', help: 'URI of the run, <table>/_chronicle/runs/<id>; or its id with --table' }],
  options: {
    table: { value: 'U', help: 'table of the run, where only its id is given' },
    workers: { value: 'N', help: 'worker threads (default: number of processors, or one for each 4 MiB to read)' },
    'on-error': {
      value: ON_ERROR_CHOICES.join('|'),
      help: 'when a partition fails: set it aside and finish the others (default), or begin no further task',
    },
    check: { value: 'off', help: 'of a run on this machine: commit rows even if they came out otherwise when made a second time' },
    endpoint: ENDPOINT,
    detach: { help: 'of a run on AWS: do not wait for its end' },
  },
  examples: [
    {
      command: 'chronicle-replay resume out/_chronicle/runs/20240808T120000Z-7f3a09c2',
      does: 'what was interrupted, or failed for a cause that is mended',
    },
    { command: 'chronicle-replay resume 20240808T120000Z-7f3a09c2 --table out', does: 'the same' },
    {
      command: 'chronicle-replay resume s3://tables/out/_chronicle/runs/20240808T120000Z-7f3a09c2',
      does: 'a run that was submitted: the tasks that something is missing of run again on AWS',
    },
  ],
  async run(input, io) {
    const { tableUri, run } = runOf(input, 'resume')
    const submitted = await findCloudRun(input, 'resume')
    if (submitted !== null) return resumeCloudRun(submitted, input, io)
    const onError = choiceOption(input, 'on-error', ON_ERROR_CHOICES)
    const ignoreCheck = choiceOption(input, 'check', ['off']) === 'off'
    const table = openTableStore(tableUri, input)
    const head = await readPlanHead(table, run)
    await requireNotCancelled(table, run)
    const progress = new ProgressLine(io, input)
    const missing = await readMissing(table, head)
    const left = groupFailures(missing, new Map())
    progress.note(`run ${run}: ${countText(missing.length)} of ${countText(head.partitions)} partitions are left to run`)
    for (const group of left) progress.note(`  ${groupText(group)}`)
    reportFindings(head.findings, progress)
    let code = 0
    const work = async (signal: AbortSignal): Promise<void> => {
      const onProgress = (made: RunProgress): void => progress.update(() => progressText(made))
      const options = {
        tableUri,
        run,
        endpoint: cloudOf(input).endpoint,
        workers: countOption(input, 'workers'),
        onError,
        ignoreCheck,
        clock: Date.now,
        random: Math.random,
      }
      if (head.imports !== undefined) {
        const result = await resumeImport({ ...options, signal, onProgress })
        progress.end()
        const { leftOut, unread = [] } = head.imports
        code = reportImport(result, { uri: tableUri, known: [], leftOut, unread, isOne: head.partitions === 1 }, input, io, progress)
        return
      }
      const result = await runLocally({ ...options, signal, onProgress, onIdle: (at) => progress.problem(idleNote(at)) })
      progress.end()
      if (input.flag('json')) io.out(jsonText({ ...runDocument(result, head), resumed: left.map(({ category: _, ...group }) => group) }))
      code = reportRun(result, { tableUri, head }, progress)
    }
    const interrupted = await interruptible(io, progress, work, () => keptText(tableUri, run))
    return interrupted === 0 ? code : interrupted
  },
}
