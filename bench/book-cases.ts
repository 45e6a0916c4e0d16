import fs from 'node:fs'
import path from 'node:path'
import { BookReplay } from '../core/book/book-replay.ts'
import { L2Book } from '../core/book/l2-book.ts'
import { L3Book } from '../core/book/l3-book.ts'
import { FeatureSink } from '../core/features/feature-sink.ts'
import { findLogs } from '../core/log/format/log-path.ts'
import { ReplayReader } from '../core/log/reading/replay-reader.ts'
import type { MessageBatch } from '../core/message/batch.ts'
import { ReplayPipeline } from '../core/pipeline/replay-pipeline.ts'
import type { BenchCase, MessageHash } from './bench-case.ts'
import type { BenchLoad } from './load.ts'

/** Books rebuilt from a log, every CRC checked. The load: one synthetic symbol's book stream, of the shape of chronicle-rs's own. */
export const BOOK_CASES: Readonly<Record<string, BenchCase>> = {
  'l2-book': { unit: 'events', target: 3.5e6, run: (load, hash) => replay(load.l2, new L2Book(), hash) },
  'l2-book-policy': { unit: 'events', run: (load, hash) => replay(load.l2, new BookReplay({ onGap: 'quarantine' }), hash) },
  'l3-book': { unit: 'events', target: 5e6, run: (load, hash) => replay(load.l3, new L3Book(), hash) },
  'features-parquet': { unit: 'rows', target: 0.8e6, run: (load) => features(load, load.l2, 'event') },
  'features-seconds': { unit: 'messages', run: (load) => features(load, load.dense, '1s') },
  'l3-book-policy': { unit: 'events', run: (load, hash) => replay(load.l3, new BookReplay({ onGap: 'quarantine' }), hash) },
}

interface Book {
  applyBatch(batch: MessageBatch): void
  /** Messages by result: part of what the hash must see. */
  readonly counts: Float64Array
}

async function replay(archive: string, book: Book, hash: MessageHash | null): Promise<number> {
  const [log] = findLogs(archive)
  const reader = await ReplayReader.open(log!.path)
  let events = 0
  for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
    book.applyBatch(batch)
    events += batch.length
    hash?.add(batch)
  }
  await reader.close()
  hash?.addNumbers(book.counts)
  return events
}

/** Four features per event, or of each second, into Parquet; gives the events. */
async function features({ folder }: BenchLoad, archive: string, trigger: 'event' | '1s'): Promise<number> {
  const parquet = path.join(folder, `features-${process.pid}.parquet`)
  const sink = new FeatureSink({ columns: 'mid,spread_bps,imbalance:5,micro_price', trigger, parquet })
  const log = findLogs(archive).find(({ stream }) => stream === 'book')
  const { forwarded } = await ReplayPipeline.fromSource(await ReplayReader.open(log!.path))
    .sink(sink)
    .run()
  fs.rmSync(parquet)
  return forwarded
}
