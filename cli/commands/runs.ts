import type { CommitInfo } from '../../core/table/delta-action.ts'
import { readHistory } from '../../core/table/delta-history.ts'
import { readTable } from '../../core/table/delta-log.ts'
import { countOption } from '../arguments.ts'
import { ENDPOINT } from '../cloud-clients.ts'
import type { CommandSpec } from '../command.ts'
import { commandText, jsonText, tableText } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { openTableStore } from '../table-store.ts'

export const runs: CommandSpec = {
  name: 'runs',
  summary: 'the commits of a table, newest first',
  arguments: [{ name: 'table', help: 'folder of a table' }],
  options: { limit: { value: 'N', help: 'so many at most (default: 100)' }, endpoint: ENDPOINT },
  examples: [{ command: 'chronicle-replay runs out', does: 'which run wrote which version, when, and what it changed' }],
  async run(input, io) {
    const uri = input.positionals[0]!
    const store = openTableStore(uri, input)
    const limit = countOption(input, 'limit') ?? 100
    const { version: newest } = await readTable(store)
    const rows: RunRow[] = []
    for await (const { version, info } of readHistory(store, newest)) {
      rows.push(rowOf(version, info))
      if (rows.length === limit) break
    }
    if (input.flag('json')) io.out(jsonText(rows))
    else io.out(tableText(HEADER, rows.map(cellsOf)))
    const last = rows[0]?.run
    if (!input.flag('json') && last !== undefined && last !== null)
      new ProgressLine(io, input).note(`next: chronicle-replay query ${commandText([uri])} "select count(*) from t" --as-of ${last}`)
    return 0
  },
}

/** One commit. Null: another program made it, and does not say what only runs have. */
interface RunRow {
  readonly version: number
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
  return [version, time ?? '-', run ?? '-', what ?? '-', job ?? '-', partitions ?? '-', addedParts ?? '-', removedParts ?? '-', rows ?? '-']
}
