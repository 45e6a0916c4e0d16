import fs from 'node:fs'
import { ReplayError } from '../errors.ts'
import { giveBack } from '../large-piece.ts'
import { OutputFile } from '../store/output-file.ts'
import { Page } from './page.ts'
import { numberAt, readThrift, structsAt, type ThriftList, type ThriftStruct, writeThrift } from './thrift-tree.ts'

/** A Parquet file of ours to copy from. */
export interface GroupSource {
  /** For messages. */
  readonly path: string
  /** Bytes. */
  readonly size: number
  read(start: number, end: number): Promise<Uint8Array> | Uint8Array
}

/** A footer, as far as copies need it. */
export interface SourceFooter {
  readonly fields: ThriftStruct
  /** Rows of each row group. */
  readonly groupRows: readonly number[]
}

/** @throws ReplayError corrupt `part-damaged` */
export async function readFooter(source: GroupSource): Promise<SourceFooter> {
  const { path, size } = source
  try {
    const first = await source.read(Math.max(0, size - GUESSED_BYTES), size)
    const tail = Buffer.from(first.buffer, first.byteOffset, first.length)
    if (tail.toString('latin1', tail.length - 4) !== 'PAR1') throw new RangeError('it does not end as a Parquet file does')
    const length = tail.readUInt32LE(tail.length - 8)
    const end = size - 8
    const whole =
      length + 8 <= tail.length ? tail.subarray(tail.length - 8 - length, tail.length - 8) : await source.read(end - length, end)
    const fields = readThrift(whole)
    return { fields, groupRows: structsAt(fields, FILE.groups).map((group) => numberAt(readThrift(group), GROUP.rows)) }
  } catch (cause) {
    throw damaged(cause, path)
  }
}

function damaged(cause: unknown, path: string): ReplayError {
  if (cause instanceof ReplayError) return cause
  const message = `the part cannot be copied: ${cause instanceof Error ? cause.message : String(cause)}; run its partitions again`
  return new ReplayError('part-damaged', message, { category: 'corrupt', path, cause })
}

/**
 * A Parquet file made of row groups of others that have the same columns: their bytes as they are, and one footer. Nothing is decoded,
 * and no more than a row group is in memory. Only of files that this library wrote: others may have indexes that would have to move.
 */
export class GroupCopy {
  /** Bytes so far, without the footer. */
  bytes = 0
  rows = 0
  /** Of the column that was asked for, in the row groups so far; null: there are none. */
  bounds: { readonly min: bigint; readonly max: bigint } | null = null
  readonly #file: OutputFile
  /** As they go into the footer. */
  readonly #groups: Uint8Array[] = []
  /** What of it is being written. */
  readonly #page = new Page(1 << 12)
  readonly #bounded: string | null
  #first: SourceFooter | null = null

  /** @param bounded a column of 64-bit numbers whose bounds are wanted @throws ReplayError `output-failed`, `disk-full` */
  constructor(path: string, bounded: string | null = null) {
    this.#bounded = bounded
    this.#file = new OutputFile({ path }, { whole: true })
    this.#write(MAGIC)
  }

  /**
   * Appends row groups `from` ≤ n < `end`, of which none is left out.
   * @throws ReplayError corrupt `part-damaged`; bug `parquet-columns` when the columns are others; `disk-full`, `output-failed`
   */
  async append(source: GroupSource, footer: SourceFooter, from: number, end: number): Promise<void> {
    this.#first ??= footer
    if (!isSameSchema(this.#first, footer)) {
      throw new ReplayError('parquet-columns', 'parts of different columns cannot be one', { category: 'bug', path: source.path })
    }
    try {
      for (const group of structsAt(footer.fields, FILE.groups).slice(from, end)) await this.#appendGroup(source, readThrift(group))
    } catch (cause) {
      throw damaged(cause, source.path)
    }
  }

  /**
   * Appends all row groups of a file on this machine.
   * @param isBeside it lies in the same folder, and nobody needs it any more: as the first file it is taken over, and nothing is copied
   * @throws as `append`, and `readFooter`
   */
  async appendFile(file: string, isBeside = false): Promise<void> {
    const source = new LocalFile(file)
    try {
      const footer = await readFooter(source)
      const ofFooter = source.keep()
      if (isBeside && this.#first === null) this.#begin(source, footer)
      else await this.append(source, footer, 0, footer.groupRows.length)
      // The first footer is looked at again.
      if (footer !== this.#first) giveBack(ofFooter)
    } finally {
      source.close()
    }
  }

  /** The row groups of the first file stay where they are. */
  #begin({ path }: GroupSource, footer: SourceFooter): void {
    this.#first = footer
    const groups = structsAt(footer.fields, FILE.groups).map(readThrift)
    this.#file.takeOver(path, Math.max(MAGIC.length, ...groups.map((group) => placeOf(group)[1])))
    this.bytes = this.#file.bytes
    for (const group of groups) this.#addGroup(group, 0)
  }

  async #appendGroup(source: GroupSource, group: ThriftStruct): Promise<void> {
    const [start, stop] = placeOf(group)
    const bytes = await source.read(start, stop)
    if (bytes.length !== stop - start) throw new RangeError('it is shorter than its footer says')
    const by = this.bytes - start
    this.#write(bytes)
    this.#addGroup(group, by)
  }

  /** @param by so many bytes further behind */
  #addGroup(group: ThriftStruct, by: number): void {
    this.#groups.push(writeThrift(moveGroup(group, by, this.#groups.length, this.#page), this.#page).slice())
    this.rows += numberAt(group, GROUP.rows)
    if (this.#bounded !== null) this.#widen(boundsOf(group, this.#bounded))
  }

  #widen({ min, max }: { readonly min: bigint; readonly max: bigint }): void {
    const { bounds } = this
    this.bounds = bounds === null ? { min, max } : { min: min < bounds.min ? min : bounds.min, max: max > bounds.max ? max : bounds.max }
  }

  /** Writes the footer and gives the file its name; returns its bytes. @throws ReplayError `disk-full`, `output-failed` */
  finish(): number {
    const fields: ThriftStruct = new Map(this.#first!.fields)
    fields.set(FILE.rows, { type: I64, value: this.rows })
    fields.set(FILE.groups, { type: LIST, value: { type: STRUCT, values: this.#groups } })
    const footer = writeThrift(fields)
    const end = Buffer.alloc(8)
    end.writeUInt32LE(footer.length)
    MAGIC.copy(end, 4)
    this.#write(footer)
    this.#write(end)
    this.#file.close()
    return this.bytes
  }

  /** Harmless after `finish`. */
  abandon(): void {
    this.#file.abandon()
  }

  #write(bytes: Uint8Array): void {
    this.#file.write(bytes)
    this.bytes += bytes.length
  }
}

/** A file on this machine; what was read is there until the next reading. */
class LocalFile implements GroupSource {
  readonly path: string
  readonly size: number
  readonly #fd: number
  #piece: Uint8Array = NOTHING

  constructor(path: string) {
    this.path = path
    this.#fd = fs.openSync(path, 'r')
    this.size = fs.fstatSync(this.#fd).size
  }

  read(start: number, end: number): Uint8Array {
    giveBack(this.#piece)
    this.#piece = Buffer.allocUnsafeSlow(end - start)
    return this.#piece.subarray(0, fs.readSync(this.#fd, this.#piece, 0, end - start, start))
  }

  /** What was read last stays. */
  keep(): Uint8Array {
    const piece = this.#piece
    this.#piece = NOTHING
    return piece
  }

  close(): void {
    giveBack(this.#piece)
    fs.closeSync(this.#fd)
  }
}

/** Where the chunks of a row group lie: one behind the other. */
function placeOf(group: ThriftStruct): readonly [start: number, end: number] {
  let [start, end] = [Number.POSITIVE_INFINITY, 0]
  for (const bytes of structsAt(group, GROUP.columns)) {
    const chunk = chunkOf(readThrift(bytes))
    const at = startOf(chunk)
    start = Math.min(start, at)
    end = Math.max(end, at + numberAt(chunk, CHUNK.bytes))
  }
  return [start, end]
}

function chunkOf(column: ThriftStruct): ThriftStruct {
  const value = column.get(COLUMN.chunk)?.value
  if (!(value instanceof Uint8Array) || [...column.keys()].some((id) => id > COLUMN.chunk)) throw new RangeError('a column has an index')
  return readThrift(value)
}

function startOf(chunk: ThriftStruct): number {
  return chunk.has(CHUNK.dictionary) ? numberAt(chunk, CHUNK.dictionary) : numberAt(chunk, CHUNK.data)
}

function boundsOf(group: ThriftStruct, name: string): { readonly min: bigint; readonly max: bigint } {
  for (const column of structsAt(group, GROUP.columns)) {
    const chunk = chunkOf(readThrift(column))
    const path = chunk.get(CHUNK.path)?.value as ThriftList
    if (path.values.length !== 1 || Buffer.from(path.values[0] as Uint8Array).toString() !== name) continue
    const bytes = chunk.get(CHUNK.statistics)?.value
    const statistics = bytes instanceof Uint8Array ? readThrift(bytes) : null
    const [max, min] = [STATISTICS.max, STATISTICS.min].map((id) => statistics?.get(id)?.value)
    if (!(max instanceof Uint8Array) || !(min instanceof Uint8Array)) break
    return { min: Buffer.from(min).readBigInt64LE(), max: Buffer.from(max).readBigInt64LE() }
  }
  throw new RangeError(`a row group has no bounds of ${name}`)
}

/** The same row group so many bytes further behind. */
function moveGroup(group: ThriftStruct, by: number, ordinal: number, page: Page): ThriftStruct {
  const columns = structsAt(group, GROUP.columns).map((bytes) => {
    const column = readThrift(bytes)
    const chunk = chunkOf(column)
    for (const id of [CHUNK.data, CHUNK.dictionary]) if (chunk.has(id)) chunk.set(id, { type: I64, value: numberAt(chunk, id) + by })
    column.set(COLUMN.chunk, { type: STRUCT, value: writeThrift(chunk, page).slice() })
    return writeThrift(column, page).slice()
  })
  const moved: ThriftStruct = new Map(group)
  moved.set(GROUP.columns, { type: LIST, value: { type: STRUCT, values: columns } })
  if (moved.has(GROUP.start)) moved.set(GROUP.start, { type: I64, value: numberAt(group, GROUP.start) + by })
  if (ordinal <= MAX_I16) moved.set(GROUP.ordinal, { type: I16, value: ordinal })
  else moved.delete(GROUP.ordinal)
  return moved
}

function isSameSchema(a: SourceFooter, b: SourceFooter): boolean {
  if (a === b) return true
  const [one, other] = [a, b].map(({ fields }) => writeThrift(new Map([[FILE.schema, fields.get(FILE.schema)!]])))
  return Buffer.compare(one!, other!) === 0
}

const MAGIC = Buffer.from('PAR1')
const NOTHING = new Uint8Array(0)
/** Footers of few row groups are read at once. */
const GUESSED_BYTES = 1 << 16
const MAX_I16 = 32_767
// Ids of fields of apache/parquet-format, parquet.thrift.
const FILE = { schema: 2, rows: 3, groups: 4 } as const
const GROUP = { columns: 1, rows: 3, start: 5, ordinal: 7 } as const
const COLUMN = { chunk: 3 } as const
const CHUNK = { path: 3, bytes: 7, data: 9, dictionary: 11, statistics: 12 } as const
const STATISTICS = { max: 5, min: 6 } as const
const [I16, I64, LIST, STRUCT] = [4, 6, 9, 12] as const
