import { isInVain } from '../core/commit/commit.ts'
import type { FailureGroup } from '../core/commit/failure-groups.ts'
import { type MessageTotals, tallyMessages } from '../core/commit/left-out-tally.ts'
import type { LocalRunResult, RunProgress } from '../core/commit/run-local.ts'
import { EXIT_PARTIAL, exitCodeOf, ReplayError } from '../core/errors.ts'
import { isoTime } from '../core/instant.ts'
import { findingText, type ListingFinding } from '../core/plan/archive/listing-findings.ts'
import type { RestartEstimate } from '../core/plan/archive/restart-estimate.ts'
import { askedParams } from '../core/plan/asked-params.ts'
import type { CheckTally } from '../core/plan/run/partition-check.ts'
import type { MissingStream, PlanHead } from '../core/plan/run/plan-document.ts'
import { RUNS_FOLDER } from '../core/plan/run/run-files.ts'
import { type IdlePartition, idleText } from '../core/task/idle-partition.ts'
import { leftOutTexts } from './left-out-text.ts'
import { bytesText, commandText, countText, listText, optionWords, rateText } from './output.ts'
import type { ProgressLine } from './progress.ts'

/** A run of a table, and what it was asked to do. */
export interface ReportedRun {
  readonly tableUri: string
  readonly head: PlanHead
}

/** The JSON document of a run that was carried out here. */
export function runDocument(result: LocalRunResult, { findings = [], otherCode }: PlanHead): object {
  const { run, partitions, rows, version, failures, commit, missingStreams, messages, bytes, durationMs } = result
  const { state, skipped, check } = commit
  return {
    ...{ run, state, partitions, rows, version, failures, findings },
    ...messagesDocument(commit.messages),
    ...(skipped !== undefined && { skipped }),
    ...(missingStreams.length > 0 && { missingStreams }),
    ...(check !== undefined && { check }),
    ...(otherCode !== undefined && { otherCode }),
    ...{ messages, bytes, durationMs },
  }
}

/** What became of the messages of a run: read = handled + the sum of leftOut. */
export function messagesDocument({ read, handled, leftOut, noted }: MessageTotals): object {
  return { read, handled, leftOut, noted }
}

/** Of what reads no message: a plan, a run of which all is cached. */
export const NOTHING_READ: MessageTotals = tallyMessages([])

/** Says what the archive holds that is not read: losses even with --quiet. */
export function reportFindings(findings: readonly ListingFinding[] | undefined, progress: ProgressLine): void {
  for (const finding of findings ?? []) {
    if (finding.isLoss) progress.problem(findingText(finding))
    else progress.note(findingText(finding))
  }
}

/** Says what became of a run: failures first and grouped, then the sums, then what to do next. Gives the exit code. */
export function reportRun(result: LocalRunResult, { tableUri, head }: ReportedRun, progress: ProgressLine): number {
  const { run, partitions, rows, version, failures, commit } = result
  for (const missing of head.missingStreams ?? []) progress.problem(missingStreamText(missing, head))
  const isRefused = commit.state === 'refused'
  for (const failure of failures) progress.problem(failureText(failure, { tableUri, head }))
  if (commit.check !== undefined && commit.check.findings.length > 0) progress.problem(findingsText(commit.check))
  if (commit.warning !== null) progress.note(`warning: ${commit.warning}`)
  for (const line of leftOutTexts({ ...commit.messages, damaged: commit.skipped?.codes }, head.archive)) progress.problem(line)
  const hasFindings = (commit.check?.findings.length ?? 0) > 0
  const done = partitions.run + partitions.stale - partitions.failed
  progress.note(
    [
      `run ${run}: ${partitionsText(done)} done, ${countText(partitions.cached)} cached, ${countText(partitions.failed)} failed; ${countText(rows)} rows`,
      workText(result),
      ...(commit.check === undefined ? [] : [checkText(commit.check)]),
      isRefused
        ? `not committed: ${hasFindings ? 'rows that depend on where a pass begins are not to be trusted' : 'more partitions failed than the job tolerates'}; what is done is kept`
        : `version ${version} of ${tableUri}`,
      head.restartPoints !== undefined && partitions.failed === 0
        ? `next: a run that begins within a day, or has tasks of a part of one, now begins at the nearest restart point: ${commandText(['chronicle-replay', 'plan', 'book-features', '--archive', head.archive, '--table', 'TABLE', '--slice', '1h', ...(head.restarts === undefined ? [] : ['--snapshots-from', head.restarts])])}`
        : isRefused && hasFindings
          ? `next: mend the job and run again; or commit these rows all the same: ${resumeCommand(tableUri, run)} --check off`
          : partitions.failed === 0
            ? `next: ${commandText(['chronicle-replay', 'query', tableUri])} "select count(*) from t"`
            : `next: ${resumeAdvice(resumeCommand(tableUri, run))}`,
    ].join('\n'),
  )
  if (isRefused && hasFindings) return EXIT_INPUT
  const [worst] = failures
  if (worst === undefined) return 0
  // When nothing at all came out, the cause says more than "partial".
  return done === 0 ? exitCodeOf(new ReplayError(worst.code, worst.message, { category: worst.category })) : EXIT_PARTIAL
}

/** Which instruments lack a stream, and what becomes of their rows. */
export function missingStreamText({ stream, instruments, days, first }: MissingStream, { streams }: Pick<PlanHead, 'streams'>): string {
  const many = (count: number, one: string): string => `${countText(count)} ${one}${count === 1 ? '' : 's'}`
  const none = instruments === 0 ? '' : `${many(instruments, 'instrument')} ${instruments === 1 ? 'has' : 'have'} no ${stream} stream`
  const some = days === 0 ? '' : `the ${stream} stream is missing on ${many(days, 'day')} that ${days === 1 ? 'has' : 'have'} others`
  const rows = streams.length === 1 ? '; there are no rows of it' : stream === 'book' ? '; rows without a book say gap' : ''
  return `${[none, some].filter((text) => text !== '').join('; ')}; the first: ${first}${rows}`
}

/** What was read, how fast, and what time was not work: starting workers and, behind it, the commit. */
export function workText({ messages, bytes, durationMs, work }: LocalRunResult): string {
  const read = `${countText(messages)} messages, ${bytesText(bytes)}`
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`
  if (work.durationMs <= 0) return `${read} in ${seconds(durationMs)}`
  const rest = Math.max(0, durationMs - work.startMs - work.durationMs)
  const rate = `${rateText((messages * 1000) / work.durationMs)}, ${bytesText((bytes * 1000) / work.durationMs)}/s`
  return `${read} in ${seconds(work.durationMs)}, ${rate}; ${seconds(work.startMs)} to start before it, ${seconds(rest)} to commit`
}

/** The first of the rows that differ, and how many other partitions have some. */
export function findingsText({ findings }: CheckTally): string {
  const [first] = findings
  const more = findings.length > 1 ? `\n  and so ${partitionsText(findings.length - 1)} more` : ''
  return `error ${first?.code}: ${first?.message}${more}`
}

/** What making partitions a second time came to. */
export function checkText({ seed, partitions, telling, findings }: CheckTally): string {
  const result =
    findings.length > 0 ? 'rows differ' : telling === 0 ? 'the same rows, but there was no other start to try' : 'the same rows'
  return `check: ${partitionsText(partitions)} made again from other starts (seed ${seed}): ${result}`
}

/** Of rows that are refused for what the job does. */
export const EXIT_INPUT = 2

/** What to do about partitions that failed. */
export function resumeAdvice(command: string): string {
  return `${command} runs what is missing, with the same code and input; after mending the job or the archive start a new run`
}

/** The command that goes on with a run. */
export function resumeCommand(tableUri: string, run: string): string {
  return commandText(['chronicle-replay', 'resume', `${tableUri.replace(/\/+$/, '')}/${RUNS_FOLDER}${run}`])
}

/** What a run that ended early leaves behind. */
export function keptText(tableUri: string, run: string): string {
  return `finished partitions are kept, nothing is committed; go on with: ${resumeCommand(tableUri, run)}`
}

/** The same, after an error: where to resume the run would be in vain, that is not what it says. */
export function stoppedText(tableUri: string, run: string, error: unknown): string {
  return isInVain(error) ? 'finished partitions are kept, nothing is committed' : keptText(tableUri, run)
}

export function progressText(progress: RunProgress): string {
  const { done, partitions, messages, bytes, plannedBytes, plannedTotal, elapsedMs } = progress
  const seconds = Math.max(elapsedMs, 1) / 1000
  // By the bytes of the plan; where there are none to count, by partitions.
  const share = plannedBytes > 0 ? Math.min(1, plannedBytes / plannedTotal) : done / Math.max(1, partitions)
  const left = share === 0 ? '?' : `${Math.ceil(seconds / share - seconds)} s`
  const ofPlan = plannedTotal === 0 ? '' : ` (${Math.floor(100 * share)} % of ${bytesText(plannedTotal)})`
  return `${countText(done)} of ${countText(partitions)} partitions${ofPlan}, ${countText(messages)} messages, ${rateText(messages / seconds)}, ${bytesText(bytes / seconds)}/s, ETA ${left}`
}

/** What the snapshots job writes, where, and how much of it. */
export function restartsText(
  { everyNs, folders, points, bytesEach, present }: RestartEstimate,
  { archive, restarts }: Pick<PlanHead, 'archive' | 'restarts'>,
): string {
  const each =
    bytesEach === null ? 'of a size that is not known' : `of about ${bytesText(bytesEach)}: ${bytesText(bytesEach * points)} in all`
  const where =
    restarts === undefined
      ? `beside the logs, in snapshots/ of their folders in ${archive}`
      : `in ${restarts}, in folders named as the logs'; runs find them with ${commandText(['--snapshots-from', restarts])}`
  const known = present === 0 ? '' : `; ${countText(present)} are there already`
  return `restart points: at most ${countText(points)}, every ${sliceText(BigInt(everyNs))} of ${countText(folders)} days of books, ${each}; ${where}${known}`
}

/** A partition that makes no progress, and what can be done. */
export function idleNote(at: IdlePartition): string {
  return `${idleText(at)}; Ctrl-C stops the run, and what is done is kept`
}

function failureText(failure: FailureGroup, run: ReportedRun): string {
  const { code, message, partitions, first } = failure
  const count = partitionsText(partitions)
  return `error ${code}: ${message}\n  ${count}, first ${first}; alone: ${aloneCommand(failure, run)}`
}

/** A group of failures as one line. */
export function groupText({ code, message, partitions, first }: FailureGroup): string {
  const count = partitionsText(partitions)
  return `${count}: ${code}: ${message}; first ${first}`
}

/** The command that runs the first partition of a group of failures alone. */
export function aloneCommand({ venue, symbol, startNs, endNs }: FailureGroup, { tableUri, head }: ReportedRun): string {
  return commandText([
    ...['chronicle-replay', 'run', head.source ?? head.job, '--archive', head.archive, '--table', tableUri],
    ...[...optionWords('venues', listText([venue])), ...optionWords('symbols', listText([symbol]))],
    ...['--from', isoTime(BigInt(startNs)), '--to', isoTime(BigInt(endNs))],
    ...['--slice', sliceText(BigInt(head.sliceNs)), ...paramWords(head)],
    ...(head.onCorrupt === 'skip' ? ['--on-error', 'skip'] : []),
    ...(head.blocksEffects === true ? ['--effects', 'block'] : []),
    ...(head.maxSkew === undefined ? [] : ['--max-skew', head.maxSkew]),
  ])
}

/** `1h` of 3.6·10¹². */
function sliceText(sliceNs: bigint): string {
  const [unit, lengthNs] = UNITS.find(([, length]) => sliceNs % length === 0n)!
  return `${sliceNs / lengthNs}${unit}`
}

const UNITS = [
  ['d', 86_400_000_000_000n],
  ['h', 3_600_000_000_000n],
  ['m', 60_000_000_000n],
  ['s', 1_000_000_000n],
  ['ms', 1_000_000n],
  ['us', 1000n],
] as const

/** The variants asked for as `--param`, where they are all combinations of some values. */
function paramWords(head: PlanHead): string[] {
  const { values, isGrid } = askedParams(head)
  return isGrid ? [...values].flatMap(([name, list]) => ['--param', `${name}=${list.join(',')}`]) : []
}

function partitionsText(count: number): string {
  return count === 1 ? '1 partition' : `${countText(count)} partitions`
}
