import { dropVariants } from '../../core/commit/drop-variants.ts'
import { ReplayError } from '../../core/errors.ts'
import { nearest } from '../../core/nearest-word.ts'
import { type LiveVariant, newestCode, ofOtherCode, otherCodeOf, readLiveVariants } from '../../core/plan/table/variant-codes.ts'
import { readTable } from '../../core/table/delta-log.ts'
import { openTable } from '../../core/table/table-query.ts'
import { ENDPOINT } from '../cloud-clients.ts'
import type { CommandInput, CommandIo, CommandSpec } from '../command.ts'
import { commandText, countText, jsonText, tableText } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { remoteParts } from '../remote-parts.ts'
import { openTableStore } from '../table-store.ts'
import { olderCodeText, paramsText } from '../variant-text.ts'

export const variants: CommandSpec = {
  name: 'variants',
  summary: 'the variants that a table has: parameters, code, partitions, rows, time; `drop` takes some of them out',
  arguments: [
    { name: 'table', help: 'folder of a table; before it the word drop, to take variants out' },
    { name: 'variant', help: 'with drop: which; ids, or parameters as name=value, of which all have to agree', optional: true, many: true },
  ],
  options: { older: { help: 'with drop: those with rows of older code than the newest run’s' }, endpoint: ENDPOINT },
  examples: [
    { command: 'chronicle-replay variants out', does: 'what a sweep has left in the table, and which of it is of older code' },
    {
      command: 'chronicle-replay variants drop out depth=10 every=1m',
      does: 'those out of the table, as a commit; --as-of still has them',
    },
  ],
  async run(input, io) {
    const [first, ...more] = input.positionals
    if (first === 'drop' && more.length > 0) return drop(more[0]!, more.slice(1), input, io)
    if (more.length > 0 || input.flag('older')) {
      throw new ReplayError('usage', 'to take variants out: chronicle-replay variants drop TABLE VARIANT…', { category: 'input' })
    }
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
    const note = olderCodeText(otherCodeOf(live), uri)
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

async function drop(uri: string, words: readonly string[], input: CommandInput, io: CommandIo): Promise<number> {
  const store = openTableStore(uri, input)
  const live = await readLiveVariants(store, await readTable(store))
  const wanted = input.flag('older') ? olderOf(live, words) : chosenOf(live, words)
  const progress = new ProgressLine(io, input)
  progress.update(() => `taking ${variantsText(wanted.length)} out`)
  const variants = wanted.map(({ id }) => id)
  const { warning, ...dropped } = await dropVariants(store, { variants, clock: Date.now, random: Math.random })
  progress.end()
  if (warning !== null) progress.note(`no checkpoint was written: ${warning}`)
  if (input.flag('json')) {
    io.out(jsonText({ variants, ...dropped }))
    return 0
  }
  const { rows, partitions, removedParts, addedParts, version } = dropped
  const told = wanted.map(({ id, params }) => `  ${id}  ${paramsText(params)}\n`).join('')
  const parts = `${countText(removedParts)} parts out${addedParts === 0 ? '' : `, ${countText(addedParts)} in with the rows that stay`}`
  if (partitions === 0) io.out(`nothing to drop, version ${version}\n`)
  else
    io.out(
      `dropped ${variantsText(wanted.length)}, ${countText(rows)} rows of ${countText(partitions)} partitions (${parts}), version ${version}\n${told}`,
    )
  progress.note(
    `earlier versions have them (query --as-of RUN) until vacuum takes their parts; next: ${commandText(['chronicle-replay', 'variants', uri])}`,
  )
  return 0
}

/** Those that words name: ids, and parameters that all have to agree. @throws ReplayError input `variant-unknown` */
function chosenOf(live: readonly LiveVariant[], words: readonly string[]): LiveVariant[] {
  const ids = words.filter((word) => !word.includes('='))
  const asked = words.filter((word) => word.includes('='))
  const unknown = ids.find((id) => !live.some((variant) => variant.id === id))
  if (unknown !== undefined) throw unknownVariant(unknown, live.map(({ id }) => id)) // biome-ignore format: a list
  const agrees = ({ params }: LiveVariant): boolean => {
    const given = new Set(Object.entries(params).map(([name, value]) => `${name}=${value}`))
    return asked.length > 0 && asked.every((word) => given.has(word))
  }
  const chosen = live.filter((variant) => ids.includes(variant.id) || agrees(variant))
  if (chosen.length > 0) return chosen
  if (words.length === 0) throw new ReplayError('usage', 'missing <variant>: ids, name=value, or --older', { category: 'input' })
  throw unknownVariant(asked.join(' '), live.map(({ params }) => paramsText(params))) // biome-ignore format: a list
}

function olderOf(live: readonly LiveVariant[], words: readonly string[]): LiveVariant[] {
  if (words.length > 0) throw new ReplayError('usage', 'either variants or --older, not both', { category: 'input' })
  const code = newestCode(live)
  const older = code === null ? [] : ofOtherCode(live, code)
  if (older.length > 0) return older
  throw new ReplayError('variant-unknown', 'no variant has rows of older code than the newest run’s', { category: 'input' })
}

function unknownVariant(found: string, known: readonly string[]): ReplayError {
  const near = nearest(found, known)
  const some = near === null ? `it has ${known.slice(0, 10).join(', ')}${known.length > 10 ? ', …' : ''}` : `did you mean ${near}?`
  return new ReplayError('variant-unknown', `the table has no variant ${found}; ${some}`, { category: 'input' })
}

function variantsText(count: number): string {
  return `${countText(count)} ${count === 1 ? 'variant' : 'variants'}`
}
