import { ReplayError } from '../../../errors.ts'
import type { Blocks } from '../../files/blocks.ts'
import { type DbnVersion, SCHEMAS } from './layout.ts'

/**
 * Metadata, at the begin of a DBN file, little-endian:
 *
 * | offset | type     | field      | unit, sentinel                                              |
 * |      0 | char[3]  | `DBN`      |                                                             |
 * |      3 | u8       | version    | 1, 2, 3                                                     |
 * |      4 | u32      | length     | bytes behind these 8                                        |
 * |      8 | char[16] | dataset    | zeros behind                                                |
 * |     24 | u16      | schema     | 65535: mixed                                                |
 * |     26 | u64      | start      | nanoseconds since the epoch                                 |
 * |     34 | u64      | end        | exclusive; 2^64 − 1: none                                   |
 * |     42 | u64      | limit      | records; 0: none                                            |
 * | v1: 58 | u8 × 3   | stype_in (255: none), stype_out, ts_out; symbols have 22 bytes           |
 * |     50 | u8 × 3   | the same of later versions                                               |
 * |     53 | u16      | bytes of symbols, of later versions                                      |
 * |    108 | u32      | bytes of a schema definition that follows (0)                            |
 * |        |          | symbols, partial, not_found: u32 count, symbols                          |
 * |        |          | mappings: u32 count × (symbol, u32 n, n × (u32 from, u32 to as YYYYMMDD, exclusive; symbol)) |
 */
export interface DbnMetadata {
  readonly version: DbnVersion
  readonly dataset: string
  /** Null: several. */
  readonly schema: string | null
  readonly startNs: bigint
  readonly endNs: bigint | null
  readonly limit: bigint | null
  /** Null: several. */
  readonly stypeIn: number | null
  readonly stypeOut: number
  readonly hasTsOut: boolean
  readonly symbolBytes: number
  /** Null: of a file's first bytes, which end before the symbols do. */
  readonly symbols: DbnSymbolLists | null
}

export interface DbnSymbolLists {
  readonly asked: readonly string[]
  readonly partial: readonly string[]
  readonly notFound: readonly string[]
  readonly mappings: readonly DbnMapping[]
}

/** A symbol, and what it stands for on days. */
export interface DbnMapping {
  readonly symbol: string
  /** Dates as YYYYMMDD, half-open. */
  readonly intervals: readonly { readonly from: number; readonly to: number; readonly symbol: string }[]
}

export const STYPE_INSTRUMENT_ID = 0
/** Metadata that is longer is none. */
const MAX_METADATA_BYTES = 2 ** 30
const FIXED_BYTES = 108

/** Whether bytes begin as a DBN file, of whatever version. */
export function isDbn(head: Uint8Array): boolean {
  return head.length >= 8 && head[0] === 0x44 && head[1] === 0x42 && head[2] === 0x4e && head[3]! < 32
}

/** Of the first bytes of a file, as far as they go; null: not even the fixed part is there, or it is none. */
export function glanceAtMetadata(head: Uint8Array): DbnMetadata | null {
  try {
    const length = lengthOf(head, '')
    return parseMetadata(head.subarray(0, length), head.length >= length, '')
  } catch {
    return null
  }
}

/** Reads the metadata, and leaves the blocks where the records begin. @throws ReplayError corrupt `databento-metadata` */
export async function readMetadata(blocks: Blocks, path: string): Promise<DbnMetadata> {
  if (!(await blocks.need(8))) throw metadataError('the file ends before its metadata does', path)
  const length = lengthOf(blocks.bytes.subarray(blocks.start, blocks.end), path)
  // Gathered apart: mappings of all symbols of a venue are many blocks long.
  const pieces: Uint8Array[] = []
  for (let left = length; left > 0; ) {
    if (blocks.start === blocks.end && !(await blocks.more())) throw metadataError('the file ends before its metadata does', path)
    const step = Math.min(left, blocks.end - blocks.start)
    pieces.push(blocks.bytes.slice(blocks.start, blocks.start + step))
    blocks.start += step
    left -= step
  }
  return parseMetadata(Buffer.concat(pieces), true, path)
}

function lengthOf(head: Uint8Array, path: string): number {
  if (!isDbn(head)) throw metadataError('expected DBN at the begin', path)
  const length = new DataView(head.buffer, head.byteOffset).getUint32(4, true)
  if (length < FIXED_BYTES - 8 || length > MAX_METADATA_BYTES) throw metadataError(`${length} bytes of metadata cannot be`, path)
  return 8 + length
}

function parseMetadata(bytes: Uint8Array, isWhole: boolean, path: string): DbnMetadata {
  const version = bytes[3]!
  if (version !== 1 && version !== 2 && version !== 3) throw metadataError(`expected version 1, 2 or 3, found ${version}`, path)
  if (bytes.length < FIXED_BYTES) throw metadataError('it ends before the dataset and schema do', path)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const stypes = version === 1 ? 58 : 50
  const symbolBytes = version === 1 ? 22 : view.getUint16(53, true)
  if (symbolBytes < 2) throw metadataError(`symbols of ${symbolBytes} bytes cannot be`, path)
  const schema = view.getUint16(24, true)
  if (schema !== MIXED && SCHEMAS[schema] === undefined) throw metadataError(`there is no schema ${schema}`, path)
  const [endNs, limit] = [view.getBigUint64(34, true), view.getBigUint64(42, true)]
  return {
    version,
    dataset: textOf(bytes, 8, 16),
    schema: schema === MIXED ? null : SCHEMAS[schema]!,
    startNs: view.getBigUint64(26, true),
    endNs: endNs === NO_TIME ? null : endNs,
    limit: limit === 0n ? null : limit,
    stypeIn: bytes[stypes] === 255 ? null : bytes[stypes]!,
    stypeOut: bytes[stypes + 1]!,
    hasTsOut: bytes[stypes + 2] !== 0,
    symbolBytes,
    symbols: isWhole ? new SymbolReader(bytes, view, symbolBytes, path).read() : null,
  }
}

/** Reads the part of variable length. */
class SymbolReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #symbolBytes: number
  readonly #path: string
  #at = FIXED_BYTES

  constructor(bytes: Uint8Array, view: DataView, symbolBytes: number, path: string) {
    this.#bytes = bytes
    this.#view = view
    this.#symbolBytes = symbolBytes
    this.#path = path
  }

  read(): DbnSymbolLists {
    this.#skip(this.#number())
    const [asked, partial, notFound] = [this.#list(), this.#list(), this.#list()]
    const mappings = this.#times(this.#symbolBytes + 4, () => {
      const symbol = this.#symbol()
      const intervals = this.#times(this.#symbolBytes + 8, () => ({ from: this.#number(), to: this.#number(), symbol: this.#symbol() }))
      return { symbol, intervals }
    })
    return { asked, partial, notFound, mappings }
  }

  #list(): string[] {
    return this.#times(this.#symbolBytes, () => this.#symbol())
  }

  /** @param bytes that each has at least */
  #times<T>(bytes: number, each: () => T): T[] {
    const count = this.#number()
    if (count * bytes > this.#bytes.length - this.#at) throw this.#tooShort()
    return Array.from({ length: count }, each)
  }

  #symbol(): string {
    const at = this.#skip(this.#symbolBytes)
    return textOf(this.#bytes, at, this.#symbolBytes)
  }

  #number(): number {
    return this.#view.getUint32(this.#skip(4), true)
  }

  /** Where it was before. */
  #skip(bytes: number): number {
    const at = this.#at
    if (bytes > this.#bytes.length - at) throw this.#tooShort()
    this.#at += bytes
    return at
  }

  #tooShort(): ReplayError {
    return metadataError('its lists of symbols are longer than it', this.#path)
  }
}

/** A text with zeros behind it. */
export function textOf(bytes: Uint8Array, start: number, length: number): string {
  const end = bytes.indexOf(0, start)
  return UTF8.decode(bytes.subarray(start, end < 0 || end > start + length ? start + length : end))
}

function metadataError(message: string, path: string): ReplayError {
  return new ReplayError('databento-metadata', `the metadata of this DBN file is damaged: ${message}`, {
    category: 'corrupt',
    path,
    offset: 0,
  })
}

const MIXED = 0xffff
const NO_TIME = 2n ** 64n - 1n
const UTF8 = new TextDecoder()
