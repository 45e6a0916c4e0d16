import { axisX, axisY, barY, cell, dot, gridY, lineY, plot, ruleY, text } from '@observablehq/plot'
import type { SweepCell, SweepView } from '../sweep-view.ts'
import { frame, short } from './chart-frame.ts'

/** A heat map over two parameters; over one a line, or bars where it is no number. */
export function drawSweep(sweep: SweepView, width: number): SVGElement | HTMLElement {
  return sweep.axes.length === 2 ? drawMap(sweep, width) : drawLine(sweep, width)
}

function drawMap({ axes, cells, metric }: SweepView, width: number): SVGElement | HTMLElement {
  const [x, y] = axes as [SweepView['axes'][number], SweepView['axes'][number]]
  const shade = shadesOf(cells.map(({ value }) => value))
  const marginLeft = Math.min(120, Math.max(...y.values.map((value) => String(value).length)) * 7 + 24)
  const column = (width - marginLeft) / x.values.length
  const rowPx = Math.max(20, Math.min(46, Math.floor(620 / y.values.length)))
  const hasBelow = column > 52 && rowPx >= 40
  const hasRows = column > 112
  const marks = cells.map((one) => ({
    x: String(x.values[one.at[0]!]),
    y: String(y.values[one.at[1]!]),
    value: one.value,
    below: belowText(one, hasRows),
    ...shade(one.value),
    title: `${x.name} = ${x.values[one.at[0]!]}\n${y.name} = ${y.values[one.at[1]!]}\n${metric}: ${cellText(one)}`,
  }))
  return plot({
    ...frame(Math.min(width, marginLeft + 130 * x.values.length + 20), rowPx * y.values.length + 56),
    marginLeft,
    marginTop: 24,
    marginBottom: 34,
    x: { type: 'band', domain: x.values.map(String), label: x.name, labelAnchor: 'right' },
    y: { type: 'band', domain: y.values.map(String), label: y.name, labelAnchor: 'top' },
    opacity: { type: 'identity' },
    color: { type: 'identity' },
    marks: [
      cell(marks, { x: 'x', y: 'y', fill: 'fill', fillOpacity: 'shade', inset: 0.5, title: 'title', tip: true }),
      column > 44
        ? text(marks, {
            x: 'x',
            y: 'y',
            dy: hasBelow ? -7 : 0,
            text: ({ value }: { value: number | null }) => (value === null ? '–' : short(value)),
            fill: 'var(--ink)',
          })
        : null,
      hasBelow ? text(marks, { x: 'x', y: 'y', dy: 9, text: 'below', fill: 'var(--ink)', fontSize: 10 }) : null,
    ],
  })
}

/** Instruments × combinations: whether a result is one of all instruments, or of a few. */
export function drawInstruments({ axes, cells, metric, byInstrument }: SweepView, width: number): SVGElement | HTMLElement {
  const rows = byInstrument!
  const shade = shadesOf(rows.flatMap(({ values }) => values))
  const nameOf = (at: readonly number[]): string => axes.map(({ values }, i) => values[at[i]!]).join(' · ')
  const marks = rows.flatMap(({ instrument, values }) =>
    values.map((value, i) => ({
      x: nameOf(cells[i]!.at),
      y: instrument,
      value,
      ...shade(value),
      title: `${instrument}\n${axes.map(({ name, values: of }, k) => `${name} = ${of[cells[i]!.at[k]!]}`).join('\n')}\n${metric}: ${valueText(value)}`,
    })),
  )
  const labelPx = Math.min(Math.max(...rows.map(({ instrument }) => instrument.length)) * 6.4 + 10, width * 0.36)
  const letters = Math.floor((labelPx - 8) / 6.2)
  const column = (width - labelPx - 10) / cells.length
  const namePx = Math.max(...cells.map(({ at }) => nameOf(at).length)) * 6.2 + 4
  const hasNames = column > namePx
  const namesPx = column <= 11 ? 8 : hasNames ? 22 : namePx + 10
  return plot({
    ...frame(Math.min(width, labelPx + 110 * cells.length + 10), rows.length * 22 + namesPx + 10),
    marginLeft: labelPx,
    marginTop: namesPx,
    marginBottom: 10,
    x: {
      type: 'band',
      domain: cells.map(({ at }) => nameOf(at)),
      label: null,
      axis: column > 11 ? 'top' : null,
      tickSize: 3,
      tickRotate: hasNames ? 0 : -90,
    },
    y: { type: 'band', domain: rows.map(({ instrument }) => instrument), label: null },
    opacity: { type: 'identity' },
    color: { type: 'identity' },
    marks: [
      cell(marks, { x: 'x', y: 'y', fill: 'fill', fillOpacity: 'shade', inset: 0.5, title: 'title', tip: true }),
      column > 44
        ? text(marks, {
            x: 'x',
            y: 'y',
            text: ({ value }: { value: number | null }) => (value === null ? '–' : short(value)),
            fill: 'var(--ink)',
          })
        : null,
      axisY({ tickSize: 0, tickFormat: (row: string) => (row.length <= letters ? row : `…${row.slice(row.length - letters + 1)}`) }),
    ],
  })
}

/**
 * Colour and depth of a value among others. Where there are both signs, two colours, as deep as the value is far from 0; else one, from
 * least to greatest. None is so deep that the number on it could not be read, in light and in dark.
 */
function shadesOf(values: readonly (number | null)[]): (value: number | null) => { fill: string; shade: number } {
  const known = values.flatMap((value) => (value === null ? [] : [value]))
  const [low, high] = [Math.min(...known), Math.max(...known)]
  if (low < 0 && high > 0) {
    const most = Math.max(-low, high)
    return (value) => ({ fill: (value ?? 0) < 0 ? 'var(--against)' : 'var(--series)', shade: (0.55 * Math.abs(value ?? 0)) / most })
  }
  const fill = high < 0 ? 'var(--against)' : 'var(--series)'
  const far = (value: number): number => (high < 0 ? high - value : value - low)
  // Of equal values none is deeper.
  return (value) => ({ fill, shade: value === null ? 0 : high === low ? 0.3 : 0.05 + (0.5 * far(value)) / (high - low) })
}

/** What stands below a value: how sure it is, and of how much. */
function belowText({ t, rows }: SweepCell, hasRows: boolean): string {
  return [...(t === null ? [] : [`t ${t.toFixed(1)}`]), ...(hasRows ? [`${short(rows)} rows`] : [])].join(' · ')
}

function cellText({ value, t, days, rows }: SweepCell): string {
  const evidence = t === null ? '' : `\nt = ${t.toFixed(2)} over ${days.toLocaleString('en-US')} days of instruments`
  return `${valueText(value)}${evidence}\n${rows.toLocaleString('en-US')} rows`
}

function drawLine({ axes, cells, metric }: SweepView, width: number): SVGElement | HTMLElement {
  const [axis] = axes as [SweepView['axes'][number]]
  const points = cells.map((one) => {
    const param = axis.values[one.at[0]!]!
    return {
      param: axis.isNumeric ? Number(param) : String(param),
      value: one.value ?? Number.NaN,
      title: `${axis.name} = ${param}\n${metric}: ${cellText(one)}`,
    }
  })
  const channels = { x: 'param', y: 'value', title: 'title', tip: true } as const
  return plot({
    ...frame(Math.min(width, 760), 220),
    marginLeft: 56,
    marginBottom: 36,
    x: axis.isNumeric ? { label: axis.name } : { type: 'band', domain: axis.values.map(String), label: axis.name, padding: 0.3 },
    y: { label: null, nice: true },
    marks: [
      gridY({ ticks: 4, stroke: 'var(--line)', strokeOpacity: 1 }),
      ...(axis.isNumeric
        ? [lineY(points, { x: 'param', y: 'value', stroke: 'var(--series)' }), dot(points, { ...channels, fill: 'var(--series)', r: 3.5 })]
        : [barY(points, { ...channels, fill: 'var(--series)' }), ruleY([0], { stroke: 'var(--edge)' })]),
      axisX({ ...(axis.isNumeric && { ticks: axis.values.length <= 12 ? axis.values.map(Number) : 8 }) }),
      axisY({ ticks: 4, tickFormat: short }),
    ],
  })
}

function valueText(value: number | null): string {
  return value === null ? 'none' : String(Number(value.toPrecision(7)))
}
