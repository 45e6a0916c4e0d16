import fs from 'node:fs'
import path from 'node:path'
import { ReplayError } from '../errors.ts'
import { partKey } from '../plan/run/part-key.ts'
import type { Receipt } from '../plan/run/receipt.ts'
import type { PlannedPartition } from '../plan/run/task-share.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { GroupCopy } from '../table/group-copy.ts'

export interface PartPackerOptions {
  readonly table: ObjectStore
  readonly run: string
  readonly attempt: string
  /** Folder for files that are being written. */
  readonly scratch: string
  /** A part is full when it has so many bytes. @default 128 MiB */
  readonly fullBytes?: number | undefined
  /** Partitions that get a part of their own, in the table as soon as they are done. @default none */
  isAlone?(partition: PlannedPartition): boolean
}

/** A Parquet file with the rows of a partition. */
export interface CellFile {
  readonly path: string
  /** Bytes. */
  readonly size: number
}

type PartRef = NonNullable<Receipt['part']>

/** A part in which a partition's rows lie. Size, hash and rows are known, and it is in the table, once the packer has put it. */
export interface PackedPart {
  readonly ref: { -readonly [Field in keyof PartRef]: PartRef[Field] }
  /** Why it could not be put into the table; null: it could, or it is not yet. */
  error: unknown
}

/** A query engine is served best by files of 64 to 256 MB. */
const FULL_BYTES = 128 * 2 ** 20
/** Parts on their way at once: a put waits for a disk, or for S3, far longer than a short partition takes to make. */
const MAX_PUTS = 4

/**
 * Puts the rows of partitions into parts: those of an instrument and month behind one another in one file, each in row groups of its
 * own, until the part is full. A part is whole and in the table before any receipt tells of it.
 */
export class PartPacker {
  readonly #options: PartPackerOptions
  #open: OpenPart | null = null
  readonly #puts = new Set<Promise<void>>()
  /** Files that are to be taken in. */
  #waiting = 0
  /** They are, one after the other. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: PartPackerOptions) {
    this.#options = options
  }

  /** Whether the file that comes next is to become a part as it is, for which a disk is waited for. */
  get syncsNext(): boolean {
    return this.#open === null && this.#waiting === 0 && this.#options.table.waitsForDisk === true
  }

  /**
   * Takes in the rows of a partition, behind those of the partition before. The file is removed.
   * @throws ReplayError `disk-full`, `output-failed`; those of the store for a part that stands alone
   */
  add(partition: PlannedPartition, file: CellFile): Promise<PackedPart> {
    this.#waiting++
    const added = this.#last
      .then(() => this.#add(partition, file))
      .finally(() => {
        this.#waiting--
        fs.rmSync(file.path, { force: true })
      })
    this.#last = added.catch(() => undefined)
    return added
  }

  /** Puts what there is. What could not be put is told by its `error`. */
  async close(): Promise<void> {
    await this.#last
    this.#putOpen()
    await Promise.all(this.#puts)
  }

  async #add(partition: PlannedPartition, file: CellFile): Promise<PackedPart> {
    const isAlone = this.#options.isAlone?.(partition) === true
    if (isAlone || this.#open?.isOf(partition) === false) this.#putOpen()
    while (this.#puts.size >= MAX_PUTS) await Promise.race(this.#puts)
    this.#open ??= new OpenPart(partition, this.#options)
    const open = this.#open
    const packed = await open.append(file)
    if (!isAlone && open.bytes < (this.#options.fullBytes ?? FULL_BYTES)) return packed
    await this.#putOpen()
    if (isAlone && packed.error !== null) throw packed.error
    return packed
  }

  #putOpen(): Promise<void> {
    const open = this.#open
    this.#open = null
    if (open === null) return Promise.resolve()
    const put = open.put(this.#options.table).finally(() => this.#puts.delete(put))
    this.#puts.add(put)
    return put
  }
}

/** A part that is being filled. */
class OpenPart {
  readonly #key: string
  readonly #path: string
  readonly #copy: GroupCopy
  readonly #month: string
  readonly #instrument: string
  readonly #packed: PackedPart[] = []

  constructor(first: PlannedPartition, { run, attempt, scratch }: PartPackerOptions) {
    this.#key = partKey({ ...first, run, attempt })
    this.#path = path.join(scratch, `pack-${first.index}-${path.basename(this.#key)}`)
    this.#month = monthOf(first)
    this.#instrument = instrumentOf(first)
    this.#copy = new GroupCopy(this.#path)
  }

  get bytes(): number {
    return this.#copy.bytes
  }

  isOf(partition: PlannedPartition): boolean {
    return monthOf(partition) === this.#month && instrumentOf(partition) === this.#instrument
  }

  async append({ path: from }: CellFile): Promise<PackedPart> {
    const packed: PackedPart = {
      ref: { path: this.#key, size: 0, etag: '', firstRow: this.#copy.rows, rows: 0 },
      error: null,
    }
    await this.#copy.appendFile(from, true)
    this.#packed.push(packed)
    return packed
  }

  /** Never throws: what goes wrong is told to all whose rows are in it. */
  async put(table: ObjectStore): Promise<void> {
    try {
      const size = this.#copy.finish()
      const etag = await table.put(this.#key, { file: this.#path, size }, 'absent')
      if (etag === null) {
        const message = 'an attempt has a name of its own, but this part is there'
        throw new ReplayError('part-exists', message, { category: 'bug', path: this.#key })
      }
      for (const { ref } of this.#packed) Object.assign(ref, { size, etag, rows: this.#copy.rows })
    } catch (error) {
      this.#copy.abandon()
      for (const packed of this.#packed) packed.error = error
    } finally {
      fs.rmSync(this.#path, { force: true })
    }
  }
}

function monthOf({ date }: PlannedPartition): string {
  return date.slice(0, 7)
}

function instrumentOf({ venue, symbol }: PlannedPartition): string {
  return `${venue}/${symbol}`
}
