import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HOUR_NS, MadeRun, madeRunId } from '../../bench/made/made-run.ts'
import { commitRun } from '../../core/commit/commit.ts'
import { encodePlanHead } from '../../core/plan/run/plan-document.ts'
import { runFiles } from '../../core/plan/run/run-files.ts'
import { readCommittedParts } from '../../core/plan/table/committed-parts.ts'
import type { OnForeign } from '../../core/plan/table/pack.ts'
import { checkpointKey } from '../../core/table/checkpoint-list.ts'
import { type AddFile, encodeVersion } from '../../core/table/delta-action.ts'
import { encodeCheckpoint } from '../../core/table/delta-checkpoint.ts'
import { checkpointActions, findTable, LAST_CHECKPOINT, versionKey } from '../../core/table/delta-log.ts'
import { MemoryStore } from '../support/memory-store.ts'

const CELLS = 4
const partition = { venue: 'binance', symbol: 'btcusdt' }

/** A table of which the test itself knows what each file holds: one word per partition and variant. */
class WatchedTable {
  readonly store = new MemoryStore()
  /** Words by key of a part. */
  readonly #words = new Map<string, readonly string[]>()
  /** Words that another program deleted: nobody expects them. */
  #runs = 0
  #others = 0

  async run(cells: readonly number[], variants: readonly string[], isWhole: boolean, onForeign: OnForeign | undefined): Promise<number> {
    const run = madeRunId(this.#runs++)
    const partitions = cells.map((cell) => ({ symbol: 'btcusdt', cell, variants }))
    const made = await MadeRun.create(this.store, { run, partitions, tolerance: 1, bundle: `code${this.#runs}` })
    const head = { ...made.head, toNs: String(24n * HOUR_NS), ...(onForeign !== undefined && { onForeign }) }
    await this.store.put(runFiles(run).plan, encodePlanHead(head))
    await made.finish(new Map(cells.map((_, i) => [i, isWhole || i % 2 === 0 ? variants.length : 0])), 'a')
    for (const [i, cell] of cells.entries()) {
      const { part } = made.receipt(i, 'a', isWhole || i % 2 === 0 ? variants.length : 0)
      if (part !== null)
        this.#words.set(
          part.path,
          variants.map((variant) => `${cell}/${variant}`),
        )
    }
    const options = { clock: () => 1_723_161_300_000, random: Math.random, pause: () => Promise.resolve() }
    return (await commitRun(this.store, run, options)).heldBack.length
  }

  /** Another program's version: takes parts out, and puts their words into `count` parts of its own. */
  async rewrite(operation: string, which: (key: string, i: number) => boolean, change: { keep: number; count: number; isMove: boolean }) {
    const state = await findTable(this.store)
    if (state === null) return
    const removed = [...state.parts.values()].filter(({ path }, i) => which(path, i))
    const words = removed.flatMap(({ path }) => this.#words.get(path) ?? [])
    const kept = words.slice(0, Math.ceil(words.length * change.keep))
    const adds: AddFile[] = []
    for (let n = 0; n < change.count && kept.length > 0; n++) {
      const own = kept.filter((_, i) => i % change.count === n)
      if (own.length === 0) continue
      const path = `venue=binance/symbol=btcusdt/part-00000-other-${this.#others++}.parquet`
      this.#words.set(path, own)
      adds.push({
        path,
        partitionValues: partition,
        size: 1,
        modificationTime: 1,
        dataChange: !change.isMove,
        stats: `{"numRecords":${own.length}}`,
      })
    }
    if (removed.length === 0) return
    const removes = removed.map(({ path, partitionValues }) => ({
      remove: { path, deletionTimestamp: 1, dataChange: !change.isMove, extendedFileMetadata: true, partitionValues },
    }))
    const actions = [...adds.map((add) => ({ add })), ...removes, { commitInfo: { operation, engineInfo: 'other 1.0' } }]
    await this.store.put(versionKey(state.version + 1), encodeVersion(actions), 'absent')
  }

  /** Another program's checkpoint, and nothing of the log before it. */
  async clean(): Promise<void> {
    const state = await findTable(this.store)
    if (state === null) return
    await this.store.put(checkpointKey(state.version), encodeCheckpoint(checkpointActions(state, 0)))
    for (let version = 0; version < state.version; version++) this.store.objects.delete(versionKey(version))
    this.store.objects.delete(LAST_CHECKPOINT)
  }

  /** No word twice, and every part is known for what it is. */
  async check(): Promise<void> {
    const state = await findTable(this.store)
    if (state === null) return
    const live = [...state.parts.keys()]
    const words = live.flatMap((path) => this.#words.get(path)!).sort()
    expect(words).toEqual([...new Set(words)])
    const known = await readCommittedParts(this.store)
    const packed = new Set(known.packs.flatMap(({ paths }) => paths))
    for (const path of live) {
      if (packed.has(path)) continue
      for (const word of this.#words.get(path)!) {
        const [cell, variant] = word.split('/') as [string, string]
        const parts = known.of('binance', 'btcusdt', BigInt(cell) * HOUR_NS, (BigInt(cell) + 1n) * HOUR_NS)
        expect([word, parts.filter(({ variants }) => variants.includes(variant)).length]).toEqual([word, 1])
      }
    }
    // A pack that is as the runs made it holds exactly the words of its partitions.
    for (const pack of known.packs) {
      if (pack.changed !== null || pack.added !== null) continue
      const held = pack.paths.flatMap((path) => this.#words.get(path)!).sort()
      expect(held).toEqual(pack.cells.flatMap(({ startNs, variants }) => variants.map((id) => `${BigInt(startNs) / HOUR_NS}/${id}`)).sort())
    }
  }
}

describe('a table of ours that another program maintains', () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('run' as const),
      cells: fc.uniqueArray(fc.nat(CELLS - 1), { minLength: 1, maxLength: CELLS }),
      variants: fc.constantFrom(['a'], ['b'], ['a', 'b']),
      isWhole: fc.boolean(),
      onForeign: fc.constantFrom(undefined, undefined, 'keep' as const, 'replace' as const),
    }),
    fc.record({ kind: fc.constant('compact' as const), mask: fc.nat(255), count: fc.integer({ min: 1, max: 2 }) }),
    fc.record({ kind: fc.constant('delete' as const), mask: fc.nat(255), keep: fc.constantFrom(0, 0.5) }),
    fc.record({ kind: fc.constant('clean' as const) }),
  )

  test('has no row twice and none unknown, whatever the order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
        const table = new WatchedTable()
        for (const next of steps) {
          if (next.kind === 'run') {
            const { cells, variants, isWhole, onForeign } = next
            await table.run(cells, variants, isWhole, onForeign).catch((error: { code?: string }) => {
              if (error.code !== 'variant-overlap') throw error
            })
          } else if (next.kind === 'clean') await table.clean()
          else {
            const which = (_: string, i: number): boolean => ((next.mask >> (i % 8)) & 1) === 1
            if (next.kind === 'compact') await table.rewrite('OPTIMIZE', which, { keep: 1, count: next.count, isMove: true })
            else await table.rewrite('DELETE', which, { keep: next.keep, count: 1, isMove: false })
          }
          await table.check()
        }
      }),
      { numRuns: 60 },
    )
  })

  test('a compaction between plan and commit: what the run brings whole replaces the pack, the rest is held back and told', async () => {
    const table = new WatchedTable()
    await table.run([0, 1], ['a'], true, undefined)
    await table.rewrite('OPTIMIZE', () => true, { keep: 1, count: 1, isMove: true })
    expect(await table.run([0], ['a'], true, undefined)).toBe(1)
    await table.check()
    expect(await table.run([1, 0, 2], ['a'], true, undefined)).toBe(0)
    await table.check()
    expect((await readCommittedParts(table.store)).packs).toEqual([])
  })

  test('a DELETE between plan and commit: held back unless the run was told to replace', async () => {
    const table = new WatchedTable()
    await table.run([0], ['a', 'b'], true, undefined)
    await table.rewrite('DELETE', () => true, { keep: 0.5, count: 1, isMove: false })
    expect(await table.run([0], ['a', 'b'], true, undefined)).toBe(1)
    expect(await table.run([0], ['a', 'b'], true, 'keep')).toBe(1)
    await table.check()
    expect(await table.run([0], ['a', 'b'], true, 'replace')).toBe(0)
    await table.check()
  })
})
