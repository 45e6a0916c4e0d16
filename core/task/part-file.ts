import { statSync } from 'node:fs'
import path from 'node:path'
import type { PlanColumn } from '../job/row-schema.ts'
import { PARTITION_COLUMNS } from '../job/row-schema.ts'
import type { PartResult } from '../plan/run/receipt.ts'
import type { PlannedPartition } from '../plan/run/task-share.ts'
import { ParquetFile } from '../table/parquet-writer.ts'
import type { RowGroupBuffers } from '../table/row-group-buffers.ts'
import { type RowChecksum, TableChecksum } from '../table/table-checksum.ts'
import type { PackedPart, PartPacker } from './part-packer.ts'

export interface PartOptions {
  readonly partition: Pick<PlannedPartition, 'index' | 'venue' | 'symbol' | 'startNs'>
  /** Schema of the rows, directories included. */
  readonly columns: readonly PlanColumn[]
  /** Folder for the file until it is in a part. */
  readonly scratch: string
  /** Memory of files that are closed, for those to come. */
  readonly spare: RowGroupBuffers[]
  /** What it goes to. @default nothing is known of it */
  readonly parts?: Pick<PartPacker, 'syncsNext'>
}

/** What became of the rows of a partition: the part is not in the table before the packer has put it. */
export interface CellResult extends PartResult {
  readonly packed: PackedPart | null
}

/** The rows of one partition: a Parquet file beside the table, which goes into a part of it whole and once. */
export class PartFile {
  readonly file: ParquetFile
  readonly #checksum: TableChecksum
  readonly #path: string
  readonly #spare: RowGroupBuffers[]

  /** @throws ReplayError `disk-full`, `output-failed` */
  constructor(options: PartOptions) {
    const { partition, scratch, spare, parts } = options
    const columns = options.columns.filter(({ name }) => !PARTITION_COLUMNS.includes(name))
    this.#checksum = new TableChecksum(
      columns,
      PARTITION_COLUMNS.map((column) => ({ name: column, value: partition[column as 'venue' | 'symbol'] })),
    )
    // One partition is written at a time in a task, but names of scratch files must not meet those of others.
    this.#path = path.join(scratch, `cell-${partition.index}-${partition.startNs}-${files++}.parquet`)
    this.#spare = spare
    this.file = new ParquetFile({
      path: this.#path,
      columns,
      onGroup: (buffers, rows) => this.#checksum.addBuffers(buffers, 0, rows),
      buffers: spare.pop(),
      isDurable: false, // what is put into the table is
      syncsSoon: parts?.syncsNext === true,
    })
  }

  /**
   * @param partition as planned, which a part may be named after
   * @throws ReplayError `disk-full`, `output-failed`; of a part that stands alone bug `part-exists`, and those of the store
   */
  async finish(parts: PartPacker, partition: PlannedPartition): Promise<CellResult> {
    await this.file.close()
    this.#spare.push(this.file.buffers)
    const { rows, sum }: RowChecksum = this.#checksum.result()
    const times = this.file.bounds('ts_ns')
    const packed = await parts.add(partition, { path: this.#path, size: statSync(this.#path).size })
    return {
      packed,
      part: packed.ref,
      checksum: { rows, sum: String(sum) },
      minTsNs: String(times?.min),
      maxTsNs: String(times?.max),
    }
  }

  /** Harmless after `finish`, which leaves nothing either. */
  abandon(): void {
    this.file.abandon()
  }
}

/** Of this thread: names of scratch files. */
let files = 0
