/**
 * A check of Parquet files against the format itself, by a decoder of Thrift's compact protocol that knows the type of every field
 * of parquet.thrift and forgives nothing. Written from the specifications alone; shares no code with the writer.
 */
export function checkParquet(bytes: Uint8Array): FileFindings {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const magic = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4))
  const problems: string[] = []
  const say = (what: string): void => void problems.push(what)
  if (magic(0) !== 'PAR1' || magic(bytes.length - 4) !== 'PAR1') return { problems: ['no magic'], rows: 0, groups: 0 }
  const footerBytes = view.getUint32(bytes.length - 8, true)
  const footerAt = bytes.length - 8 - footerBytes
  const footer = new Compact(bytes, footerAt, say)
  const file = footer.struct('FileMetaData')
  if (footer.at !== bytes.length - 8) say(`the footer ends at ${footer.at}, its length says ${bytes.length - 8}`)
  const [root, ...elements] = file.schema as Struct[]
  const leaves = elements.filter(({ type }) => type !== undefined)
  if (root?.type !== undefined || root?.repetition_type !== undefined) say('the root has a type or repetition')
  if ('key_value_metadata' in file && (file.key_value_metadata as unknown[]).length === 0) say('an empty list of key-value metadata')
  const orders = (file.column_orders ?? []) as Struct[]
  if (orders.length !== leaves.length) say(`${orders.length} column orders for ${leaves.length} columns`)
  for (const element of elements) checkElement(element, say)
  let rows = 0n
  let at = 4
  for (const [g, group] of (file.row_groups as Struct[]).entries()) {
    rows += group.num_rows as bigint
    if (group.ordinal !== undefined && group.ordinal !== g) say(`row group ${g} says that it is number ${group.ordinal}`)
    if (group.file_offset !== BigInt(at)) say(`row group ${g} begins at ${at}, and says ${group.file_offset}`)
    const chunks = group.columns as Struct[]
    if (chunks.length !== leaves.length) say(`row group ${g} has ${chunks.length} columns of ${leaves.length}`)
    let [plain, compressed] = [0n, 0n]
    for (const [c, chunk] of chunks.entries()) {
      const leaf = leaves[c]!
      const where = `row group ${g}, column ${String(leaf.name)}`
      const meta = chunk.meta_data as Struct
      if (chunk.file_offset !== 0n) say(`${where}: file_offset without metadata there`)
      if (meta.type !== leaf.type) say(`${where}: of another type than the schema says`)
      if (meta.num_values !== group.num_rows) say(`${where}: ${meta.num_values} values of ${group.num_rows} rows`)
      at = checkPages(bytes, at, { meta, leaf, rows: group.num_rows as bigint, where }, say)
      plain += meta.total_uncompressed_size as bigint
      compressed += meta.total_compressed_size as bigint
    }
    if (group.total_byte_size !== plain) say(`row group ${g}: total_byte_size ${group.total_byte_size}, its columns have ${plain}`)
    if (group.total_compressed_size !== compressed) say(`row group ${g}: total_compressed_size is not that of its columns`)
  }
  if (at !== footerAt) say(`pages end at ${at}, the footer begins at ${footerAt}`)
  if (file.num_rows !== rows) say(`num_rows ${file.num_rows}, row groups have ${rows}`)
  return { problems, rows: Number(rows), groups: (file.row_groups as unknown[]).length }
}

export interface FileFindings {
  /** Empty: the file is as the format has it. */
  readonly problems: readonly string[]
  readonly rows: number
  readonly groups: number
}

interface ChunkPlace {
  readonly meta: Struct
  readonly leaf: Struct
  readonly rows: bigint
  readonly where: string
}

/** @returns where the pages of the chunk end */
function checkPages(bytes: Uint8Array, from: number, { meta, leaf, rows, where }: ChunkPlace, say: (what: string) => void): number {
  const end = from + Number(meta.total_compressed_size)
  const encodings = new Set(meta.encodings as number[])
  if (encodings.size !== (meta.encodings as number[]).length) say(`${where}: an encoding is listed twice`)
  const stats = new Map((meta.encoding_stats as Struct[]).map((page) => [`${page.page_type} ${page.encoding}`, page.count as number]))
  const isOptional = leaf.repetition_type === 1
  let [at, plain, values, nulls] = [from, 0, 0n, 0n]
  let hasDictionary = false
  while (at < end) {
    const reader = new Compact(bytes, at, say)
    const page = reader.struct('PageHeader')
    const header = reader.at - at
    plain += header + (page.uncompressed_page_size as number)
    const bodyAt = reader.at
    at = bodyAt + (page.compressed_page_size as number)
    if (page.type === 2) {
      const dictionary = page.dictionary_page_header as Struct
      if (hasDictionary || values > 0n) say(`${where}: a dictionary that is not the first page`)
      hasDictionary = true
      if (meta.dictionary_page_offset !== BigInt(bodyAt - header)) say(`${where}: dictionary_page_offset is wrong`)
      if (dictionary.encoding !== 0 || !encodings.has(0)) say(`${where}: the dictionary is not PLAIN`)
      take(stats, `2 ${dictionary.encoding}`)
      continue
    }
    const data = page.data_page_header_v2 as Struct | undefined
    if (page.type !== 3 || data === undefined) {
      say(`${where}: a page of type ${page.type}`)
      continue
    }
    if (values === 0n && meta.data_page_offset !== BigInt(bodyAt - header)) say(`${where}: data_page_offset is wrong`)
    values += BigInt(data.num_values as number)
    nulls += BigInt(data.num_nulls as number)
    if (data.num_rows !== data.num_values) say(`${where}: ${data.num_values} values in ${data.num_rows} rows`)
    if (!encodings.has(data.encoding as number)) say(`${where}: encoding ${data.encoding} is not listed`)
    if (data.repetition_levels_byte_length !== 0) say(`${where}: repetition levels in a flat column`)
    if (isOptional && !encodings.has(3)) say(`${where}: levels are RLE, which is not listed`)
    const levels = data.definition_levels_byte_length as number
    if (isOptional !== levels > 0) say(`${where}: ${levels} bytes of definition levels, and repetition ${leaf.repetition_type}`)
    if (isOptional) {
      const present = countLevels(bytes.subarray(bodyAt, bodyAt + levels), data.num_values as number)
      if (present !== (data.num_values as number) - (data.num_nulls as number)) say(`${where}: levels have ${present} values`)
    }
    take(stats, `3 ${data.encoding}`)
  }
  if (at !== end) say(`${where}: pages end at ${at}, its size says ${end}`)
  if (plain !== Number(meta.total_uncompressed_size))
    say(`${where}: total_uncompressed_size ${meta.total_uncompressed_size}, pages have ${plain}`)
  if (values !== rows) say(`${where}: pages have ${values} values of ${rows}`)
  if (hasDictionary !== 'dictionary_page_offset' in meta) say(`${where}: dictionary_page_offset and no dictionary, or without it`)
  if ([...stats.values()].some((count) => count !== 0)) say(`${where}: encoding_stats do not count its pages`)
  const statistics = meta.statistics as Struct
  if (statistics.null_count !== nulls) say(`${where}: null_count ${statistics.null_count}, pages have ${nulls}`)
  if ('min' in statistics || 'max' in statistics) say(`${where}: bounds of the deprecated kind`)
  checkBounds(statistics, leaf, where, say)
  return end
}

function take(stats: Map<string, number>, page: string): void {
  stats.set(page, (stats.get(page) ?? 0) - 1)
}

/** Bounds have the width of their type; floats are no NaN, and zeros have the sign that makes them wide. */
function checkBounds({ min_value: min, max_value: max }: Struct, { type }: Struct, where: string, say: (what: string) => void): void {
  const width = ({ 0: 1, 1: 4, 2: 8, 5: 8 } as Record<number, number>)[type as number]
  for (const bound of [min, max] as (Uint8Array | undefined)[]) {
    if (bound === undefined) continue
    if (width !== undefined && bound.length !== width) say(`${where}: a bound of ${bound.length} bytes`)
    if (width === undefined) new TextDecoder('utf-8', { fatal: true }).decode(bound)
  }
  if ((min === undefined) !== (max === undefined) && width !== undefined) say(`${where}: one bound of two`)
  if (type !== 5 || min === undefined || max === undefined) return
  const [low, high] = [min, max].map((bound) => new DataView((bound as Uint8Array).slice().buffer).getFloat64(0, true)) as [number, number]
  if (Number.isNaN(low) || Number.isNaN(high) || low > high) say(`${where}: bounds ${low} and ${high}`)
  // By their bytes: optimised code has confused the two zeros.
  const [lowSign, highSign] = [(min as Uint8Array)[7]! >> 7, (max as Uint8Array)[7]! >> 7]
  if ((low === 0 && lowSign === 0) || (high === 0 && highSign === 1)) say(`${where}: a zero bound of the narrow sign`)
}

/** Values that are there, by levels of one bit in the RLE / bit-packing hybrid. */
function countLevels(levels: Uint8Array, count: number): number {
  let [at, seen, present] = [0, 0, 0]
  while (at < levels.length && seen < count) {
    let [head, shift] = [0, 0]
    for (let byte = 128; byte >= 128; shift += 7) {
      byte = levels[at++]!
      head |= (byte & 127) << shift
    }
    if ((head & 1) === 0) {
      if (levels[at++] === 1) present += head >>> 1
      seen += head >>> 1
    } else {
      for (let i = 0; i < 8 * (head >>> 1) && seen < count; i++, seen++) present += (levels[at + (i >> 3)]! >> (i & 7)) & 1
      at += head >>> 1
    }
  }
  return seen === count && at === levels.length ? present : -1
}

function checkElement({ type, name, converted_type: converted, logicalType: logical }: Struct, say: (what: string) => void): void {
  const kinds = Object.keys((logical ?? {}) as Struct)
  if (logical !== undefined && kinds.length !== 1) say(`column ${String(name)}: a logical type of ${kinds.length} kinds`)
  if (kinds[0] === 'STRING' && (type !== 6 || converted !== 0)) say(`column ${String(name)}: STRING, and another type`)
  if (kinds[0] === 'TIMESTAMP') {
    const { unit, isAdjustedToUTC } = (logical as Struct).TIMESTAMP as Struct
    const expected = { MILLIS: 9, MICROS: 10, NANOS: undefined }[Object.keys(unit as Struct)[0] as 'MICROS']
    if (type !== 2 || converted !== expected || isAdjustedToUTC !== true) say(`column ${String(name)}: a TIMESTAMP that says two things`)
  }
  if (kinds.length === 0 && converted !== undefined && type !== undefined) say(`column ${String(name)}: a converted type alone`)
}

type Struct = Record<string, unknown>
/** Type of a field: of Thrift, a struct's name, or a list of one. */
type FieldType = 'bool' | 'i8' | 'i16' | 'i32' | 'i64' | 'binary' | (string & {}) | readonly [FieldType]
type Fields = Readonly<Record<number, readonly [name: string, type: FieldType, isRequired?: true]>>

const STRUCTS: Readonly<Record<string, Fields>> = {
  FileMetaData: {
    1: ['version', 'i32', true],
    2: ['schema', ['SchemaElement'], true],
    3: ['num_rows', 'i64', true],
    4: ['row_groups', ['RowGroup'], true],
    5: ['key_value_metadata', ['KeyValue']],
    6: ['created_by', 'binary'],
    7: ['column_orders', ['ColumnOrder']],
  },
  KeyValue: { 1: ['key', 'binary', true], 2: ['value', 'binary'] },
  ColumnOrder: { 1: ['TYPE_ORDER', 'Empty'] },
  Empty: {},
  SchemaElement: {
    1: ['type', 'i32'],
    2: ['type_length', 'i32'],
    3: ['repetition_type', 'i32'],
    4: ['name', 'binary', true],
    5: ['num_children', 'i32'],
    6: ['converted_type', 'i32'],
    7: ['scale', 'i32'],
    8: ['precision', 'i32'],
    9: ['field_id', 'i32'],
    10: ['logicalType', 'LogicalType'],
  },
  LogicalType: { 1: ['STRING', 'Empty'], 2: ['MAP', 'Empty'], 3: ['LIST', 'Empty'], 8: ['TIMESTAMP', 'TimestampType'] },
  TimestampType: { 1: ['isAdjustedToUTC', 'bool', true], 2: ['unit', 'TimeUnit', true] },
  TimeUnit: { 1: ['MILLIS', 'Empty'], 2: ['MICROS', 'Empty'], 3: ['NANOS', 'Empty'] },
  RowGroup: {
    1: ['columns', ['ColumnChunk'], true],
    2: ['total_byte_size', 'i64', true],
    3: ['num_rows', 'i64', true],
    5: ['file_offset', 'i64'],
    6: ['total_compressed_size', 'i64'],
    7: ['ordinal', 'i16'],
  },
  ColumnChunk: { 1: ['file_path', 'binary'], 2: ['file_offset', 'i64', true], 3: ['meta_data', 'ColumnMetaData'] },
  ColumnMetaData: {
    1: ['type', 'i32', true],
    2: ['encodings', ['i32'], true],
    3: ['path_in_schema', ['binary'], true],
    4: ['codec', 'i32', true],
    5: ['num_values', 'i64', true],
    6: ['total_uncompressed_size', 'i64', true],
    7: ['total_compressed_size', 'i64', true],
    8: ['key_value_metadata', ['KeyValue']],
    9: ['data_page_offset', 'i64', true],
    10: ['index_page_offset', 'i64'],
    11: ['dictionary_page_offset', 'i64'],
    12: ['statistics', 'Statistics'],
    13: ['encoding_stats', ['PageEncodingStats']],
  },
  Statistics: {
    1: ['max', 'bytes'],
    2: ['min', 'bytes'],
    3: ['null_count', 'i64'],
    4: ['distinct_count', 'i64'],
    5: ['max_value', 'bytes'],
    6: ['min_value', 'bytes'],
    7: ['is_max_value_exact', 'bool'],
    8: ['is_min_value_exact', 'bool'],
  },
  PageEncodingStats: { 1: ['page_type', 'i32', true], 2: ['encoding', 'i32', true], 3: ['count', 'i32', true] },
  PageHeader: {
    1: ['type', 'i32', true],
    2: ['uncompressed_page_size', 'i32', true],
    3: ['compressed_page_size', 'i32', true],
    4: ['crc', 'i32'],
    7: ['dictionary_page_header', 'DictionaryPageHeader'],
    8: ['data_page_header_v2', 'DataPageHeaderV2'],
  },
  DictionaryPageHeader: { 1: ['num_values', 'i32', true], 2: ['encoding', 'i32', true], 3: ['is_sorted', 'bool'] },
  DataPageHeaderV2: {
    1: ['num_values', 'i32', true],
    2: ['num_nulls', 'i32', true],
    3: ['num_rows', 'i32', true],
    4: ['encoding', 'i32', true],
    5: ['definition_levels_byte_length', 'i32', true],
    6: ['repetition_levels_byte_length', 'i32', true],
    7: ['is_compressed', 'bool'],
  },
}
/** Types as the compact protocol numbers them; a bool field is its own value. */
const WIRE: Readonly<Record<string, number>> = { i8: 3, i16: 4, i32: 5, i64: 6, binary: 8, bytes: 8 }

class Compact {
  at: number
  readonly #bytes: Uint8Array
  readonly #say: (what: string) => void

  constructor(bytes: Uint8Array, at: number, say: (what: string) => void) {
    this.#bytes = bytes
    this.at = at
    this.#say = say
  }

  struct(name: string): Struct {
    const fields = STRUCTS[name]!
    const found: Struct = {}
    for (let id = 0; ; ) {
      const head = this.#bytes[this.at++]!
      if (head === 0) break
      const wire = head & 15
      const next = head >> 4 === 0 ? Number(this.#zigzag()) : id + (head >> 4)
      if (next <= id) this.#say(`${name}: field ${next} behind ${id}`)
      id = next
      const field = fields[id]
      if (field === undefined) throw new Error(`${name}: no field ${id} in the format`)
      const [label, type] = field
      const expected = typeof type !== 'string' ? 9 : type === 'bool' ? wire : (WIRE[type] ?? 12)
      if (wire !== expected || (type === 'bool' && wire !== 1 && wire !== 2)) throw new Error(`${name}.${label}: wire type ${wire}`)
      found[label] = type === 'bool' ? wire === 1 : this.#value(type, `${name}.${label}`)
    }
    for (const [label, , isRequired] of Object.values(fields)) if (isRequired && !(label in found)) this.#say(`${name}: no ${label}`)
    return found
  }

  #value(type: FieldType, where: string): unknown {
    if (typeof type !== 'string') return this.#list(type[0], where)
    if (type === 'i64') return this.#zigzag()
    if (type === 'binary') return new TextDecoder('utf-8', { fatal: true }).decode(this.#binary())
    if (type === 'bytes') return this.#binary()
    if (type in WIRE) return Number(this.#zigzag())
    return this.struct(type)
  }

  #list(type: FieldType, where: string): unknown[] {
    const head = this.#bytes[this.at++]!
    const size = head >> 4 === 15 ? Number(this.#varint()) : head >> 4
    const expected = WIRE[type as string] ?? 12
    if ((head & 15) !== expected) this.#say(`${where}: a list of wire type ${head & 15} in place of ${expected}`)
    return Array.from({ length: size }, () => this.#value(type, where))
  }

  #binary(): Uint8Array {
    const length = Number(this.#varint())
    this.at += length
    return this.#bytes.subarray(this.at - length, this.at)
  }

  #zigzag(): bigint {
    const value = this.#varint()
    return (value >> 1n) ^ -(value & 1n)
  }

  #varint(): bigint {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#bytes[this.at++]!
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
}
