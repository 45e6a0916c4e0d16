import { partitionFolder } from '../../table/partition-path.ts'
import { cellName } from '../cells.ts'

/** What the part of a partition is named after. */
export interface PartNames {
  readonly venue: string
  readonly symbol: string
  readonly date: string
  readonly startNs: bigint
  readonly endNs: bigint
  readonly fingerprint: string
  readonly run: string
  readonly attempt: string
}

/** Key in the table of the part that an attempt at a partition makes. */
export function partKey({ venue, symbol, date, startNs, endNs, fingerprint, run, attempt }: PartNames): string {
  return `${partitionFolder({ venue, symbol, date })}part-${cellName(startNs, endNs)}-${fingerprint}-${run}-${attempt}.parquet`
}
