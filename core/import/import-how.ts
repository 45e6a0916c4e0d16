import { createHash } from 'node:crypto'
import type { PlannedFile } from './import-plan.ts'
import type { UnitOptions } from './import-unit.ts'
import type { ImportSettings } from './importer.ts'
import type { ImportScales } from './messages/import-range.ts'

/** How files are imported, as a plan's head says it. */
export interface ImportHow {
  readonly settings: ImportSettings
  /** Record times, nanoseconds since the epoch, half-open. */
  readonly fromNs?: string
  readonly toNs?: string
  /** Sorted. */
  readonly symbols?: readonly string[]
  readonly streams?: readonly string[]
  readonly scales: ImportScales
  readonly onError: 'abort' | 'skip'
  readonly keepsTruncated: boolean
}

/** What another version of the code would make otherwise has another number. */
const VERSION = 1

export function howOf({ settings, range, scales, onError, keepsTruncated }: UnitOptions): ImportHow {
  const { fromNs, toNs, symbols, streams } = range
  return {
    settings,
    ...(fromNs !== undefined && { fromNs: String(fromNs) }),
    ...(toNs !== undefined && { toNs: String(toNs) }),
    ...(symbols !== undefined && { symbols: [...symbols].sort() }),
    ...(streams !== undefined && { streams: [...streams].sort() }),
    ...{ scales, onError, keepsTruncated },
  }
}

export function unitOptionsOf({ settings, fromNs, toNs, symbols, streams, scales, onError, keepsTruncated }: ImportHow): UnitOptions {
  const range = {
    fromNs: fromNs === undefined ? undefined : BigInt(fromNs),
    toNs: toNs === undefined ? undefined : BigInt(toNs),
    symbols: symbols && new Set(symbols),
    streams: streams && new Set(streams),
  }
  return { settings, range, scales, onError, keepsTruncated }
}

/** What of a unit tells it from others. */
export interface ReadUnit {
  readonly importer: string
  readonly files: readonly Pick<PlannedFile, 'name' | 'digest' | 'holds'>[]
}

/** Tells what is read, and how, from all else: 24 hex digits. Where the files lie does not matter. */
export function unitId({ importer, files }: ReadUnit, how: ImportHow): string {
  const { settings, fromNs: from = '', toNs: to = '', symbols = [], streams = [], scales, onError, keepsTruncated } = how
  const said = { VERSION, importer, settings, symbols, streams, from, to, scales, onError, keepsTruncated }
  const what = files.map(({ name, digest, holds }) => [name, digest, holds])
  return createHash('sha256')
    .update(JSON.stringify([said, what]))
    .digest('hex')
    .slice(0, 24)
}
