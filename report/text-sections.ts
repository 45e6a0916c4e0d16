import type { FailureGroup } from '../core/commit/failure-groups.ts'
import { isoTime } from '../core/instant.ts'
import { bytesText, countText, rateText } from '../core/number-text.ts'
import { findingText } from '../core/plan/archive/listing-findings.ts'
import { askedParams } from '../core/plan/asked-params.ts'
import { partitionText } from '../core/plan/partition-state.ts'
import type { PlanHead } from '../core/plan/run/plan-document.ts'
import { runFiles } from '../core/plan/run/run-files.ts'
import { otherCodeText } from '../core/plan/table/variant-codes.ts'
import { quoteName } from '../core/table/file-select.ts'
import { type Html, html } from './html.ts'
import { clockText, copyBlock, dollarsText, durationText, facts, type TableColumn, table } from './page-parts.ts'
import type { ReportModel, RunState } from './report-model.ts'
import type { RunCost } from './run-cost.ts'
import { inOrder, sortVariants } from './variant-text.ts'

/** The command lines that a report gives to copy. */
export interface ReportCommands {
  /** Runs the first partition of a group alone. */
  alone(failure: FailureGroup, head: PlanHead): string
  /** Goes on with the run. */
  resume(run: string): string
  query(sql: string, run: string | null): string
  /** Lists the variants of the table. */
  variants(): string
}

export interface ReportSection {
  readonly id: string
  readonly title: string
  readonly body: Html
}

/** The sections that are words and numbers. */
export function textSections(model: ReportModel, commands: ReportCommands): ReportSection[] {
  return [
    ...(model.failures.length === 0 ? [] : [failuresSection(model, commands)]),
    { id: 'run', title: 'What ran', body: runBody(model) },
    { id: 'totals', title: 'Totals', body: totalsBody(model) },
    ...(model.slowest.length === 0 ? [] : [{ id: 'slowest', title: 'Slowest partitions', body: slowestBody(model) }]),
    ...(model.cost === null ? [] : [{ id: 'cost', title: 'Cost', body: costBody(model.cost) }]),
    { id: 'job', title: 'Job', body: jobBody(model) },
    { id: 'query', title: 'Query it', body: queryBody(model, commands) },
  ]
}

/** What one sees first: job, run, state, and the figures that matter. */
export function headSection({ head, state, totals, commits, cost, otherCode }: ReportModel, commands: ReportCommands): Html {
  const { partitions, messages, rows, wallMs } = totals
  const seconds = wallMs / 1000
  const scanned = messages.read + messages.warmUp
  const version = commits.at(-1)?.version
  const figures: readonly (readonly [string, string, string])[] = [
    ['Rows', countText(rows), `${countText(totals.parts)} parts, ${bytesText(totals.bytesWritten)}`],
    ['Partitions', `${countText(partitions.done)} of ${countText(partitions.planned)}`, `${countText(partitions.cached)} more cached`],
    ['Messages', countText(scanned), `${bytesText(totals.bytesRead)} of archive`],
    ['Time', durationText(wallMs), `${durationText(totals.busyMs)} of threads`],
    [
      'Throughput',
      seconds === 0 ? '–' : rateText(scanned / seconds),
      seconds === 0 ? '' : `messages; ${bytesText(totals.bytesRead / seconds)}/s of archive`,
    ],
    cost === null
      ? ['Variants', countText(askedParams(head).variants), head.streams.join(', ')]
      : ['Cost on AWS', dollarsText(cost.dollars), `${dollarsText(cost.spotDollars)} if all Spot`],
  ]
  return html`<header class="top">
<p class="eyebrow">chronicle-replay · run report</p>
<h1>${head.job} <span class="badge ${STATE_CLASS[state]}">${state}</span></h1>
<p class="lede"><code>${head.run}</code> ${stateText(state, version)} · planned ${clockText(head.createdMs)}</p>
<dl class="figures">${figures.map(([name, value, note]) => html`<div><dt>${name}</dt><dd>${value}<small>${note}</small></dd></div>`)}</dl>
${otherCode === null ? null : html`<p class="note">${otherCodeText(otherCode)}. <code>${commands.variants()}</code> lists them, <code>run --all-variants</code> makes them anew.</p>`}
</header>`
}

const STATE_CLASS: Readonly<Record<RunState, string>> = { complete: 'ok', partial: 'warn', 'not committed': 'bad', cancelled: 'bad' }

function stateText(state: RunState, version: number | undefined): string {
  if (state === 'complete') return `is version ${version} of the table`
  if (state === 'partial') return `is version ${version} of the table, without some of its partitions`
  return state === 'cancelled' ? 'was cancelled; nothing of it is in the table' : 'is not in the table'
}

function failuresSection({ failures, totals, head }: ReportModel, commands: ReportCommands): ReportSection {
  const { failed, notRun } = totals.partitions
  const cards = failures.map(
    (failure) => html`<li class="failure">
<h3><span class="count">${countText(failure.partitions)}</span> <code>${failure.code}</code> <span class="muted">${failure.category}</span></h3>
<p>${failure.message}</p>
<p class="muted">First: ${failure.first}. To reproduce it alone:</p>
${copyBlock(commands.alone(failure, head), 'the command that reproduces this failure')}
</li>`,
  )
  const body = html`<p>${countText(failed)} of ${countText(head.partitions)} partitions failed and ${countText(notRun)} did not run, by cause. When the cause is mended, go on with:</p>
${copyBlock(commands.resume(head.run), 'the command that goes on with the run')}
<ol class="failures">${cards}</ol>`
  return { id: 'failures', title: 'Failures', body }
}

function runBody({ tableUri, head, commits, instruments }: ReportModel): Html {
  const { values, variants } = askedParams(head)
  const params = [...values].map(([name, list]) => (list.length === 1 ? `${name} = ${list[0]}` : `${name} ∈ {${inOrder(list).join(', ')}}`))
  const committed = commits.map(
    ({ version, timestampMs }) => `version ${version}${timestampMs === null ? '' : `, ${clockText(timestampMs)}`}`,
  )
  return facts([
    [
      'Job',
      html`${head.job}${head.source === undefined || head.source === head.job ? null : html` <span class="muted">${head.source}</span>`}`,
    ],
    ['Code', html`<code>${head.bundle}</code>`],
    ['Engine', html`<code>${head.engine}</code>`],
    ['Parameters', params.join(' · ') || 'none'],
    ['Variants', countText(variants)],
    ['Archive', head.archive],
    ...(head.findings ?? []).map((finding) => ['Not read of it', findingText(finding)] as const),
    ['Streams', `${head.streams.join(', ')}, by ${head.clock} time`],
    ['Instruments', instrumentsText(instruments)],
    ['Range', `${isoTime(BigInt(head.fromNs))} to ${isoTime(BigInt(head.toNs))}, in cells of ${durationText(Number(head.sliceNs) / 1e6)}`],
    ['Table', tableUri],
    ['Committed', committed.join('; ') || 'no'],
    ['Tolerance', `${(head.tolerance * 100).toLocaleString('en-US')} % of partitions may be missing`],
    [
      'Plan',
      `${countText(head.tasks)} tasks, ${bytesText(head.cost.bytesRead)} to read, ${head.cost.amplification.toFixed(2)} × what is in range`,
    ],
  ])
}

/** Partitions that were made a second time, and what came of it. */
function checkText({ partitions, seed, findings }: NonNullable<ReportModel['totals']['check']>): string {
  const result = findings.length === 0 ? 'the same rows' : findings.map(({ message }) => message).join(' · ')
  return `${countText(partitions)} partitions, seed ${seed}: ${result}`
}

function instrumentsText(instruments: readonly string[]): string {
  const [named, rest] = [instruments.slice(0, MAX_NAMED), instruments.length - MAX_NAMED]
  return `${countText(instruments.length)}: ${named.join(', ')}${rest > 0 ? ` and ${countText(rest)} more` : ''}`
}

const MAX_NAMED = 6

function totalsBody({ totals, checks, figures }: ReportModel): Html {
  const { partitions, messages, gaps } = totals
  const named = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .sort(([, a], [, b]) => b - a)
      .map(([name, count]) => `${countText(count)} ${name}`)
      .join(', ')
  const leftOut = Object.values(messages.leftOut).reduce((all, count) => all + count, 0)
  const failing = checks.filter(({ holds }) => !holds).length
  const reasons = totals.reasons.map(
    ({ state, reason, partitions: count }) =>
      html`<li>${countText(count)} ${state === 'cached' ? 'cached' : `to run, ${state === 'stale' ? 'stale' : 'new'}`}: ${reason}</li>`,
  )
  return html`${facts([
    ['Partitions asked for', countText(partitions.asked)],
    ['Cached', countText(partitions.cached)],
    ['To run', countText(partitions.planned)],
    ['Done', `${countText(partitions.done)}, ${countText(partitions.empty)} of them without rows`],
    ['Failed · not run', `${countText(partitions.failed)} · ${countText(partitions.notRun)}`],
    ['Committed', countText(partitions.committed)],
    ['Messages read', countText(messages.read)],
    ['Warm-up messages', countText(messages.warmUp)],
    ['Left out', leftOut === 0 ? '0' : `${countText(leftOut)}: ${named(messages.leftOut)}`],
    ['Sequence findings', named(gaps) || '0'],
    ['Unproven boundaries', countText(totals.unproven)],
    ...(totals.check === null ? [] : [['Made a second time', checkText(totals.check)] as const]),
    ['Rows', countText(totals.rows)],
    ['Parts', `${countText(totals.parts)}, ${bytesText(totals.bytesWritten)}`],
    ['Archive read', bytesText(totals.bytesRead)],
    ...(totals.table === null
      ? []
      : [
          [
            'The table',
            `${countText(totals.table.rows)} rows in ${countText(totals.table.parts)} parts, ${bytesText(totals.table.bytes)}, version ${totals.table.version}`,
          ] as const,
        ]),
  ])}
${reasons.length === 0 ? null : html`<h3>Why</h3><ul class="plain">${reasons}</ul>`}
<h3>${failing === 0 ? 'The totals agree' : html`<span class="badge bad">${failing} of the totals do not agree</span>`}</h3>
<div class="verdicts">${table(CHECK_COLUMNS, checks)}</div>
${figures.problem === null ? null : html`<p class="muted">The rows were not counted: ${figures.problem}</p>`}`
}

const CHECK_COLUMNS: readonly TableColumn<ReportModel['checks'][number]>[] = [
  { title: 'What', cell: ({ what }) => what },
  { title: 'One side', cell: ({ left }) => left, isNumber: true },
  { title: '', cell: ({ leftIs }) => leftIs },
  { title: 'Other side', cell: ({ right }) => right, isNumber: true },
  { title: '', cell: ({ rightIs }) => rightIs },
  { title: '', cell: ({ holds }) => (holds ? html`<span class="ok-text">agree</span>` : html`<span class="bad-text">differ</span>`) },
]

function slowestBody({ slowest, totals }: ReportModel): Html {
  const share = slowest.reduce((all, { timing }) => all + timing.durationMs, 0) / Math.max(totals.busyMs, 1e-9)
  return html`<p>The ${countText(slowest.length)} slowest took ${share < 0.01 ? 'under 1' : (share * 100).toFixed(0)} % of all time of threads.</p>
${table(SLOWEST_COLUMNS, slowest)}`
}

const SLOWEST_COLUMNS: readonly TableColumn<ReportModel['slowest'][number]>[] = [
  { title: 'Partition', cell: ({ venue, symbol, startNs }) => partitionText(venue, symbol, BigInt(startNs)), isName: true },
  { title: 'Time', cell: ({ timing }) => durationText(timing.durationMs), isNumber: true },
  { title: 'Messages', cell: ({ messages }) => countText(messages.read), isNumber: true },
  { title: 'Warm-up', cell: ({ messages }) => countText(messages.warmUp), isNumber: true },
  { title: 'Read', cell: ({ timing }) => bytesText(timing.bytes), isNumber: true },
  {
    title: 'Rate',
    cell: ({ messages, timing }) =>
      timing.durationMs === 0 ? '–' : rateText(((messages.read + messages.warmUp) * 1000) / timing.durationMs),
    isNumber: true,
  },
  { title: 'Rows', cell: ({ rows }) => countText(rows), isNumber: true },
  { title: 'Task', cell: ({ task }) => task, isNumber: true },
]

function costBody(cost: RunCost): Html {
  const hours = (value: number): string => `${value === 0 ? 0 : value.toPrecision(3)} vCPU-hours`
  return html`<p>At the prices of AWS, wherever it ran: time of threads on partitions, and requests as planned.</p>
${facts([
  ['Total, on demand', `${dollarsText(cost.dollars)} for ${hours(cost.vcpuHours)}`],
  ['If all Spot', dollarsText(cost.spotDollars)],
  [
    'Wasted',
    `${dollarsText(cost.wastedDollars)} for ${hours(cost.wastedHours)}: ${countText(cost.failedReceipts)} failed and ${countText(cost.duplicateReceipts)} duplicate attempts at partitions`,
  ],
  [
    'Planned',
    `${dollarsText(cost.planned.low)} to ${dollarsText(cost.planned.high)} for ${cost.planned.lowHours.toPrecision(3)} to ${hours(cost.planned.highHours)}`,
  ],
  ['Requests', `${countText(cost.gets)} GET, ${countText(cost.puts)} PUT`],
])}
<details><summary>Assumptions</summary><ul class="plain">${[...cost.assumptions, 'starting tasks does not show in receipts and is left out of the total'].map((text) => html`<li>${text}</li>`)}</ul></details>`
}

/** The code as it ran, and each variant of it. */
function jobBody({ head, code, figures }: ReportModel): Html {
  const asked = sortVariants(head.variants).filter(({ id }) => head.asked.includes(id))
  const names = Object.keys(asked[0]?.params ?? {})
  const columns: readonly TableColumn<(typeof asked)[number]>[] = [
    ...names.map((name) => ({ title: name, cell: ({ params }: (typeof asked)[number]) => String(params[name]) })),
    { title: 'Variant', cell: ({ id }) => html`<code>${id}</code>${id === figures.variant?.id ? ' charted' : ''}` },
  ]
  const lines = code?.split('\n') ?? []
  const shown = lines.slice(0, MAX_CODE_LINES).join('\n')
  const rest = lines.length - MAX_CODE_LINES
  return html`${
    names.length === 0
      ? html`<p>The job has no parameters.</p>`
      : html`${table(columns, asked.slice(0, MAX_VARIANT_ROWS))}
${asked.length > MAX_VARIANT_ROWS ? html`<p class="muted">${countText(asked.length - MAX_VARIANT_ROWS)} more variants are not listed.</p>` : null}`
  }
${code === null ? html`<p class="muted">Its code is not there any more.</p>` : html`<details><summary>The code as it ran: ${head.source ?? head.job}, bundled</summary>${copyBlock(shown, 'the code')}${rest > 0 ? html`<p class="muted">${countText(rest)} more lines are in ${runFiles(head.run).bundle}.</p>` : null}</details>`}`
}

const MAX_CODE_LINES = 600
const MAX_VARIANT_ROWS = 200

function queryBody({ tableUri, head, commits, figures }: ReportModel, commands: ReportCommands): Html {
  if (commits.length === 0)
    return html`<p>Nothing of this run is in the table. What there is from other runs:</p>${copyBlock(commands.query('select count(*) from t', null), 'a query')}`
  const [plot] = figures.plots
  const mean = plot === undefined ? '' : `, avg(${quoteName(plot.column)}) as ${quoteName(plot.column)}`
  const sql = `select symbol, date, count(*) as rows${mean} from t group by all order by all`
  const plain = sql.replace('from t ', `from delta_scan('${tableUri.replaceAll("'", "''")}') `)
  return html`<p>The table as this run left it:</p>
${copyBlock(commands.query(sql, head.run), 'the query as a command line')}
<p>In DuckDB itself, the newest version, with its <code>delta</code> extension:</p>
${copyBlock(`${plain};`, 'the query for DuckDB')}`
}
