import { type Compressors, type FileMetaData, parquetSchema, type SchemaTree } from 'hyparquet'
import { readLeaf } from './leaf-column.ts'

export interface NestedRowsOptions {
  readonly metadata: FileMetaData
  /** Of the top level. */
  readonly columns: readonly string[]
  readonly compressors: Compressors
}

/**
 * Rows of a Parquet file with nested columns as plain objects, those of a row group at a time: structs and maps are objects without the
 * fields that are NULL, 64-bit integers are numbers. hyparquet decodes the pages; its rows are made anew at each level of structs,
 * lists and maps, which is most of the time of a checkpoint with 100,000 parts.
 */
export function* readNestedRows(
  bytes: Uint8Array,
  options: NestedRowsOptions,
): Generator<readonly Record<string, unknown>[], void, undefined> {
  const { metadata, columns, compressors } = options
  const tree = parquetSchema(metadata)
  const paths = leafPaths([tree])
  for (const { columns: chunks, num_rows } of metadata.row_groups) {
    const leaves = new Map<string, readonly unknown[]>()
    for (const { meta_data: metaData } of chunks) {
      const name = metaData?.path_in_schema.join('.') ?? ''
      if (metaData === undefined || !columns.includes(metaData.path_in_schema[0]!)) continue
      const [words, data] = [Number(metaData.dictionary_page_offset ?? 0), Number(metaData.data_page_offset)]
      // Some writers say 0 where there is no dictionary.
      const start = words > 0 && words < data ? words : data
      const chunk = bytes.subarray(start, start + Number(metaData.total_compressed_size))
      leaves.set(name, readLeaf({ bytes: chunk, metaData, schemaPath: paths.get(name)!, compressors }))
    }
    const wanted = tree.children.filter(({ element }) => columns.includes(element.name))
    const row = structCell(wanted.map((node) => [node.element.name, cellOf(node, leaves)]))
    yield Array.from({ length: Number(num_rows) }, (_, i) => row(i) ?? {})
  }
}

/** From the root down to each leaf, by the leaf's name. */
function leafPaths(path: SchemaTree[], paths = new Map<string, SchemaTree[]>()): Map<string, SchemaTree[]> {
  const { children, path: names } = path.at(-1)!
  if (children.length === 0) paths.set(names.join('.'), path)
  for (const child of children) leafPaths([...path, child], paths)
  return paths
}

/** The value of a column in a row; undefined: NULL. */
type Cell = (row: number) => unknown

function cellOf({ children, path }: SchemaTree, leaves: ReadonlyMap<string, readonly unknown[]>): Cell {
  const [only] = children
  if (only === undefined) {
    const values = leaves.get(path.join('.'))!
    return (row) => values[row]
  }
  if (only.element.repetition_type !== 'REPEATED') return structCell(children.map((node) => [node.element.name, cellOf(node, leaves)]))
  if (only.children.length < 2) return cellOf(only.children[0] ?? only, leaves)
  const [keys, values] = only.children.map((child) => leaves.get(child.path.join('.'))!)
  return (row) => mapOf(keys![row] as readonly string[] | undefined, values![row] as readonly unknown[])
}

function structCell(fields: readonly (readonly [name: string, cell: Cell])[]): (row: number) => Record<string, unknown> | undefined {
  return (row) => {
    let made: Record<string, unknown> | undefined
    for (const [name, cell] of fields) {
      const value = cell(row)
      if (value === undefined) continue
      made ??= {}
      made[name] = value
    }
    return made
  }
}

function mapOf(keys: readonly string[] | undefined, values: readonly unknown[]): Record<string, unknown> | undefined {
  if (keys === undefined) return undefined
  const made: Record<string, unknown> = {}
  for (let i = 0; i < keys.length; i++) if (values[i] !== null) made[keys[i]!] = values[i]
  return made
}
