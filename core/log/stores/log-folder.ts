/** A file of a log, opened for reading. */
export interface LogFile {
  /** Path or URI, for messages. */
  readonly path: string
  readonly bytes: number
  /** Reads up to `length` bytes at `offset` into `target` at `start`; returns how many: fewer only at the end. */
  read(target: Uint8Array, start: number, length: number, offset: number): number | Promise<number>
  /**
   * Optional: the file is about to be read from `offset` on: when `isLong` most likely up to `end`, else for who knows how
   * long. Readers that only pick single records do not say so.
   */
  readAhead?(offset: number, isLong: boolean, end: number): void
  /** Optional: where what was ever written ends, if every byte before `offset` was; the file's end where that cannot be told without reading. */
  writtenEnd?(offset: number): number
  close(): void
}

/** A file whose bytes are at hand. */
export interface LoadedFile extends LogFile {
  read(target: Uint8Array, start: number, length: number, offset: number): number
}

/** Where the files of one log are: a directory (disk-folder.ts), or a folder of an object store (store-folder.ts). */
export interface LogFolder {
  /** Path or URI. */
  readonly path: string
  /** The names of its files, in any order; of a directory, as they are now. @throws when it cannot be listed */
  names(): readonly string[]
  /** Size and version of a file as listed; null when there is none. The version is opaque: an ETag, or the mtime in nanoseconds. */
  versionOf(name: string): { readonly size: number; readonly version: string } | null
  /** Opens one of the small files beside the segments: control block, indexes, `meta.json`. Null when there is none. */
  load(name: string): LoadedFile | null
  /** Opens a segment. @throws ReplayError input `segment-unreadable` */
  open(name: string): LogFile
  /** Optional: which folder is going to be read after this one. Its beginning may be read ahead. */
  followedBy?(next: LogFolder): void
  /** Nothing more is read of it. */
  close(): void
}

/** A segment of a log, as listed. */
export interface SegmentEntry {
  readonly id: number
  readonly folder: LogFolder
  /** Of its file, e.g. `000000003.q.zst`. */
  readonly name: string
  /** Path or URI of its file. */
  readonly path: string
  readonly compressed: boolean
}

/** All bytes of a loaded file, which is closed. */
export function readWhole(file: LoadedFile): Uint8Array {
  try {
    const bytes = new Uint8Array(file.bytes)
    return bytes.subarray(0, file.read(bytes, 0, bytes.length, 0))
  } finally {
    file.close()
  }
}
