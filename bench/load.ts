import fs from 'node:fs'
import path from 'node:path'
import { findLogs } from '../core/log/format/log-path.ts'
import { ReplayReader } from '../core/log/reading/replay-reader.ts'
import { LogWriter } from '../core/log/writing/log-writer.ts'
import { type GenerateOptions, generateArchive } from '../core/synthetic/archive.ts'
import { writeFixedPayloadLog } from '../core/synthetic/fixed-payload-log.ts'
import { compressFile } from './made/compressed-segment.ts'
import { type ImportFiles, importFiles } from './made/import-files.ts'

/** What the cases work on: a log of 64-byte payloads (tickers and trades in turn) and the same as an archive of eight symbols. */
export interface BenchLoad {
  readonly folder: string
  readonly log: string
  readonly archive: string
  /** The log compressed. */
  readonly compressed: string
  readonly messages: number
  /** Archives of one symbol and one day: L2 book events, and L3 order events; a quarter as many as `messages`. */
  readonly l2: string
  readonly l3: string
  /** The books of `l2` as eight symbols. */
  readonly symbols: string
  /** Book events and trades of one symbol, 2,000 of them in a second; a quarter as many as `messages`. */
  readonly dense: string
  /** Of `l2`, `l3` and `dense`. */
  readonly bookMessages: number
  /** To import: as many rows as `messages` in each, but no more than two million. */
  readonly imports: ImportFiles
  /** Time range of the log, half-open; nanoseconds since the epoch. */
  readonly fromNs: bigint
  readonly toNs: bigint
  /** Time of the last message. */
  readonly lastNs: bigint
}

const PAYLOAD_BYTES = 64
/** What recorders compress at a time. */
const ZSTD_BLOCK_BYTES = 1 << 20
/** 10,000 messages a second, as a busy instrument has; a seek by time begins maxStepBack, a second, before its target. */
const STEP_NS = 100_000
const MAX_IMPORT_ROWS = 2_000_000
/** Of the dense archive. */
const MESSAGES_PER_SECOND = 2000
/** 2024-01-01: the day of generated archives. */
const DAY_NS = 1_704_067_200_000_000_000n

/** Makes the load in `folder`, or finds it there from an earlier bench of the same size. */
export async function benchLoad(folder: string, messages: number): Promise<BenchLoad> {
  const log = path.join(folder, `fixed-${messages}`)
  if (!fs.existsSync(path.join(log, 'complete'))) {
    fs.rmSync(log, { recursive: true, force: true })
    writeFixedPayloadLog(log, { messages, payloadBytes: PAYLOAD_BYTES, stepNs: STEP_NS })
    fs.writeFileSync(path.join(log, 'complete'), '')
  }
  const compressed = compressedLog(log, path.join(folder, `compressed-${messages}`))
  const archive = path.join(folder, `archive-${messages}`)
  linkSymbols(log, path.join(archive, 'v1', 'bench'), path.join('2024-01-01', 'ticker'))
  const bookMessages = Math.max(1000, Math.floor(messages / 4))
  const l2 = await generated(folder, `l2-${messages}`, { messages: bookMessages, streams: ['book'], level: 'l2' })
  const l3 = await generated(folder, `l3-${messages}`, { messages: bookMessages, streams: ['book'], level: 'l3' })
  const sparse = await generated(folder, `sparse-${messages}`, { messages: bookMessages, streams: ['book', 'trades'], level: 'l2' })
  const dense = await denseArchive(sparse, path.join(folder, `dense-${messages}`), bookMessages)
  const symbols = path.join(folder, `symbols-${messages}`)
  const { path: book } = findLogs(l2)[0]!
  linkSymbols(book, path.join(symbols, 'v1', 'bench'), path.join('2024-01-01', path.basename(book)))
  const imports = await importFiles(folder, Math.min(messages, MAX_IMPORT_ROWS))
  const reader = await ReplayReader.open(log)
  const first = await reader.next()
  await reader.close()
  // The load's times ascend by a fixed step; the range leaves out nothing, so that every record is compared and passes.
  const fromNs = first!.timestampNs
  const lastNs = fromNs + BigInt(messages - 1) * BigInt(STEP_NS)
  return { folder, log, archive, compressed, messages, l2, l3, symbols, dense, bookMessages, imports, fromNs, toNs: lastNs + 1n, lastNs }
}

function compressedLog(log: string, compressed: string): string {
  if (fs.existsSync(path.join(compressed, 'complete'))) return compressed
  fs.rmSync(compressed, { recursive: true, force: true })
  fs.cpSync(log, compressed, { recursive: true, filter: (file) => path.basename(file) !== 'complete' })
  for (const name of fs.readdirSync(compressed)) if (name.endsWith('.q')) compressFile(path.join(compressed, name), ZSTD_BLOCK_BYTES)
  fs.writeFileSync(path.join(compressed, 'complete'), '')
  return compressed
}

/** One log under eight names. A listing of an archive follows no symbolic links. */
function linkSymbols(log: string, venue: string, stream: string): void {
  if (fs.existsSync(path.join(venue, 'h', stream))) return
  for (const symbol of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) {
    const folder = path.join(venue, symbol, stream)
    fs.mkdirSync(folder, { recursive: true })
    for (const name of fs.readdirSync(log)) fs.linkSync(path.join(log, name), path.join(folder, name))
  }
}

/** An archive of one symbol and one day. */
async function generated(folder: string, name: string, options: Pick<GenerateOptions, 'messages' | 'streams' | 'level'>): Promise<string> {
  const archive = path.join(folder, name)
  if (!fs.existsSync(path.join(archive, 'complete'))) {
    fs.rmSync(archive, { recursive: true, force: true })
    await generateArchive(archive, { ...options, symbols: 1, days: 1, seed: 1, stepBack: 0 })
    fs.writeFileSync(path.join(archive, 'complete'), '')
  }
  return archive
}

/** A generated day, whose messages always fill it, with its times drawn together. */
async function denseArchive(sparse: string, dense: string, messages: number): Promise<string> {
  if (fs.existsSync(path.join(dense, 'complete'))) return dense
  fs.rmSync(dense, { recursive: true, force: true })
  const shrink = BigInt(Math.ceil((86_400 * MESSAGES_PER_SECOND) / messages))
  for (const { path: log } of findLogs(sparse)) {
    const writer = LogWriter.open(path.join(dense, path.relative(sparse, log)))
    const reader = await ReplayReader.open(log)
    for await (const { typeId, timestampNs, payload } of reader) writer.append(typeId, DAY_NS + (timestampNs - DAY_NS) / shrink, payload)
    writer.finish()
    await reader.close()
    fs.copyFileSync(path.join(log, 'meta.json'), path.join(writer.path, 'meta.json'))
  }
  fs.writeFileSync(path.join(dense, 'complete'), '')
  return dense
}
