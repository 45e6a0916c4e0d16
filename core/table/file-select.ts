import { unescapePathName } from './partition-path.ts'

/** A Parquet file of a table, and what its rows have in columns that are not in the file. */
export interface PlacedFile {
  /** Where DuckDB reads it. */
  readonly file: string
  /** Values of the partition columns, not encoded; null: NULL. */
  readonly values: Readonly<Record<string, string | null>>
  /** Files of the same word have the same columns; `''` for those of which it is not known. */
  readonly columns: string
}

/** A SELECT of files that have the same word for their columns. */
export interface FilesSelect {
  readonly columns: string
  readonly sql: string
}

/**
 * SELECTs that together give the rows of files, with the partition columns that the caller knows: a path only says them again.
 * It may say something else, as folders above a table may be named like a column, DuckDB takes the symbols `NULL` and `null`
 * for none, and other programs put parts where they like.
 *
 * Values are left to DuckDB to take from the path where that gives what is known, as one SELECT does for all those files, and
 * prunes them without opening one. What it would read otherwise is a constant of a SELECT of its own.
 * @param names columns that the files themselves have, as far as they are known
 * @param dates partition columns that are dates; all others are text
 */
export function selectFiles(places: readonly PlacedFile[], names: readonly string[], dates: readonly string[]): FilesSelect[] {
  const inFiles = new Set(names.map((name) => name.toLowerCase()))
  const groups = new Map<string, Group>()
  for (const { file, values, columns } of places) {
    const group = { columns, files: [file], dates, ...readPath(file, values, inFiles) }
    const key = JSON.stringify([columns, group.constants, group.folders])
    const known = groups.get(key)
    if (known === undefined) groups.set(key, group)
    else known.files.push(file)
  }
  return [...groups.values()].map((group) => ({ columns: group.columns, sql: selectGroup(group) }))
}

/** DuckDB's table function over files, with their folders such as `symbol=000001` as columns. */
export function readParquet(files: readonly string[], options: ReadParquetOptions): string {
  const { isMixed, fromPath, dates } = options
  const types = dates.map((name) => `${quoteSql(name)}: DATE`).join(', ')
  const words = [
    `hive_partitioning = ${fromPath}`,
    ...(fromPath ? ['hive_types_autocast = false'] : []),
    ...(fromPath && types !== '' ? [`hive_types = {${types}}`] : []),
    `union_by_name = ${isMixed}`,
  ]
  const list = files.map((file) => quoteSql(escapeGlob(file))).join(', ')
  return `read_parquet([${list}], ${words.join(', ')})`
}

export interface ReadParquetOptions {
  /** Files may have different columns: all are opened to know them, which takes 0.04 ms a file. */
  readonly isMixed: boolean
  /** Whether folders are columns. */
  readonly fromPath: boolean
  /** Those of them that are dates; all files have them. */
  readonly dates: readonly string[]
}

/** A string literal. */
export function quoteSql(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** A name in SQL. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

interface Group extends ReadPath {
  readonly columns: string
  readonly files: string[]
  readonly dates: readonly string[]
}

interface ReadPath {
  /** What DuckDB would not find in the path as it is, by name. */
  readonly constants: readonly (readonly [name: string, value: string | null])[]
  /** Names of the columns that DuckDB takes from the path, in order; null: none are wanted. */
  readonly folders: readonly string[] | null
}

function selectGroup({ columns, constants, folders, files, dates }: Group): string {
  const fromPath = dates.filter((name) => folders?.includes(name) === true && !constants.some(([constant]) => constant === name))
  const table = readParquet(files, { isMixed: columns === '', fromPath: folders !== null, dates: fromPath })
  if (constants.length === 0) return `SELECT * FROM ${table}`
  const values = constants.map(([name, value]) => {
    const type = dates.includes(name) ? 'DATE' : 'VARCHAR'
    return `${value === null ? 'NULL' : quoteSql(value)}::${type} AS ${quoteName(name)}`
  })
  return `SELECT ${values.join(', ')}, COLUMNS(c -> c NOT IN (${constants.map(([name]) => quoteSql(name)).join(', ')})) FROM ${table}`
}

function readPath(file: string, values: PlacedFile['values'], inFiles: ReadonlySet<string>): ReadPath {
  const said = new Map<string, string[]>()
  let isReadable = true
  for (const folder of file.split(/[\\/]/).slice(0, -1)) {
    const at = folder.indexOf('=')
    if (at < 0) continue
    const [name, text] = [folder.slice(0, at), folder.slice(at + 1)]
    // A folder named like a column of the rows would stand in for it, and where one cannot be decoded none is read.
    if (inFiles.has(name.toLowerCase()) || unescapePathName(text) === null) isReadable = false
    said.set(name, [...(said.get(name) ?? []), text])
  }
  const all = Object.entries(values)
  const wrong = isReadable ? all.filter(([name, value]) => !isSaid(said.get(name), value)) : all
  return wrong.length === all.length ? { constants: all, folders: null } : { constants: wrong, folders: [...said.keys()] }
}

/** Whether DuckDB finds a value in the folders of its name. */
function isSaid(texts: readonly string[] | undefined, value: string | null): boolean {
  const [text, ...more] = texts ?? []
  if (value === null || text === undefined || more.length > 0 || text.includes('=')) return false
  return !TAKEN_FOR_NULL.test(value) && unescapePathName(text) === value
}

/** DuckDB takes every file name for a pattern. */
function escapeGlob(path: string): string {
  return path.replace(/[[*?]/g, '[$&]')
}

const TAKEN_FOR_NULL = /^(null|__HIVE_DEFAULT_PARTITION__)?$/i
