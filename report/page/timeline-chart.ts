import { areaY, axisX, axisY, barX, gridY, lineY, plot, ruleY } from '@observablehq/plot'
import type { RunTimeline } from '../run-timeline.ts'
import { frame, short, ticksOf } from './chart-frame.ts'

const LANE_PX = 14

/** A bar per attempt, a lane per worker. */
export function drawLanes({ lanes, lengthMs }: RunTimeline, width: number): SVGElement | HTMLElement {
  const count = Math.max(...lanes.map(([lane]) => lane)) + 1
  const { unitMs, unit } = unitOf(lengthMs)
  const height = Math.min(360, count * LANE_PX) + 34
  const bars = lanes.map(([lane, start, end, partitions, state, task]) => ({
    lane,
    start: start / unitMs,
    end: end / unitMs,
    state,
    title: `task ${task}\n${partitions} partitions\n${((end - start) / 1000).toPrecision(3)} s`,
  }))
  return plot({
    ...frame(width, height),
    marginLeft: 10,
    x: { domain: [0, lengthMs / unitMs], label: null },
    y: { axis: null, type: 'band', domain: Array.from({ length: count }, (_, i) => i), padding: 0.15 },
    marks: [
      barX(bars, {
        x1: 'start',
        x2: 'end',
        y: 'lane',
        fill: ({ state }: { state: number }) => STATE_COLOURS[state]!,
        stroke: 'var(--surface)',
        strokeWidth: 0.5,
        title: 'title',
        tip: true,
      }),
      axisX({ ticks: ticksOf(width), tickFormat: (value: number) => `${value} ${unit}` }),
    ],
    color: { type: 'identity' },
  })
}

const STATE_COLOURS = ['var(--ok)', 'var(--bad)', 'var(--idle)']

/** A curve over the time of the run. */
export function drawCurve(timeline: RunTimeline, name: 'messages' | 'bytes' | 'busy', width: number): SVGElement | HTMLElement {
  const { binMs, lengthMs } = timeline
  const { unitMs, unit } = unitOf(lengthMs)
  const points = timeline[name].map((value, i) => ({ time: ((i + 0.5) * binMs) / unitMs, value }))
  return plot({
    ...frame(width, 130),
    x: { domain: [0, lengthMs / unitMs], label: null },
    y: { label: null, nice: true, zero: true },
    marks: [
      gridY({ ticks: 3, stroke: 'var(--line)', strokeOpacity: 1 }),
      areaY(points, { x: 'time', y: 'value', fill: 'var(--series)', fillOpacity: 0.16, curve: 'step' }),
      lineY(points, {
        x: 'time',
        y: 'value',
        stroke: 'var(--series)',
        strokeWidth: 1.5,
        curve: 'step',
        title: ({ time, value }: { time: number; value: number }) =>
          `${time.toPrecision(3)} ${unit}: ${short(value)}${name === 'bytes' ? 'B/s' : name === 'messages' ? '/s' : ''}`,
        tip: 'x',
      }),
      ruleY([0], { stroke: 'var(--edge)' }),
      axisX({ ticks: ticksOf(width), tickFormat: (value: number) => `${value} ${unit}` }),
      axisY({ ticks: 3, tickFormat: short }),
    ],
  })
}

function unitOf(lengthMs: number): { unitMs: number; unit: string } {
  if (lengthMs < 2000) return { unitMs: 1, unit: 'ms' }
  if (lengthMs < 180_000) return { unitMs: 1000, unit: 's' }
  if (lengthMs < 10_800_000) return { unitMs: 60_000, unit: 'min' }
  return { unitMs: 3_600_000, unit: 'h' }
}
