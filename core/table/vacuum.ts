import { type KnownOptions, requireOptions } from '../known-options.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { readTable, type TableState } from './delta-log.ts'

export interface VacuumOptions {
  /** Files younger than this stay, and parts that were taken out of the table later than this ago. Milliseconds. */
  readonly olderThanMs: number
  /** Milliseconds since the epoch. */
  readonly nowMs: number
  /** Whether a run may still commit its parts: those stay whatever their age. */
  isOpenRun(run: string): boolean | Promise<boolean>
  /** Other files that a table replaces by new ones: those below a `folder` that its `keep` does not name are removed alike. */
  readonly replaced?: readonly { readonly folder: string; keep(table: TableState): Promise<readonly (string | null)[]> }[]
  /** Only count. @default false */
  readonly isDryRun?: boolean
  /** Is told each file that goes, before it does. */
  readonly onFile?: (key: string, bytes: number) => void
}

const KNOWN: KnownOptions<VacuumOptions> = {
  ...{ olderThanMs: true, nowMs: true, isOpenRun: true, replaced: true, isDryRun: true, onFile: true },
}

export interface VacuumResult {
  readonly files: number
  readonly bytes: number
}

/**
 * Removes the part files of a table that no one needs: not live, older than a limit, and of no open run; and of that age what
 * puts that were killed have left behind.
 *
 * Only parts (and `replaced` files, and such leftovers) are looked at; plans, receipts, logs and files of unknown names stay. The table is read after the files are
 * listed, so a part that is committed meanwhile is seen as live.
 * @throws ReplayError input `unknown-option`; those of `readTable`
 */
export async function vacuum(store: ObjectStore, options: VacuumOptions): Promise<VacuumResult> {
  requireOptions('vacuum', options, KNOWN)
  const limitMs = options.nowMs - options.olderThanMs
  const old: { key: string; size: number; run: string | null }[] = []
  for await (const { key, size, modifiedMs } of store.list('')) {
    const run = runOfPart(key)
    const isReplaced = options.replaced?.some(({ folder }) => key.startsWith(folder)) === true
    if ((run !== null || isReplaced) && modifiedMs < limitMs) old.push({ key, size, run })
  }
  const isOpen = new Map<string | null, boolean>()
  for (const { run } of old) if (run !== null && !isOpen.has(run)) isOpen.set(run, await options.isOpenRun(run))
  const table = await readTable(store)
  const kept = new Set((await Promise.all((options.replaced ?? []).map((each) => each.keep(table)))).flat())
  let [files, bytes] = [0, 0]
  const leftovers: typeof old = []
  for await (const { key, size, modifiedMs } of store.leftovers?.() ?? [])
    if (modifiedMs < limitMs) leftovers.push({ key, size, run: null })
  for (const { key, size, run } of [...old, ...leftovers]) {
    if (isOpen.get(run) === true || kept.has(key) || isNeeded(table, key, limitMs)) continue
    options.onFile?.(key, size)
    if (options.isDryRun !== true) await store.delete(key)
    files++
    bytes += size
  }
  return { files, bytes }
}

/** A part that was live until lately may still be read by a query that began before. */
function isNeeded(table: TableState, key: string, limitMs: number): boolean {
  return table.parts.has(key) || (table.removed.get(key)?.deletionTimestamp ?? 0) >= limitMs
}

/** The run in the name of a part; null for other files. */
export function runOfPart(key: string): string | null {
  return namesOfPart(key)?.run ?? null
}

/** Run and attempt in `…/part-<partition>-<fingerprint>-<run>-<attempt>.parquet`; null for other files. A run id has one hyphen. */
export function namesOfPart(key: string): { readonly run: string; readonly attempt: string } | null {
  if (key.startsWith('_')) return null
  const [, run, attempt] = /\/part-.*-(\d{8}T\d{6}Z-[0-9a-f]{8})-([a-z0-9]+)\.parquet$/.exec(key) ?? []
  return run === undefined || attempt === undefined ? null : { run, attempt }
}
