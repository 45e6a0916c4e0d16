import { dateOfDay } from '../instant.ts'
import { DAY_NS } from '../plan/cells.ts'
import { CELLS_TAG } from '../plan/table/cell-segment.ts'
import type { LiveCell } from '../plan/table/pack.ts'
import type { AddFile } from '../table/delta-action.ts'
import { addChecksums } from '../table/table-checksum.ts'
import type { TimeBounds } from './done-parts.ts'

/** A part as a table lists it. */
export interface ListedPart {
  readonly path: string
  /** Bytes. */
  readonly size: number
  /** Whose rows it holds, all of them, in order of rows. */
  readonly cells: readonly LiveCell[]
  readonly bounds: TimeBounds
  /** Names its columns (`columnsTag`). */
  readonly columns: string
  /** Name of the object that tells of its cells; null: it is in no table. */
  readonly segment: string | null
  /** Milliseconds since the epoch. */
  readonly modifiedMs: number
  /** Rows come or go with it; false: they only move. */
  readonly dataChange: boolean
}

export function addOf({ path, size, cells, bounds, columns, segment, modifiedMs, dataChange }: ListedPart): AddFile {
  const { venue, symbol } = cells[0]!
  const { rows, sum } = addChecksums(cells.map((cell) => ({ rows: cell.rows, sum: BigInt(cell.sum) })))
  return {
    path,
    partitionValues: { venue, symbol },
    size,
    modificationTime: modifiedMs,
    dataChange,
    stats: statsOf(rows, cells, bounds),
    tags: { columns, sum: String(sum), ...(segment !== null && { [CELLS_TAG]: segment }) },
  }
}

/** Times are written as digits: JSON.stringify has no exact 64-bit numbers. */
function statsOf(rows: number, cells: readonly LiveCell[], { minNs, maxNs }: TimeBounds): string {
  const days = cells.map(({ startNs }) => Number(BigInt(startNs) / DAY_NS))
  const [first, last] = [days.reduce((a, b) => Math.min(a, b)), days.reduce((a, b) => Math.max(a, b))]
  const min = `"date":"${dateOfDay(first)}","ts_ns":${minNs}`
  const max = `"date":"${dateOfDay(last)}","ts_ns":${maxNs}`
  return `{"numRecords":${rows},"minValues":{${min}},"maxValues":{${max}},"nullCount":{"date":0,"ts_ns":0}}`
}
