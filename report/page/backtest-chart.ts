import { axisX, axisY, dot, gridY, lineY, plot, ruleY } from '@observablehq/plot'
import type { EquityView, FillView } from '../backtest-view.ts'
import { dateOf, frame, short, ticksOf, timeText, timeTick } from './chart-frame.ts'

/** Equity, or how far it is below its highest, of several variants over time; the one that is plotted elsewhere is thicker. */
export function drawEquity({ curves, fromNs, binNs }: EquityView, what: 'equity' | 'drawdown', width: number): SVGElement | HTMLElement {
  const [from, bin] = [BigInt(fromNs), BigInt(binNs)]
  const points = curves.flatMap(({ label, isPlotted, points: flat }, i) =>
    Array.from({ length: flat.length / 3 }, (_, at) => ({
      time: dateOf(from + bin * BigInt(flat[3 * at]! + 1)),
      value: what === 'equity' ? flat[3 * at + 1]! : -flat[3 * at + 2]!,
      label,
      stroke: `var(--line-${i})`,
      width: isPlotted && curves.length > 1 ? 2.2 : 1.3,
    })),
  )
  return plot({
    ...frame(width, 220),
    marginLeft: 56,
    x: { type: 'utc', label: null },
    y: { label: null, nice: true },
    color: { type: 'identity' },
    marks: [
      gridY({ ticks: 5, stroke: 'var(--line)', strokeOpacity: 1 }),
      ruleY([0], { stroke: 'var(--edge)' }),
      lineY(points, {
        x: 'time',
        y: 'value',
        z: 'label',
        stroke: 'stroke',
        strokeWidth: 'width',
        title: ({ time, label, value }: (typeof points)[number]) => `${timeText(time)}\n${label}\n${value}`,
        tip: true,
      }),
      axisX({ ticks: ticksOf(width), tickFormat: timeTick }),
      axisY({ ticks: 5, tickFormat: short }),
    ],
  })
}

/** Fills on the mid price: up for buys, down for sells, filled for makers. */
export function drawFills({ mid, marks, fromNs, binNs }: FillView, width: number): SVGElement | HTMLElement {
  const [from, bin] = [BigInt(fromNs), BigInt(binNs)]
  const prices = Array.from({ length: mid.length / 2 }, (_, i) => ({
    time: dateOf(from + bin * BigInt(mid[2 * i]!) + bin / 2n),
    price: mid[2 * i + 1]!,
  }))
  const fills = Array.from({ length: marks.length / 4 }, (_, i) => {
    const [at, price, side, maker] = [marks[4 * i]!, marks[4 * i + 1]!, marks[4 * i + 2]!, marks[4 * i + 3]!]
    const colour = side > 0 ? 'var(--ok)' : 'var(--bad)'
    const time = dateOf(from + BigInt(at))
    const title = `${timeText(time)}\n${side > 0 ? 'buy' : 'sell'} at ${price}, ${maker === 1 ? 'maker' : 'taker'}`
    return { time, price, turn: side > 0 ? 0 : 180, stroke: colour, fill: maker === 1 ? colour : 'none', title }
  })
  return plot({
    ...frame(width, 220),
    marginLeft: 64,
    x: { type: 'utc', label: null },
    y: { label: null, nice: true, zero: false },
    color: { type: 'identity' },
    marks: [
      gridY({ ticks: 5, stroke: 'var(--line)', strokeOpacity: 1 }),
      lineY(prices, { x: 'time', y: 'price', stroke: 'var(--series)', strokeWidth: 1.2 }),
      dot(fills, {
        x: 'time',
        y: 'price',
        symbol: 'triangle',
        rotate: 'turn',
        r: 3,
        stroke: 'stroke',
        fill: 'fill',
        title: 'title',
        tip: true,
      }),
      axisX({ ticks: ticksOf(width), tickFormat: timeTick }),
      axisY({ ticks: 5 }),
    ],
  })
}
