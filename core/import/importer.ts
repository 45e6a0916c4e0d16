import type { ByteStream } from './files/byte-stream.ts'
import type { ImportOutput } from './messages/import-output.ts'

/** What is known of a file before it is read: its name, and its first bytes, decompressed. */
export interface FileGlance {
  /** Without folders, e.g. `binance_trades_2024-08-08_BTCUSDT.csv.gz`. */
  readonly name: string
  /** As it was given, for messages. */
  readonly path: string
  /** At most 64 KiB; fewer where the file ends before. */
  readonly head: Uint8Array
  /** Whether `head` is all of it. */
  readonly isWhole: boolean
}

/** What a file is to an importer. */
export interface Recognised {
  /** What it holds, in a word or two, e.g. `trades`. */
  readonly holds: string
  /**
   * Files with one key are read together, in the order of `order`, then of their names: what one of them tells the next needs. Names
   * alone tell no file from others: a tree of days may have one name in all of its folders.
   */
  readonly unit: string
  readonly order?: string
  /** Where name or first bytes say it. */
  readonly venue?: string
  readonly symbols?: readonly string[]
  readonly dates?: readonly string[]
}

/** A file to read. */
export interface ImportFile {
  readonly name: string
  readonly path: string
  readonly holds: string
  /**
   * From its first byte on, decompressed. Damage in the compression is an error of its reading.
   * @throws ReplayError input `input-unreadable`; corrupt `gzip-damaged`, `zstd-damaged`, `zip-damaged`
   */
  open(): Promise<ByteStream>
}

/** What the user says of how to import. */
export interface ImportSettings {
  /** In place of the venue that the format knows. */
  readonly venue?: string | undefined
  /** The day of the files, where neither name nor bytes say it. */
  readonly date?: string | undefined
  /** Where one can choose: books by level, or by order. */
  readonly level?: 'l2' | 'l3' | undefined
  /** Further words of a format, `name=value`. */
  readonly words: Readonly<Record<string, string>>
}

/** Reads the files of a vendor's format. */
export interface Importer {
  /** As on the command line, e.g. `tardis`. */
  readonly name: string
  /** For people, e.g. `Tardis CSV`. */
  readonly title: string
  /**
   * What a file is, or null when it is not of this format. Of a file that is, but cannot be imported, it says why.
   * @throws ReplayError input `import-refused`
   */
  recognise(file: FileGlance, settings: ImportSettings): Recognised | null
  /**
   * Reads the files of a unit in order, and puts what they hold. Every row or record is settled in `output.tally`.
   * @throws ReplayError those of the files; what `tally.bad` throws
   */
  read(files: readonly ImportFile[], output: ImportOutput, settings: ImportSettings): Promise<void>
}

/** An importer of one's own, as the default export of a module: `chronicle-replay import ./mine.ts …`. */
export function defineImporter(importer: Importer): Importer {
  return importer
}
