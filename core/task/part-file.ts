import { statSync, unlinkSync } from 'node:fs'
import path from 'node:path'
import { ReplayError } from '../errors.ts'
import type { PlanColumn } from '../job/row-schema.ts'
import { PARTITION_COLUMNS } from '../job/row-schema.ts'
import { partKey } from '../plan/run/part-key.ts'
import type { PartResult } from '../plan/run/receipt.ts'
import type { PlannedPartition } from '../plan/run/task-share.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { ParquetFile } from '../table/parquet-writer.ts'
import type { RowGroupBuffers } from '../table/row-group-buffers.ts'
import { type RowChecksum, TableChecksum } from '../table/table-checksum.ts'

export interface PartOptions {
  readonly partition: Pick<PlannedPartition, 'index' | 'venue' | 'symbol' | 'date' | 'startNs' | 'endNs' | 'fingerprint'>
  readonly run: string
  readonly attempt: string
  /** Schema of the rows, directories included. */
  readonly columns: readonly PlanColumn[]
  /** Folder for the file until it is put into the table. */
  readonly scratch: string
  /** Memory of files that are closed, for those to come. */
  readonly spare: RowGroupBuffers[]
}

/** The rows of one partition: a Parquet file beside the table, put into it whole and once. */
export class PartFile {
  readonly file: ParquetFile
  /** Key in the table. */
  readonly key: string
  readonly #checksum: TableChecksum
  readonly #path: string
  readonly #spare: RowGroupBuffers[]

  /** @throws ReplayError `disk-full`, `output-failed` */
  constructor(options: PartOptions) {
    const { partition, run, attempt, scratch, spare } = options
    const columns = options.columns.filter(({ name }) => !PARTITION_COLUMNS.includes(name))
    this.key = partKey({ ...partition, run, attempt })
    this.#checksum = new TableChecksum(
      columns,
      PARTITION_COLUMNS.map((column) => ({ name: column, value: partition[column as 'venue' | 'symbol' | 'date'] })),
    )
    // One partition is written at a time in a task, but names of scratch files must not meet those of others.
    this.#path = path.join(scratch, `${partition.index}-${path.basename(this.key)}`)
    this.#spare = spare
    this.file = new ParquetFile({
      path: this.#path,
      columns,
      onGroup: (buffers, rows) => this.#checksum.addBuffers(buffers, 0, rows),
      buffers: spare.pop(),
      isDurable: false, // what is put into the table is
    })
  }

  /** @param key in the table, where that was not known before @throws ReplayError bug `part-exists`, `disk-full`, `output-failed`, and those of the store */
  async finish(table: ObjectStore, key = this.key): Promise<PartResult> {
    await this.file.close()
    this.#spare.push(this.file.buffers)
    try {
      const { size } = statSync(this.#path)
      const etag = await table.put(key, { file: this.#path, size }, 'absent')
      if (etag === null)
        throw new ReplayError('part-exists', 'an attempt has a name of its own, but this part is there', {
          category: 'bug',
          path: key,
        })
      const { rows, sum }: RowChecksum = this.#checksum.result()
      const times = this.file.bounds('ts_ns')
      return {
        part: { path: key, size, etag },
        checksum: { rows, sum: String(sum) },
        minTsNs: String(times?.min),
        maxTsNs: String(times?.max),
      }
    } finally {
      unlinkSync(this.#path)
    }
  }

  /** Harmless after `finish`, which leaves nothing either. */
  abandon(): void {
    this.file.abandon()
  }
}
