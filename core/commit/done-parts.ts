import { cellOf, type DoneReceipt, type MadePart, type TaskOutcome } from '../plan/run/run-receipts.ts'
import { decodeCells, encodePart, type PartHeader } from '../plan/table/cell-segment.ts'
import type { LiveCell } from '../plan/table/pack.ts'
import { TextHeap } from '../plan/text-heap.ts'

/** A partition with a receipt that has no error. */
export interface DoneCell {
  /** Index among the partitions of the plan. */
  readonly partition: number
  readonly cell: LiveCell
  /** Rows of its part before its own. */
  readonly firstRow: number
  /** Its receipt is the one that counts. */
  readonly isWinner: boolean
  /** When it was done, milliseconds since the epoch. */
  readonly endedMs: number
}

/** Partitions whose rows lie in one part, in order of rows; or some without rows, and then there is no part. */
export interface DonePart {
  readonly part: { readonly path: string; readonly size: number; readonly rows: number } | null
  readonly cells: readonly DoneCell[]
  /** Bounds of `ts_ns` of all of them; null: without rows. */
  readonly bounds: TimeBounds | null
}

/** Both included, nanoseconds since the epoch. */
export interface TimeBounds {
  readonly minNs: bigint
  readonly maxNs: bigint
}

/** What a run has made, by part in order of the plan. There may be millions of partitions: they are kept as compressed text. */
export class DoneParts {
  /** When the first partition was done, milliseconds since the epoch. */
  oldestMs = Number.POSITIVE_INFINITY
  #text = new TextHeap()
  #places: number[] = []

  add(outcome: TaskOutcome, run: string): void {
    for (const { endedMs } of outcome.done) this.oldestMs = Math.min(this.oldestMs, endedMs)
    for (const part of outcome.parts) this.#places.push(this.#text.write(encodeMade(part)))
    const rowless = outcome.done.filter(({ part }) => part === null)
    if (rowless.length > 0) this.#places.push(this.#text.write(JSON.stringify(rowless.map((receipt) => rowlessCell(receipt, run)))))
  }

  *all(): Generator<DonePart, void, undefined> {
    for (const place of this.#places) {
      const text = this.#text.read(place)
      if (text.startsWith('[')) yield { part: null, cells: JSON.parse(text) as DoneCell[], bounds: null }
      else yield decodeMade(text)
    }
  }

  clear(): void {
    this.#text = new TextHeap()
    this.#places = []
  }
}

function rowlessCell(receipt: DoneReceipt, run: string): DoneCell {
  return { partition: receipt.partition, cell: cellOf(receipt, run), firstRow: 0, isWinner: true, endedMs: receipt.endedMs }
}

/** What a part's partitions do not tell of themselves. */
interface ToldOfPart {
  readonly size: number
  readonly rows: number
  readonly bounds: readonly [minNs: string, maxNs: string]
  readonly cells: readonly (readonly [partition: number, firstRow: number, isWinner: 0 | 1, endedMs: number])[]
}

function encodeMade({ path, size, rows, cells }: MadePart): string {
  const { venue, symbol } = cells[0]!.cell
  const told: ToldOfPart = {
    ...{ size, rows },
    bounds: boundsOf(cells.map(({ receipt }) => receipt)),
    cells: cells.map(({ receipt, isWinner }) => [receipt.partition, receipt.part!.firstRow, isWinner ? 1 : 0, receipt.endedMs]),
  }
  return [...encodePart({ path, venue, symbol, cells: cells.map(({ cell }) => cell) }), JSON.stringify(told)].join('\n')
}

function boundsOf(receipts: readonly DoneReceipt[]): [minNs: string, maxNs: string] {
  const [first, ...rest] = receipts.flatMap(({ minTsNs, maxTsNs }) => [BigInt(minTsNs!), BigInt(maxTsNs!)])
  let [min, max] = [first!, first!]
  for (const time of rest) {
    if (time < min) min = time
    if (time > max) max = time
  }
  return [String(min), String(max)]
}

function decodeMade(text: string): DonePart {
  const [head, lines, rest] = text.split('\n') as [string, string, string]
  const header = JSON.parse(head) as PartHeader
  const { size, rows, bounds, cells } = JSON.parse(rest) as ToldOfPart
  const own = decodeCells(header, lines)
  return {
    part: { path: header.path, size, rows },
    bounds: { minNs: BigInt(bounds[0]), maxNs: BigInt(bounds[1]) },
    cells: cells.map(([partition, firstRow, isWinner, endedMs], i) => {
      return { partition, cell: own[i]!, firstRow, isWinner: isWinner === 1, endedMs }
    }),
  }
}
