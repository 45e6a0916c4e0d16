import fs from 'node:fs'
import path from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { parquetReadObjects } from 'hyparquet'
import { beforeAll, describe, expect, it } from 'vitest'
import { type JobRunOptions, runJob, tableSum } from '../../bench/made/job-run.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { readTable } from '../../core/table/delta-log.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('job-losses')
const whole = path.join(root, 'whole')
const jobs = { filled: path.join(root, 'filled.ts'), exchange: path.join(root, 'exchange.ts') }
const DAYS = ['2024-01-01', '2024-01-02', '2024-01-03']
const [, MIDDLE] = DAYS as [string, string, string]
let copies = 0

beforeAll(async () => {
  await generateArchive(whole, { symbols: 1, messages: 6000, seed: 3, days: 3, dailySnapshot: true, streams: ['book', 'trades'] })
  const module = (name: string, more: string): string => `import { defineJob } from 'chronicle-replay'
export default defineJob({ name: '${name}', streams: ['book', 'trades'], trigger: { every: '10m' }, fill: true, ${more}
  columns: { trades: 'i32', bid: 'f64' },
  create(_, { book }) {
    let trades = 0
    return {
      reset() { trades = 0 },
      trade() { trades++ },
      row(out) { out.trades = trades; if (book.bidLevels > 0) out.bid = book.bidPrice; trades = 0 },
    }
  } })\n`
  fs.writeFileSync(jobs.filled, module('filled', ''))
  fs.writeFileSync(jobs.exchange, module('exchange', "clock: 'exchange',"))
})

function changed(change: (folder: string) => void): string {
  const folder = path.join(root, `archive-${copies++}`)
  fs.cpSync(whole, folder, { recursive: true })
  change(folder)
  return folder
}

const foldersOf = (archive: string, date: string, stream: string): string[] =>
  fs.globSync(`v1/*/*/${date}/${stream}`, { cwd: archive }).map((folder) => path.join(archive, folder))

function destroy(archive: string, date: string, stream: string): void {
  for (const folder of foldersOf(archive, date, stream)) {
    for (const name of fs.readdirSync(folder).filter((one) => one.endsWith('.q'))) fs.truncateSync(path.join(folder, name), 0)
  }
}

function removeBooks(archive: string, date: string): void {
  for (const folder of foldersOf(archive, date, 'book')) fs.rmSync(folder, { recursive: true })
}

interface Row {
  readonly date: string
  readonly gap: boolean
  readonly minute: number
  readonly trades: number | null
  readonly bid: number | null
}

async function rowsOf(table: MemoryStore): Promise<Row[]> {
  const { parts } = await readTable(table)
  const rows: Row[] = []
  for (const { path: part } of parts.values()) {
    const file = (await table.get(part))!.bytes.slice().buffer as ArrayBuffer
    for (const row of await parquetReadObjects({ file, compressors: { ZSTD: (input) => new Uint8Array(zstdDecompressSync(input)) } })) {
      const minute = Number((BigInt(row.bar_start_ns as bigint) / 60_000_000_000n) % 1440n)
      rows.push({ ...(row as unknown as Row), date: (row.date as Date).toISOString().slice(0, 10), minute })
    }
  }
  return rows.sort((a, b) => (a.date === b.date ? a.minute - b.minute : a.date < b.date ? -1 : 1))
}

/** Rows by one pass a day, and the same of other slicings. */
async function run(archive: string, job: string, options: Partial<JobRunOptions> = {}): Promise<Row[]> {
  const table = new MemoryStore()
  const own = { archive: new FileStore(archive), job, ...options }
  const { tasks } = await runJob({ ...own, table })
  expect(tasks.flatMap(({ failed }) => failed)).toEqual([])
  const sum = await tableSum(table)
  for (const [slice, minTasks] of [
    ['6h', 1],
    ['1h', 40],
  ] as const) {
    const other = new MemoryStore()
    await runJob({ ...own, table: other, slice, minTasks, order: (names) => names.reverse() })
    expect(await tableSum(other)).toBe(sum)
  }
  return rowsOf(table)
}

const gapsBy = (rows: readonly Row[]): Record<string, number> =>
  Object.fromEntries(DAYS.map((date) => [date, rows.filter((row) => row.date === date && row.gap).length]))

const BARS = 144

describe.each(['filled', 'exchange'] as const)('rows behind a loss that no message shows say so (%s)', (name) => {
  it('nothing is lost: no row says gap', async () => {
    expect(gapsBy(await run(whole, jobs[name]))).toEqual({ '2024-01-01': 0, '2024-01-02': 0, '2024-01-03': 0 })
  })

  it.each(['book', 'trades'])(
    'the only segment of a day’s %s is destroyed: all of its rows, and none of the days beside it',
    async (stream) => {
      const rows = await run(
        changed((folder) => destroy(folder, MIDDLE, stream)),
        jobs[name],
        { onCorrupt: 'skip' },
      )
      const gaps = gapsBy(rows)
      expect(gaps).toMatchObject({ '2024-01-01': 0, '2024-01-02': BARS })
      // The bar that the next day's snapshot lies in, at most.
      expect(gaps['2024-01-03']).toBeLessThanOrEqual(stream === 'book' ? 1 : 0)
      if (stream === 'book') expect(rows.filter(({ date, bid }) => date === MIDDLE && bid !== null)).toEqual([])
    },
  )

  it('both of a day are destroyed', async () => {
    const archive = changed((folder) => {
      for (const stream of ['book', 'trades']) destroy(folder, MIDDLE, stream)
    })
    expect(gapsBy(await run(archive, jobs[name], { onCorrupt: 'skip' }))).toMatchObject({ '2024-01-01': 0, '2024-01-02': BARS })
  })

  it('the end of a day’s book is cut off: from there on', async () => {
    const archive = changed((folder) => {
      for (const book of foldersOf(folder, MIDDLE, 'book')) {
        const [segment] = fs.readdirSync(book).filter((one) => one.endsWith('.q'))
        const file = path.join(book, segment!)
        const used = fs.readFileSync(file).findLastIndex((byte) => byte !== 0)
        fs.truncateSync(file, Math.floor(used / 2))
      }
    })
    const rows = (await run(archive, jobs[name], { onCorrupt: 'skip' })).filter(({ date }) => date === MIDDLE)
    const first = rows.findIndex(({ gap }) => gap)
    expect(first).toBeGreaterThan(0)
    expect(first).toBeLessThan(BARS - 1)
    expect(rows.slice(first).every(({ gap }) => gap)).toBe(true)
  })

  it('a day has no folder of the book, at the begin or between others: its rows, without skipping anything', async () => {
    for (const date of DAYS.slice(0, 2)) {
      const archive = changed((folder) => removeBooks(folder, date))
      const rows = await run(archive, jobs[name])
      expect(gapsBy(rows)).toMatchObject({
        '2024-01-01': date === DAYS[0] ? BARS : 0,
        '2024-01-02': date === MIDDLE ? BARS : expect.any(Number),
      })
      expect(rows.filter((row) => row.date === date && row.bid !== null)).toEqual([])
    }
  })

  it('there is no book at all', async () => {
    const archive = changed((folder) => removeBooks(folder, '*'))
    expect(gapsBy(await run(archive, jobs[name]))).toEqual({ '2024-01-01': BARS, '2024-01-02': BARS, '2024-01-03': BARS })
  })
})
