import { LogWriter } from '../log/writing/log-writer.ts'
import { crc32 } from '../message/crc32.ts'
import { recordBytes } from '../message/record.ts'
import { TYPE_BOOK_TICKER, TYPE_TRADE } from '../protocol/message-type.ts'
import { Random } from './random.ts'

export interface FixedPayloadLogOptions {
  readonly messages: number
  /** At least 8: a payload begins with its record time, as tickers and trades do; the rest is random. @default 64 */
  readonly payloadBytes?: number
  /** Message types, taken in turn. @default ticker, trade */
  readonly types?: readonly number[]
  /** Record time of the first message, nanoseconds since the epoch. @default 2024-01-01 */
  readonly startNs?: bigint
  /** Nanoseconds from one message to the next, below 2^32. @default 1000 */
  readonly stepNs?: number
  /** @default as LogWriter */
  readonly segmentBytes?: number
  /** @default 1 */
  readonly seed?: number
}

/** Different payloads in a log. */
const PAYLOADS = 1024

/**
 * Writes a log of payloads of one size, with ascending times: the load of the scan bench. Same options, same bytes.
 * @returns messages, and the bytes of their records
 * @throws ReplayError input, as LogWriter
 */
export function writeFixedPayloadLog(directory: string, options: FixedPayloadLogOptions): { messages: number; bytes: number } {
  const { messages, payloadBytes = 64, types = [TYPE_BOOK_TICKER, TYPE_TRADE], stepNs = 1000, segmentBytes, seed = 1 } = options
  const { startNs = 1_704_067_200_000_000_000n } = options
  const writer = LogWriter.open(directory, segmentBytes === undefined ? {} : { segmentBytes })
  // Payloads begin at multiples of 8 bytes, which is the fast way through the writer.
  const stride = Math.ceil(payloadBytes / 8) * 8
  const payloads = randomBytes(PAYLOADS * stride, seed)
  const view = new DataView(payloads.buffer)
  let low = Number(startNs & 0xffffffffn)
  let high = Number(startNs >> 32n)
  for (let i = 0; i < messages; i++) {
    const start = (i % PAYLOADS) * stride
    view.setUint32(start, low, true)
    view.setUint32(start + 4, high, true)
    writer.appendRecord(types[i % types.length]!, low, high, payloads, start, payloadBytes, crc32(payloads, start, start + payloadBytes))
    low += stepNs
    if (low >= 2 ** 32) {
      low -= 2 ** 32
      high++
    }
  }
  writer.finish()
  return { messages, bytes: messages * recordBytes(payloadBytes) }
}

function randomBytes(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const random = new Random(seed)
  const words = new Uint32Array(Math.ceil(length / 4))
  for (let i = 0; i < words.length; i++) words[i] = random.u32()
  return new Uint8Array(words.buffer)
}
