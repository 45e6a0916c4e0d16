import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { type JobRun, tableSum } from '../../bench/made/job-run.ts'
import type { ParamGrid } from '../../core/job/job-definition.ts'
import { DATA_OFFSET } from '../../core/log/format/segment.ts'
import { decodeRecordHeader, recordBytes, TIMESTAMP_OFFSET } from '../../core/message/record.ts'
import type { DamageReport } from '../../core/plan/run/damage-report.ts'
import type { Receipt } from '../../core/plan/run/receipt.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { type GenerateOptions, generateArchive } from '../../core/synthetic/archive.ts'
import { runKnowing } from '../support/job-runs.ts'
import { compressSegment } from '../support/made-log.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { tableLines } from '../support/table-lines.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('job-damage')
/** Damaged archives per job; `CHRONICLE_DAMAGE_CASES=50` for a long run. */
const CASES = Number(process.env.CHRONICLE_DAMAGE_CASES ?? 1)
const TIMEOUT_MS = 60_000 + CASES * 15_000
const example = (name: string): string => path.resolve(import.meta.dirname, '../../examples', name)
const support = (name: string): string => path.resolve(import.meta.dirname, '../support/jobs', name)
let folders = 0

const JOBS: Record<string, { readonly job: string; readonly params?: ParamGrid }> = {
  messages: { job: 'messages' },
  trades: { job: 'trades' },
  bars: { job: 'bars', params: { every: '5m' } },
  'a window of five minutes': { job: example('book-features-job.ts'), params: { every: '1m', depth: [1, 3] } },
  'rows at events': { job: support('best-price.ts'), params: { depth: [1, 2] } },
  'every handler': { job: support('every-handler.ts') },
  'exchange clock': { job: support('exchange-flow.ts') },
  'a pipeline': { job: support('trailing-trades.ts') },
}

const ARCHIVES: Record<string, Partial<GenerateOptions>> = {
  'daily snapshots': { dailySnapshot: true, gaps: 2 },
  'no daily snapshots': { dailySnapshot: false, gaps: 1 },
  'L3 books': { level: 'l3' },
  'compressed segments': { dailySnapshot: false, gaps: 1 },
}

/** What happens to a file: at `at` millionths of what is used of it, or to its first record or last byte. */
const damages = fc.array(
  fc.record({
    file: fc.nat(10_000),
    at: fc.nat(999_999),
    bit: fc.nat(7),
    kind: fc.constantFrom('flip', 'flip', 'flip', 'zeros', 'first', 'last', 'time', 'cut', 'index', 'gone', 'copy', 'folder'),
  }),
  { minLength: 1, maxLength: 12 },
)
const slicings = fc.record({
  slice: fc.constantFrom('1h', '2h', '6h', '12h', '1d'),
  minTasks: fc.integer({ min: 1, max: 60 }),
  isReversed: fc.boolean(),
})

type Damage = typeof damages extends fc.Arbitrary<(infer D)[]> ? D : never

function compressAll(folder: string): void {
  for (const segment of fs.globSync('v1/*/*/*/*/*.q', { cwd: folder })) {
    compressSegment(path.join(folder, path.dirname(segment)), Number(path.basename(segment, '.q')), 4096)
  }
}

function damage(folder: string, { file, at, bit, kind }: Damage): void {
  const wanted = kind === 'index' ? '*.idx' : '*.{q,q.zst}'
  const files = fs.globSync(`v1/*/*/*/*/${wanted}`, { cwd: folder }).sort()
  const target = path.join(folder, files[file % files.length]!)
  if (kind === 'gone') {
    // A log of one segment would be no log.
    if (fs.globSync('*.{q,q.zst}', { cwd: path.dirname(target) }).length > 1) fs.rmSync(target)
    return
  }
  if (kind === 'copy') {
    // Under the next id behind the last one.
    const last = fs
      .globSync('*.{q,q.zst}', { cwd: path.dirname(target) })
      .sort()
      .at(-1)!
    const name = String(Number(last.slice(0, 9)) + 1).padStart(9, '0')
    fs.copyFileSync(target, path.join(path.dirname(target), name + path.basename(target).slice(9)))
    return
  }
  if (kind === 'folder') {
    // A day without the stream; of other streams there is something, so that the day stays.
    const day = path.dirname(path.dirname(target))
    if (fs.readdirSync(day).length > 1) fs.rmSync(path.dirname(target), { recursive: true })
    return
  }
  const bytes = fs.readFileSync(target)
  const used = bytes.findLastIndex((byte) => byte !== 0) + 1
  if (used === 0) return
  if (kind === 'time') {
    if (target.endsWith('.q')) damageTime(bytes, Math.floor((at * used) / 1_000_000), bit)
    fs.writeFileSync(target, bytes)
    return
  }
  const offset = Math.floor((at * used) / 1_000_000)
  if (kind === 'cut') fs.truncateSync(target, offset)
  else {
    if (kind === 'zeros') bytes.fill(0, offset & ~63, Math.min(used, (offset & ~63) + 512))
    else if (kind === 'first' && used > 136) bytes[64 + 64 + 8]! ^= 1 << bit
    else if (kind === 'last') bytes[used - 1]! ^= 1 << bit
    else bytes[offset]! ^= 1 << bit
    fs.writeFileSync(target, bytes)
  }
}

function damagesOf(run: JobRun): DamageReport[] {
  return receiptsOf(run).flatMap(({ damage }) => damage ?? [])
}

const countOf = (reports: readonly DamageReport[]): number =>
  reports.reduce((sum, { codes }) => sum + Object.values(codes).reduce((all, count) => all + count, 0), 0)

/** Moves the time of the first record at or behind an offset by hours or days. */
function damageTime(bytes: Buffer, from: number, bit: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  let at = DATA_OFFSET
  while (at + 64 < bytes.length) {
    const { payloadLength } = decodeRecordHeader(view, at)
    if (payloadLength < 0) return
    if (at >= from) break
    at += recordBytes(payloadLength)
  }
  if (at + 64 < bytes.length) bytes[at + TIMESTAMP_OFFSET + 5]! ^= 1 << bit
}

/**
 * What comes out without skipping is what skipping gives, and has its fingerprint where no damage was met. What fails there
 * although it met none fails for another partition of its pass: alone it comes out.
 */
async function expectSame(skipping: JobRun, stopping: JobRun, alone: (partition: Receipt) => Promise<JobRun>): Promise<void> {
  const keyOf = ({ venue, symbol, startNs }: Receipt): string => `${venue}/${symbol}/${startNs}`
  const skipped = new Map(receiptsOf(skipping).map((receipt) => [keyOf(receipt), receipt]))
  let isTried = false
  for (const stopped of receiptsOf(stopping)) {
    const other = skipped.get(keyOf(stopped))!
    if (stopped.error === null) expect(other.checksum).toEqual(stopped.checksum)
    if (other.soundFingerprint === undefined) continue
    expect(other.soundFingerprint).toBe(stopped.fingerprint)
    if (stopped.error === null || isTried) continue
    isTried = true
    expect(receiptsOf(await alone(stopped))).toMatchObject([{ error: null, checksum: other.checksum }])
  }
}

function receiptsOf({ tasks }: JobRun): Receipt[] {
  return tasks.flatMap(({ receipts }) => receipts)
}

/** Where all folders of the job's streams are gone there is nothing to run, which is said. */
function nothingLeft(error: unknown): null {
  if ((error as { code?: string }).code === 'range-empty') return null
  throw error
}

/** A record's type has no checksum: where it is damaged, a message seems to be of another market, which is refused. Nothing else fails. */
function isOfTwoMarkets({ tasks }: JobRun): boolean {
  const failed = tasks.flatMap((task) => task.failed.map(({ error }) => error))
  expect(failed.filter((error) => error?.code !== 'market-mixed')).toEqual([])
  return failed.length > 0
}

/** Some lines that only one of the tables has. */
async function differences(a: MemoryStore, b: MemoryStore): Promise<string[]> {
  const [inA, inB] = [new Set(await tableLines(a)), new Set(await tableLines(b))]
  const only = (own: ReadonlySet<string>, other: ReadonlySet<string>): string[] => [...own].filter((line) => !other.has(line)).slice(0, 5)
  return [...only(inA, inB).map((line) => `+ ${line}`), ...only(inB, inA).map((line) => `- ${line}`)]
}

describe('a damaged archive, skipped: any slices and tasks give the rows of one pass', () => {
  const archives: Record<string, string> = {}

  beforeAll(async () => {
    for (const [name, options] of Object.entries(ARCHIVES)) {
      const folder = path.join(root, `archive-${folders++}`)
      await generateArchive(folder, { symbols: 1, messages: 3000, seed: 5, days: 3, segmentBytes: 65_536, stepBack: 0.01, ...options })
      if (name === 'compressed segments') compressAll(folder)
      archives[name] = folder
    }
  })

  it.each(Object.keys(ARCHIVES).flatMap((name) => Object.keys(JOBS).map((job) => [name, job] as const)))(
    '%s: %s',
    async (name, jobName) => {
      const { job, params = {} } = JOBS[jobName]!
      await fc.assert(
        fc.asyncProperty(damages, fc.array(slicings, { minLength: 1, maxLength: 2 }), async (list, ways) => {
          const folder = path.join(root, `damaged-${folders++}`)
          try {
            fs.cpSync(archives[name]!, folder, { recursive: true })
            for (const one of list) damage(folder, one)
            const archive = new FileStore(folder)
            const options = { archive, job, params, onCorrupt: 'skip' } as const
            const whole = new MemoryStore()
            const once = await runKnowing({ ...options, table: whole }).catch(nothingLeft)
            if (once === null || isOfTwoMarkets(once)) return
            const expected = await tableSum(whole)
            for (const { slice, minTasks, isReversed } of ways) {
              const table = new MemoryStore()
              const order = (tasks: string[]): string[] => (isReversed ? tasks.reverse() : tasks)
              const made = await runKnowing({ ...options, table, slice, minTasks, order })
              if (isOfTwoMarkets(made)) return
              const sum = await tableSum(table)
              if (sum !== expected) expect(await differences(table, whole)).toEqual([])
              expect(sum).toBe(expected)
              // A damaged header may end a slice before its time: what lies behind is then met by no pass of its own.
              const hasSoundHeaders = !list.some(({ kind }) => kind === 'flip' || kind === 'time')
              if (hasSoundHeaders) expect(countOf(damagesOf(made))).toBe(countOf(damagesOf(once)))
              // Changing nothing runs nothing.
              expect((await runKnowing({ ...options, table, slice })).planned).toMatchObject({ run: 0, stale: 0 })
              if (list.some(({ kind }) => ['flip', 'time', 'index'].includes(kind))) continue // headers and indexes have no checksum
              const stopping = { archive, job, params, slice } as const
              const alone = ({ startNs, endNs }: Receipt): Promise<JobRun> =>
                runKnowing({ ...stopping, table: new MemoryStore(), fromNs: BigInt(startNs), toNs: BigInt(endNs) })
              await expectSame(made, await runKnowing({ ...stopping, table: new MemoryStore(), minTasks }), alone)
            }
          } finally {
            fs.rmSync(folder, { recursive: true, force: true })
          }
        }),
        { numRuns: CASES, ...(process.env.CHRONICLE_DAMAGE_CASES !== undefined && { endOnFailure: true }) },
      )
    },
    TIMEOUT_MS,
  )
})

describe('a segment cut short', () => {
  it('hides nothing that lies before the loss: also without skipping, those partitions come out', async () => {
    const folder = path.join(root, `archive-${folders++}`)
    await generateArchive(folder, { symbols: 1, messages: 3000, seed: 5, days: 3, segmentBytes: 65_536 })
    const first = path.join(folder, fs.globSync('v1/*/*/*/book/*.q', { cwd: folder }).sort()[0]!)
    fs.truncateSync(first, 40_000)
    const options = { archive: new FileStore(folder), job: 'messages', slice: '1h' } as const
    const skipping = receiptsOf(await runKnowing({ ...options, table: new MemoryStore(), onCorrupt: 'skip' }))
    const cut = skipping.findIndex(({ damage }) => damage?.codes['segment-size'] === 1)
    expect(cut).toBeGreaterThan(0)
    for (const [i, { startNs, endNs, checksum }] of skipping.slice(0, cut + 1).entries()) {
      const alone = { fromNs: BigInt(startNs), toNs: BigInt(endNs), table: new MemoryStore() }
      const [receipt] = receiptsOf(await runKnowing({ ...options, ...alone }))
      expect(receipt).toMatchObject(i < cut ? { error: null, checksum } : { error: { code: 'segment-size' } })
    }
  })
})
