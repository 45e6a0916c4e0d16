import type { DuckDBConnection } from '@duckdb/node-api'
import { quoteSql } from './file-select.ts'
import type { ColumnFilter, Scan } from './part-match.ts'

export interface StatementScans {
  /** None: the statement reads no row of the table. */
  readonly scans: readonly Scan[]
  /** It asks for the time of day, and another time may be it when the statement runs. */
  readonly hasClock: boolean
}

/**
 * How a statement reads a table, by DuckDB's own planner and optimiser, which push conditions down to scans as far as they hold there.
 * @param table a table without rows that stands for it: nothing may be taken for true because there is no row
 * @returns null: DuckDB does not say; then it may read every row
 * @throws what DuckDB says of a statement that is wrong
 */
export async function readScans(connection: DuckDBConnection, sql: string, table: string): Promise<StatementScans | null> {
  const extracted = await connection.extractStatements(sql)
  // A later one may depend on what an earlier one does. What is read from a pipe can be looked at once only.
  if (extracted.count !== 1 || sql.includes('/dev/')) return null
  const { before, optimizers } = await readOptimizers(connection)
  const others = optimizers.filter((name) => !PUSHING.has(name))
  await connection.run(`SET disabled_optimizers = ${quoteSql(others.join())}`)
  try {
    const bound = await planOf(connection, sql, false)
    const pushed = bound === null ? null : await planOf(connection, sql, true)
    const plan = pushed === null ? null : parsedPlan(pushed)
    if (bound !== null && plan !== null) return scansIn(plan, table, CLOCKS.test(bound))
  } finally {
    await connection.run(`SET disabled_optimizers = ${quoteSql(before)}`)
  }
  // What is wrong with a statement is told here, before any part is looked at.
  const prepared = await extracted.prepare(0)
  prepared.destroySync()
  return null
}

/** Null: DuckDB cannot write it as JSON, or the statement is wrong. */
async function planOf(connection: DuckDBConnection, sql: string, optimize: boolean): Promise<string | null> {
  const result = await connection.runAndReadAll(`SELECT json_serialize_plan(${quoteSql(sql)}, optimize := ${optimize})`)
  const text = String(result.getRows()[0]![0])
  return text.startsWith('{"error":false') ? text : null
}

/** Null: DuckDB writes constants as NaN and Infinity, which JSON does not know. */
function parsedPlan(text: string): { readonly plans: readonly unknown[] } | null {
  try {
    return JSON.parse(text) as { readonly plans: readonly unknown[] }
  } catch {
    return null
  }
}

async function readOptimizers(connection: DuckDBConnection): Promise<{ readonly before: string; readonly optimizers: readonly string[] }> {
  const result = await connection.runAndReadAll("SELECT current_setting('disabled_optimizers'), list(name) FROM duckdb_optimizers()")
  const [before, names] = result.getRowsJS()[0] as [string, string[]]
  return { before, optimizers: names }
}

/** A scan in a plan; filters go by the number of their column. */
interface Get {
  readonly type: 'LOGICAL_GET'
  readonly names: readonly string[]
  readonly function_data?: { readonly table?: string }
  readonly table_filters: { readonly filters: readonly { readonly key: number; readonly value: ColumnFilter }[] }
}

function scansIn(plan: { readonly plans: readonly unknown[] }, table: string, hasClock: boolean): StatementScans {
  const scans: Scan[] = []
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    const { type, function_data: data, names, table_filters: pushed } = node as Get
    if (type === 'LOGICAL_GET' && data?.table === table) {
      scans.push({ filters: new Map(pushed.filters.map(({ key, value }) => [names[key]!, value])) })
    }
    for (const child of Object.values(node)) visit(child)
  }
  visit(plan.plans)
  return { scans, hasClock }
}

/** Those that bring conditions to scans. All others could judge by statistics of the rows, of which there are none. */
const PUSHING: ReadonlySet<string> = new Set([
  'expression_rewriter',
  'filter_pullup',
  'filter_pushdown',
  'cte_filter_pusher',
  'cte_inlining',
])

const CLOCKS = /"name":"(now|today|age|transaction_timestamp|\w*current\w*)"/
