import type { Compressors, DecodedArray, SchemaTree } from 'hyparquet'
import { parquetHeader } from 'hyparquet/src/column.js'
import { convert, convertWithDictionary, DEFAULT_PARSERS } from 'hyparquet/src/convert.js'
import { decompressPage, readDataPage, readDataPageV2 } from 'hyparquet/src/datapage.js'
import { readPlain } from 'hyparquet/src/plain.js'
import type { ColumnDecoder } from 'hyparquet/src/types.js'

/** The bytes of a leaf's column chunk, and what its file says of it. */
export interface LeafChunk {
  readonly bytes: Uint8Array
  readonly metaData: Pick<ColumnDecoder, 'type' | 'codec'> & { readonly path_in_schema: string[] }
  /** From the root down to the leaf. */
  readonly schemaPath: SchemaTree[]
  readonly compressors: Compressors
}

/**
 * The values of a leaf by row; undefined: it, or something above it, is NULL. Of a leaf in a list or map the values of each row are an
 * array, in which null is NULL. Pages are hyparquet's to decode; the levels it would make nested arrays of are read here.
 */
export function readLeaf({ bytes, metaData, schemaPath, compressors }: LeafChunk): unknown[] {
  const element = schemaPath.at(-1)!.element
  const { type, codec, path_in_schema: pathInSchema } = metaData
  const decoder: ColumnDecoder = { pathInSchema, type, codec, element, schemaPath, compressors, parsers: PARSERS }
  const rows: unknown[] = []
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 }
  let dictionary: DecodedArray | undefined
  while (reader.offset < bytes.length - 1) {
    const header = parquetHeader(reader)
    const page = bytes.subarray(reader.offset, reader.offset + header.compressed_page_size)
    reader.offset += header.compressed_page_size
    const plain = (): Uint8Array => decompressPage(page, header.uncompressed_page_size, codec, compressors)
    const { dictionary_page_header: words, data_page_header: first, data_page_header_v2: second } = header
    if (header.type === 'DICTIONARY_PAGE' && words !== undefined) {
      const text = plain()
      const view = new DataView(text.buffer, text.byteOffset, text.length)
      dictionary = convert(readPlain({ view, offset: 0 }, type, words.num_values, element.type_length), decoder)
    } else if (header.type === 'DATA_PAGE' && first !== undefined) {
      addPage(rows, readDataPage(plain(), first, decoder), first, dictionary, decoder)
    } else if (header.type === 'DATA_PAGE_V2' && second !== undefined) {
      addPage(rows, readDataPageV2(page, header, decoder), second, dictionary, decoder)
    } else throw new Error(`expected pages of data, found ${header.type}`)
  }
  return rows
}

function addPage(
  rows: unknown[],
  { definitionLevels, repetitionLevels, dataPage }: ReturnType<typeof readDataPageV2>,
  { num_values: count, encoding }: { readonly num_values: number; readonly encoding: Parameters<typeof convertWithDictionary>[2] },
  dictionary: DecodedArray | undefined,
  decoder: ColumnDecoder,
): void {
  const values = convertWithDictionary(dataPage, dictionary, encoding, decoder)
  const isNullable = definitionLevels !== undefined && definitionLevels.length > 0
  const { present, entry, list } = levelsOf(decoder.schemaPath)
  let at = 0
  for (let i = 0; i < count; i++) {
    const level = isNullable ? definitionLevels[i]! : present
    const value = level === present ? plainOf(values[at++]) : undefined
    if (entry === null) rows.push(value)
    else if (repetitionLevels[i]! > 0) (rows.at(-1) as unknown[]).push(value ?? null)
    else if (level >= entry) rows.push([value ?? null])
    else rows.push(level >= list ? [] : undefined)
  }
}

/** Levels at which a value is there, at which a list has an entry (null: it is in no list), and at which the list is there. */
function levelsOf(path: readonly SchemaTree[]): { readonly present: number; readonly entry: number | null; readonly list: number } {
  let [present, list]: [number, number] = [0, 0]
  let entry: number | null = null
  for (const { element } of path.slice(1)) {
    if (element.repetition_type === 'REQUIRED') continue
    if (element.repetition_type === 'REPEATED') {
      if (entry !== null) throw new Error('lists of lists are not read')
      ;[entry, list] = [present + 1, present]
    }
    present++
  }
  return { present, entry, list }
}

/** Sizes and milliseconds fit. */
function plainOf(value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}

const PARSERS = {
  ...DEFAULT_PARSERS,
  stringFromBytes: (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(),
}
