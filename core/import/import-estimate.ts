import { makeTemporaryFolder } from '../temporary-folder.ts'
import { beginOf } from './files/byte-stream.ts'
import { type ImportPlan, importerOf, type PlannedUnit } from './import-plan.ts'
import { readUnit, type UnitOptions } from './import-unit.ts'
import type { Importer } from './importer.ts'
import { LogStager, type StagedSize } from './logs/log-stager.ts'
import { type InstrumentNaming, symbolCode, venueOf } from './messages/naming.ts'
import { openReference } from './source-files.ts'

/** What a unit would become, as the begins of its files tell. */
export interface ImportEstimate {
  /** Sorted. Symbols are codes. */
  readonly venues: readonly string[]
  readonly symbols: readonly string[]
  readonly dates: readonly string[]
  readonly streams: readonly string[]
  /** Of the logs. */
  readonly messages: number
  readonly bytes: number
  /** All of the files was read: nothing is a guess. */
  readonly isExact: boolean
}

/** Of each file, as stored: enough that the book it begins with does not count for much. */
const BEGIN_BYTES = 256 << 10
/** Units of a kind whose begins are read; further ones are taken to be like them. */
const LOOKS_PER_KIND = 32

/**
 * What files would become: their begins are imported to nowhere, and stand for the rest of them.
 * @returns in the order of the plan's units; null: the begins of files of this kind tell nothing
 */
export async function estimateImport(
  { units }: ImportPlan,
  options: UnitOptions,
  own: readonly Importer[],
  endpoint: string | undefined,
): Promise<(ImportEstimate | null)[]> {
  const estimates: (ImportEstimate | null)[] = []
  const kinds = new Map<string, KindTotal>()
  for (const unit of units) {
    const kind = [unit.importer, ...new Set(unit.files.map(({ holds }) => holds))].join('\n')
    const total = kinds.get(kind) ?? { looks: 0, storedBytes: 0, messages: 0, bytes: 0, streams: [] }
    kinds.set(kind, total)
    if (total.looks < LOOKS_PER_KIND) {
      const estimate = await lookInto(unit, options, own, endpoint)
      estimates.push(estimate)
      addLook(total, unit, estimate)
    } else estimates.push(likeOthers(unit, total, options.settings))
  }
  return estimates
}

/** What was found in the units of a kind. */
interface KindTotal {
  looks: number
  storedBytes: number
  messages: number
  bytes: number
  streams: readonly string[]
}

function addLook(total: KindTotal, unit: PlannedUnit, estimate: ImportEstimate | null): void {
  total.looks++
  if (estimate === null) return
  total.storedBytes += storedBytesOf(unit)
  total.messages += estimate.messages
  total.bytes += estimate.bytes
  total.streams = sorted([...total.streams, ...estimate.streams])
}

function likeOthers(
  unit: PlannedUnit,
  { storedBytes, messages, bytes, streams }: KindTotal,
  naming: InstrumentNaming,
): ImportEstimate | null {
  if (storedBytes === 0) return null
  const part = storedBytesOf(unit) / storedBytes
  return { ...namesOf(unit, [], naming), streams, messages: Math.round(messages * part), bytes: Math.round(bytes * part), isExact: false }
}

async function lookInto(
  unit: PlannedUnit,
  options: UnitOptions,
  own: readonly Importer[],
  endpoint: string | undefined,
): Promise<ImportEstimate | null> {
  const stager = new LogStager(makeTemporaryFolder('chronicle-estimate-'))
  try {
    const files = unit.files.map(({ name, holds, reference }) => {
      const stored = openReference(reference, endpoint)
      // No path: what reads files by their path would read all of it.
      return { name, holds, stored: { ...beginOf(stored, BEGIN_BYTES), path: '' } }
    })
    await readUnit(importerOf(unit.importer, own), files, { ...options, onError: 'skip', keepsTruncated: true }, stager)
    return estimateOf(unit, stager.staged, options.settings)
  } catch {
    // What is wrong, if anything is, is told by the import: the begin of a Parquet file alone cannot be read either.
    return null
  } finally {
    await stager.abandon()
  }
}

function estimateOf(unit: PlannedUnit, staged: ReadonlyMap<string, StagedSize>, naming: InstrumentNaming): ImportEstimate {
  const readBytes = unit.files.reduce((sum, { bytes }) => sum + Math.min(bytes, BEGIN_BYTES), 0)
  const factor = storedBytesOf(unit) / readBytes
  const total = (of: (size: StagedSize) => number): number => {
    return Math.round(factor * [...staged.values()].reduce((sum, size) => sum + of(size), 0))
  }
  const keys = [...staged.keys()].map((key) => key.split('/'))
  return {
    ...namesOf(unit, keys, naming),
    streams: sorted(keys.map(([, , , stream]) => stream!)),
    messages: total(({ records }) => records),
    bytes: total(({ logBytes }) => logBytes),
    isExact: factor === 1,
  }
}

/** What the logs are called, and what the files say of themselves. @param keys parts of `<venue>/<symbol>/<date>/<stream>` */
function namesOf(
  { files }: PlannedUnit,
  keys: readonly (readonly string[])[],
  naming: InstrumentNaming,
): Pick<ImportEstimate, 'venues' | 'symbols' | 'dates'> {
  return {
    venues: sorted([
      ...keys.map(([venue]) => venue!),
      ...files.flatMap(({ venue }) => (venue === undefined ? [] : venueOf(venue, naming))),
    ]),
    symbols: sorted([...keys.map(([, symbol]) => symbol!), ...files.flatMap(({ symbols = [] }) => symbols.map(symbolCode))]),
    dates: sorted([...keys.map(([, , date]) => date!), ...files.flatMap(({ dates = [] }) => dates)]),
  }
}

function storedBytesOf({ files }: PlannedUnit): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0)
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].sort()
}
