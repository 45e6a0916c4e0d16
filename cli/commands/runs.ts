import { readOutcome } from '../../core/commit/run-outcome.ts'
import { RUNS_FOLDER } from '../../core/plan/run/run-files.ts'
import type { ObjectStore } from '../../core/store/object-store.ts'
import type { CommitInfo } from '../../core/table/delta-action.ts'
import { readHistory } from '../../core/table/delta-history.ts'
import { findTable, readTable } from '../../core/table/delta-log.ts'
import { countOption } from '../arguments.ts'
import { ENDPOINT } from '../cloud-clients.ts'
import type { CommandSpec } from '../command.ts'
import { commandText, jsonText, tableText } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { openTableStore } from '../table-store.ts'

export const runs: CommandSpec = {
  name: 'runs',
  summary: 'the commits of a table, or the imports into an archive, newest first',
  arguments: [{ name: 'table', help: 'folder of a table, or of an archive' }],
  options: { limit: { value: 'N', help: 'so many at most (default: 100)' }, endpoint: ENDPOINT },
  examples: [{ command: 'chronicle-replay runs out', does: 'which run wrote which version, when, and what it changed' }],
  async run(input, io) {
    const uri = input.positionals[0]!
    const store = openTableStore(uri, input)
    const limit = countOption(input, 'limit') ?? 100
    const imports = await importRows(store, limit)
    const rows: RunRow[] = [...imports]
    const newest = imports.length > 0 ? ((await findTable(store))?.version ?? -1) : (await readTable(store)).version
    for await (const { version, info } of readHistory(store, newest)) {
      if (rows.length >= limit) break
      rows.push(rowOf(version, info))
    }
    if (input.flag('json')) io.out(jsonText(rows))
    else io.out(tableText(HEADER, rows.map(cellsOf)))
    const last = rows[0]?.run
    if (!input.flag('json') && last !== undefined && last !== null)
      new ProgressLine(io, input).note(
        imports.length > 0
          ? `next: ${commandText(['chronicle-replay', 'inspect', uri])}`
          : `next: chronicle-replay query ${commandText([uri])} "select count(*) from t" --as-of ${last}`,
      )
    return 0
  },
}

/** Imports into an archive, newest first: they make no versions, but each has an outcome. */
async function importRows(store: ObjectStore, limit: number): Promise<RunRow[]> {
  const ids: string[] = []
  for await (const { key } of store.list(RUNS_FOLDER)) {
    const [run, name] = key.slice(RUNS_FOLDER.length).split('/')
    if (name === 'outcome.json') ids.push(run!)
  }
  const rows: RunRow[] = []
  for (const id of ids.reverse()) {
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

/** One commit. Null: another program made it, and does not say what only runs have. */
interface RunRow {
  /** Null: an import, which makes none. */
  readonly version: number | null
  /** ISO 8601, UTC. */
  readonly time: string | null
  readonly run: string | null
  /** What it did (`WRITE`, `OPTIMIZE`, …), and the program. */
  readonly operation: string | null
  readonly engine: string | null
  readonly job: string | null
  readonly partitions: number | null
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
    job: typeof info.job === 'string' ? info.job : null,
    partitions: added?.partitions ?? null,
    addedParts: added?.parts ?? null,
    removedParts: removed?.parts ?? null,
    rows: added?.rows ?? null,
  }
}

function cellsOf(row: RunRow): (string | number)[] {
  const { version, time, run, operation, engine, job, partitions, addedParts, removedParts, rows } = row
  const what = run === null && engine !== null ? `${operation ?? '-'} by ${engine}` : operation
  return [
    version ?? '-',
    time ?? '-',
    run ?? '-',
    what ?? '-',
    job ?? '-',
    partitions ?? '-',
    addedParts ?? '-',
    removedParts ?? '-',
    rows ?? '-',
  ]
}
