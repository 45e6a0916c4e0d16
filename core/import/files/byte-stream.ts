import fs from 'node:fs'
import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import zlib from 'node:zlib'
import yauzl from 'yauzl'
import { ReplayError } from '../../errors.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import { unpackMembers } from './gzip-members.ts'
import { unzstd } from './zstd-frames.ts'

/** Bytes in order, in pieces of any size. A piece is valid until the next one is asked for. */
export type ByteStream = AsyncIterable<Uint8Array>

/** A file as it lies on disk or in a store, before it is decompressed. */
export interface StoredFile {
  /** As it was given: a path, or a URI. */
  readonly path: string
  readonly bytes: number
  /** Bytes from an offset on. */
  read(start: number, end?: number): Readable
  /** All bytes. */
  pieces(): ByteStream
}

export type Compression = 'gzip' | 'zstd' | 'zip' | 'none'

/** A file here. @throws ReplayError input `input-unreadable` */
export function localFile(file: string): StoredFile {
  const { size } = fs.statSync(file)
  return {
    path: file,
    bytes: size,
    read: (start, end) => fs.createReadStream(file, { start, ...(end !== undefined && { end: end - 1 }), highWaterMark: PIECE_BYTES }),
    pieces: () => piecesOf(file),
  }
}

/** A stream would make new memory for each piece. */
async function* piecesOf(file: string): ByteStream {
  const handle = await open(file)
  try {
    const piece = new Uint8Array(PIECE_BYTES)
    for (;;) {
      const { bytesRead } = await handle.read(piece, 0, PIECE_BYTES)
      if (bytesRead === 0) return
      yield piece.subarray(0, bytesRead)
    }
  } finally {
    await handle.close()
  }
}

/** An object of a store, fetched in ranges as it is read. */
export function storedObject(store: ObjectStore, key: string, size: number, etag: string): StoredFile {
  async function* ranges(from: number, to: number): AsyncGenerator<Uint8Array> {
    for (let start = from; start < to; start += RANGE_BYTES) {
      const range = { start, end: Math.min(to, start + RANGE_BYTES) }
      const found = await store.get(key, { range, ifMatch: etag })
      if (found === null) throw new ReplayError('input-changed', 'the object is gone since it was listed', { category: 'input', path: key })
      yield found.bytes
    }
  }
  return {
    path: `${store.uri}/${key}`,
    bytes: size,
    read: (start, end = size) => Readable.from(ranges(start, end), { objectMode: false }),
    pieces: () => ranges(0, size),
  }
}

/** A file of which no more than its first bytes are read; of a zip, the first of what it holds. */
export function beginOf(file: StoredFile, bytes: number): StoredFile {
  const read = (start: number, end = file.bytes): Readable => file.read(start, Math.min(end, start + bytes))
  return { ...file, read, pieces: () => read(0) }
}

/** Told by the first bytes. */
export function compressionOf(head: Uint8Array): Compression {
  const [a, b, c, d] = head
  if (a === 0x1f && b === 0x8b) return 'gzip'
  if (b === 0xb5 && a === 0x28 && c === 0x2f && d === 0xfd) return 'zstd'
  if (a !== undefined && a >= 0x50 && a <= 0x5f && b === 0x2a && c === 0x4d && d === 0x18) return 'zstd'
  if (a === 0x50 && b === 0x4b && c === 0x03 && d === 0x04) return 'zip'
  return 'none'
}

/** The first bytes of a file as they are stored. @throws ReplayError input `input-unreadable` */
export async function rawHead(file: StoredFile, bytes: number): Promise<Uint8Array> {
  try {
    const pieces: Uint8Array[] = []
    for await (const piece of file.read(0, Math.min(file.bytes, bytes))) pieces.push(piece as Uint8Array)
    return Buffer.concat(pieces)
  } catch (error) {
    throw readError(error, file, 'none')
  }
}

export interface OpenOptions {
  /** What there is of a file that ends inside its compression is kept, and told to this; else it is an error. */
  readonly onTruncated?: ((error: ReplayError) => void) | undefined
}

/** Opens a file from its first byte on, decompressed; without the mark of UTF-8 that spreadsheets put before a text. */
export async function* openBytes(file: StoredFile, options: OpenOptions = {}): AsyncGenerator<Uint8Array> {
  const compression = compressionOf(await rawHead(file, 4))
  try {
    const keepsAll = compression === 'gzip' && options.onTruncated !== undefined
    yield* withoutMark(keepsAll ? unpackMembers(file.read(0)) : decompressed(file, compression))
  } catch (error) {
    const told = readError(error, file, compression)
    if (options.onTruncated === undefined || told.code !== `${compression}-damaged`) throw told
    options.onTruncated(told)
  }
}

async function* withoutMark(stream: ByteStream): AsyncGenerator<Uint8Array> {
  let begin: Uint8Array | null = new Uint8Array(0)
  for await (const piece of stream) {
    if (begin === null) {
      yield piece
      continue
    }
    begin = Buffer.concat([begin, piece])
    if (begin.length < MARK.length) continue
    yield begin.subarray(MARK.every((byte, i) => begin![i] === byte) ? MARK.length : 0)
    begin = null
  }
  if (begin !== null) yield begin
}

async function* decompressed(file: StoredFile, compression: Compression): ByteStream {
  if (compression === 'none') {
    yield* file.pieces()
    return
  }
  if (compression === 'zip') {
    yield* await openZip(file)
    return
  }
  if (compression === 'zstd') {
    yield* unzstd(file.read(0), UNPACK)
    return
  }
  const raw = file.read(0)
  const unpack = zlib.createGunzip(UNPACK)
  // Where this ends before the file does, nobody reads on.
  raw.on('error', (error) => unpack.destroy(error))
  raw.pipe(unpack)
  try {
    yield* unpack
  } finally {
    raw.destroy()
    unpack.destroy()
  }
}

/** The one file of a zip. */
async function openZip(file: StoredFile): Promise<Readable> {
  class Reader extends yauzl.RandomAccessReader {
    override _readStreamForRange(start: number, end: number): Readable {
      return file.read(start, end)
    }
  }
  const zip = await new Promise<yauzl.ZipFile>((resolve, reject) => {
    yauzl.fromRandomAccessReader(new Reader(), file.bytes, { lazyEntries: true, autoClose: false }, (error, opened) =>
      error ? reject(error) : resolve(opened),
    )
  })
  const entries: yauzl.Entry[] = []
  await new Promise<void>((resolve, reject) => {
    zip.on('error', reject)
    zip.on('end', resolve)
    zip.on('entry', (entry: yauzl.Entry) => {
      if (!entry.fileName.endsWith('/')) entries.push(entry)
      zip.readEntry()
    })
    zip.readEntry()
  })
  const [only] = entries
  if (only === undefined || entries.length > 1) {
    const found = only === undefined ? 'none' : entries.map(({ fileName }) => fileName).join(', ')
    const message = `expected one file in the zip, found ${found}`
    throw new ReplayError('zip-entries', message, { category: 'input', path: file.path })
  }
  return new Promise((resolve, reject) => {
    zip.openReadStream(only, (error, stream) => (error ? reject(error) : resolve(stream)))
  })
}

/** What reading a file threw, said by name. */
function readError(error: unknown, file: StoredFile, compression: Compression): ReplayError {
  if (error instanceof ReplayError) return error
  const { code = '', message } = error as NodeJS.ErrnoException
  const path = file.path
  // What the system says of a file; what a decompressor says has other codes.
  if (compression === 'none' || /^E[A-Z]+$/.test(code))
    return new ReplayError('input-unreadable', `cannot read the file: ${message}`, { category: 'input', path, cause: error })
  const why = `${message}; was its download cut short, or its recorder killed? --keep-truncated takes what there is`
  return new ReplayError(`${compression}-damaged`, `the ${compression} data is damaged: ${why}`, {
    category: 'corrupt',
    path,
    cause: error,
  })
}

const MARK = [0xef, 0xbb, 0xbf]
const PIECE_BYTES = 1 << 20
const RANGE_BYTES = 8 << 20
const UNPACK = { chunkSize: 1 << 18 }
