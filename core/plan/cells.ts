import { ReplayError } from '../errors.ts'
import { parseDuration } from '../features/clocks/duration.ts'
import { dateOfDay, isoTime } from '../instant.ts'
import { dayDivisorsNear, durationText, roundUnitOf, slicesOf } from './fitting-slice.ts'

export const DAY_NS = 86_400_000_000_000n

/**
 * The fixed UTC grid of a run: cell n is [n · sliceNs, (n + 1) · sliceNs) since the epoch. It depends on the slice alone,
 * so that the same question always has the same cells.
 */
export interface CellGrid {
  /** Nanoseconds; divides a day. */
  readonly sliceNs: bigint
  readonly cellsPerDay: number
  /** Length of the job's time bars; null: it has none. */
  readonly everyNs: bigint | null
}

/**
 * The grid of `--slice`.
 * @param everyNs length of the job's time bars, or null when it has none; a cell holds whole bars
 * @throws ReplayError input `slice`, `duration`
 */
export function cellGrid(slice: string, everyNs: bigint | null): CellGrid {
  const sliceNs = BigInt(parseDuration(slice))
  if (everyNs !== null && DAY_NS % everyNs !== 0n) {
    const bars = dayDivisorsNear(everyNs).join(' or ')
    throw sliceError(
      `bars that divide a day, as partitions are cut by days: no slice is a multiple of the job's bars of ${durationText(everyNs)} and divides a day; take bars of ${bars}`,
    )
  }
  const would = `would do: ${slicesOf(everyNs ?? roundUnitOf(sliceNs), sliceNs).join(', ')}; found "${slice}"`
  if (everyNs !== null && sliceNs % everyNs !== 0n) {
    throw sliceError(`a multiple of the job's bars of ${durationText(everyNs)}, so that each bar lies in one cell; these ${would}`)
  }
  if (DAY_NS % sliceNs !== 0n) throw sliceError(`a length that divides a day, so that partitions lie in days; these ${would}`)
  return { sliceNs, cellsPerDay: Number(DAY_NS / sliceNs), everyNs }
}

/**
 * Checks that a range consists of whole cells and gives them as [first, end).
 * @throws ReplayError input `range-empty`, `range-off-grid`
 */
export function cellsOfRange(grid: CellGrid, fromNs: bigint, toNs: bigint): readonly [first: number, end: number] {
  for (const [name, timeNs] of [
    ['from', fromNs],
    ['to', toNs],
  ] as const) {
    const over = timeNs % grid.sliceNs
    if (timeNs < 0n || over !== 0n) {
      const [before, after] = [timeNs - over, timeNs - over + grid.sliceNs]
      const finer = finerSlice(grid, fromNs, toNs)
      throw new ReplayError(
        'range-off-grid',
        `${name}: expected a multiple of the slice (${durationText(grid.sliceNs)}), found ${isoTime(timeNs)}; nearest: ${isoTime(before)}, ${isoTime(after)}${finer}`,
        { category: 'input' },
      )
    }
  }
  if (fromNs >= toNs) {
    throw new ReplayError('range-empty', `expected from before to, found [${isoTime(fromNs)}, ${isoTime(toNs)})`, { category: 'input' })
  }
  return [Number(fromNs / grid.sliceNs), Number(toNs / grid.sliceNs)]
}

/** What to say of the coarsest slice that has both ends on its grid; nothing where bars, or a day, leave none. */
function finerSlice({ everyNs }: CellGrid, fromNs: bigint, toNs: bigint): string {
  const common = [fromNs % DAY_NS, toNs % DAY_NS, DAY_NS].reduce(greatestCommon)
  if (common < MIN_ADVISED_NS || (everyNs !== null && common % everyNs !== 0n)) return ''
  return `, or --slice ${durationText(common)}`
}

function greatestCommon(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestCommon(b, a % b)
}

/** No finer slice is advised: a day would have thousands of partitions. */
const MIN_ADVISED_NS = 60_000_000_000n

/** UTC day of a time, `YYYY-MM-DD`. */
export function cellDate(startNs: bigint): string {
  return dateOfDay(Number(startNs / DAY_NS))
}

/** The name of a cell in file names: `20240808T010000-3600s`. */
export function cellName(startNs: bigint, endNs: bigint): string {
  const lengthNs = endNs - startNs
  const length = lengthNs % 1_000_000_000n === 0n ? `${lengthNs / 1_000_000_000n}s` : `${lengthNs / 1000n}us`
  const fraction = startNs % 1_000_000_000n
  const second = isoTime(startNs - fraction).replaceAll(/[-:Z]/g, '')
  return `${second}${fraction === 0n ? '' : `.${String(fraction).padStart(9, '0')}`}-${length}`
}

function sliceError(expected: string): ReplayError {
  return new ReplayError('slice', `slice: expected ${expected}`, { category: 'input' })
}
