import { partKey } from '../../core/plan/run/part-key.ts'
import { encodePlanHead, encodeTasks, type PlanHead } from '../../core/plan/run/plan-document.ts'
import { encodeReceipts, type Receipt } from '../../core/plan/run/receipt.ts'
import { runFiles, taskName } from '../../core/plan/run/run-files.ts'
import type { ObjectStore } from '../../core/store/object-store.ts'
import { EVERY_TYPE } from './made-table.ts'

export interface MadePartition {
  readonly symbol: string
  /** Number of the cell since the epoch. */
  readonly cell: number
  /** Ids, sorted. */
  readonly variants: readonly string[]
}

export interface MadeRunOptions {
  readonly run: string
  readonly partitions: readonly MadePartition[]
  /** Version of the code. @default "code" */
  readonly bundle?: string
  /** @default 0 */
  readonly tolerance?: number
  /** @default an hour */
  readonly sliceNs?: bigint
}

export const HOUR_NS = 3_600_000_000_000n

/** A run id like those of plans. */
export function madeRunId(number: number): string {
  return `20240808T120000Z-${number.toString(16).padStart(8, '0')}`
}

/** A run with a plan of one task, whose receipts a test writes. */
export class MadeRun {
  readonly head: PlanHead
  readonly #store: ObjectStore
  readonly #partitions: readonly MadePartition[]
  readonly #sliceNs: bigint
  #attempts = 0

  private constructor(store: ObjectStore, head: PlanHead, partitions: readonly MadePartition[]) {
    this.#store = store
    this.head = head
    this.#partitions = partitions
    this.#sliceNs = BigInt(head.sliceNs)
  }

  static async create(store: ObjectStore, options: MadeRunOptions): Promise<MadeRun> {
    const { run, partitions, bundle = 'code', tolerance = 0, sliceNs = HOUR_NS } = options
    const ids = [...new Set(partitions.flatMap(({ variants }) => variants))]
    const sets = [...new Set(partitions.map(({ variants }) => variants.join(' ')))]
    const made = new MadeRun(store, headOf(run, bundle, tolerance, sliceNs, ids, sets, partitions.length), partitions)
    const lines = partitions.map(({ symbol, cell, variants }, i) => {
      const set = sets.indexOf(variants.join(' '))
      return `${JSON.stringify(['i', 'binance', symbol])}\n${JSON.stringify(['p', cell, 'run', 0, set, 'origin', 'inputs', made.fingerprint(i), 100])}\n`
    })
    const share = Buffer.from(lines.join(''))
    const files = runFiles(run)
    await store.put(files.share('00000'), share)
    const task = {
      task: taskName(0),
      file: '00000',
      at: 0,
      length: share.length,
      first: 0,
      partitions: partitions.length,
      bytes: 1,
      seconds: 900,
    }
    await store.put(files.tasks, encodeTasks([task]))
    await store.put(files.plan, encodePlanHead(made.head))
    return made
  }

  fingerprint(partition: number): string {
    return `${this.head.bundle}${partition}`.padStart(32, '0')
  }

  /** What a task would tell of a partition. */
  receipt(partition: number, attempt: string, rows: number, error: Receipt['error'] = null): Receipt {
    const { symbol, cell, variants } = this.#partitions[partition]!
    const startNs = BigInt(cell) * this.#sliceNs
    const date = new Date(Number(startNs / 1_000_000n)).toISOString().slice(0, 10)
    const endNs = startNs + this.#sliceNs
    const { run } = this.head
    const path = partKey({ venue: 'binance', symbol, startNs, endNs, fingerprint: this.fingerprint(partition), run, attempt })
    return {
      ...{ version: 1, run, task: taskName(0), attempt, partition, venue: 'binance', symbol, date },
      ...{ startNs: String(startNs), endNs: String(endNs), variants, fingerprint: this.fingerprint(partition) },
      ...{
        inputs: 'inputs',
        restart: 'origin',
        part: rows === 0 || error !== null ? null : { path, size: 1000, etag: 'e', firstRow: 0, rows },
      },
      checksum: { rows, sum: String(rows * 7) },
      ...{ minTsNs: rows === 0 ? null : String(startNs), maxTsNs: rows === 0 ? null : String(startNs + 1n) },
      ...{ began: null, gaps: {}, unproven: 0, messages: { read: 1, warmUp: 0, leftOut: {}, noted: {} } },
      facts: [{ folder: `v1/binance/${symbol}/${date}/book/`, digest: 'd', begins: 'snapshot', beginsNs: '0' }],
      timing: { startedMs: 1_723_161_255_088, durationMs: 1.5, bytes: 100 },
      error,
    }
  }

  /** Writes the receipts of an attempt at some partitions, rows by partition; 0 = without rows, null = failed. Returns its name. */
  async finish(rows: ReadonlyMap<number, number | null>, attempt = String(++this.#attempts).padStart(4, '0')): Promise<string> {
    const failure = { code: 'job-failed', category: 'input', message: 'thrown' } as const
    const receipts = [...rows].map(([partition, count]) => this.receipt(partition, attempt, count ?? 0, count === null ? failure : null))
    await this.#store.put(runFiles(this.head.run).receipt(taskName(0), attempt), encodeReceipts(receipts), 'absent')
    return attempt
  }
}

function headOf(
  run: string,
  bundle: string,
  tolerance: number,
  sliceNs: bigint,
  variants: readonly string[],
  sets: readonly string[],
  partitions: number,
): PlanHead {
  const cost = { bytesInRange: 1, bytesRead: 1, amplification: 1, getRequests: 1, putRequests: 1, assumptions: [] }
  const range = { low: 0, high: 0 }
  return {
    ...{ version: 1, run, job: 'flow', bundle, engine: 'engine', archive: '/archive', createdMs: 1, streams: ['book'], clock: 'record' },
    ...{ fromNs: '0', toNs: '1', sliceNs: String(sliceNs), tolerance, asked: variants },
    variants: variants.map((id) => ({ id, params: { depth: id } })),
    variantSets: sets.map((set) => set.split(' ').map((id) => variants.indexOf(id))),
    columns: [
      ...(['venue', 'symbol'] as const).map((name) => ({ name, type: 'string', nullable: false }) as const),
      ...(EVERY_TYPE.map((column) => ({ nullable: false, ...column })) as PlanHead['columns']),
    ],
    ...{ counts: { run: partitions, cached: 0, stale: 0 }, reasons: [], tasks: 1, partitions },
    cost: { ...cost, vcpuHours: range, dollars: range },
  }
}
