import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import zlib from 'node:zlib'
import fc from 'fast-check'
import { compressFile } from '../../bench/made/compressed-segment.ts'
import { SeekIndexBuilder } from '../../core/log/format/seek-index.ts'
import type { Message } from '../../core/message/message.ts'
import type { MessageSource } from '../../core/message/source.ts'

/** A message to write, and to expect. */
export interface MadeMessage {
  readonly seq: bigint
  readonly timestampNs: bigint
  readonly typeId: number
  readonly payload: Uint8Array
}

/** Where `makeLog` put a message. */
export interface PlacedMessage extends MadeMessage {
  readonly segment: number
  readonly offset: number
}

export interface MadeLogOptions {
  /** @default 4096 */
  readonly segmentBytes?: number
  /** Records per index entry; 0 = no index. @default 3 */
  readonly stride?: number
  /** Whether the last segment is sealed and has an index. @default true */
  readonly sealed?: boolean
  /** Number of the first segment. @default 0 */
  readonly firstSegment?: number
}

/** Writes a log by the byte rules of docs/format.md and without the library's writers and without waiting for the disk. */
export function makeLog(directory: string, messages: readonly MadeMessage[], options: MadeLogOptions = {}): PlacedMessage[] {
  const { segmentBytes = 4096, stride = 3, sealed = true, firstSegment = 0 } = options
  fs.mkdirSync(directory, { recursive: true })
  const placed: PlacedMessage[] = []
  let id = firstSegment
  let bytes = Buffer.alloc(segmentBytes)
  let index = new SeekIndexBuilder(id, segmentBytes, Math.max(1, stride), false)
  let offset = 64
  const publish = (seal: boolean): void => {
    bytes.writeUInt32LE(0x53454730, 0)
    bytes.writeUInt32LE(2, 4)
    bytes.writeUInt32LE(id, 8)
    bytes.writeUInt32LE(seal ? 1 : 0, 12)
    fs.writeFileSync(segmentPath(directory, id), bytes)
    if (seal && stride > 0 && index.recordCount > 0) fs.writeFileSync(indexPath(directory, id), index.encode())
  }
  for (const message of messages) {
    const size = sizeOf(message)
    if (offset + size > segmentBytes) {
      publish(true)
      bytes = Buffer.alloc(segmentBytes)
      index = new SeekIndexBuilder(++id, segmentBytes, Math.max(1, stride), false)
      offset = 64
    }
    putRecord(bytes, offset, message)
    index.observe(
      Number(message.seq & 0xffffffffn),
      Number(message.seq >> 32n),
      Number(message.timestampNs & 0xffffffffn),
      Number(message.timestampNs >> 32n),
      offset,
    )
    placed.push({ ...message, segment: id, offset })
    offset += size
  }
  publish(sealed)
  return placed
}

export function putRecord(bytes: Buffer, offset: number, message: MadeMessage): void {
  bytes.writeUInt32LE(message.payload.length + 1, offset)
  bytes.writeUInt8(1, offset + 4)
  bytes.writeBigUInt64LE(message.seq, offset + 8)
  bytes.writeBigUInt64LE(message.timestampNs, offset + 16)
  bytes.writeUInt16LE(message.typeId, offset + 24)
  bytes.writeUInt32LE(zlib.crc32(message.payload), offset + 28)
  bytes.set(message.payload, offset + 64)
}

export function sizeOf({ payload }: MadeMessage): number {
  return Math.ceil((64 + payload.length) / 64) * 64
}

export function segmentPath(directory: string, id: number): string {
  return path.join(directory, `${String(id).padStart(9, '0')}.q`)
}

export function indexPath(directory: string, id: number): string {
  return path.join(directory, `${String(id).padStart(9, '0')}.idx`)
}

/** Replaces a segment by its compressed form. */
export function compressSegment(directory: string, id: number, blockBytes: number): void {
  compressFile(segmentPath(directory, id), blockBytes)
}

/** Messages of one writer session with sequences 0, 1, …, random types, payload sizes and times. */
export function messages(constraints: {
  readonly min?: number
  readonly max?: number
  readonly maxPayload?: number
  /** How the time of each message differs from the one before. @default 0 … 5 */
  readonly steps?: fc.Arbitrary<number>
}): fc.Arbitrary<MadeMessage[]> {
  const { min = 0, max = 60, maxPayload = 200, steps = fc.integer({ min: 0, max: 5 }) } = constraints
  const shape = fc.record({
    step: steps,
    typeId: fc.constantFrom(0x1000, 0x1001, 0x1002, 7),
    size: fc.integer({ min: 0, max: maxPayload }),
    fill: fc.nat(255),
  })
  return fc.array(shape, { minLength: min, maxLength: max }).map((shapes) => {
    let timestampNs = 1_000_000n
    return shapes.map(({ step, typeId, size, fill }, i) => {
      timestampNs += BigInt(step)
      return { seq: BigInt(i), timestampNs, typeId, payload: Uint8Array.from({ length: size }, (_, at) => (fill + at * 7) & 255) }
    })
  })
}

/** A row of equal messages, times 1000, 1010, …: for tests that need just some. */
export function plainMessages(count: number, change: (i: number) => Partial<MadeMessage> = () => ({})): MadeMessage[] {
  return Array.from({ length: count }, (_, i) => ({
    seq: BigInt(i),
    timestampNs: 1000n + 10n * BigInt(i),
    typeId: 0x1000 + (i % 3),
    payload: Uint8Array.of(i & 255, (i >>> 8) & 255, 3, 4),
    ...change(i),
  }))
}

/** Everything a source gives, by `next()`. */
export async function readAll(source: MessageSource): Promise<Message[]> {
  const all: Message[] = []
  for (let message = await source.next(); message !== null; message = await source.next()) all.push(message)
  return all
}

/** The parts of a message that a log keeps, in a form that compares and prints well. */
export function essence({ seq, timestampNs, typeId, payload }: MadeMessage): string {
  return `${seq} ${timestampNs} ${typeId} ${payload.length}:${zlib.crc32(payload)}`
}

/** Runs `test` in a fresh directory that is removed afterwards; for properties, which need many. */
export async function inDirectory<T>(test: (directory: string) => Promise<T>): Promise<T> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'chronicle-'))
  try {
    return await test(directory)
  } finally {
    fs.rmSync(directory, { recursive: true, force: true })
  }
}
