import { areaY, axisX, axisY, dot, gridY, lineY, plot } from '@observablehq/plot'
import type { ColumnCurve } from '../column-plot.ts'
import { dateOf, frame, short, ticksOf, timeText, timeTick } from './chart-frame.ts'
import { robustRange } from './robust-range.ts'

interface Point {
  readonly time: Date
  readonly low: number
  readonly high: number
  readonly mean: number
}

/** The mean over time within the range from least to greatest; where there is nothing, the curve is broken. */
export function drawColumn(column: string, curve: ColumnCurve, width: number): SVGElement | HTMLElement {
  const points = pointsOf(curve)
  const range = robustRange(points.flatMap(({ low, high }) => (Number.isNaN(low) ? [] : [low, high])))
  // What lies beyond is marked at the edge: its own axis would flatten all the rest.
  const beyond = points.flatMap(({ time, low, high }) => [
    ...(high > range[1] ? [{ time, value: high, at: range[1], turn: 0 }] : []),
    ...(low < range[0] ? [{ time, value: low, at: range[0], turn: 180 }] : []),
  ])
  return plot({
    ...frame(width, 150),
    marginLeft: 56,
    x: { type: 'utc', label: null },
    y: { label: null, nice: beyond.length === 0, domain: range, clamp: true },
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
      dot(beyond, {
        x: 'time',
        y: 'at',
        symbol: 'triangle',
        r: 3,
        rotate: 'turn',
        fill: 'var(--bad)',
        title: ({ time, value }) => `${timeText(time)}\n${column} ${value}`,
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
