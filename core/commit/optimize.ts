import fs from 'node:fs'
import { inTurns } from '../in-turns.ts'
import { dateOfDay } from '../instant.ts'
import { DAY_NS } from '../plan/cells.ts'
import { newRunId } from '../plan/run/run-files.ts'
import { changeRecord } from '../plan/table/cell-record.ts'
import { SegmentWriter } from '../plan/table/cell-segment.ts'
import type { LiveCell } from '../plan/table/pack.ts'
import { type PartLedger, readPartLedger } from '../plan/table/part-ledger.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { AddFile } from '../table/delta-action.ts'
import { commitTable, type TableChange } from '../table/delta-commit.ts'
import { readTable, type TableState } from '../table/delta-log.ts'
import { makeTemporaryFolder } from '../temporary-folder.ts'
import type { CommitRunOptions } from './commit.ts'
import { nameWord } from './name-word.ts'
import { addOf } from './part-adds.ts'
import { type CopiedCells, type RewrittenPart, rewriteParts } from './part-rewrite.ts'

export interface OptimizeOptions extends Pick<CommitRunOptions, 'clock' | 'random' | 'pause'> {
  /** A part is full when it has so many bytes. @default 128 MiB */
  readonly targetBytes?: number
  /** Hears how many parts were read, of how many. */
  readonly onProgress?: (done: number, all: number) => void
}

export interface OptimizeResult {
  /** Parts that are out of the table, and those in their place. */
  readonly removed: number
  readonly added: number
  /** Of the table now. */
  readonly version: number
  /** Why a checkpoint was not written, which harms nothing; null when all is well. */
  readonly warning: string | null
}

const TARGET_BYTES = 128 * 2 ** 20
/** So many parts leave with one version, so that none is too long to read. */
const REMOVED_PER_VERSION = 50_000
/** Parts that are made side by side. */
const COPIES_AT_ONCE = 8

/**
 * Packs small parts: those of an instrument and month that lie beside each other in time become one, until it is full. Rows stay as
 * they are, and so does what is known of partitions: the versions change no data. A version of others that comes first is
 * respected: what it took out or brought is looked at again. Parts of other programs stay as they are.
 * @throws ReplayError those of `readTable`, `commitTable` and `rewriteParts`
 */
export async function optimizeTable(table: ObjectStore, options: OptimizeOptions): Promise<OptimizeResult> {
  const made = new MadePacks(table, options)
  let [removed, added, warning]: [number, number, string | null] = [0, 0, null]
  try {
    for (;;) {
      let change: TableChange | null = null
      const outcome = await commitTable(table, {
        ...options,
        run: OPTIMIZE,
        isMaintenance: true,
        async decide(state) {
          change = await made.changeOf(state ?? (await readTable(table)))
          return change
        },
      })
      if (outcome.checkpointError !== null) warning = String(outcome.checkpointError)
      const done = change as TableChange | null
      if (!outcome.written || done === null) return { removed, added, version: outcome.version, warning }
      removed += done.removes.length
      added += done.adds.length
    }
  } finally {
    made.close()
  }
}

/** How far packing has come, as a txn of the table. */
const OPTIMIZE = 'chronicle.optimize'

/** Parts that become one. */
interface PackPlan {
  readonly parts: readonly AddFile[]
  /** Of each part its partitions, in order of rows. */
  readonly cells: readonly (readonly LiveCell[])[]
}

class MadePacks {
  readonly #table: ObjectStore
  readonly #options: OptimizeOptions
  readonly #run: string
  readonly #word: string
  readonly #scratch = makeTemporaryFolder('chronicle-replay-optimize-')
  /** By the parts that went into them: a lost race does not make them again. */
  readonly #made = new Map<string, RewrittenPart>()
  #tries = 0

  constructor(table: ObjectStore, options: OptimizeOptions) {
    this.#table = table
    this.#options = options
    this.#run = newRunId(options.clock(), options.random)
    this.#word = `c${nameWord(options.random)}`
  }

  close(): void {
    fs.rmSync(this.#scratch, { recursive: true, force: true })
  }

  /** Null: nothing is left to pack. */
  async changeOf(state: TableState): Promise<TableChange | null> {
    const ledger = await readPartLedger(this.#table, state)
    const plans = this.#plan(state, ledger)
    if (plans.length === 0) return null
    const attempt = `${this.#word}t${this.#tries++}`
    const packs = await this.#makeAll(plans, attempt)
    const segments = new SegmentWriter(this.#table, `${this.#run}-${attempt}`)
    const adds: AddFile[] = []
    for (const [i, { parts, cells }] of plans.entries()) {
      const { path, size, bounds } = packs[i]!
      const moved = cells.flat().map((cell) => ({ ...cell, path }))
      const { venue, symbol } = moved[0]!
      const segment = await segments.add({ path, venue, symbol, cells: moved })
      const columns = parts[0]!.tags?.columns ?? ''
      adds.push(addOf({ path, size, bounds, cells: moved, columns, segment, modifiedMs: this.#options.clock(), dataChange: false }))
    }
    await segments.close()
    // What other programs did before this version is looked for from here on in the record alone.
    const { random } = this.#options
    const { empty, packs: foreign, record: before } = ledger
    const record = await changeRecord(this.#table, { before, empty, packs: foreign, version: state.version + 1, random })
    return {
      schema: state.schema,
      adds,
      removes: plans.flatMap(({ parts }) => parts),
      isMove: true,
      txns: record.txns,
      info: { operation: 'OPTIMIZE', operationParameters: { targetSize: String(this.#targetBytes) }, ...record.info },
    }
  }

  get #targetBytes(): number {
    return this.#options.targetBytes ?? TARGET_BYTES
  }

  #plan(state: TableState, { cells }: PartLedger): PackPlan[] {
    const small = [...state.parts.values()].filter(({ size }) => size < this.#targetBytes / 2)
    const groups = Map.groupBy(small, ({ partitionValues, tags }) => {
      return JSON.stringify([partitionValues.venue, partitionValues.symbol, tags?.columns ?? ''])
    })
    const plans: PackPlan[] = []
    let count = 0
    for (const parts of groups.values()) {
      const { venue, symbol } = parts[0]!.partitionValues
      if (parts.length < 2 || !parts[0]!.tags?.columns || typeof venue !== 'string' || typeof symbol !== 'string') continue
      const held = parts.flatMap((part): PackedPart[] => {
        const own = cells.inPart(venue, symbol, part.path)
        return own.length === 0 ? [] : [{ part, cells: own, startNs: startOf(own) }]
      })
      for (const plan of packsOf(held, this.#targetBytes)) {
        if (count >= REMOVED_PER_VERSION) return plans
        count += plan.parts.length
        plans.push(plan)
      }
    }
    return plans
  }

  async #makeAll(plans: readonly PackPlan[], attempt: string): Promise<RewrittenPart[]> {
    const all = plans.reduce((sum, { parts }) => sum + parts.length, 0)
    let done = 0
    return await inTurns(plans, COPIES_AT_ONCE, async (plan) => {
      const key = plan.parts.map(({ path }) => path).join('\n')
      const known = this.#made.get(key)
      const pack = known ?? (await rewriteParts(this.#table, sourcesOf(plan), { run: this.#run, attempt, scratch: this.#scratch }))!
      this.#made.set(key, pack)
      done += plan.parts.length
      this.#options.onProgress?.(done, all)
      return pack
    })
  }
}

interface PackedPart {
  readonly part: AddFile
  readonly cells: readonly LiveCell[]
  readonly startNs: bigint
}

function startOf(cells: readonly LiveCell[]): bigint {
  let first = BigInt(cells[0]!.startNs)
  for (const { startNs } of cells) if (BigInt(startNs) < first) first = BigInt(startNs)
  return first
}

/** Those of a month that lie beside each other, as many as fill a part. */
function packsOf(held: readonly PackedPart[], targetBytes: number): PackPlan[] {
  const sorted = [...held].sort((a, b) => (a.startNs < b.startNs ? -1 : a.startNs > b.startNs ? 1 : 0))
  const plans: PackPlan[] = []
  let [open, bytes, month]: [PackedPart[], number, string] = [[], 0, '']
  const end = (): void => {
    if (open.length > 1) plans.push({ parts: open.map(({ part }) => part), cells: open.map(({ cells }) => cells) })
    open = []
    bytes = 0
  }
  for (const each of sorted) {
    const own = dateOfDay(Number(each.startNs / DAY_NS)).slice(0, 7)
    if (own !== month || bytes + each.part.size > targetBytes) end()
    month = own
    open.push(each)
    bytes += each.part.size
  }
  end()
  return plans
}

function sourcesOf({ parts, cells }: PackPlan): CopiedCells[] {
  return parts.map(({ path, size }, i) => {
    let row = 0
    const own = cells[i]!.map((cell) => {
      const firstRow = row
      row += cell.rows
      return { cell, firstRow }
    })
    return { path, size, cells: own }
  })
}
