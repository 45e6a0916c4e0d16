import { type KnownOptions, requireOptions } from '../known-options.ts'
import type { MessageBatch } from '../message/batch.ts'
import type { MessageCursor } from '../message/message.ts'
import { PayloadText } from './payload-text.ts'
import type { Sink } from './sink.ts'

export interface ConsoleSinkOptions {
  /** Receives whole lines, newline included. @default standard output */
  readonly write?: (text: string) => void
  /** Messages shown; the rest is only counted, and told at the end. @default no limit */
  readonly limit?: number
  /** Says what is in payloads of known types, too. @default false */
  readonly decode?: boolean
  /** @default 'console' */
  readonly name?: string
}

const KNOWN: KnownOptions<ConsoleSinkOptions> = { write: true, limit: true, decode: true, name: true }

/**
 * Shows one line per message: `seq  time  type  symbol  payload bytes`, and with `decode` what the payload says. For people: slow, and
 * not a format.
 */
export class ConsoleSink implements Sink {
  readonly name: string
  readonly #write: (text: string) => void
  readonly #limit: number
  readonly #payload: PayloadText | null
  #count = 0

  constructor(options: ConsoleSinkOptions = {}) {
    requireOptions('ConsoleSink', options, KNOWN)
    this.name = options.name ?? 'console'
    this.#write = options.write ?? ((text) => void process.stdout.write(text))
    this.#limit = options.limit ?? Number.POSITIVE_INFINITY
    this.#payload = options.decode === true ? new PayloadText() : null
  }

  write(batch: MessageBatch): void {
    let text = ''
    const shown = Math.max(0, Math.min(batch.length, this.#limit - this.#count))
    for (let k = 0; k < shown; k++) text += this.#lineOf(batch.at(batch.rowAt(k)))
    this.#count += batch.length
    if (text !== '') this.#write(text)
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {
    if (this.#count > this.#limit) this.#write(`… ${this.#count - this.#limit} more messages not shown\n`)
  }

  #lineOf(message: MessageCursor): string {
    const { seq, timestampNs, typeId, symbol, length } = message
    const type = `0x${typeId.toString(16).padStart(4, '0')}`
    const said = this.#payload?.of(message) ?? ''
    return `${seq}  ${isoNs(timestampNs)}  ${type}  ${symbol ?? '-'}  ${length}${said === '' ? '' : `  ${said}`}\n`
  }
}

/** ISO 8601, UTC, nine decimals. A u64 ends in the year 2554, well inside what a Date holds. */
function isoNs(timestampNs: bigint): string {
  const iso = new Date(Number(timestampNs / 1_000_000_000n) * 1000).toISOString()
  return `${iso.slice(0, 19)}.${String(timestampNs % 1_000_000_000n).padStart(9, '0')}Z`
}
