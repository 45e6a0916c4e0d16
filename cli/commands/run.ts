import os from 'node:os'
import { exitCodeOf, ReplayError } from '../../core/errors.ts'
import { isoTime } from '../../core/job/cells.ts'
import type { FailureGroup } from '../../core/job/failure-groups.ts'
import { writePlan } from '../../core/job/plan-writer.ts'
import { type LocalRunResult, type RunProgress, runLocally } from '../../core/job/run-local.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { findTable } from '../../core/table/delta-log.ts'
import { choiceOption, countOption } from '../arguments.ts'
import type { CommandInput, CommandIo, CommandSpec } from '../command.ts'
import { interruptible } from '../interruptible.ts'
import { JOB_OPTIONS, type PlannedCommand, planCommand } from '../job-options.ts'
import { bytesText, countText, jsonText, rateText } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { plan } from './plan.ts'

const EXIT_PARTIAL = 4

export const run: CommandSpec = {
  name: 'run',
  summary: 'runs a job over an archive on this machine and commits its rows to a table',
  arguments: plan.arguments,
  options: {
    ...JOB_OPTIONS,
    'on-error': { value: 'finish|abort', help: 'when a partition fails: finish the others (default), or begin no further task' },
    'dry-run': { help: 'only say what would be done, as plan does' },
  },
  examples: [
    { command: 'chronicle-replay run bars --archive archive --table bars', does: 'one-minute bars of all that there is' },
    {
      command: 'chronicle-replay run my-job.ts --archive archive --table out --symbols btcusdt --slice 1h --param depth=1,5,10',
      does: 'three variants of one’s own job, in partitions of an hour',
    },
  ],
  async run(input, io) {
    if (input.flag('dry-run')) return plan.run(input, io)
    const onError = choiceOption(input, 'on-error', ['finish', 'abort'])
    const workers = countOption(input, 'workers') ?? os.availableParallelism()
    const planned = await planCommand(input, workers)
    const table = new FileStore(planned.tableUri)
    const { head } = planned.plan
    if (head.partitions === 0) return reportCached(planned, (await findTable(table))?.version ?? -1, input, io)
    const progress = new ProgressLine(io, input)
    let code = 0
    const interrupted = await interruptible(io, progress, async (signal) => {
      await writePlan(table, planned.plan, planned.bundle.code)
      const result = await runLocally({
        tableUri: planned.tableUri,
        run: head.run,
        workers,
        onError,
        clock: Date.now,
        random: Math.random,
        signal,
        onProgress: (made) => progress.update(() => progressText(made)),
      })
      progress.end()
      code = report(result, planned, input, io, progress)
    })
    return interrupted === 0 ? code : interrupted
  },
}

function reportCached({ plan: { head }, tableUri }: PlannedCommand, version: number, input: CommandInput, io: CommandIo): number {
  const { run: toRun, cached, stale } = head.counts
  if (input.flag('json'))
    io.out(jsonText({ run: null, partitions: { run: toRun, cached, stale, failed: 0 }, rows: 0, version, failures: [] }))
  new ProgressLine(io, input).note(
    `nothing to do: ${countText(cached)} partitions are in version ${version} of the table\nnext: chronicle-replay query ${tableUri} "select count(*) from t"`,
  )
  return 0
}

function report(result: LocalRunResult, planned: PlannedCommand, input: CommandInput, io: CommandIo, progress: ProgressLine): number {
  const { run: id, partitions, rows, version, failures, commit, messages, bytes, durationMs } = result
  const state = commit.state
  if (input.flag('json')) io.out(jsonText({ run: id, state, partitions, rows, version, failures, messages, bytes, durationMs }))
  for (const failure of failures) progress.note(failureText(failure, planned, input))
  if (commit.warning !== null) progress.note(`warning: ${commit.warning}`)
  const done = partitions.run + partitions.stale - partitions.failed
  const seconds = durationMs / 1000
  progress.note(
    [
      `run ${id}: ${countText(done)} partitions done, ${countText(partitions.cached)} cached, ${countText(partitions.failed)} failed; ${countText(rows)} rows`,
      `${countText(messages)} messages, ${bytesText(bytes)} in ${seconds.toFixed(2)} s, ${rateText(messages / seconds)}`,
      state === 'refused'
        ? 'not committed: more partitions failed than the job tolerates; what is done is kept'
        : `version ${version} of ${planned.tableUri}`,
      state === 'refused'
        ? `next: mend the cause, then repeat this command, which plans a new run`
        : `next: chronicle-replay query ${planned.tableUri} "select count(*) from t"`,
    ].join('\n'),
  )
  const [worst] = failures
  if (worst === undefined) return 0
  // When nothing at all came out, the cause says more than "partial".
  return done === 0 ? exitCodeOf(new ReplayError(worst.code, worst.message, { category: worst.category })) : EXIT_PARTIAL
}

function failureText({ code, message, partitions, first, ...place }: FailureGroup, planned: PlannedCommand, input: CommandInput): string {
  const count = partitions === 1 ? '1 partition' : `${countText(partitions)} partitions`
  const from = isoTime(BigInt(place.startNs))
  const to = isoTime(BigInt(place.endNs))
  const slice = input.text('slice')
  const options = [
    `--archive ${planned.archiveUri} --table ${planned.tableUri} --venues ${place.venue} --symbols ${place.symbol}`,
    `--from ${from} --to ${to}`,
    ...(slice === undefined ? [] : [`--slice ${slice}`]),
    ...input.texts('param').map((param) => `--param ${param}`),
  ]
  return `error ${code}: ${message}\n  ${count}, first ${first}; alone: chronicle-replay run ${input.positionals[0]} ${options.join(' ')}`
}

function progressText({ done, partitions, messages, bytes, elapsedMs }: RunProgress): string {
  const seconds = elapsedMs / 1000
  const left = done === 0 ? '' : `, ${Math.ceil((seconds / done) * (partitions - done))} s left`
  return `${countText(done)} of ${countText(partitions)} partitions, ${countText(messages)} messages, ${rateText(messages / seconds)}, ${bytesText(bytes / seconds)}/s${left}`
}
