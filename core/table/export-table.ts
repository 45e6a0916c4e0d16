import path from 'node:path'
import { ReplayError } from '../errors.ts'
import { inTurns } from '../in-turns.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { AddFile } from './delta-action.ts'
import type { TableState } from './delta-log.ts'
import { partitionFolder } from './partition-path.ts'

export interface ExportedFiles {
  readonly files: number
  readonly bytes: number
}

/** Parts copied at once. */
const COPIES_AT_ONCE = 4

/**
 * Copies the live parts of a table into an empty place, in folders `venue=…/symbol=…/`: plain Parquet, for readers that do not
 * know the table's log. Parts of an earlier schema lack the columns that came later.
 * @param onPart is told the bytes of each part copied
 * @throws ReplayError input `export-not-empty`; corrupt `part-missing`; those of the stores
 */
export async function exportTable(
  store: ObjectStore,
  { parts }: Pick<TableState, 'parts'>,
  target: ObjectStore,
  onPart: (bytes: number) => void = () => {},
): Promise<ExportedFiles> {
  for await (const { key } of target.list('')) {
    const message = `expected an empty place to export to, found ${key}: rows of both would be read; choose another`
    throw new ReplayError('export-not-empty', message, { category: 'input', path: target.uri })
  }
  const all = [...parts.values()]
  await inTurns(all, COPIES_AT_ONCE, async (part) => {
    await copyPart(store, part, target)
    onPart(part.size)
  })
  return { files: all.length, bytes: all.reduce((sum, { size }) => sum + size, 0) }
}

async function copyPart(store: ObjectStore, { path: key, size, partitionValues }: AddFile, target: ObjectStore): Promise<void> {
  const { venue, symbol } = partitionValues
  const to = partitionFolder({ venue: venue ?? '', symbol: symbol ?? '' }) + path.posix.basename(key)
  if (store.directory !== undefined) {
    await target.put(to, { file: path.join(store.directory, key), size })
    return
  }
  const found = await store.get(key)
  if (found === null) {
    const message = 'the table has a part whose file is missing; run its partition again'
    throw new ReplayError('part-missing', message, { category: 'corrupt', path: `${store.uri}/${key}` })
  }
  await target.put(to, found.bytes)
}
