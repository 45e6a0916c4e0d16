import fs from 'node:fs'
import path from 'node:path'
import { ReplayError } from '../errors.ts'
import { partKey } from '../plan/run/part-key.ts'
import type { LiveCell } from '../plan/table/pack.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { GroupCopy, type GroupSource, readFooter, type SourceFooter } from '../table/group-copy.ts'
import type { TimeBounds } from './done-parts.ts'
import { CellNarrower, dropNarrowed } from './narrowed-cell.ts'

/** Partitions in a part of ours that are to be copied, in order of rows. */
export interface CopiedCells {
  readonly path: string
  /** Bytes of the part. */
  readonly size: number
  readonly cells: readonly CopiedCell[]
}

export interface CopiedCell {
  readonly cell: LiveCell
  readonly firstRow: number
  /** The same with some of its variants alone, whose rows go into the copy; the others' do not. */
  readonly narrowed?: LiveCell | undefined
}

export interface RewrittenPart {
  readonly path: string
  readonly size: number
  readonly bounds: TimeBounds
  /** The partitions in it, in order of rows. */
  readonly cells: readonly LiveCell[]
}

export interface RewriteOptions {
  /** Run and attempt that the part is named after. */
  readonly run: string
  readonly attempt: string
  /** Folder for files that are being written. */
  readonly scratch: string
}

/**
 * Makes one part of partitions that lie in one or several, and puts it into the table: row groups are copied as they are, a few
 * megabytes in memory at a time; only those of partitions that lose variants are written anew. Null: no rows are left.
 * @throws ReplayError corrupt `part-missing`, `part-damaged`; `disk-full`, `output-failed`; those of the store
 */
export async function rewriteParts(
  table: ObjectStore,
  sources: readonly CopiedCells[],
  { run, attempt, scratch }: RewriteOptions,
): Promise<RewrittenPart | null> {
  const first = sources[0]!.cells[0]!.cell
  const { startNs, endNs, ...names } = first
  const key = partKey({ ...names, startNs: BigInt(startNs), endNs: BigInt(endNs), run, attempt })
  const file = path.join(scratch, path.basename(key))
  const copy = new GroupCopy(file, 'ts_ns')
  try {
    const cells: LiveCell[] = []
    for (const source of sources) cells.push(...(await copyCells(table, source, copy, scratch)))
    if (copy.bounds === null) return null
    const size = copy.finish()
    if ((await table.put(key, { file, size }, 'absent')) === null) {
      throw new ReplayError('part-exists', 'a commit has a name of its own, but this part is there', { category: 'bug', path: key })
    }
    const { min, max } = copy.bounds
    return { path: key, size, cells, bounds: { minNs: min, maxNs: max } }
  } finally {
    copy.abandon()
    fs.rmSync(file, { force: true })
  }
}

/** Gives the partitions as they are in the copy; those without rows there are left out. */
async function copyCells(table: ObjectStore, from: CopiedCells, copy: GroupCopy, scratch: string): Promise<LiveCell[]> {
  const source = sourceOf(table, from.path, from.size)
  const footer = await readFooter(source)
  const narrower = from.cells.some(({ narrowed }) => narrowed !== undefined) ? new CellNarrower(table, from, scratch) : null
  const copied: LiveCell[] = []
  for (const { cell, firstRow, narrowed } of from.cells) {
    const groups = groupsOf(footer, firstRow, firstRow + cell.rows, source.path)
    if (narrowed === undefined) {
      await copy.append(source, footer, ...groups)
      copied.push(cell)
      continue
    }
    const made = await narrower!.narrow(groups, narrowed)
    if (made.rows > 0) {
      await copy.appendFile(made.file)
      copied.push({ ...narrowed, rows: made.rows, sum: String(made.sum) })
    }
    dropNarrowed(made)
  }
  return copied
}

function sourceOf(table: ObjectStore, key: string, size: number): GroupSource {
  const at = `${table.uri}/${key}`
  return {
    path: at,
    size,
    async read(start, end) {
      const object = await table.get(key, { range: { start, end } })
      if (object !== null) return object.bytes
      throw new ReplayError('part-missing', 'the table has a part whose file is missing; run its partitions again', {
        category: 'corrupt',
        path: at,
      })
    },
  }
}

/** The row groups of some rows: each partition begins one. */
function groupsOf({ groupRows }: SourceFooter, firstRow: number, endRow: number, place: string): readonly [from: number, end: number] {
  let [row, from] = [0, -1]
  for (let i = 0; i <= groupRows.length; i++) {
    if (row === firstRow && from < 0) from = i
    if (row === endRow && from >= 0) return [from, i]
    row += groupRows[i] ?? 0
  }
  throw new ReplayError('part-damaged', `expected a row group from row ${firstRow} on, and one that ends before row ${endRow}`, {
    category: 'corrupt',
    path: place,
  })
}
