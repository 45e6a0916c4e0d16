import { PARTITION_COLUMNS } from './table-schema.ts'

/** Values of the partition columns of a part: as they are, nothing encoded. */
export type PartitionValues = Readonly<Record<(typeof PARTITION_COLUMNS)[number], string>>

/**
 * The folder of a partition in a table, `venue=…/symbol=…/`, with values encoded as Hive, Spark and Delta writers do:
 * control characters and those that mean something in paths, patterns and URIs become `%XX`, all others stay as they are.
 * Case and Unicode form are kept. Source: Spark's `ExternalCatalogUtils.escapePathName`.
 */
export function partitionFolder(values: PartitionValues): string {
  return PARTITION_COLUMNS.map((name) => `${name}=${escapePathName(values[name])}/`).join('')
}

/** The value in a folder's name; null when it is none. */
export function unescapePathName(name: string): string | null {
  try {
    return name.includes('%') ? decodeURIComponent(name) : name
  } catch {
    return null
  }
}

function escapePathName(value: string): string {
  return value.replace(ESCAPED, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}

/** Hive's name for a partition without a value. */
export const HIVE_NULL = '__HIVE_DEFAULT_PARTITION__'

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to be found
const ESCAPED = /[\x00-\x1f\x7f"#%'*/:=?\\{[\]^]/g
