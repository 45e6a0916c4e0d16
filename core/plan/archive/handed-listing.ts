import zlib from 'node:zlib'
import { dateOfDay } from '../../instant.ts'
import type { TimeSpan } from '../../log/reading/sound-times.ts'
import { folderKey } from '../run/task-share.ts'
import { type ArchiveListing, ListingBuilder } from './archive-listing.ts'
import type { ListingFinding } from './listing-findings.ts'

/*
 * A listing as one object, so that whoever plans need not list what was listed a minute ago, or look into its folders again: pieces of JSON
 * lines, compressed, each behind its length (u32, little-endian). The first line says what the listing is of, each further one is a folder.
 */

interface Head {
  readonly version: 1
  /** URI of the archive. */
  readonly archive: string
  readonly objects: number
  readonly others: number
  readonly findings: readonly ListingFinding[]
  /** Whether lines say what looks found. */
  readonly hasLooks: boolean
}

type FolderLine = readonly [
  venue: string,
  symbol: string,
  day: number,
  stream: string,
  snapshots: number,
  objects: readonly (string | number)[],
  /** What it reaches beyond its day, nanoseconds since the epoch, or null; absent: not looked into. */
  look?: readonly [fromNs: string, toNs: string] | null,
]

export function encodeListing(archive: string, listing: ArchiveListing): Uint8Array {
  const { objects, others, findings, looks } = listing
  const head: Head = { version: 1, archive, objects, others, findings, hasLooks: looks !== undefined }
  const pieces: Uint8Array[] = []
  let text = `${JSON.stringify(head)}\n`
  const close = (): void => {
    const piece = zlib.zstdCompressSync(text, FAST)
    const length = Buffer.alloc(4)
    length.writeUInt32LE(piece.length)
    pieces.push(length, piece)
    text = ''
  }
  for (const { venue, symbol, folders } of listing.instruments) {
    for (const folder of folders) {
      const { day, stream, snapshots } = folder
      const look = looks?.get(folderKey(venue, symbol, dateOfDay(day), stream))
      const found = look === undefined ? '' : `,${JSON.stringify(look === null ? null : [String(look.fromNs), String(look.toNs)])}`
      text += `${JSON.stringify([venue, symbol, day, stream, snapshots]).slice(0, -1)},${listing.objectsText(folder)}${found}]\n`
      if (text.length >= PIECE_LENGTH) close()
    }
  }
  close()
  return Buffer.concat(pieces)
}

/** Null: not a listing of that archive, or of another version, or damaged; listing anew costs no more than time. */
export function decodeListing(bytes: Uint8Array, archive: string): ArchiveListing | null {
  try {
    let head: Head | null = null
    const builder = new ListingBuilder({})
    const looks = new Map<string, TimeSpan | null>()
    for (const line of linesOf(bytes)) {
      if (head === null) {
        head = JSON.parse(line) as Head
        if (head.version !== 1 || head.archive !== archive) return null
        continue
      }
      const [venue, symbol, day, stream, snapshots, objects, look] = JSON.parse(line) as FolderLine
      const folder = folderKey(venue, symbol, dateOfDay(day), stream)
      if (look !== undefined) looks.set(folder, look === null ? null : { fromNs: BigInt(look[0]), toNs: BigInt(look[1]) })
      for (let i = 0; i < objects.length; i += 3) builder.add(folder + objects[i], objects[i + 1] as number, objects[i + 2] as string)
      builder.addSnapshots(snapshots)
    }
    if (head === null) return null
    const { objects, others, findings, hasLooks } = head
    return { ...builder.finish(), objects, others, findings, looks: hasLooks ? looks : undefined }
  } catch {
    return null
  }
}

function* linesOf(bytes: Uint8Array): Generator<string, void, undefined> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at < buffer.length; ) {
    const end = at + 4 + buffer.readUInt32LE(at)
    for (const line of zlib
      .zstdDecompressSync(buffer.subarray(at + 4, end))
      .toString()
      .split('\n'))
      if (line !== '') yield line
    at = end
  }
}

const PIECE_LENGTH = 4 << 20
const FAST = { params: { [zlib.constants.ZSTD_c_compressionLevel]: 1 } }
