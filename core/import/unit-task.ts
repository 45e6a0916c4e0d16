import { ReplayError } from '../errors.ts'
import { importerOf, type PlannedUnit } from './import-plan.ts'
import { importUnit, type UnitOptions, type UnitResult } from './import-unit.ts'
import { loadImporter, type OwnImporter } from './own-importer.ts'
import { openReference } from './source-files.ts'

/** A unit to import, as it can be told to a thread. */
export interface UnitTask {
  readonly unit: PlannedUnit
  readonly options: UnitOptions
  /** For its logs; made. */
  readonly directory: string
  /** The importer of the user's. */
  readonly own: OwnImporter | null
}

/** What a thread is started with. */
export interface ImportWorkerData {
  /** Module that provides the library. */
  readonly library: string
}

/** An error, as it can be told by a thread. */
export interface ToldError {
  readonly code: string
  readonly category: ReplayError['category']
  readonly message: string
}

export type UnitReply = UnitResult | { readonly failure: ToldError }

/** Imports a unit; what fails is told. */
export async function runUnit({ unit, options, directory, own }: UnitTask): Promise<UnitReply> {
  try {
    const files = unit.files.map(({ name, holds, reference }) => ({ name, holds, stored: openReference(reference) }))
    return await importUnit(importerOf(unit.importer, own === null ? [] : [await loadImporter(own)]), files, options, directory)
  } catch (error) {
    if (error instanceof ReplayError) return { failure: toldOf(error) }
    return { failure: { code: 'import-failed', category: 'bug', message: (error as Error).stack ?? String(error) } }
  }
}

export function toldOf({ code, category, message }: ReplayError): ToldError {
  return { code, category, message }
}
