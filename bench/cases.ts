import fs from 'node:fs'
import path from 'node:path'
import { ReplayReader } from '../core/log/reading/replay-reader.ts'
import { MultiSymbolReplay } from '../core/pipeline/multi-symbol-replay.ts'
import { ReplayPipeline } from '../core/pipeline/replay-pipeline.ts'
import type { MessageTransform } from '../core/pipeline/transform.ts'
import { TYPE_BOOK_TICKER, TYPE_TRADE } from '../core/protocol/message-type.ts'
import type { Sink } from '../core/sink/sink.ts'
import { BACKTEST_CASES } from './backtest-cases.ts'
import { bareDecode, bareScan, rawRead } from './bare.ts'
import type { BenchCase, MessageHash, Timed } from './bench-case.ts'
import { BOOK_CASES } from './book-cases.ts'
import { IMPORT_CASES } from './import-cases.ts'
import { JOB_CASES } from './job-cases.ts'
import type { BenchLoad } from './load.ts'
import { TABLE_CASES } from './table-cases.ts'

const LOG_CASES: Readonly<Record<string, BenchCase>> = {
  'raw-read': { unit: 'bytes', run: async ({ log }) => rawRead(log) },
  'bare-scan': { unit: 'messages', run: async ({ log }) => bareScan(log, false, null) },
  'bare-crc': { unit: 'messages', run: async ({ log }) => bareScan(log, true, null) },
  'bare-filter': { unit: 'messages', run: async (load) => bareFilter(load) },
  scan: { unit: 'messages', target: 35e6, bare: 'bare-scan', run: ({ log }, hash) => scan(log, false, hash) },
  'scan-crc': { unit: 'messages', target: 16e6, bare: 'bare-crc', run: ({ log }, hash) => scan(log, true, hash) },
  filter: { unit: 'messages', target: 25e6, bare: 'bare-filter', run: (load, hash) => filtered(load, hash, true, []) },
  'filter-no-pushdown': { unit: 'messages', run: (load, hash) => filtered(load, hash, false, []) },
  'filter-csv': { unit: 'messages', target: 6e6, run: (load, hash) => filteredCsv(load, hash) },
  'parquet-tickers': { unit: 'rows', target: 1.2e6, run: (load, hash) => parquet(load, hash) },
  seek: { unit: 'seeks', target: 1000, run: (load) => seeks(load) },
  'bare-zstd': { unit: 'messages', run: async ({ compressed, messages }) => decoded(compressed, messages) },
  'zstd-scan': { unit: 'messages', bare: 'bare-zstd', run: ({ compressed }, hash) => scan(compressed, false, hash) },
  'zstd-scan-crc': { unit: 'messages', bare: 'bare-zstd', run: ({ compressed }, hash) => scan(compressed, true, hash) },
  'zstd-seek': { unit: 'seeks', run: (load) => seeks({ ...load, log: load.compressed }) },
  'workers-1': { unit: 'messages', run: (load) => workers(load, 1) },
  'workers-2': { unit: 'messages', bare: 'workers-1', run: (load) => workers(load, 2) },
}

export const CASES: Readonly<Record<string, BenchCase>> = {
  ...LOG_CASES,
  ...BOOK_CASES,
  ...TABLE_CASES,
  ...JOB_CASES,
  ...IMPORT_CASES,
  ...BACKTEST_CASES,
}

/** Runs three other pipelines first, so that a loop seen by one kind of caller only is not all that is measured. */
export async function pollute({ log }: BenchLoad): Promise<void> {
  const stop = { name: 'count', write: () => undefined, flush: async () => undefined, close: async () => undefined } satisfies Sink
  const build = async (): Promise<ReplayPipeline> =>
    ReplayPipeline.fromSource(await ReplayReader.open(log)).filter((message) => Number(message.seq) < 50_000)
  await (await build()).sample(3).sink(stop).run()
  await (await build())
    .map((message) => ({ payload: message.payload.subarray(0, 32) }))
    .sink(stop)
    .run()
  const doubler: MessageTransform = {
    message(message, output) {
      output.forward(message)
      output.emit(message.toOwned(), message)
    },
  }
  await (await build()).transform(doubler).writeToCsv('/dev/null').run()
}

function bareFilter({ log, messages, fromNs, toNs }: BenchLoad): number {
  bareScan(log, true, { fromNs, toNs, type: TYPE_TRADE })
  return messages
}

function decoded(log: string, messages: number): number {
  bareDecode(log)
  return messages
}

async function scan(log: string, checkCrc: boolean, hash: MessageHash | null): Promise<number> {
  const reader = await ReplayReader.open(log, { checkCrc })
  let messages = 0
  for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
    messages += batch.length
    hash?.add(batch)
  }
  await reader.close()
  return messages
}

async function filtered({ log, fromNs, toNs }: BenchLoad, hash: MessageHash | null, pushdown: boolean, types: number[]): Promise<number> {
  const pipeline = ReplayPipeline.fromSource(await ReplayReader.open(log))
    .filterTimeRange(fromNs, toNs)
    .filterTypes(types.length > 0 ? types : [TYPE_TRADE])
    .pushdown(pushdown)
  return (await pipeline.sink(hashSink(hash)).run()).read
}

async function filteredCsv({ log, fromNs, toNs }: BenchLoad, hash: MessageHash | null): Promise<number> {
  const pipeline = ReplayPipeline.fromSource(await ReplayReader.open(log, { symbol: 'BTC-USD' }))
    .filterTimeRange(fromNs, toNs)
    .filterTypes([TYPE_TRADE, TYPE_BOOK_TICKER])
  return (await pipeline.writeToCsv('/dev/null').sink(hashSink(hash)).run()).read
}

async function parquet({ log, folder }: BenchLoad, hash: MessageHash | null): Promise<number> {
  const file = path.join(folder, `bench-${process.pid}.parquet`)
  const pipeline = ReplayPipeline.fromSource(await ReplayReader.open(log, { symbol: 'BTC-USD' }))
    .filterTypes([TYPE_BOOK_TICKER])
    .writeToParquet(file, { rows: 'tickers' })
    .sink(hashSink(hash))
  const { forwarded } = await pipeline.run()
  fs.rmSync(file)
  return forwarded
}

const SEEKS = 200

/** Opens the log and seeks, to times all over it; counts at the median time of one. */
async function seeks({ log, fromNs, lastNs }: BenchLoad): Promise<Timed> {
  const times: number[] = []
  for (let i = 0; i < SEEKS; i++) {
    const startedMs = performance.now()
    const reader = await ReplayReader.open(log)
    const found = await reader.seekToTimestamp(fromNs + ((lastNs - fromNs) * BigInt((i * 7919) % SEEKS)) / BigInt(SEEKS))
    if (!found) throw new Error('seek found nothing')
    await reader.close()
    times.push(performance.now() - startedMs)
  }
  return { count: SEEKS, ms: times.sort((a, b) => a - b)[SEEKS / 2]! * SEEKS }
}

async function workers({ archive }: BenchLoad, count: number): Promise<number> {
  const { read, failed } = await new MultiSymbolReplay(archive)
    .addAllSymbols()
    .workerCount(count)
    .run(new URL('./scan-pipeline.ts', import.meta.url))
  if (failed.length > 0) throw failed[0]!.error
  return read
}

function hashSink(hash: MessageHash | null): Sink {
  return { name: 'hash', write: (batch) => hash?.add(batch), flush: async () => undefined, close: async () => undefined }
}
