import fs from 'node:fs'
import path from 'node:path'
import { dayOfDate } from '../../core/instant.ts'
import { BUILTIN_JOBS } from '../../core/job/builtin/index.ts'
import { outlineJob } from '../../core/job/job-outline.ts'
import { readArchiveIndex } from '../../core/plan/archive/archive-index.ts'
import { planRun } from '../../core/plan/plan.ts'
import { partKey } from '../../core/plan/run/part-key.ts'
import { type PlanHead, readPlanHead, readTasks } from '../../core/plan/run/plan-document.ts'
import { writePlan } from '../../core/plan/run/plan-writer.ts'
import { encodeReceipts, type Receipt, receiptFrame } from '../../core/plan/run/receipt.ts'
import { runFiles } from '../../core/plan/run/run-files.ts'
import { type PlannedPartition, readTaskShare } from '../../core/plan/run/task-share.ts'
import { readCommittedParts } from '../../core/plan/table/committed-parts.ts'
import type { FileStore } from '../../core/store/file-store.ts'
import { ParquetFile } from '../../core/table/parquet-writer.ts'
import { ListedArchive } from './listed-archive.ts'

/** Rows that a day of an instrument has in the made parts. */
export const ROWS_PER_DAY = 24
const HOUR_NS = 3_600_000_000_000n

/** The archive of a firm: so many symbols, 254 days of a year without weekends. */
export function firmArchive(symbols: number): ListedArchive {
  return new ListedArchive({ symbols, days: 354, isMissing: (folder) => dayOfDate(folder.split('/')[3]!) % 7 in WEEKEND })
}

/** The epoch was a Thursday. */
const WEEKEND = { 2: true, 3: true }
export const FIRM_DAYS = 254

/** Plans the job `trades` over the archive, as `plan` in a container would. */
export async function planFirm(table: FileStore, symbols: number, run: string): Promise<PlanHead['counts']> {
  const live = await readCommittedParts(table)
  const facts = await readArchiveIndex(table)
  const outline = { ...outlineJob(BUILTIN_JOBS.trades!, {}, live), tolerance: 0.05 }
  const code = { bundle: 'code', engine: 'engine' }
  const plan = await planRun({ archive: firmArchive(symbols), outline, code, run, createdMs: Date.now(), live, facts })
  await writePlan(table, plan, 'code')
  return plan.head.counts
}

/**
 * Does what the tasks of a run would: parts with rows of an instrument and month, and receipts.
 * @param wants whether a task is done, by number
 */
export async function makeFirm(table: FileStore, run: string, wants: (task: number) => boolean): Promise<number> {
  const head = await readPlanHead(table, run)
  const months = new MadeMonths(head, path.join(table.directory, '_made'))
  let partitions = 0
  for (const [number, entry] of (await readTasks(table, run)).entries()) {
    if (!wants(number)) continue
    const receipts: Receipt[] = []
    for (const share of await readTaskShare(table, head, entry)) {
      for (const month of byMonth(share.partitions)) receipts.push(...(await made(table, head, months, entry.task, month)))
    }
    fs.mkdirSync(path.join(table.directory, runFiles(run).receipts), { recursive: true })
    fs.writeFileSync(path.join(table.directory, runFiles(run).receipt(entry.task, 'a')), encodeReceipts(receipts))
    partitions += receipts.length
  }
  return partitions
}

function byMonth(partitions: readonly PlannedPartition[]): PlannedPartition[][] {
  return [...Map.groupBy(partitions, ({ date }) => date.slice(0, 7)).values()]
}

async function made(table: FileStore, head: PlanHead, months: MadeMonths, task: string, partitions: readonly PlannedPartition[]) {
  const key = partKey({ ...partitions[0]!, run: head.run, attempt: 'a' })
  const { file, size } = await months.of(partitions)
  const place = path.join(table.directory, key)
  fs.mkdirSync(path.dirname(place), { recursive: true })
  fs.linkSync(file, place)
  const rows = ROWS_PER_DAY * partitions.length
  return partitions.map((partition, i): Receipt => {
    const { startNs } = partition
    return {
      ...receiptFrame(partition, head, { run: head.run, task, attempt: 'a' }),
      part: { path: key, size, etag: 'e', firstRow: i * ROWS_PER_DAY, rows },
      checksum: { rows: ROWS_PER_DAY, sum: String(BigInt(partition.index) * 0x9e3779b97f4a7n) },
      ...{ minTsNs: String(startNs), maxTsNs: String(startNs + 23n * HOUR_NS) },
      ...{ began: null, gaps: {}, unproven: 0, facts: [] },
      messages: { read: 1000, warmUp: 0, leftOut: {}, noted: {} },
      timing: { startedMs: Date.now(), durationMs: 1.5, bytes: 100 },
      error: null,
    }
  })
}

/** Files of the same days are the same: symbols are no columns of them. */
class MadeMonths {
  readonly #head: PlanHead
  readonly #folder: string
  readonly #files = new Map<string, { readonly file: string; readonly size: number }>()

  constructor(head: PlanHead, folder: string) {
    this.#head = head
    this.#folder = folder
    fs.mkdirSync(folder, { recursive: true })
  }

  async of(partitions: readonly PlannedPartition[]): Promise<{ readonly file: string; readonly size: number }> {
    const key = partitions.map(({ date }) => date).join(' ')
    const known = this.#files.get(key)
    if (known !== undefined) return known
    const file = path.join(this.#folder, `${this.#head.run}-${this.#files.size}.parquet`)
    const columns = this.#head.columns.filter(({ name }) => name !== 'venue' && name !== 'symbol')
    // A row group for each day, as tasks make them.
    const parquet = new ParquetFile({ path: file, columns, maxGroupRows: ROWS_PER_DAY, isDurable: false })
    for (const { date, startNs } of partitions) {
      for (let hour = 0; hour < ROWS_PER_DAY; hour++) {
        for (const column of parquet.columns) {
          if (column.name === 'date') column.setI32(parquet.row, dayOfDate(date))
          else if (column.name === 'ts_ns') column.setI64(parquet.row, startNs + BigInt(hour) * HOUR_NS)
          else if (column.type === 'timestamp_us') column.setI64(parquet.row, startNs / 1000n + BigInt(hour) * 3_600_000_000n)
          else if (column.type === 'i64') column.setI64(parquet.row, BigInt(hour))
          else if (column.type === 'f64') column.setF64(parquet.row, 100 + hour / 8)
          else if (column.type === 'string') column.setString(parquet.row, 'a')
          else if (column.type === 'bool') column.setBool(parquet.row, false)
          else column.setI32(parquet.row, 0)
        }
        parquet.endRow()
      }
    }
    await parquet.close()
    const made = { file, size: fs.statSync(file).size }
    this.#files.set(key, made)
    return made
  }
}
