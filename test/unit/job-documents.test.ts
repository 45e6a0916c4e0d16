import { describe, expect, it } from 'vitest'
import { BUILTIN_JOBS } from '../../core/job/builtin/index.ts'
import { outlineJob } from '../../core/job/job-outline.ts'
import { cellName } from '../../core/plan/cells.ts'
import { planRun } from '../../core/plan/plan.ts'
import { readPlanHead, readTask, readTasks } from '../../core/plan/run/plan-document.ts'
import { writePlan } from '../../core/plan/run/plan-writer.ts'
import { decodeReceipts, encodeReceipts, type Receipt } from '../../core/plan/run/receipt.ts'
import { newRunId, runFiles, splitRunUri } from '../../core/plan/run/run-files.ts'
import { readPartitions, readTaskShare } from '../../core/plan/run/task-share.ts'
import { FileStore } from '../../core/store/file-store.ts'
import type { GetOptions, StoredObject } from '../../core/store/object-store.ts'
import { ListedArchive } from '../support/listed-archive.ts'
import { plannedLines } from '../support/planned-parts.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('job-documents')
const RUN = '20240808T120000Z-00000001'

/** Counts what is read. */
class CountingStore extends FileStore {
  reads = 0
  bytes = 0

  override async get(key: string, options?: GetOptions): Promise<StoredObject | null> {
    const object = await super.get(key, options)
    this.reads++
    this.bytes += object?.bytes.length ?? 0
    return object
  }
}

describe('a plan as written', () => {
  const archive = new ListedArchive({ symbols: 3, days: 4, streams: ['book', 'trades'], segments: 2 })
  const plan = planRun({
    archive,
    outline: outlineJob(BUILTIN_JOBS['book-features']!, { depth: [5, 10] }),
    code: { bundle: 'code', engine: 'engine' },
    run: RUN,
    createdMs: 0,
    slice: '12h',
    taskBytes: 2 ** 20,
  })

  it('is read back: head, tasks, shares', async () => {
    const table = new FileStore(`${root}/read`)
    await writePlan(table, await plan, 'code of the job')
    const head = await readPlanHead(table, RUN)
    expect(head).toEqual((await plan).head)
    const tasks = await readTasks(table, RUN)
    expect(tasks.map(({ task, first, partitions }) => [task, first, partitions])).toEqual([
      ['000000', 0, 8],
      ['000001', 8, 8],
      ['000002', 16, 8],
    ])
    const partitions = []
    for await (const partition of readPartitions(table, head)) partitions.push(partition)
    expect(partitions.map(({ index }) => index)).toEqual(Array.from({ length: 24 }, (_, i) => i))
    expect(partitions.map(({ fingerprint }) => fingerprint)).toEqual(plannedLines(await plan).map(({ fingerprint }) => fingerprint))
    const { startNs, endNs, date, venue, symbol, task } = partitions[11]!
    expect({ date, venue, symbol, task, name: cellName(startNs, endNs) }).toEqual({
      date: '2024-01-02',
      venue: 'mock',
      symbol: 'sym-0001',
      task: '000001',
      name: '20240102T120000-43200s',
    })
    const object = await table.get(runFiles(RUN).bundle)
    expect(new TextDecoder().decode(object!.bytes)).toBe('code of the job')
  })

  it('lets a task read only its own share', async () => {
    const table = new CountingStore(`${root}/share`)
    await writePlan(table, await plan, '')
    const head = await readPlanHead(table, RUN)
    table.reads = 0
    table.bytes = 0
    const entry = await readTask(table, RUN, '000001')
    const shares = await readTaskShare(table, head, entry)
    expect([table.reads, table.bytes]).toEqual([2, 192 + entry.length])
    expect(shares.map(({ symbol }) => symbol)).toEqual(['sym-0001'])
    expect(shares[0]!.folders.map(({ key }) => key)).toEqual(['01', '02', '03', '04'].map((day) => `v1/mock/sym-0001/2024-01-${day}/book/`))
    expect(shares[0]!.folders[0]!.objects).toEqual(
      ['000000000.idx', '000000000.q', '000000001.idx', '000000001.q', 'meta.json'].map((name) => ({
        name,
        size: name.endsWith('.q') ? 2 ** 20 : name.endsWith('.idx') ? 100 : 300,
        etag: `"${'1'.padStart(31, '0')}1"`,
      })),
    )
  })

  it('is written once, and its absence is told', async () => {
    const table = new FileStore(`${root}/once`)
    await writePlan(table, await plan, '')
    await expect(writePlan(table, await plan, '')).rejects.toMatchObject({ code: 'run-exists' })
    await expect(readPlanHead(table, '20240808T120000Z-00000002')).rejects.toMatchObject({ code: 'run-unknown' })
    await expect(readTask(table, RUN, '000003')).rejects.toMatchObject({ code: 'task-unknown' })
    await expect(readTask(table, RUN, '../x')).rejects.toMatchObject({ code: 'task-unknown' })
    await table.put(runFiles(RUN).plan, new TextEncoder().encode('{"version":1'))
    await expect(readPlanHead(table, RUN)).rejects.toMatchObject({ code: 'plan-document', category: 'corrupt' })
  })
})

describe('run ids', () => {
  it('sort by time and cannot be paths', () => {
    expect(newRunId(Date.UTC(2024, 7, 8, 12), () => 0.5)).toBe('20240808T120000Z-80000000')
    expect(() => runFiles('../../etc')).toThrow(expect.objectContaining({ code: 'run-id' }))
    expect(() => runFiles(RUN).receipt('000001', '../x')).toThrow(expect.objectContaining({ code: 'run-id' }))
    expect(splitRunUri(`s3://bucket/table/_chronicle/runs/${RUN}`)).toEqual({ table: 's3://bucket/table', run: RUN })
    expect(splitRunUri(RUN)).toBeNull()
  })
})

describe('receipts', () => {
  const receipt: Receipt = {
    version: 1,
    run: RUN,
    task: '000001',
    attempt: 'a1',
    partition: 7,
    venue: 'mock',
    symbol: 'sym-0001',
    date: '2024-01-02',
    startNs: '1704153600000000000',
    endNs: '1704240000000000000',
    variants: ['0011223344556677'],
    fingerprint: 'f'.repeat(32),
    inputs: 'e'.repeat(32),
    restart: 'origin',
    began: { with: 'snapshot', key: 'v1/mock/sym-0001/2024-01-01/book/snapshots/1/7/snapshot_9.bin' },
    part: { path: 'venue=mock/part.parquet', size: 10, firstRow: 0, rows: 5, etag: 'x' },
    checksum: { rows: 3, sum: '18446744073709551615' },
    minTsNs: '1704153600000000000',
    maxTsNs: '1704153600000000001',
    gaps: {},
    unproven: 0,
    messages: { read: 10, warmUp: 0, leftOut: {}, noted: {} },
    facts: [{ folder: 'v1/mock/sym-0001/2024-01-02/book/', digest: 'd', begins: 'snapshot', beginsNs: '0' }],
    timing: { startedMs: 1, durationMs: 2, bytes: 3 },
    error: null,
  }

  it('are read back', () => {
    const all = [receipt, { ...receipt, partition: 8, part: null, checksum: { rows: 0, sum: '0' } }]
    expect(decodeReceipts(encodeReceipts(all), 'r')).toEqual(all)
    expect(decodeReceipts(new Uint8Array(), 'r')).toEqual([])
  })

  it('are refused when cut anywhere', () => {
    const bytes = encodeReceipts([receipt])
    for (let length = 1; length < bytes.length; length += 7) {
      expect(() => decodeReceipts(bytes.subarray(0, length), 'r')).toThrow(
        expect.objectContaining({ code: 'receipt', category: 'corrupt' }),
      )
    }
  })
})
