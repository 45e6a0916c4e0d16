import { isoTime } from '../core/instant.ts'
import { bytesText, countText, rateText } from '../core/number-text.ts'
import type { EquityView } from './backtest-view.ts'
import { type ColumnSummary, type Histogram, QUANTILES } from './column-summary.ts'
import { type Html, html } from './html.ts'
import { chart, durationText, type TableColumn, table } from './page-parts.ts'
import type { PlottedVariant } from './plot-scope.ts'
import type { QualityMeasure, QualityName } from './quality-map.ts'
import type { ReportModel } from './report-model.ts'
import { MAX_DRAWN_ATTEMPTS, type RunTimeline } from './run-timeline.ts'
import type { StatisticsRow, StatisticsView } from './statistics-view.ts'
import type { SweepCell } from './sweep-view.ts'
import type { VariantView } from './table-figures.ts'
import type { ReportSection } from './text-sections.ts'
import { paramsText } from './variant-text.ts'

/** The sections that are charts; each says in words what it shows. */
export function chartSections(model: ReportModel): ReportSection[] {
  const { timeline, quality, figures } = model
  return [
    ...(timeline === null ? [] : [{ id: 'timeline', title: 'Timeline', body: timelineBody(timeline) }]),
    ...(quality === null ? [] : [{ id: 'quality', title: 'Data quality', body: qualityBody(model) }]),
    ...(figures.sweep === null ? [] : [{ id: 'sweep', title: 'Sweep', body: sweepBody(model) }]),
    ...(figures.backtest === null
      ? []
      : [
          { id: 'equity', title: 'Equity', body: equityBody(figures.backtest.equity) },
          { id: 'statistics', title: 'Statistics', body: statisticsBody(figures.backtest.statistics) },
          { id: 'fills', title: 'Fills', body: choiceOf(model, fillsBody) },
        ]),
    { id: 'columns', title: 'Columns', body: choiceOf(model, columnsBody) },
    ...(figures.summaries.length === 0 ? [] : [{ id: 'values', title: 'Values', body: choiceOf(model, valuesBody) }]),
  ]
}

function timelineBody({ lanes, attempts, lengthMs, messages, bytes, busy }: RunTimeline): Html {
  const most = (values: readonly number[]): number => Math.max(0, ...values)
  const length = durationText(lengthMs)
  const states = (state: number): number => lanes.filter((lane) => lane[4] === state).length
  const tasks =
    lanes.length === 0
      ? html`<p class="muted">${countText(attempts)} attempts at tasks are too many to draw one by one (at most ${countText(MAX_DRAWN_ATTEMPTS)}).</p>`
      : chart(
          'lanes',
          `${countText(attempts)} attempts at tasks over ${length} on ${countText(most(lanes.map(([lane]) => lane)) + 1)} lanes; ${countText(states(1))} with failures, ${countText(states(2))} of which nothing counts.`,
          html`Tasks: one bar per attempt, one lane per worker. <span class="key ok">done</span> <span class="key bad">with failures</span> <span class="key idle">nothing of it counts</span>`,
        )
  return html`${tasks}
<div class="grid">
${chart('messages', `Messages per second over the ${length} of the run, at most ${rateText(most(messages))}.`, html`Messages per second, at most <b>${rateText(most(messages))}</b>`)}
${chart('bytes', `Bytes of archive read per second over the run, at most ${bytesText(most(bytes))}.`, html`Archive read per second, at most <b>${bytesText(most(bytes))}/s</b>`)}
${chart('busy', `Partitions under way over the run, at most ${most(busy)}.`, html`Partitions under way, at most <b>${most(busy).toFixed(1)}</b>`)}
</div>`
}

const MEASURES: Readonly<Record<QualityName, string>> = {
  rows: 'Rows written',
  missing: 'Partitions missing',
  gaps: 'Sequence gaps',
  duplicates: 'Duplicates',
  quarantined: 'Messages in quarantined ranges',
  unproven: 'Unproven boundaries',
  crossed: 'Rows with a crossed book',
  marked: 'Rows marked as after a gap',
}

/** What the names mean, for those who meet them here first. */
const MEANINGS: Readonly<Record<QualityName, string>> = {
  rows: 'rows of the job, by the time that they are of',
  missing: 'partitions that failed or did not run: they have no rows',
  gaps: 'places where sequence numbers or update ids do not go on: messages are missing',
  duplicates: 'messages that were there before; they change nothing',
  quarantined:
    'book events between a gap and the next snapshot: no book that they could be applied to is known, so they are left out, and rows there say gap',
  unproven:
    'begins of a folder or of a recorder’s session without a snapshot, where no id shows whether messages are missing before; the book goes on as if none were',
  crossed: 'rows whose best bid is above their best ask',
  marked: 'rows whose gap is true: their window reaches back over a gap, or the book waits for a snapshot',
}

/** One map for each thing that there is; what there is none of is said in words. */
function qualityBody({ quality, figures }: ReportModel): Html {
  const { measures, bins, binNs, fromNs, instruments } = quality!
  const counted = measures.filter(({ name }) => isCounted(name, figures))
  const found = counted.filter(({ name, total }) => total > 0 && name !== 'rows')
  const none = counted.filter(({ name, total }) => total === 0 && name !== 'rows').map(({ name }) => MEASURES[name].toLowerCase())
  const until = BigInt(fromNs) + BigInt(binNs) * BigInt(bins)
  const drawn = [...found, ...counted.filter(({ name }) => name === 'rows')]
  const map = ({ name, total, cells }: QualityMeasure): Html =>
    chart(
      `quality-${name}`,
      `${MEASURES[name]}: ${countText(total)} in ${countText(cells.length / 3)} cells of ${instruments.length} instruments × ${bins} times.`,
      html`${MEASURES[name]}: <b>${countText(total)}</b> <span class="muted">${MEANINGS[name]}</span>`,
    )
  return html`<p>By instrument and time of the data, ${isoTime(BigInt(fromNs))} to ${isoTime(until)}; a column is <span class="whole">${durationText(Number(binNs) / 1e6)}</span>, darker is more.
${none.length === 0 ? null : html`<span class="ok-text">None found:</span> ${none.join(', ')}.`}
${figures.noCrossed === null ? null : html`Crossed books are not counted: ${figures.noCrossed}.`}</p>
${drawn.map(map)}`
}

function isCounted(name: QualityName, { quality }: ReportModel['figures']): boolean {
  return (name !== 'crossed' && name !== 'marked') || quality.some((rows) => rows.name === name)
}

function sweepBody({ figures }: ReportModel): Html {
  const { metric, axes, others, cells, byInstrument, otherInstruments } = figures.sweep!
  const names = axes.map(({ name }) => name).join(' and ')
  const known = cells.flatMap(({ value, at }) => (value === null ? [] : [{ value, at }]))
  const best = known.toSorted((a, b) => b.value - a.value)[0]
  const text = (at: readonly number[]): string => axes.map(({ name, values }, i) => `${name} = ${values[at[i]!]}`).join(', ')
  const peak = best === undefined ? '' : ` It is greatest, ${best.value.toPrecision(5)}, at ${text(best.at)}.`
  const columns: readonly TableColumn<SweepCell>[] = [
    ...axes.map(({ name, values }, i) => ({ title: name, cell: ({ at }: SweepCell) => String(values[at[i]!]) })),
    { title: metric, cell: ({ value }) => numberText(value), isNumber: true },
    { title: 't', cell: ({ t }) => (t === null ? '–' : t.toFixed(1)), isNumber: true },
    { title: 'Days of instruments', cell: ({ days }) => countText(days), isNumber: true },
    { title: 'Rows', cell: ({ rows }) => countText(rows), isNumber: true },
  ]
  return html`${chart('sweep', `${metric} over ${names}: ${cells.length} combinations.${peak}`, html`<b>${metric}</b> over ${names}, all rows of the table.${peak}${axes.length === 2 ? html` Colours: ${shadeKeys(cells.map(({ value }) => value))}` : null}`)}
<p class="muted">Below each value its t-statistic: the mean of the metric over days of instruments, each alone, ÷ the standard error of that mean. Beyond ±2 it is unlikely to be chance; of many combinations one is likely to be there by chance alone.${others.length === 0 ? '' : ` Also varying, and taken together: ${others.join(', ')}.`}</p>
<details><summary>The figures</summary>${table(columns, cells)}</details>
${
  byInstrument === null
    ? null
    : chart(
        'sweepby',
        `${metric} of ${byInstrument.length} instruments over ${cells.length} combinations.`,
        html`<b>${metric}</b> by instrument, for each ${axes.map(({ name }) => name).join(' · ')}${otherInstruments === 0 ? '' : `, those with most rows; ${countText(otherInstruments)} more are not drawn`}; ${shadeKeys(byInstrument.flatMap(({ values }) => values))}`,
      )
}`
}

/** What the colours of a heat map mean: a narrow one has no figures in its cells. */
function shadeKeys(values: readonly (number | null)[]): Html {
  const known = values.filter((value) => value !== null)
  const [isAbove, isBelow] = [known.some((value) => value > 0), known.some((value) => value < 0)]
  if (isAbove && isBelow)
    return html`the deeper, the farther from 0 <span class="key line-0">above</span> <span class="key line-1">below</span>`
  return html`the deeper, the ${isBelow ? 'less' : 'greater'}`
}

/** Seven digits, as many zeros as there have to be. */
function numberText(value: number | null): string {
  return value === null ? '–' : String(Number(value.toPrecision(7)))
}

function equityBody({ curves, others, instruments }: EquityView): Html {
  const columns: readonly TableColumn<EquityView['curves'][number]>[] = [
    { title: 'Variant', cell: ({ label, isPlotted }) => `${label}${isPlotted && curves.length > 1 ? ' (its fills are below)' : ''}` },
    { title: 'Gain', cell: ({ gain }) => numberText(gain), isNumber: true },
    { title: 'Greatest drawdown', cell: ({ drawdown }) => numberText(drawdown), isNumber: true },
  ]
  const what = `${countText(curves.length)} ${curves.length === 1 ? 'variant' : 'variants'}`
  return html`<p>Of ${instruments === 1 ? 'the instrument' : `all ${countText(instruments)} instruments together`}, fees off; each session begins at 0, and its gain is added to those before it.${others === 0 ? '' : ` The variants that gained most are drawn, ${countText(others)} more are not.`}</p>
<p class="keys">${curves.map(({ label }, i) => html`<span class="key line-${i}">${label}</span> `)}</p>
<div class="grid two">
${chart('equity', `Equity over time of ${what}.`, html`<b>Equity</b>`)}
${chart('drawdown', `Drawdown over time of ${what}.`, html`<b>Drawdown</b>: how far equity is below the most that it was`)}
</div>
${table(columns, curves)}`
}

function statisticsBody({ rows, others, yearDays, bookSize }: StatisticsView): Html {
  const columnsOf = (figures: readonly (readonly [name: string, title: string])[]): readonly TableColumn<StatisticsRow>[] => [
    { title: 'Variant', cell: ({ label }) => label, isName: true },
    { title: 'Instrument', cell: ({ instrument }) => instrument, isName: true },
    ...figures.map(([name, title]) => ({ title, cell: ({ values }: StatisticsRow) => numberText(values[name]!), isNumber: true })),
  ]
  const more = others === 0 ? '' : ` Those with most turnover; ${countText(others)} more are not told of.`
  return html`<p>As the command <code>statistics</code> has them; it tells more, and also by day. Of a year of ${yearDays} days, fees off; money in the quote currency (inverse contracts: the base coin).${more}</p>
${table(columnsOf(GAINED), rows)}
${table(columnsOf(TRADED), rows)}
${bookSize === null ? html`<p class="muted">With <code>--book-size</code>, the money at stake per variant and instrument, also returns and leverage.</p>` : html`<p>Relative to a book of ${countText(bookSize)}:</p>${table(columnsOf(OF_BOOK), rows)}`}`
}

const GAINED = [
  ['gain', 'Gain'],
  ['annual_gain', 'Annual gain'],
  ['sharpe', 'Sharpe'],
  ['sortino', 'Sortino'],
  ['max_drawdown', 'Greatest drawdown'],
  ['gain_over_drawdown', 'Return over drawdown'],
  ['gain_over_turnover', 'Return over trade'],
] as const

const TRADED = [
  ['daily_fills', 'Fills per day'],
  ['daily_turnover', 'Turnover per day'],
  ['fill_ratio', 'Fill ratio'],
  ['maker_share', 'Maker share'],
  ['max_position_value', 'Greatest position value'],
  ['median_position_value', 'Median position value'],
  ['fills_in_flight', 'Fills never reported'],
] as const

const OF_BOOK = [
  ['return', 'Return'],
  ['annual_return', 'Annual return'],
  ['max_drawdown_ratio', 'Greatest drawdown'],
  ['turnover_ratio', 'Turnover'],
  ['max_leverage', 'Greatest leverage'],
] as const

/** A variant of the run, and which of those that the page has: 0 is what it begins with. */
interface ShownView extends VariantView {
  readonly number: number
}

/** What is of one variant, with a choice where the page has several: the script puts the others in its place. */
function choiceOf(model: ReportModel, body: (model: ReportModel, view: ShownView) => Html): Html {
  const { variant, plots, summaries, backtest, others } = model.figures
  const none: PlottedVariant = { id: '', params: null, of: 0 }
  const views = [{ variant: variant ?? none, plots, summaries, fills: backtest?.fills ?? [] }, ...others].map((view, number) => ({
    ...view,
    number,
  }))
  const [first, ...rest] = views as [ShownView, ...ShownView[]]
  if (rest.length === 0) return body(model, first)
  const left = first.variant.of - views.length
  const options = views.map((view) => html`<option value="${view.number}">${labelOf(view, model)}</option>`)
  const more =
    left <= 0 ? null : html` <span class="muted">${countText(left)} more ${left === 1 ? 'has' : 'have'} rows: --param charts another</span>`
  return html`<div class="choice"><p><label>Variant <select>${options}</select></label>${more}</p>
<div class="chosen">${body(model, first)}</div>
${rest.map((view) => html`<template data-variant="${view.number}">${body(model, view)}</template>`)}</div>`
}

function labelOf({ variant: { id, params } }: VariantView, { head }: ReportModel): string {
  return params === null ? id : paramsText(params, head.variants)
}

/** Of which view a chart is; `''`: of what the page begins with. */
function suffixOf({ number }: ShownView): string {
  return number === 0 ? '' : `-${number}`
}

function fillsBody(model: ReportModel, view: ShownView): Html {
  return html`<p>Fills on the mid price${variantText(model, view)}; filled marks are of makers, hollow ones of takers. <span class="key ok">buys</span> <span class="key bad">sells</span></p>
<div class="grid two">${view.fills.map(({ instrument, buys, sells, marks }, i) => {
    const drawn = marks.length / 4
    const caption = html`${instrument} <span class="muted">${countText(buys)} buys, ${countText(sells)} sells${drawn < buys + sells ? `, ${countText(drawn)} of them drawn` : ''}</span>`
    return chart(
      `fills-${i}${suffixOf(view)}`,
      `Mid price of ${instrument} with ${countText(buys)} buys and ${countText(sells)} sells.`,
      caption,
    )
  })}</div>`
}

/** Which variant charts are of. */
function variantText(model: ReportModel, view: ShownView): string {
  const { of } = view.variant
  if (of < 2) return ''
  const isChoice = model.figures.others.length > 0
  return ` of the variant with ${labelOf(view, model)}, one of ${countText(of)}${isChoice ? '' : ' (--param chooses another)'}`
}

function columnsBody(model: ReportModel, view: ShownView): Html {
  const { problem, source } = model.figures
  const { plots } = view
  if (problem !== null) return html`<p class="muted">No charts of the rows: ${problem}</p>`
  if (plots.length === 0) return html`<p class="muted">The rows have no numeric columns of the job’s own.</p>`
  if (plots.every(({ curves }) => curves.length === 0)) return html`<p class="muted">The variants of this run have no rows.</p>`
  const from = source === 'table' ? 'Rows of the table' : 'Rows that the run wrote and that are not in the table'
  return html`<p>${from}${variantText(model, view)}: the mean in each step of time, and the range from least to greatest; up to four instruments with most rows. Values far out of the others’ range are marked at the edge, so that they do not flatten the curve.</p>
${plots.map(
  ({ column, curves }, i) => html`<h3>${column}</h3>
<div class="grid four">${curves.map(({ instrument, values }, j) => {
    const caption = html`${instrument} <span class="muted">${countText(values)} values</span>`
    // An empty chart says less than its caption.
    if (values === 0) return html`<p>${caption}</p>`
    return chart(`column-${i}-${j}${suffixOf(view)}`, `${column} of ${instrument} over time: ${countText(values)} values.`, caption)
  })}</div>`,
)}`
}

function valuesBody(model: ReportModel, view: ShownView): Html {
  const { otherColumns } = model.figures
  const { summaries } = view
  const at = (title: string, index: number): TableColumn<ColumnSummary> => ({
    title,
    cell: ({ quantiles }) => (quantiles[index] === undefined ? '–' : digits(quantiles[index]!)),
    isNumber: true,
  })
  const columns: readonly TableColumn<ColumnSummary>[] = [
    {
      title: 'Column',
      cell: ({ column, histogram }) => html`${column}${histogram === null ? null : histogramSvg(histogram, column)}`,
      isName: true,
    },
    { title: 'Values', cell: ({ rows, nulls }) => countText(rows - nulls), isNumber: true },
    { title: 'NULL', cell: ({ nulls }) => countText(nulls), isNumber: true },
    ...(summaries.some(({ notFinite }) => notFinite > 0)
      ? [{ title: 'Not finite', cell: ({ notFinite }: ColumnSummary) => countText(notFinite), isNumber: true }]
      : []),
    { title: 'Mean', cell: ({ mean }) => (mean === null ? '–' : digits(mean)), isNumber: true },
    { title: 'Std. dev.', cell: ({ deviation }) => (deviation === null ? '–' : digits(deviation)), isNumber: true },
    ...QUANTILES.map((q, i) => at(q === 0 ? 'Least' : q === 1 ? 'Greatest' : q === 0.5 ? 'Median' : `${q * 100} %`, i)),
  ]
  return html`<p>All rows${variantText(model, view)}, all instruments together. Below each name how the values are spread, from the 1 % to the 99 % quantile.${otherColumns === 0 ? '' : ` ${countText(otherColumns)} more columns are not here.`}</p>
${table(columns, summaries)}`
}

/** Five digits. */
function digits(value: number): string {
  const text = Number(value.toPrecision(5))
  return Math.abs(text) >= 1e9 || (text !== 0 && Math.abs(text) < 1e-3)
    ? text.toExponential()
    : text.toLocaleString('en-US', { maximumFractionDigits: 8 })
}

/** Bars without axes: the figures stand beside them. */
function histogramSvg({ from, to, counts }: Histogram, column: string): Html {
  const most = Math.max(1, ...counts)
  const bars = counts.map((count, i) => {
    const height = count === 0 ? 0 : Math.max(1, Math.round((count / most) * 26))
    return html`<rect x="${i * 4}" y="${26 - height}" width="3.4" height="${height}"/>`
  })
  return html`<svg class="bars" viewBox="0 0 120 26" width="120" height="26" role="img" aria-label="Distribution of ${column} from ${digits(from)} to ${digits(to)}">${bars}</svg>`
}
