import zlib from 'node:zlib'
import { ReplayError } from '../../errors.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import type { TableState } from '../../table/delta-log.ts'
import type { LiveCell } from './pack.ts'

/*
 * Which partitions lie in which part. A table may have millions, too many for the tags of its parts: a commit writes them into objects of
 * their own, and each part's tag `cells` names the one that tells of it. Objects are never changed, so that a part that comes back, as by
 * RESTORE, is known again. Two lines of JSON for each part: what is said once, and the partitions in order of their rows. They are in
 * blocks, each its length (u32) and a frame of zstd, so that none has to be in memory as a whole.
 */
export const CELLS_FOLDER = '_chronicle/cells/'
export const CELLS_TAG = 'cells'

/** A part with the partitions whose rows it holds, in order of rows; all of its rows are theirs. */
export interface PartCells {
  readonly path: string
  readonly venue: string
  readonly symbol: string
  readonly cells: readonly LiveCell[]
}

/** The first line of a part; the partitions refer to runs and variants by number. */
export interface PartHeader {
  readonly path: string
  readonly venue: string
  readonly symbol: string
  readonly runs: readonly string[]
  /** Sets of ids, each joined by spaces. */
  readonly variants: readonly string[]
  /** How many partitions are of a set and a run, by number. */
  readonly counts: readonly (readonly [variants: number, run: number, partitions: number])[]
}

type CellLine = readonly [
  startNs: string,
  endNs: string,
  variants: number,
  run: number,
  fingerprint: string,
  inputs: string,
  restart: string,
  rows: number,
  sum: string,
]

/** Both lines of a part. */
export function encodePart({ path, venue, symbol, cells }: PartCells): readonly [header: string, cells: string] {
  const runs = [...new Set(cells.map(({ run }) => run))]
  const variants = [...new Set(cells.map((cell) => cell.variants.join(' ')))]
  const lines = cells.map((cell): CellLine => {
    const { startNs, endNs, fingerprint, inputs, restart, rows, sum } = cell
    return [startNs, endNs, variants.indexOf(cell.variants.join(' ')), runs.indexOf(cell.run), fingerprint, inputs, restart, rows, sum]
  })
  const counts = [...Map.groupBy(lines, ([, , set, run]) => `${set} ${run}`).values()].map(
    (own) => [own[0]![2], own[0]![3], own.length] as const,
  )
  const header: PartHeader = { path, venue, symbol, runs, variants, counts }
  return [JSON.stringify(header), JSON.stringify(lines)]
}

export function decodeCells({ path, venue, symbol, runs, variants }: Omit<PartHeader, 'counts'>, text: string): LiveCell[] {
  const sets = variants.map((set) => set.split(' '))
  return (JSON.parse(text) as CellLine[]).map(([startNs, endNs, set, run, fingerprint, inputs, restart, rows, sum]) => {
    return { venue, symbol, startNs, endNs, variants: sets[set]!, fingerprint, inputs, restart, run: runs[run]!, path, rows, sum }
  })
}

/** Writes what a commit tells of its parts: objects `<name>-0`, `<name>-1`, … */
export class SegmentWriter {
  readonly #store: ObjectStore
  readonly #name: string
  #count = 0
  #lines: string[] = []
  #lineBytes = 0
  #blocks: Uint8Array[] = []
  #blockBytes = 0

  constructor(store: ObjectStore, name: string) {
    this.#store = store
    this.#name = name
  }

  /** Gives the name of the object that will tell of the part. */
  async add(part: PartCells): Promise<string> {
    if (this.#blockBytes > SEGMENT_BYTES) await this.#put()
    const [header, cells] = encodePart(part)
    this.#lines.push(header, cells)
    this.#lineBytes += header.length + cells.length + 2
    if (this.#lineBytes > BLOCK_BYTES) this.#endBlock()
    return `${this.#name}-${this.#count}`
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    this.#endBlock()
    if (this.#blockBytes > 0) await this.#put()
  }

  #endBlock(): void {
    if (this.#lines.length === 0) return
    const frame = zlib.zstdCompressSync(Buffer.from(`${this.#lines.join('\n')}\n`), FAST)
    const length = Buffer.alloc(4)
    length.writeUInt32LE(frame.length)
    this.#blocks.push(length, frame)
    this.#blockBytes += 4 + frame.length
    this.#lines = []
    this.#lineBytes = 0
  }

  async #put(): Promise<void> {
    this.#endBlock()
    const bytes = Buffer.concat(this.#blocks)
    this.#blocks = []
    this.#blockBytes = 0
    const key = segmentKey(`${this.#name}-${this.#count++}`)
    if ((await this.#store.put(key, bytes, 'absent')) !== null) return
    throw new ReplayError('part-exists', 'a commit has a name of its own, but this object is there', { category: 'bug', path: key })
  }
}

/** The parts that an object tells of, a block in memory at a time; none where it is not there. @throws ReplayError corrupt `table-cells` */
export async function* readSegment(
  store: ObjectStore,
  name: string,
): AsyncGenerator<{ readonly header: PartHeader; readonly cells: string }, void, undefined> {
  const object = await store.get(segmentKey(name))
  if (object === null) return
  const bytes = Buffer.from(object.bytes.buffer, object.bytes.byteOffset, object.bytes.length)
  try {
    for (let at = 0; at < bytes.length; ) {
      const length = bytes.readUInt32LE(at)
      const lines = zlib
        .zstdDecompressSync(bytes.subarray(at + 4, at + 4 + length))
        .toString()
        .split('\n')
      for (let i = 0; i + 1 < lines.length; i += 2) yield { header: JSON.parse(lines[i]!) as PartHeader, cells: lines[i + 1]! }
      at += 4 + length
    }
  } catch (cause) {
    if (cause instanceof ReplayError) throw cause
    const message = 'the list of partitions of a commit is damaged; restore the object, or make the table anew'
    throw new ReplayError('table-cells', message, { category: 'corrupt', path: `${store.uri}/${segmentKey(name)}`, cause })
  }
}

/** Keys of the objects that tell of the parts of a table. */
export function segmentsOf({ parts }: TableState): string[] {
  return [...new Set([...parts.values()].flatMap(({ tags }) => tags?.[CELLS_TAG] ?? []))].map(segmentKey)
}

export function segmentKey(name: string): string {
  return `${CELLS_FOLDER}${name}.cells`
}

/** Compressed. */
const SEGMENT_BYTES = 32 * 2 ** 20
/** Before compression. */
const BLOCK_BYTES = 2 ** 20
const FAST = { params: { [zlib.constants.ZSTD_c_compressionLevel]: 1 } }
