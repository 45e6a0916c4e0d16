import { axisX, axisY, barX, plot } from '@observablehq/plot'
import type { QualityMap } from '../quality-map.ts'
import { dateOf, frame, ticksOf, timeText, timeTick } from './chart-frame.ts'

const ROW_PX = 15

/** Instruments × time; the deeper a cell is coloured, the more. */
export function drawQuality(
  { measures, instruments, others, bins, fromNs, binNs }: QualityMap,
  name: string,
  width: number,
): SVGElement | HTMLElement {
  const { cells } = measures.find((measure) => measure.name === name)!
  const [from, bin] = [BigInt(fromNs), BigInt(binNs)]
  const timeOf = (at: number): Date => dateOf(from + bin * BigInt(at))
  const marks = Array.from({ length: cells.length / 3 }, (_, i) => {
    const [row, at, count] = [instruments[cells[3 * i]!]!, cells[3 * i + 1]!, cells[3 * i + 2]!]
    const [start, end] = [timeOf(at), timeOf(at + 1)]
    return { row, start, end, count, title: `${row}\n${timeText(start)} to\n${timeText(end)}\n${count.toLocaleString('en-US')}` }
  })
  const labelPx = Math.min(Math.max(...instruments.map(({ length }) => length)) * 6.4 + 10, width * 0.42)
  const letters = Math.floor((labelPx - 8) / 6.2)
  // Many instruments together would make all others pale.
  const single = others === 0 ? marks : marks.filter(({ row }) => row !== instruments.at(-1))
  const most = Math.max(1, ...single.map(({ count }) => count))
  const inset = width / bins > 8 ? 0.5 : 0
  return plot({
    ...frame(width, instruments.length * ROW_PX + 38),
    marginLeft: labelPx,
    marginTop: 4,
    x: { type: 'utc', domain: [timeOf(0), timeOf(bins)], label: null },
    y: { type: 'band', domain: instruments, label: null, padding: 0.08 },
    opacity: { type: 'sqrt', domain: [0, most], range: [0, 1], clamp: true },
    marks: [
      barX(instruments, { x1: timeOf(0), x2: timeOf(bins), y: (row: string) => row, fill: 'var(--well)' }),
      barX(marks, {
        x1: 'start',
        x2: 'end',
        y: 'row',
        fill: name === 'rows' ? 'var(--series)' : 'var(--bad)',
        // A single one must be seen beside thousands.
        fillOpacity: ({ count }: { count: number }) => (count === 0 ? 0 : Math.max(count, most * 0.04)),
        insetLeft: inset,
        insetRight: inset,
        title: 'title',
        tip: true,
      }),
      axisX({ ticks: ticksOf(width - labelPx), tickFormat: timeTick }),
      axisY({ tickSize: 0, tickFormat: (row: string) => (row.length <= letters ? row : `…${row.slice(row.length - letters + 1)}`) }),
    ],
  })
}
