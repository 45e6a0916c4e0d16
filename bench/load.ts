import fs from 'node:fs'
import path from 'node:path'
import { ReplayReader } from '../core/log/replay-reader.ts'
import { generateArchive } from '../core/synthetic/archive.ts'
import { writeFixedPayloadLog } from '../core/synthetic/fixed-payload-log.ts'

/** What the cases work on: a log of 64-byte payloads (tickers and trades in turn) and the same as an archive of eight symbols. */
export interface BenchLoad {
  readonly folder: string
  readonly log: string
  readonly archive: string
  readonly messages: number
  /** Archives of one symbol and one day: L2 book events, and L3 order events; a quarter as many as `messages`. */
  readonly l2: string
  readonly l3: string
  /** Time range of the log, half-open; nanoseconds since the epoch. */
  readonly fromNs: bigint
  readonly toNs: bigint
  /** Time of the last message. */
  readonly lastNs: bigint
}

const PAYLOAD_BYTES = 64
/** 10,000 messages a second, as a busy instrument has; a seek by time begins maxStepBack, a second, before its target. */
const STEP_NS = 100_000

/** Makes the load in `folder`, or finds it there from an earlier bench of the same size. */
export async function benchLoad(folder: string, messages: number): Promise<BenchLoad> {
  const log = path.join(folder, `fixed-${messages}`)
  if (!fs.existsSync(path.join(log, 'complete'))) {
    fs.rmSync(log, { recursive: true, force: true })
    writeFixedPayloadLog(log, { messages, payloadBytes: PAYLOAD_BYTES, stepNs: STEP_NS })
    fs.writeFileSync(path.join(log, 'complete'), '')
  }
  const archive = path.join(folder, `archive-${messages}`)
  for (const symbol of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) {
    const link = path.join(archive, 'v1', 'bench', symbol, '2024-01-01', 'ticker')
    fs.mkdirSync(path.dirname(link), { recursive: true })
    if (!fs.existsSync(link)) fs.symlinkSync(path.resolve(log), link)
  }
  const [l2, l3] = [await bookArchive(folder, 'l2', messages), await bookArchive(folder, 'l3', messages)]
  const reader = await ReplayReader.open(log)
  const first = await reader.next()
  await reader.close()
  // The load's times ascend by a fixed step; the range leaves out nothing, so that every record is compared and passes.
  const fromNs = first!.timestampNs
  const lastNs = fromNs + BigInt(messages - 1) * BigInt(STEP_NS)
  return { folder, log, archive, messages, l2, l3, fromNs, toNs: lastNs + 1n, lastNs }
}

async function bookArchive(folder: string, level: 'l2' | 'l3', messages: number): Promise<string> {
  const archive = path.join(folder, `${level}-${messages}`)
  if (!fs.existsSync(path.join(archive, 'complete'))) {
    fs.rmSync(archive, { recursive: true, force: true })
    const streams = ['book'] as const
    await generateArchive(archive, { symbols: 1, days: 1, messages: Math.max(1000, messages / 4), seed: 1, streams, level, stepBack: 0 })
    fs.writeFileSync(path.join(archive, 'complete'), '')
  }
  return archive
}
