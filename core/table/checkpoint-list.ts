import type { ObjectStore } from '../store/object-store.ts'

/** A checkpoint of a table: one file, or several that each hold some of the actions. */
export interface CheckpointName {
  readonly version: number
  readonly keys: readonly string[]
}

export const LOG_FOLDER = '_delta_log/'
export const LAST_CHECKPOINT = `${LOG_FOLDER}_last_checkpoint`
/** Where checkpoints of the v2 spec keep most of their actions. */
export const SIDECAR_FOLDER = `${LOG_FOLDER}_sidecars/`

export function checkpointKey(version: number): string {
  return `${LOG_FOLDER}${String(version).padStart(20, '0')}.checkpoint.parquet`
}

/** The checkpoint that the table's hint names; null: there is no hint, or it is damaged, and then it is no hint. */
export async function hintedCheckpoint(store: ObjectStore): Promise<CheckpointName | null> {
  const object = await store.get(LAST_CHECKPOINT)
  if (object === null) return null
  try {
    const { version, parts = 1 } = JSON.parse(new TextDecoder().decode(object.bytes)) as { version?: number; parts?: number }
    if (!Number.isInteger(version)) return null
    return { version: version!, keys: checkpointKeys(version!, parts) }
  } catch {
    return null
  }
}

/**
 * The checkpoints up to a version, newest first: of one file, of several (those of which all are there), and of the v2 spec,
 * whose names have an id.
 */
export async function listCheckpoints(store: ObjectStore, upTo: number): Promise<CheckpointName[]> {
  const whole: CheckpointName[] = []
  const parts = new Map<string, Set<string>>()
  for await (const { key } of store.list(LOG_FOLDER)) {
    const found = /\/(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10})|\.[0-9a-f-]{36})?\.(?:parquet|json)$/.exec(key)
    if (found === null || Number(found[1]) > upTo) continue
    const [, version, , count] = found
    if (count === undefined) whole.push({ version: Number(version), keys: [key] })
    else {
      const name = `${version} ${count}`
      parts.set(name, (parts.get(name) ?? new Set()).add(key))
    }
  }
  for (const [name, found] of parts) {
    const [version, count] = name.split(' ').map(Number) as [number, number]
    const keys = partKeys(version, count)
    if (keys.every((key) => found.has(key))) whole.push({ version, keys })
  }
  return whole.sort((a, b) => b.version - a.version)
}

/** The files of a checkpoint, one or several. */
export function checkpointKeys(version: number, count: number): string[] {
  return count === 1 ? [checkpointKey(version)] : partKeys(version, count)
}

function partKeys(version: number, count: number): string[] {
  const pad = (n: number): string => String(n).padStart(10, '0')
  const base = checkpointKey(version)
  return Array.from({ length: count }, (_, i) => base.replace('.parquet', `.${pad(i + 1)}.${pad(count)}.parquet`))
}
