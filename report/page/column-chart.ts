import { areaY, axisX, axisY, gridY, lineY, plot } from '@observablehq/plot'
import type { ColumnCurve } from '../column-plot.ts'
import { dateOf, frame, short, ticksOf, timeText, timeTick } from './chart-frame.ts'

interface Point {
  readonly time: Date
  readonly low: number
  readonly high: number
  readonly mean: number
}

/** The mean over time within the range from least to greatest; where there is nothing, the curve is broken. */
export function drawColumn(column: string, curve: ColumnCurve, width: number): SVGElement | HTMLElement {
  const points = pointsOf(curve)
  return plot({
    ...frame(width, 150),
    marginLeft: 56,
    x: { type: 'utc', label: null },
    y: { label: null, nice: true },
    marks: [
      gridY({ ticks: 4, stroke: 'var(--line)', strokeOpacity: 1 }),
      areaY(points, { x: 'time', y1: 'low', y2: 'high', fill: 'var(--series)', fillOpacity: 0.2 }),
      lineY(points, {
        x: 'time',
        y: 'mean',
        stroke: 'var(--series)',
        strokeWidth: 1.3,
        strokeLinecap: 'round',
        title: ({ time, low, high, mean }: Point) => `${timeText(time)}\n${column} ${mean}\n${low} to ${high}`,
        tip: 'x',
      }),
      axisX({ ticks: ticksOf(width), tickFormat: timeTick }),
      axisY({ ticks: 4, tickFormat: short }),
    ],
  })
}

function pointsOf({ fromNs, binNs, points }: ColumnCurve): Point[] {
  const [from, bin] = [BigInt(fromNs), BigInt(binNs)]
  const timeOf = (at: number): Date => dateOf(from + bin * BigInt(at) + bin / 2n)
  const all: Point[] = []
  const count = points.length / 4
  // A few empty steps are how rarely rows come; many are a hole.
  const hole = Math.max(4, (4 * (points.at(-4) ?? 0)) / Math.max(1, count))
  for (let i = 0; i < count; i++) {
    const at = points[4 * i]!
    const before = points[4 * (i - 1)]
    if (before !== undefined && at - before > hole)
      all.push({ time: timeOf(before + 1), low: Number.NaN, high: Number.NaN, mean: Number.NaN })
    all.push({ time: timeOf(at), low: points[4 * i + 1]!, high: points[4 * i + 2]!, mean: points[4 * i + 3]! })
  }
  return all
}
