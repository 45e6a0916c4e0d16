import { type LiveVariant, newestCode, ofOtherCode, readLiveVariants } from '../../core/plan/table/variant-codes.ts'
import { readTable } from '../../core/table/delta-log.ts'
import { openTable } from '../../core/table/table-query.ts'
import { ENDPOINT } from '../cloud-clients.ts'
import type { CommandSpec } from '../command.ts'
import { commandText, jsonText, tableText } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { remoteParts } from '../remote-parts.ts'
import { openTableStore } from '../table-store.ts'
import { olderCodeText, paramsText } from '../variant-text.ts'

export const variants: CommandSpec = {
  name: 'variants',
  summary: 'the variants that a table has: parameters, code, partitions, rows, time',
  arguments: [{ name: 'table', help: 'folder of a table' }],
  options: { endpoint: ENDPOINT },
  examples: [{ command: 'chronicle-replay variants out', does: 'what a sweep has left in the table, and which of it is of older code' }],
  async run(input, io) {
    const uri = input.positionals[0]!
    const store = openTableStore(uri, input)
    const state = await readTable(store)
    const live = await readLiveVariants(store, state)
    const rows = await rowsOf(() => openTable(store, { remote: remoteParts(input, io) }))
    const code = newestCode(live)
    const older = new Set((code === null ? [] : ofOtherCode(live, code)).map(({ id }) => id))
    const documents = live.map((variant) => documentOf(variant, older.has(variant.id), rows.get(variant.id) ?? 0))
    if (input.flag('json')) io.out(jsonText(documents))
    else
      io.out(
        tableText(
          ['variant', 'parameters', 'code', 'is', 'partitions', 'rows', 'newest run', 'time'],
          documents.map(({ variant, params, codes, isOlder, rows }) => [
            ...[variant, paramsText(params), codes.map(({ bundle }) => bundle.slice(0, 8)).join(', ')],
            ...[isOlder ? (codes.length > 1 ? 'in part older' : 'older') : 'newest'],
            ...[codes.reduce((sum, { partitions }) => sum + partitions, 0), rows, codes[0]?.run ?? '-', codes[0]?.time ?? '-'],
          ]),
        ),
      )
    const progress = new ProgressLine(io, input)
    const note = olderCodeText(live, uri)
    if (note !== null) progress.note(`note: ${note}`)
    progress.note(`next: ${commandText(['chronicle-replay', 'query', uri])} "select variant, count(*) from t group by all"`)
    return 0
  },
}

interface VariantDocument {
  readonly variant: string
  readonly params: LiveVariant['params']
  /** It has partitions of other code than the newest run's. */
  readonly isOlder: boolean
  readonly rows: number
  /** Newest first. */
  readonly codes: readonly { bundle: string; engine: string; partitions: number; run: string; time: string }[]
}

function documentOf({ id, params, codes }: LiveVariant, isOlder: boolean, rows: number): VariantDocument {
  const told = codes.map(({ createdMs, ...code }) => ({ ...code, time: new Date(createdMs).toISOString() }))
  return { variant: id, params, isOlder, rows, codes: told }
}

async function rowsOf(open: () => ReturnType<typeof openTable>): Promise<Map<string, number>> {
  const query = await open()
  try {
    const rows = await query.rows('select variant, count(*) as n from t group by all')
    return new Map(rows.map(({ variant, n }) => [String(variant), Number(n)]))
  } finally {
    await query.close()
  }
}
