import path from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { runJob } from '../../bench/made/job-run.ts'
import type { Trigger } from '../../core/features/clocks/trigger.ts'
import { BUILTIN_COLUMNS } from '../../core/features/columns/builtin-columns.ts'
import { FeatureEngine } from '../../core/features/feature-engine.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { batchOf, type TestMessage, tickerMessage } from '../support/batches.ts'
import { cutArchive, type MessageTimes } from '../support/cut-archive.ts'
import { randomStream, SECOND_NS, START_NS, toMessage } from '../support/feature-stream.ts'
import { type MemoryRow, MemoryRows } from '../support/memory-rows.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { tableRows } from '../support/table-lines.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/*
 * What a row says was known at its `ts`: taking away all that came later, by the job's clock, changes no row up to then.
 */

/** A message and when it was there, by the clock. */
interface Known {
  readonly message: TestMessage
  readonly position: number
  readonly timeNs: bigint
}

/** Books, trades and tickers whose times step back, with gaps by the record clock; by the exchange's, within a second of it. */
function knownStream(seed: number, clock: 'record' | 'exchange'): Known[] {
  const isExchange = clock === 'exchange'
  const stream = randomStream(seed, { messages: 150, skew: isExchange, gaps: !isExchange })
  let [latestNs, latestBookNs, position] = [0n, 0n, 1]
  return stream.flatMap((made, i) => {
    // By the record clock every ninth was recorded out of turn.
    const timeNs = !isExchange && i % 9 === 8 ? made.timeNs - 700_000_123n : made.timeNs
    const message = toMessage({ ...made, timeNs })
    const isTicker = i % 5 === 4
    const quote = tickerMessage(made.seq, timeNs, { timestampNs: made.exchangeNs, bidPrice: 990 + (i % 7), symbolHash: 7n })
    latestNs = timeNs > latestNs ? timeNs : latestNs
    if (message.typeId === 0x1000 && made.exchangeNs > latestBookNs) latestBookNs = made.exchangeNs
    const known = (own: TestMessage): Known => {
      position += 64
      // Book events cannot change places: by the exchange's clock each has the greatest time so far.
      const exchangeNs = own.typeId === 0x1000 ? latestBookNs : made.exchangeNs
      return { message: own, position, timeNs: isExchange ? exchangeNs : latestNs }
    }
    return isTicker ? [known(message), known(quote)] : [known(message)]
  })
}

interface Case {
  readonly trigger: Trigger
  readonly clock: 'record' | 'exchange'
  readonly fill?: boolean
}

/** Rows of every built-in column, by column. */
function rowsOf(stream: readonly Known[], { trigger, clock, fill = false }: Case, toNs: bigint): Map<string, MemoryRow[]> {
  const targets = new Map<string, MemoryRows>()
  const tables = BUILTIN_COLUMNS.map((definition) => ({
    columns: definition.columns([]),
    target: (specs: ConstructorParameters<typeof MemoryRows>[0]) => {
      const rows = new MemoryRows(specs)
      targets.set(definition.name, rows)
      return rows
    },
  }))
  const engine = new FeatureEngine({
    ...{ tables, trigger, clock, fill, toNs, startNs: START_NS, fromNs: START_NS },
    ...(clock === 'exchange' && { maxSkew: '2s', rule: { recordSeq: false } }),
  })
  for (const { message, position } of stream) engine.write(batchOf([message], { bufferStart: 64 * position }))
  engine.finish()
  return new Map([...targets].map(([name, { rows }]) => [name, rows]))
}

const CASES: readonly Case[] = [
  { trigger: { every: '1s' }, clock: 'record' },
  { trigger: { every: '5s' }, clock: 'record', fill: true },
  { trigger: { event: 'any' }, clock: 'record' },
  { trigger: { everyEvents: 7 }, clock: 'record' },
  { trigger: { bestPrice: true, every: '2s' }, clock: 'record', fill: true },
  { trigger: { every: '1s' }, clock: 'exchange' },
  { trigger: { every: '5s' }, clock: 'exchange', fill: true },
  { trigger: { every: '2s', event: 'trade' }, clock: 'exchange' },
]

const text = (row: MemoryRow): string => JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? String(value) : value))

describe('no row of a built-in column holds what came after its ts', () => {
  it.each(CASES)('$clock clock, $trigger, fill $fill', (asked) => {
    let late = 0
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), fc.double({ min: 0.1, max: 0.9, noNaN: true }), (seed, share) => {
        const stream = knownStream(seed, asked.clock)
        const endNs = stream
          .map(({ timeNs }) => timeNs)
          .sort((a, b) => Number(a - b))
          .at(-1)!
        const toNs = (endNs / (10n * SECOND_NS) + 2n) * 10n * SECOND_NS
        // Now at the time of a message, now between two, now at the end of a bar.
        const at = stream[Math.floor(share * stream.length)]!.timeNs
        const cutNs = seed % 3 === 0 ? at : seed % 3 === 1 ? at + 1000n : at - (at % (10n * SECOND_NS))
        const whole = rowsOf(stream, asked, toNs)
        const cut = rowsOf(
          stream.filter(({ timeNs }) => timeNs <= cutNs),
          asked,
          toNs,
        )
        for (const [name, rows] of whole) {
          const found = new Set(cut.get(name)!.map(text))
          const known = rows.filter(({ ts_ns }) => (ts_ns as bigint) <= cutNs)
          expect(
            known.filter((row) => !found.has(text(row))),
            name,
          ).toEqual([])
          late += rows.filter((row) => ((row.bar_start_ns ?? row.ts_ns) as bigint) <= cutNs && !found.has(text(row))).length
        }
      }),
      { numRuns: 25 },
    )
    // By the start of its bar a row would tell of the future: the test sees it.
    if (asked.trigger.every !== undefined) expect(late).toBeGreaterThan(0)
  })
})

const root = temporaryFolder('look-ahead')
const NOON_NS = BigInt(Date.parse('2024-01-01T12:00:00Z')) * 1_000_000n
/** When the input ends, by each clock: at trades behind which time had been before. */
let [recordCutNs, exchangeCutNs] = [0n, 0n]
const byRecord = ({ latestRecordNs }: MessageTimes): boolean => latestRecordNs <= recordCutNs
const byExchange = ({ isBook, exchangeNs, latestExchangeNs }: MessageTimes): boolean =>
  (isBook ? latestExchangeNs : exchangeNs) <= exchangeCutNs

/** Jobs, and what was there at a time by their clock. */
const JOBS: readonly (readonly [string, (times: MessageTimes) => boolean])[] = [
  ...(['messages', 'trades', 'tickers', 'book-features'] as const).map((name) => [name, byRecord] as const),
  ['bars', byExchange],
  ...(['every-handler', 'every-third', 'filled-bars', 'best-price', 'trailing-trades'] as const).map(
    (name) => [module('../support/jobs', name), byRecord] as const,
  ),
  [module('../support/jobs', 'exchange-flow'), byExchange],
  [module('../support/jobs', 'filled-exchange-bars'), byExchange],
  [module('../../examples', 'flow-job'), byRecord],
]

function module(folder: string, name: string): string {
  return path.resolve(import.meta.dirname, folder, `${name}.ts`)
}

describe('no row of a job holds what came after its ts', () => {
  beforeAll(async () => {
    await generateArchive(path.join(root, 'made'), { symbols: 1, messages: 8000, seed: 5, days: 2, stepBack: 0.02 })
    await cutArchive(path.join(root, 'made'), '', ({ isBook, recordNs, latestRecordNs, exchangeNs, latestExchangeNs }) => {
      if (!isBook && recordNs > NOON_NS && recordNs < latestRecordNs) recordCutNs ||= recordNs
      if (!isBook && exchangeNs > NOON_NS && exchangeNs < latestExchangeNs) exchangeCutNs ||= exchangeNs
      return false
    })
    for (const wasThere of [byRecord, byExchange]) {
      expect(await cutArchive(path.join(root, 'made'), path.join(root, wasThere.name), wasThere)).toBeGreaterThan(1000)
    }
  })

  it.each(JOBS)('%s', async (job, wasThere) => {
    const cutNs = wasThere === byRecord ? recordCutNs : exchangeCutNs
    const rowsFrom = async (folder: string): Promise<string[][]> => {
      const table = new MemoryStore()
      const { tasks } = await runJob({ archive: new FileStore(path.join(root, folder)), table, job, slice: '6h' })
      expect(tasks.flatMap(({ failed }) => failed)).toEqual([])
      // Where a message lies in its file is another matter.
      const known = (await tableRows(table)).filter(({ ts_ns }) => (ts_ns as bigint) <= cutNs).map((row) => ({ ...row, seq: null }))
      return [known.map((row) => text(row as MemoryRow)).sort()]
    }
    const [[whole], [cut]] = [await rowsFrom('made'), await rowsFrom(wasThere.name)]
    expect(whole!.length).toBeGreaterThan(job === 'bars' ? 100 : 20)
    const found = new Set(cut)
    expect(whole!.filter((row) => !found.has(row))).toEqual([])
    if (wasThere === byRecord) expect(cut).toHaveLength(whole!.length)
  })
})
