import { readOutcome } from '../../core/commit/run-outcome.ts'
import type { ObjectStore } from '../../core/store/object-store.ts'
import type { CommitInfo } from '../../core/table/delta-action.ts'
import { readHistory } from '../../core/table/delta-history.ts'
import { findTable, readTable } from '../../core/table/delta-log.ts'
import { countOption } from '../arguments.ts'
import { ENDPOINT } from '../cloud-clients.ts'
import { runUri } from '../cloud-run.ts'
import type { CommandSpec } from '../command.ts'
import { commandText, countText, jsonText, tableText } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { resumeCommand } from '../run-report.ts'
import { openTableStore } from '../table-store.ts'
import { type FoundRuns, findRuns, type UnfinishedRun, unfinishedRuns } from '../unfinished-runs.ts'

export const runs: CommandSpec = {
  name: 'runs',
  summary: 'the commits of a table, or the imports into an archive, newest first; before them runs that nothing is committed of',
  arguments: [{ name: 'table', help: 'folder of a table, or of an archive' }],
  options: { limit: { value: 'N', help: 'so many at most (default: 100)' }, endpoint: ENDPOINT },
  examples: [{ command: 'chronicle-replay runs out', does: 'which run wrote which version, when, and what it changed' }],
  async run(input, io) {
    const uri = input.positionals[0]!
    const store = openTableStore(uri, input)
    const limit = countOption(input, 'limit') ?? 100
    const found = await findRuns(store)
    const imports = await importRows(store, found, limit)
    // A table whose first run was interrupted has no version yet.
    const state = imports.length > 0 || found.planned.length > 0 ? await findTable(store) : await readTable(store)
    const unfinished = await unfinishedRuns(store, found, state, limit)
    const rows: RunRow[] = [...unfinished.map(openRow), ...imports]
    const newest = state?.version ?? -1
    for await (const { version, info } of readHistory(store, newest)) {
      if (rows.length >= limit) break
      rows.push(rowOf(version, info))
    }
    if (input.flag('json')) io.out(jsonText(rows))
    else io.out(tableText(HEADER, rows.map(cellsOf)))
    const last = rows[unfinished.length]?.run
    const progress = new ProgressLine(io, input)
    const [newestOpen] = unfinished
    if (newestOpen !== undefined) progress.note(openText(newestOpen, unfinished.length, uri))
    if (!input.flag('json') && last !== undefined && last !== null)
      progress.note(
        imports.length > 0
          ? `next: ${commandText(['chronicle-replay', 'inspect', uri])}`
          : `next: chronicle-replay query ${commandText([uri])} "select count(*) from t" --as-of ${last}`,
      )
    return 0
  },
}

/** Imports into an archive, newest first: they make no versions, but each has an outcome. */
async function importRows(store: ObjectStore, { ended }: FoundRuns, limit: number): Promise<RunRow[]> {
  const rows: RunRow[] = []
  for (const id of [...ended].reverse()) {
    if (rows.length === limit) break
    const outcome = await readOutcome(store, id)
    if (outcome?.imported === undefined) continue
    const { run, partitions, added, endedMs } = outcome
    rows.push({
      ...{ version: null, time: new Date(endedMs).toISOString(), run, operation: 'IMPORT', engine: null, job: 'import' },
      ...{ partitions: partitions.done, addedParts: added.parts, removedParts: 0, rows: added.rows },
    })
  }
  return rows
}

/** A run that is not committed: what it has done so far. */
function openRow({ head, done }: UnfinishedRun): RunRow {
  return {
    ...{ version: null, time: new Date(head.createdMs).toISOString(), run: head.run, operation: 'OPEN', engine: null, job: head.job },
    ...{ partitions: done, planned: head.partitions, addedParts: null, removedParts: null, rows: null },
  }
}

/** What may have become of such runs, and how to go on with the newest. */
function openText({ head: { run, imports }, isSubmitted }: UnfinishedRun, count: number, uri: string): string {
  const which = count === 1 ? 'the run that is OPEN is' : `the ${countText(count)} runs that are OPEN are`
  const command = isSubmitted ? commandText(['chronicle-replay', 'status', runUri(uri, run)]) : resumeCommand(uri, run)
  const rest = imports === undefined ? 'a new run does it all again' : 'the same import goes on with it'
  return `${which} not committed: interrupted, refused, or at work still; go on with: ${command}; ${rest}`
}

/** One commit. Null: another program made it, and does not say what only runs have. */
interface RunRow {
  /** Null: an import, which makes none, or an open run. */
  readonly version: number | null
  /** ISO 8601, UTC. */
  readonly time: string | null
  readonly run: string | null
  /** What it did (`WRITE`, `OPTIMIZE`, `IMPORT`, …), and the program; `OPEN`: it is not committed. */
  readonly operation: string | null
  readonly engine: string | null
  readonly job: string | null
  /** Of an open run those that are done. */
  readonly partitions: number | null
  /** Of an open run those that it has; in other rows absent. */
  readonly planned?: number
  readonly addedParts: number | null
  readonly removedParts: number | null
  /** Added. */
  readonly rows: number | null
}

const HEADER = ['version', 'time', 'run', 'operation', 'job', 'partitions', 'parts added', 'removed', 'rows added']

function rowOf(version: number, info: CommitInfo): RunRow {
  const added = info.added as { partitions?: number; parts?: number; rows?: number } | undefined
  const removed = info.removed as { parts?: number } | undefined
  return {
    version,
    time: info.timestamp === undefined ? null : new Date(info.timestamp).toISOString(),
    run: info.run ?? null,
    operation: typeof info.operation === 'string' ? info.operation : null,
    engine: typeof info.engineInfo === 'string' ? info.engineInfo : null,
    job: typeof info.jobName === 'string' ? info.jobName : null,
    partitions: added?.partitions ?? null,
    addedParts: added?.parts ?? null,
    removedParts: removed?.parts ?? null,
    rows: added?.rows ?? null,
  }
}

function cellsOf(row: RunRow): (string | number)[] {
  const { version, time, run, operation, engine, job, partitions, planned, addedParts, removedParts, rows } = row
  const what = run === null && engine !== null ? `${operation ?? '-'} by ${engine}` : operation
  return [
    version ?? '-',
    time ?? '-',
    run ?? '-',
    what ?? '-',
    job ?? '-',
    planned === undefined ? (partitions ?? '-') : `${partitions} of ${planned}`,
    addedParts ?? '-',
    removedParts ?? '-',
    rows ?? '-',
  ]
}
