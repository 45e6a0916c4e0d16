import path from 'node:path'
import { ReplayError } from '../core/errors.ts'
import type { JobDefinition } from '../core/job/job-definition.ts'
import { pathParts } from '../core/log/format/archive-place.ts'
import { findLogs, type LogLocation } from '../core/log/format/log-path.ts'
import { logOfDayBefore } from '../core/log/reading/day-tail.ts'

/**
 * The logs of a job's streams, by stream: book before trades, as runs merge them. Of a stream with logs of several days the first one: the
 * others are gone over to.
 * @throws ReplayError input `follow-logs`, `log-missing`
 */
export function followedLogs(job: JobDefinition, places: readonly string[]): LogLocation[] {
  const found = places.flatMap((place) => findLogs(place))
  const logs = found.filter(({ stream, path }) => {
    if (places.some((place) => place.replace(/\/+$/, '') === path)) return true
    return job.streams === 'all' || stream === null || (job.streams as readonly string[]).includes(stream === 'l3' ? 'book' : stream)
  })
  const instruments = new Set(logs.map(({ venue, symbol }) => `${venue}/${symbol}`))
  const firsts = new Map<string, LogLocation>()
  for (const log of logs) {
    const name = log.stream ?? log.path
    const first = firsts.get(name)
    if (first === undefined || (log.date ?? '') < (first.date ?? '')) firsts.set(name, log)
  }
  const days = new Set(logs.map(({ stream, date, path }) => `${stream ?? path} ${date}`))
  if (instruments.size === 1 && days.size === logs.length)
    return [...firsts.values()].sort((a, b) => ((a.stream ?? '') < (b.stream ?? '') ? -1 : 1))
  const told = logs.map(({ path }) => path).slice(0, 5)
  throw new ReplayError('follow-logs', `expected the logs of one instrument, one per stream and day, found ${told.join(', ') || 'none'}`, {
    category: 'input',
  })
}

/** Those of the day before, where they are there: rows may depend on it. */
export function withDayBefore(logs: readonly LogLocation[]): LogLocation[] {
  return logs.map((log) => {
    const before = logOfDayBefore(log.path)
    return before === null ? log : { ...log, path: before, date: pathParts(before).at(-2) ?? null }
  })
}

/** The archive that logs lie in. @throws ReplayError input `follow-archive` */
export function archiveOf(logs: readonly LogLocation[]): string {
  const roots = new Set(logs.map((log) => (log.date === null ? null : path.resolve(log.path, '../../../../..'))))
  const [root] = roots
  if (roots.size === 1 && root != null && logs.every((log) => pathParts(path.resolve(log.path)).at(-5) === 'v1')) return root
  const message = `--table: expected logs of an archive, v1/<venue>/<symbol>/<date>/<stream>, as a run over it would read them; found ${logs[0]?.path}`
  throw new ReplayError('follow-archive', message, { category: 'input' })
}
