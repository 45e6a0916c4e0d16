import { isoTime } from '../core/instant.ts'
import { outlineLog } from '../core/log/checking/log-outline.ts'
import { findLogs, type LogLocation, openLog } from '../core/log/format/log-path.ts'
import { SymbolCatalog } from '../core/log/format/symbol-catalog.ts'
import { ArchiveSource, mergedStreams } from '../core/log/reading/archive-source.ts'
import { MergedSource } from '../core/log/reading/merged-source.ts'
import { ReplayReader, type ReplayReaderOptions } from '../core/log/reading/replay-reader.ts'
import { SoundTimes } from '../core/log/reading/sound-times.ts'
import { StoreLogs } from '../core/log/stores/store-logs.ts'
import type { MessageSource } from '../core/message/source.ts'
import { unknownName } from '../core/plan/archive/unknown-name.ts'
import { isS3Uri } from '../core/store/open-store.ts'
import { cloudOf } from './cloud-clients.ts'
import type { CommandInput } from './command.ts'

/** Every log at or below directories or places on S3. @throws ReplayError input `log-missing`, and those of the store */
export async function findLogsAt(places: readonly string[], input: CommandInput): Promise<LogLocation[]> {
  const logs: LogLocation[] = []
  for (const place of places) logs.push(...(isS3Uri(place) ? await new StoreLogs(cloudOf(input).open(place)).find() : findLogs(place)))
  return logs
}

/** The log that lies at a place itself; undefined where logs lie below it. */
export function logAt(place: string, logs: readonly LogLocation[]): LogLocation | undefined {
  const folder = place.replace(/\/+$/, '')
  return logs.find(({ path }) => path === place || path === folder)
}

/**
 * One source over all logs, merged by record time; day by day when the paths tell the days.
 * With `soundTimes` record times are looked at, for those who build on them (SoundTimes); they are then not filtered at the source.
 * Logs whose path tells no symbol are told apart by the market ids of `symbols`, taken as exchange symbols.
 * @throws ReplayError input `symbol-unknown` when no log can hold one of the symbols
 */
export async function openLogs(logs: readonly LogLocation[], symbols?: readonly string[], soundTimes = false): Promise<MessageSource> {
  requireSymbols(logs, symbols ?? [])
  const wanted = symbols === undefined ? logs : logs.filter(({ symbol }) => symbol === null || symbols.includes(symbol))
  const options = optionsFor(wanted, symbols)
  const isDated = wanted.length > 1 && wanted.every(({ date }) => date !== null)
  if (isDated) return soundTimes ? mergedStreams(wanted, { ...options, soundTimes }) : new ArchiveSource(wanted, options)
  const sources: MessageSource[] = []
  for (const log of wanted) {
    const reader = await ReplayReader.open(await openLog(log), options)
    sources.push(soundTimes ? new SoundTimes(reader, { date: log.date }) : reader)
  }
  return sources.length === 1 ? sources[0]! : new MergedSource(sources)
}

/** A log whose path tells no symbol may hold any. */
function requireSymbols(logs: readonly LogLocation[], symbols: readonly string[]): void {
  const there = new Set(logs.map(({ symbol }) => symbol))
  const missing = there.has(null) ? undefined : symbols.find((symbol) => !there.has(symbol))
  if (missing !== undefined) throw unknownName('symbol', missing, [...there].filter((symbol) => symbol !== null).sort())
}

/** `2024-03-01T00:00:00Z to 2024-03-02T23:59:59.9Z`: the record times of the first and last days, or of all logs that tell no day; null without any. */
export async function rangeOfLogs(logs: readonly LogLocation[]): Promise<string | null> {
  const dates = logs.map(({ date }) => date ?? '').sort()
  let [min, max]: [bigint | null, bigint | null] = [null, null]
  for (const log of logs) {
    if (log.date !== null && log.date !== dates[0] && log.date !== dates.at(-1)) continue
    const { minTimestampNs, maxTimestampNs } = await outlineLog(await openLog(log))
    if (minTimestampNs !== null && (min === null || minTimestampNs < min)) min = minTimestampNs
    if (maxTimestampNs !== null && (max === null || maxTimestampNs > max)) max = maxTimestampNs
  }
  return min === null ? null : `${isoTime(min)} to ${isoTime(max!)}`
}

function optionsFor(logs: readonly LogLocation[], symbols: readonly string[] | undefined): ReplayReaderOptions {
  if (symbols === undefined || logs.every(({ symbol }) => symbol !== null)) return {}
  const catalog = SymbolCatalog.fromExchangeSymbols(symbols, (symbol) => symbol)
  return { resolveSymbol: (message) => catalog.resolveSymbol(message) }
}
