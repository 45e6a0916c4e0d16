import fs from 'node:fs'
import path from 'node:path'
import { dayOfDate } from '../instant.ts'
import type { LiveCell } from '../plan/table/pack.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { ColumnBuffer } from '../table/column-buffer.ts'
import { ParquetFile } from '../table/parquet-writer.ts'
import { openPartRows, type PartGroup, type PartPlace } from '../table/part-groups.ts'
import { type RowChecksum, type RowValue, TableChecksum } from '../table/table-checksum.ts'
import { PARTITION_COLUMNS } from '../table/table-schema.ts'

/** A file with the rows of some variants of a partition, and what they sum up to. */
export interface NarrowedRows extends RowChecksum {
  readonly file: string
}

/** Makes files of the rows that some variants have in partitions of a part: as the part has them, in columns of the same types. */
export class CellNarrower {
  readonly #part: ReturnType<typeof openPartRows>
  readonly #scratch: string
  #files = 0

  constructor(table: ObjectStore, part: PartPlace, scratch: string) {
    this.#part = openPartRows(table, part)
    this.#scratch = scratch
    // Whoever asks for rows hears of it.
    this.#part.catch(() => undefined)
  }

  /**
   * @param from row groups `from` ≤ n < `end`, which are those of the partition; @param to it, with the variants that stay
   * @throws ReplayError corrupt `part-missing`, `part-damaged`; `disk-full`, `output-failed`
   */
  async narrow([from, end]: readonly [from: number, end: number], to: LiveCell): Promise<NarrowedRows> {
    const part = await this.#part
    const columns = await part.columns()
    const constants = PARTITION_COLUMNS.map((name) => ({ name, value: to[name as 'venue' | 'symbol'] }))
    const checksum = new TableChecksum(columns, constants)
    const file = new ParquetFile({
      path: path.join(this.#scratch, `narrowed-${this.#files++}-${process.hrtime.bigint()}.parquet`),
      columns,
      onGroup: (buffers, rows) => checksum.addBuffers(buffers, 0, rows),
      isDurable: false, // what is put into the table is
    })
    try {
      for (let group = from; group < end; group++) copyRows(await part.read(group), new Set(to.variants), file)
      await file.close()
    } catch (error) {
      file.abandon()
      throw error
    }
    return { file: file.path, ...checksum.result() }
  }
}

function copyRows({ rows, values }: PartGroup, variants: ReadonlySet<string>, file: ParquetFile): void {
  const ids = values.get('variant')!
  for (let row = 0; row < rows; row++) {
    if (!variants.has(String(ids[row]))) continue
    for (const column of file.columns) setValue(column, file.row, values.get(column.name)![row])
    file.endRow()
  }
}

function setValue(column: ColumnBuffer, row: number, value: RowValue): void {
  if (value === null || value === undefined) return
  const { type } = column
  if (type === 'f64') column.setF64(row, Number(value))
  else if (type === 'i32') column.setI32(row, Number(value))
  else if (type === 'bool') column.setBool(row, value === true)
  else if (type === 'string') column.setString(row, String(value))
  else if (type === 'date') column.setI32(row, dayOfDate(String(value)))
  else column.setI64(row, BigInt(value))
}

/** Removes the file of rows that are in a part. */
export function dropNarrowed({ file }: NarrowedRows): void {
  fs.rmSync(file, { force: true })
}
