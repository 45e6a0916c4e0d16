import { partitionFolder } from '../../table/partition-path.ts'
import { cellName } from '../cells.ts'

/** What the part of a partition is named after. */
export interface PartNames {
  readonly venue: string
  readonly symbol: string
  readonly startNs: bigint
  readonly endNs: bigint
  readonly fingerprint: string
  readonly run: string
  readonly attempt: string
}

/** Key in the table of the part that an attempt makes; it is named after the first of the partitions whose rows it holds. */
export function partKey({ venue, symbol, startNs, endNs, fingerprint, run, attempt }: PartNames): string {
  return `${partitionFolder({ venue, symbol })}part-${cellName(startNs, endNs)}-${fingerprint}-${run}-${attempt}.parquet`
}

/** Whether a key is one that an attempt may give to a part with rows of its partition. */
export function isPartOf(key: string, { venue, symbol, run, attempt }: Omit<PartNames, 'startNs' | 'endNs' | 'fingerprint'>): boolean {
  const [start, end] = [`${partitionFolder({ venue, symbol })}part-`, `-${run}-${attempt}.parquet`]
  if (!key.startsWith(start) || !key.endsWith(end)) return false
  return /^[0-9T.]+-[0-9]+(s|us)-[0-9a-z]+$/.test(key.slice(start.length, -end.length))
}
