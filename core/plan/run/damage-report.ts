/** What a partition does without because it is damaged or missing in the archive (`onCorrupt: 'skip'`). */
export interface DamageReport {
  /** Damaged records and stretches that were left out, by code; of `duplicate-segment` the records that were given before. */
  readonly codes: Readonly<Record<string, number>>
  /** Likewise met on the way to the partition, which is where they count. */
  readonly warmUp: number
  /** The first `MAX_PLACES` of the partition's own, in the order in which they were met. */
  readonly places: readonly DamagePlace[]
}

/** A dead letter: where something was left out. */
export interface DamagePlace {
  /** Key of the log's folder in the archive. */
  readonly folder: string
  readonly segment?: number
  /** Offset in the uncompressed segment. */
  readonly offset?: number
  readonly code: string
}

/** Places kept per partition; further ones are only counted. */
export const MAX_PLACES = 20

/** Adds counts by name. */
export function sumCounts(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const sums: Record<string, number> = { ...a }
  for (const [name, count] of Object.entries(b)) sums[name] = (sums[name] ?? 0) + count
  return sums
}
