import type { ObjectStore } from '../../store/object-store.ts'
import type { CheckTally } from './partition-check.ts'

/** Code that was checked in a table: an object for each bundle's hash. */
export const CHECKED_FOLDER = '_chronicle/checked/'

/** Whether a committed run has found rows of this code to be the same from other starts. */
export async function isChecked(table: ObjectStore, bundle: string): Promise<boolean> {
  return (await table.get(keyOf(bundle))) !== null
}

/** Notes that code passed a check that could have told. */
export async function noteChecked(table: ObjectStore, bundle: string, { seed, partitions }: CheckTally): Promise<void> {
  await table.put(keyOf(bundle), Buffer.from(`${JSON.stringify({ run: seed, partitions })}\n`), 'absent')
}

function keyOf(bundle: string): string {
  return `${CHECKED_FOLDER}${bundle}.json`
}
