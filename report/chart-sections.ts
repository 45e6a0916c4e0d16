import { isoTime } from '../core/instant.ts'
import { bytesText, countText, rateText } from '../core/number-text.ts'
import { type Html, html } from './html.ts'
import { chart, durationText } from './page-parts.ts'
import type { QualityMeasure, QualityName } from './quality-map.ts'
import type { ReportModel } from './report-model.ts'
import { MAX_DRAWN_ATTEMPTS, type RunTimeline } from './run-timeline.ts'
import type { ReportSection } from './text-sections.ts'

/** The sections that are charts; each says in words what it shows. */
export function chartSections(model: ReportModel): ReportSection[] {
  const { timeline, quality, figures } = model
  return [
    ...(timeline === null ? [] : [{ id: 'timeline', title: 'Timeline', body: timelineBody(timeline) }]),
    ...(quality === null ? [] : [{ id: 'quality', title: 'Data quality', body: qualityBody(model) }]),
    ...(figures.sweep === null ? [] : [{ id: 'sweep', title: 'Sweep', body: sweepBody(model) }]),
    { id: 'columns', title: 'Columns', body: columnsBody(model) },
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
  unproven: 'Boundaries that nothing proves',
  crossed: 'Rows with a crossed book',
  marked: 'Rows marked as after a gap',
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
      html`${MEASURES[name]}: <b>${countText(total)}</b>`,
    )
  return html`<p>By instrument and time of the data, ${isoTime(BigInt(fromNs))} to ${isoTime(until)}; a column is ${durationText(Number(binNs) / 1e6)}, darker is more.
${none.length === 0 ? null : html`<span class="ok-text">None found:</span> ${none.join(', ')}.`}
${figures.noCrossed === null ? null : html`Crossed books are not counted: ${figures.noCrossed}.`}</p>
${drawn.map(map)}`
}

function isCounted(name: QualityName, { quality }: ReportModel['figures']): boolean {
  return (name !== 'crossed' && name !== 'marked') || quality.some((rows) => rows.name === name)
}

function sweepBody({ figures }: ReportModel): Html {
  const { metric, axes, others, cells } = figures.sweep!
  const names = axes.map(({ name }) => name).join(' and ')
  const known = cells.flatMap(({ value, at }) => (value === null ? [] : [{ value, at }]))
  const best = known.toSorted((a, b) => b.value - a.value)[0]
  const text = (at: readonly number[]): string => axes.map(({ name, values }, i) => `${name} = ${values[at[i]!]}`).join(', ')
  const peak = best === undefined ? '' : ` It is greatest, ${best.value.toPrecision(5)}, at ${text(best.at)}.`
  return html`${chart('sweep', `${metric} over ${names}: ${cells.length} combinations.${peak}`, html`<b>${metric}</b> over ${names}, all rows of the table.${peak}`)}
${others.length === 0 ? null : html`<p class="muted">Also varying, and taken together: ${others.join(', ')}.</p>`}`
}

function columnsBody({ figures, head }: ReportModel): Html {
  const { plots, problem, source } = figures
  if (problem !== null) return html`<p class="muted">No charts of the rows: ${problem}</p>`
  if (plots.length === 0) return html`<p class="muted">The rows have no numeric columns of the job’s own.</p>`
  if (plots.every(({ curves }) => curves.length === 0)) return html`<p class="muted">The variants of this run have no rows.</p>`
  const variant = head.variants.length > 1 ? ` One variant of ${head.variants.length} is shown.` : ''
  const from = source === 'table' ? 'Rows of the table' : 'Rows that the run wrote and that are not in the table'
  return html`<p>${from}: the mean in each step of time, and the range from least to greatest; up to four instruments with most rows.${variant}</p>
${plots.map(
  ({ column, curves }, i) => html`<h3>${column}</h3>
<div class="grid four">${curves.map(({ instrument, values }, j) => {
    const caption = html`${instrument} <span class="muted">${countText(values)} values</span>`
    // An empty chart says less than its caption.
    if (values === 0) return html`<p>${caption}</p>`
    return chart(`column-${i}-${j}`, `${column} of ${instrument} over time: ${countText(values)} values.`, caption)
  })}</div>`,
)}`
}
