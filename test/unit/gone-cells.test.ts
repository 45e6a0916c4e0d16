import { expect, it } from 'vitest'
import { findGoneCells } from '../../core/plan/table/gone-cells.ts'
import type { LiveParts } from '../../core/plan/table/live-parts.ts'

const HOUR_NS = 3_600_000_000_000n

it('a cell that is live for several groups of variants is gone once', () => {
  const place = (hour: bigint) => ({ venue: 'v', symbol: 's', startNs: hour * HOUR_NS, endNs: (hour + 1n) * HOUR_NS })
  const live = { withRows: () => [7n, 3n, 7n, 7n].map(place) } as unknown as LiveParts
  const found = findGoneCells(live, {
    ...{ grid: { sliceNs: HOUR_NS, cellsPerDay: 24, everyNs: null }, selection: {}, archive: 'a', days: [], skewNs: 0, range: null },
    onOther: () => expect.fail('all cells are of the grid'),
  })
  expect(found).toEqual([{ venue: 'v', symbol: 's', cells: [3, 7] }])
})
