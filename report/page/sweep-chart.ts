import { axisX, axisY, barY, cell, dot, gridY, lineY, plot, ruleY, text } from '@observablehq/plot'
import type { SweepView } from '../sweep-view.ts'
import { frame, short } from './chart-frame.ts'

/** A heat map over two parameters; over one a line, or bars where it is no number. */
export function drawSweep(sweep: SweepView, width: number): SVGElement | HTMLElement {
  return sweep.axes.length === 2 ? drawMap(sweep, width) : drawLine(sweep, width)
}

function drawMap({ axes, cells, metric }: SweepView, width: number): SVGElement | HTMLElement {
  const [x, y] = axes as [SweepView['axes'][number], SweepView['axes'][number]]
  const values = cells.flatMap(({ value }) => (value === null ? [] : [value]))
  const [low, high] = [Math.min(...values), Math.max(...values)]
  // Of equal values none is deeper; none is so deep that the number on it could not be read, in light and in dark.
  const shadeOf = (value: number | null): number => (value === null ? 0 : high === low ? 0.3 : 0.05 + (0.5 * (value - low)) / (high - low))
  const marks = cells.map(({ at, value, rows }) => ({
    x: String(x.values[at[0]!]),
    y: String(y.values[at[1]!]),
    value,
    shade: shadeOf(value),
    title: `${x.name} = ${x.values[at[0]!]}\n${y.name} = ${y.values[at[1]!]}\n${metric}: ${valueText(value)}\n${rows.toLocaleString('en-US')} rows`,
  }))
  const marginLeft = Math.min(120, Math.max(...y.values.map((value) => String(value).length)) * 7 + 24)
  const hasText = (width - marginLeft) / x.values.length > 44
  return plot({
    ...frame(Math.min(width, marginLeft + 120 * x.values.length + 20), Math.min(460, 38 * y.values.length) + 56),
    marginLeft,
    marginTop: 24,
    marginBottom: 34,
    x: { type: 'band', domain: x.values.map(String), label: x.name, labelAnchor: 'right' },
    y: { type: 'band', domain: y.values.map(String), label: y.name, labelAnchor: 'top' },
    opacity: { type: 'identity' },
    marks: [
      cell(marks, { x: 'x', y: 'y', fill: 'var(--series)', fillOpacity: 'shade', inset: 0.5, title: 'title', tip: true }),
      hasText
        ? text(marks, {
            x: 'x',
            y: 'y',
            text: ({ value }: { value: number | null }) => (value === null ? '–' : short(value)),
            fill: 'var(--ink)',
          })
        : null,
    ],
    color: { type: 'identity' },
  })
}

function drawLine({ axes, cells, metric }: SweepView, width: number): SVGElement | HTMLElement {
  const [axis] = axes as [SweepView['axes'][number]]
  const points = cells.map(({ at, value, rows }) => {
    const param = axis.values[at[0]!]!
    return {
      param: axis.isNumeric ? Number(param) : String(param),
      value: value ?? Number.NaN,
      title: `${axis.name} = ${param}\n${metric}: ${valueText(value)}\n${rows.toLocaleString('en-US')} rows`,
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
