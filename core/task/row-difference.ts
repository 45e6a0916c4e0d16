import { createHash } from 'node:crypto'
import type { PlanColumn } from '../job/row-schema.ts'
import { PARTITION_COLUMNS } from '../job/row-schema.ts'
import type { RowDifference, RowKey } from '../plan/run/partition-check.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { type PartPlace, partGroups } from '../table/part-groups.ts'
import type { RowValue } from '../table/table-checksum.ts'

/** Rows of a partition, in one part or in several. */
export interface PartRows {
  readonly store: ObjectStore
  readonly parts: readonly PartPlace[]
}

/**
 * Finds the first row that differs between two sets of rows; null when they are the same, bit for bit.
 *
 * Neither is held in memory: sums of row hashes by stretches of time say where the first difference is, again by shorter ones
 * until few enough rows are left to be put side by side.
 * @param range of the rows' times, nanoseconds since the epoch, half-open
 */
export async function firstDifference(
  one: PartRows,
  other: PartRows,
  columns: readonly PlanColumn[],
  [fromNs, toNs]: readonly [bigint, bigint],
): Promise<RowDifference | null> {
  const shown = columns.filter(({ name }) => !PARTITION_COLUMNS.includes(name))
  // A pipeline's rows at messages whose time steps back lie before their cell, and its last bar at its end.
  let stretch: Stretch = { fromNs: fromNs - REACH_NS, lengthNs: (toNs - fromNs + 2n * REACH_NS) / STRETCHES + 1n }
  for (;;) {
    const [ours, theirs] = [await sumsOf(one, shown, stretch), await sumsOf(other, shown, stretch)]
    const first = ours.sums.findIndex((sum, i) => sum !== theirs.sums[i])
    if (first < 0) return null
    const at = stretch.fromNs + BigInt(first) * stretch.lengthNs
    const rows = Math.max(ours.counts[first]!, theirs.counts[first]!)
    if (rows <= MAX_ROWS || stretch.lengthNs === 1n) {
      const found = { fromNs: at, toNs: at + stretch.lengthNs }
      return compare(await rowsIn(one, shown, found), await rowsIn(other, shown, found), shown)
    }
    stretch = { fromNs: at, lengthNs: stretch.lengthNs / STRETCHES + 1n }
  }
}

const STRETCHES = 4096n
const REACH_NS = 86_400_000_000_000n
/** Rows that are put side by side, of each set. */
const MAX_ROWS = 20_000

/** `STRETCHES` of equal length from a time on. */
interface Stretch {
  readonly fromNs: bigint
  readonly lengthNs: bigint
}

type Row = readonly RowValue[]

async function sumsOf(rows: PartRows, columns: readonly PlanColumn[], { fromNs, lengthNs }: Stretch) {
  const sums = new BigUint64Array(Number(STRETCHES))
  const counts = new Uint32Array(Number(STRETCHES))
  const time = columns.findIndex(({ name }) => name === 'ts_ns')
  for await (const row of eachRow(rows, columns)) {
    const at = ((row[time] as bigint) - fromNs) / lengthNs
    if ((row[time] as bigint) < fromNs || at >= STRETCHES) continue
    sums[Number(at)]! += createHash('sha256').update(row.map(textOf).join('\u0000')).digest().readBigUInt64LE()
    counts[Number(at)]!++
  }
  return { sums, counts }
}

async function rowsIn(rows: PartRows, columns: readonly PlanColumn[], { fromNs, toNs }: { fromNs: bigint; toNs: bigint }): Promise<Row[]> {
  const found: Row[] = []
  const time = columns.findIndex(({ name }) => name === 'ts_ns')
  for await (const row of eachRow(rows, columns)) {
    const timeNs = row[time] as bigint
    if (timeNs >= fromNs && timeNs < toNs && found.length < 10 * MAX_ROWS) found.push(row)
  }
  return found
}

async function* eachRow({ store, parts }: PartRows, columns: readonly PlanColumn[]): AsyncGenerator<Row> {
  const names = columns.map(({ name }) => name)
  for (const part of parts) {
    for await (const { rows, values } of partGroups(store, part, names)) {
      const given = names.map((name) => values.get(name))
      for (let i = 0; i < rows; i++) yield given.map((column) => column?.[i] ?? null)
    }
  }
}

/** Rows of one key may be several: then their values decide the order, too. */
function compare(ours: Row[], theirs: Row[], columns: readonly PlanColumn[]): RowDifference | null {
  const key = ['ts_ns', 'seq', 'row', 'variant'].map((name) => columns.findIndex((column) => column.name === name))
  const start = columns.findIndex(({ name }) => name === 'bar_start_ns')
  const byKey = (a: Row, b: Row): number => {
    for (const at of key) {
      const order = orderOf(a[at], b[at])
      if (order !== 0) return order
    }
    return 0
  }
  const byAll = (a: Row, b: Row): number => {
    const order = byKey(a, b)
    if (order !== 0) return order
    const [textA, textB] = [a.map(textOf).join('\u0000'), b.map(textOf).join('\u0000')]
    return textA < textB ? -1 : textA > textB ? 1 : 0
  }
  ours.sort(byAll)
  theirs.sort(byAll)
  for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
    const [a, b] = [ours[i], theirs[i]]
    const order = a === undefined ? 1 : b === undefined ? -1 : byKey(a, b)
    const place = (row: Row) => ({ key: keyOf(row, key), cellNs: String(row[start] ?? row[key[0]!]) })
    if (order < 0) return { ...place(a!), column: null, values: ['a row', null] }
    if (order > 0) return { ...place(b!), column: null, values: [null, 'a row'] }
    const column = columns.findIndex((_, at) => textOf(a![at]) !== textOf(b![at]))
    if (column >= 0) return { ...place(a!), column: columns[column]!.name, values: [shown(a![column]), shown(b![column])] }
  }
  return null
}

function keyOf(row: Row, [time, seq, number, variant]: readonly number[]): RowKey {
  const position = row[seq!]
  return {
    tsNs: String(row[time!]),
    seq: position === null || position === undefined ? null : String(position),
    row: Number(row[number!]),
    variant: String(row[variant!]),
  }
}

/** NULL first. */
function orderOf(a: RowValue, b: RowValue): number {
  if (a === b) return 0
  if (a === null || a === undefined) return -1
  if (b === null || b === undefined) return 1
  return a < b ? -1 : 1
}

/** Different for different bits: of NULL, 0, −0, and texts that look like numbers; every NaN is one. */
function textOf(value: RowValue): string {
  if (value === null || value === undefined) return ''
  return `${typeof value} ${Object.is(value, -0) ? '-0' : String(value)}`
}

function shown(value: RowValue): string | null {
  if (value === null || value === undefined) return null
  return Object.is(value, -0) ? '-0' : String(value)
}
