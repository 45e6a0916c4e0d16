import fs from 'node:fs'
import path from 'node:path'
import { L2Book } from '../core/book/l2-book.ts'
import { findLogs } from '../core/log/format/log-path.ts'
import { ReplayReader } from '../core/log/reading/replay-reader.ts'
import { LogWriter } from '../core/log/writing/log-writer.ts'
import { BOOK_EVENT_EXCHANGE_TS_OFFSET } from '../core/protocol/book-event.ts'
import { TYPE_BOOK_EVENT } from '../core/protocol/message-type.ts'
import { TRADE_TIMESTAMP_OFFSET } from '../core/protocol/trade.ts'
import { generateArchive } from '../core/synthetic/archive.ts'
import type { BenchCase, MessageHash, Timed } from './bench-case.ts'
import type { BenchLoad } from './load.ts'
import { timedTasks } from './made/timed-tasks.ts'

const VARIANTS = 32
/** 2024-01-01: the day of generated archives. */
const DAY_NS = 1_704_067_200_000_000_000n
const MESSAGES_PER_SECOND = 2000
const SLICE_NS = 60_000_000_000n

/**
 * A task of a backtest, from the log to the parts: six orders refreshed each half second, on book and trades of one symbol, 2,000
 * messages a second. Asked for: 0.6 of a bare L2 replay of the same log; 32 variants in at most 8 times the time of one (0.125).
 */
export const BACKTEST_CASES: Readonly<Record<string, BenchCase>> = {
  'backtest-bare': { unit: 'messages', run: (load, hash) => bare(load, hash) },
  'backtest-grid': { unit: 'messages', bare: 'backtest-bare', run: (load, hash) => backtest(load, 1, hash) },
  'backtest-sweep': { unit: 'messages', bare: 'backtest-grid', run: (load, hash) => backtest(load, VARIANTS, hash) },
}

async function bare(load: BenchLoad, hash: MessageHash | null): Promise<Timed> {
  const archive = await backtestArchive(load)
  const startedMs = performance.now()
  const book = new L2Book()
  let count = 0
  for (const log of findLogs(archive)) {
    const reader = await ReplayReader.open(log.path)
    for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
      for (let k = 0; k < batch.length; k++) book.apply(batch.at(batch.rowAt(k)))
      count += batch.length
      hash?.add(batch)
    }
    await reader.close()
  }
  return { count, ms: performance.now() - startedMs }
}

async function backtest(load: BenchLoad, variants: number, hash: MessageHash | null): Promise<Timed> {
  const lengthNs = (BigInt(Math.ceil(load.bookMessages / MESSAGES_PER_SECOND) + 60) * 1_000_000_000n) / SLICE_NS
  const { ms, sum } = await timedTasks({
    archive: await backtestArchive(load),
    folder: load.folder,
    job: path.join(import.meta.dirname, 'jobs/grid-job.ts'),
    params: { halfSpread: Array.from({ length: variants }, (_, i) => i + 1) },
    slice: '1m',
    fromNs: DAY_NS,
    toNs: DAY_NS + lengthNs * SLICE_NS,
  })
  hash?.addNumbers(Float64Array.from(Buffer.from(sum)))
  return { count: load.bookMessages, ms }
}

/** Book and trades of a generated day with all its times drawn together, the exchange's too. */
async function backtestArchive({ folder, messages, bookMessages }: BenchLoad): Promise<string> {
  const dense = path.join(folder, `backtest-${messages}`)
  if (fs.existsSync(path.join(dense, 'complete'))) return dense
  fs.rmSync(dense, { recursive: true, force: true })
  const sparse = path.join(dense, 'sparse')
  await generateArchive(sparse, {
    messages: bookMessages,
    streams: ['book', 'trades'],
    level: 'l2',
    symbols: 1,
    days: 1,
    seed: 1,
    stepBack: 0,
  })
  const shrink = BigInt(Math.ceil((86_400 * MESSAGES_PER_SECOND) / bookMessages))
  const drawn = (timeNs: bigint): bigint => DAY_NS + (timeNs - DAY_NS) / shrink
  for (const { path: log } of findLogs(sparse)) {
    const writer = LogWriter.open(path.join(dense, path.relative(sparse, log)))
    const reader = await ReplayReader.open(log)
    for await (const { typeId, timestampNs, payload } of reader) {
      const bytes = payload.slice()
      const at = typeId === TYPE_BOOK_EVENT ? BOOK_EVENT_EXCHANGE_TS_OFFSET : TRADE_TIMESTAMP_OFFSET
      const view = new DataView(bytes.buffer)
      view.setBigUint64(at, drawn(view.getBigUint64(at, true)), true)
      writer.append(typeId, drawn(timestampNs), bytes)
    }
    writer.finish()
    await reader.close()
    fs.copyFileSync(path.join(log, 'meta.json'), path.join(writer.path, 'meta.json'))
  }
  fs.rmSync(sparse, { recursive: true })
  fs.writeFileSync(path.join(dense, 'complete'), '')
  return dense
}
