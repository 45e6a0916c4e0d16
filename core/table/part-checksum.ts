import type { ObjectStore } from '../store/object-store.ts'
import type { AddFile } from './delta-action.ts'
import { partGroups } from './part-groups.ts'
import { addChecksums, type ConstantColumn, type RowChecksum, TableChecksum } from './table-checksum.ts'
import { PARTITION_COLUMNS, type TableSchema } from './table-schema.ts'

/**
 * The checksum of a table, from the rows of its parts: columns that a part lacks are NULL in its rows.
 * @param onPart is told the rows of each part read
 * @throws ReplayError corrupt `part-missing`, `part-damaged`
 */
export async function checksumTable(
  store: ObjectStore,
  table: { readonly schema: TableSchema; readonly parts: ReadonlyMap<string, AddFile> },
  onPart: (rows: number) => void = () => {},
): Promise<RowChecksum> {
  const sums: RowChecksum[] = []
  for (const part of table.parts.values()) {
    const sum = await checksumPart(store, part, table.schema)
    sums.push(sum)
    onPart(sum.rows)
  }
  return addChecksums(sums)
}

/** The checksum of one part's rows, a row group at a time. @throws as `checksumTable` */
export async function checksumPart(store: ObjectStore, part: AddFile, schema: TableSchema): Promise<RowChecksum> {
  const checksum = new TableChecksum(schema.columns, constantsOf(part))
  const names = schema.columns.map(({ name }) => name)
  for await (const { values, rows } of partGroups(store, part, names)) checksum.addColumns(values, rows)
  return checksum.result()
}

/** The partition columns of a part's rows. */
export function constantsOf(part: Pick<AddFile, 'partitionValues'>): ConstantColumn[] {
  return PARTITION_COLUMNS.flatMap((name) => {
    const value = part.partitionValues[name]
    return value === undefined || value === null ? [] : [{ name, value }]
  })
}
