import type { ColumnSpec } from '../../table/column-buffer.ts'

/**
 * When a row was known: every row's first columns. `ts` is a time to every reader, in microseconds (rounded down), `ts_ns` the same exactly.
 */
export const ROW_TIME: readonly ColumnSpec[] = [
  { name: 'ts', type: 'timestamp_us' },
  { name: 'ts_ns', type: 'i64' },
]

/** The bounds of bars; they are whole microseconds, so that both forms are exact. */
export const BAR_TIMES: readonly ColumnSpec[] = [
  { name: 'bar_start', type: 'timestamp_us' },
  { name: 'bar_start_ns', type: 'i64' },
  { name: 'bar_end', type: 'timestamp_us' },
  { name: 'bar_end_ns', type: 'i64' },
]
