import { isoTime } from '../../core/instant.ts'
import type { RunPlan } from '../../core/plan/plan.ts'
import type { CommandInput, CommandSpec } from '../command.ts'
import { JOB_OPTIONS, planCommand } from '../job-options.ts'
import { bytesText, commandText, countText, dollarsText, jsonText, optionWords, tableText } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { messagesDocument, missingStreamText, NOTHING_READ, reportFindings, restartsText } from '../run-report.ts'

/** Instruments that are shown by name. */
const MAX_INSTRUMENTS = 40

export const plan: CommandSpec = {
  name: 'plan',
  summary: 'what a run would do and cost; writes nothing',
  arguments: [{ name: 'job', help: 'job module (my-job.ts), or messages, trades, tickers, bars, book-features, snapshots' }],
  options: JOB_OPTIONS,
  examples: [
    {
      command: 'chronicle-replay plan bars --archive archive --table bars --param every=5m',
      does: 'five-minute bars of all that there is',
    },
    {
      command:
        'chronicle-replay plan my-job.ts --archive archive --table out --symbols btcusdt --from 2024-08-08 --to 2024-08-09 --slice 1h --param depth=1,5,10',
      does: 'one symbol and day in 24 partitions, three variants of the job',
    },
  ],
  async run(input, io) {
    const planned = await planCommand(input)
    const progress = new ProgressLine(io, input)
    if (input.flag('json')) {
      for (const text of documentPieces(planned.plan, planned.tableUri)) io.out(text)
      reportFindings(planned.plan.head.findings, progress)
      return 0
    }
    io.out(textOf(planned.plan))
    for (const note of planned.plan.notes) progress.note(`note: ${note}`)
    reportFindings(planned.plan.head.findings, progress)
    for (const missing of planned.plan.head.missingStreams ?? []) progress.note(missingStreamText(missing, planned.plan.head))
    for (const advice of planned.plan.advice) progress.note(`advice: ${advice}`)
    const { run, stale } = planned.plan.head.counts
    if (run + stale === 0) progress.note(`nothing to do; next: ${commandText(['chronicle-replay', 'query', planned.tableUri])}`)
    else progress.note(`next: ${commandText(['chronicle-replay', 'run', ...sameArguments(input)])}`)
    return 0
  },
}

/** The JSON document; in pieces, because of a list with every partition. */
function* documentPieces(plan: RunPlan, table: string): Generator<string, void, undefined> {
  const whole = jsonText(documentOf(plan, table))
  yield `${whole.slice(0, whole.lastIndexOf('}'))},"cells":[`
  let piece = ''
  let separator = '\n'
  for (const { startNs, endNs, ...cell } of plan.cells()) {
    piece += `${separator}${JSON.stringify({ ...cell, from: isoTime(startNs), to: isoTime(endNs) })}`
    separator = ',\n'
    if (piece.length < PIECE_LENGTH) continue
    yield piece
    piece = ''
  }
  yield `${piece}\n]}\n`
}

const PIECE_LENGTH = 65_536

function documentOf({ head, instruments, tasks, advice, notes }: RunPlan, table: string): object {
  const {
    version: _version,
    run: _run,
    counts,
    partitions: _partitions,
    tasks: _tasks,
    variantSets: _sets,
    asked,
    variants,
    findings = [],
    ...rest
  } = head
  return {
    ...rest,
    findings,
    ...messagesDocument(NOTHING_READ),
    table,
    variants: variants.length === 0 ? asked.map((id) => ({ id })) : variants,
    partitions: counts,
    instruments,
    tasks: tasks.map(({ partitions, bytes }) => ({ partitions, bytes: Math.round(bytes) })),
    advice,
    notes,
  }
}

function textOf({ head, instruments, tasks }: RunPlan): string {
  const { counts, cost, asked } = head
  const range = `${isoTime(BigInt(head.fromNs))} to ${isoTime(BigInt(head.toNs))}`
  const shown = instruments.slice(0, MAX_INSTRUMENTS)
  const more = instruments.length - shown.length
  const hours = `${cost.vcpuHours.low.toPrecision(2)} to ${cost.vcpuHours.high.toPrecision(2)} vCPU-hours`
  return [
    `job ${head.job}, ${countText(asked.length)} variant${asked.length === 1 ? '' : 's'}, ${range}\n\n`,
    tableText(
      ['venue', 'symbol', 'run', 'cached', 'stale', 'bytes'],
      shown.map(({ venue, symbol, run, cached, stale, bytes }) => [venue, symbol, run, cached, stale, bytesText(Math.round(bytes))]),
    ),
    more > 0 ? `… and ${countText(more)} more instruments\n` : '',
    '\n',
    tableText(
      ['partitions', 'state', 'why', 'first'],
      head.reasons.map(({ state, reason, partitions, first }) => [partitions, state, reason, first]),
    ),
    '\n',
    `${countText(counts.run + counts.stale)} partitions to run in ${countText(tasks.length)} tasks, ${countText(counts.cached)} cached\n`,
    `${bytesText(cost.bytesRead)} to read, ${cost.amplification.toFixed(2)} times the ${bytesText(cost.bytesInRange)} in range; `,
    `${countText(cost.getRequests)} GET, ${countText(cost.putRequests)} PUT\n`,
    head.restartPoints === undefined ? '' : `${restartsText(head.restartPoints, head)}\n`,
    head.check === undefined
      ? ''
      : `check: ${countText(head.check.partitions.length)} of them are made a second time from other starts, and their rows compared\n`,
    `${hours}, ${dollarsText(cost.dollars.low)} to ${dollarsText(cost.dollars.high)} on AWS, if\n`,
    ...cost.assumptions.map((assumption) => `  - ${assumption}\n`),
  ].join('')
}

/** The words of the command line again, for `run`. */
function sameArguments(input: CommandInput): string[] {
  const options = Object.keys(JOB_OPTIONS).flatMap((name) => {
    if (JOB_OPTIONS[name]!.value === undefined) return input.flag(name) ? [`--${name}`] : []
    const text = JOB_OPTIONS[name]!.many === true ? input.texts(name) : input.text(name)
    const values = typeof text === 'string' ? [text] : (text ?? [])
    return values.flatMap((value) => optionWords(name, value))
  })
  return [...input.positionals, ...options]
}
