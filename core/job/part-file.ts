import { readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { ReplayError } from '../errors.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { ColumnBuffer } from '../table/column-buffer.ts'
import { ParquetFile } from '../table/parquet-writer.ts'
import { type RowChecksum, TableChecksum } from '../table/table-checksum.ts'
import { cellName } from './cells.ts'
import type { PlanColumn } from './plan-document.ts'
import type { Receipt } from './receipt.ts'
import { PARTITION_COLUMNS } from './row-schema.ts'
import type { PlannedPartition } from './task-share.ts'

export interface PartOptions {
  readonly partition: PlannedPartition
  readonly run: string
  readonly attempt: string
  /** Schema of the rows, directories included. */
  readonly columns: readonly PlanColumn[]
  /** Folder for the file until it is put into the table. */
  readonly scratch: string
}

/** What a receipt says of the rows. */
export type PartResult = Pick<Receipt, 'part' | 'checksum' | 'minTsNs' | 'maxTsNs'>

/** A partition without rows. */
export const NO_PART: PartResult = { part: null, checksum: { rows: 0, sum: '0' }, minTsNs: null, maxTsNs: null }

/** The rows of one partition: a Parquet file beside the table, put into it whole and once. */
export class PartFile {
  readonly file: ParquetFile
  /** Key in the table. */
  readonly key: string
  readonly #checksum: TableChecksum
  readonly #path: string
  #minTsNs: bigint | null = null
  #maxTsNs: bigint | null = null

  /** @throws ReplayError `disk-full`, `output-failed` */
  constructor(options: PartOptions) {
    const { partition, run, attempt, scratch } = options
    const columns = options.columns.filter(({ name }) => !PARTITION_COLUMNS.includes(name))
    const { venue, symbol, date, startNs, endNs, fingerprint } = partition
    const name = `part-${cellName(startNs, endNs)}-${fingerprint}-${run}-${attempt}.parquet`
    this.key = `venue=${venue}/symbol=${symbol}/date=${date}/${name}`
    this.#checksum = new TableChecksum(
      columns,
      PARTITION_COLUMNS.map((column) => ({ name: column, value: partition[column as 'venue' | 'symbol' | 'date'] })),
    )
    // One partition is written at a time in a task, but names of scratch files must not meet those of others.
    this.#path = path.join(scratch, `${partition.index}-${name}`)
    this.file = new ParquetFile({ path: this.#path, columns, onGroup: (buffers, rows) => this.#observe(buffers, rows) })
  }

  /** @throws ReplayError bug `part-exists`, `disk-full`, `output-failed`, and those of the store */
  async finish(table: ObjectStore): Promise<PartResult> {
    await this.file.close()
    try {
      const bytes = readFileSync(this.#path)
      const etag = await table.put(this.key, bytes, 'absent')
      if (etag === null)
        throw new ReplayError('part-exists', 'an attempt has a name of its own, but this part is there', {
          category: 'bug',
          path: this.key,
        })
      const { rows, sum }: RowChecksum = this.#checksum.result()
      return {
        part: { path: this.key, size: bytes.length, etag },
        checksum: { rows, sum: String(sum) },
        minTsNs: String(this.#minTsNs),
        maxTsNs: String(this.#maxTsNs),
      }
    } finally {
      rmSync(this.#path, { force: true })
    }
  }

  abandon(): void {
    this.file.abandon()
    rmSync(this.#path, { force: true })
  }

  #observe(columns: readonly ColumnBuffer[], rows: number): void {
    this.#checksum.addBuffers(columns, 0, rows)
    const { words, i64 } = columns.find(({ name }) => name === 'ts_ns')!
    let [least, greatest] = [0, 0]
    for (let row = 1; row < rows; row++) {
      if (isBefore(words, row, least)) least = row
      if (isBefore(words, greatest, row)) greatest = row
    }
    const [min, max] = [i64[least]!, i64[greatest]!]
    if (this.#minTsNs === null || min < this.#minTsNs) this.#minTsNs = min
    if (this.#maxTsNs === null || max > this.#maxTsNs) this.#maxTsNs = max
  }
}

/** Whether the time of row `a` is less than that of row `b`; times are below 2⁶³. */
function isBefore(words: Uint32Array, a: number, b: number): boolean {
  const [high, other] = [words[2 * a + 1]!, words[2 * b + 1]!]
  return high < other || (high === other && words[2 * a]! < words[2 * b]!)
}
