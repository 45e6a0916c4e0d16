import { setImmediate } from 'node:timers/promises'
import zlib from 'node:zlib'

/**
 * Unpacks the members of a gzip file as far as they can be, also where the trailer of one (its checksum and length) is missing or wrong:
 * a recorder that was killed wrote none, and the next one began a member behind it. What comes behind the last member and is none is
 * left, as gzip does.
 * @throws Error that says the first damage, behind all that was unpacked
 */
export async function* unpackMembers(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const input = new PackedInput(stream)
  try {
    const damage = yield* unpackAll(input)
    // Told only now, as an error before would take what was unpacked with it.
    if (damage !== null) throw new Error(damage)
  } finally {
    await input.close()
  }
}

/** @returns the first damage, or null */
async function* unpackAll(input: PackedInput): AsyncGenerator<Uint8Array, string | null> {
  let damage: string | null = null
  for (let member = 0; ; member++) {
    const header = await headerBytes(input)
    if (header < 0) return member === 0 ? 'incorrect header check' : damage
    input.pass(header)
    const sum = { crc: 0, bytes: 0 }
    const wrong = yield* inflate(input, sum)
    if (wrong === null && (await hasTrailer(input, sum))) {
      input.pass(TRAILER_BYTES)
      continue
    }
    damage ??= wrong ?? 'incorrect data check'
    if (wrong !== null || !(await passToHeader(input))) return damage
  }
}

/** Bytes that are not unpacked yet. */
class PackedInput {
  bytes: Buffer = Buffer.alloc(0)
  readonly #pieces: AsyncIterator<Uint8Array>

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#pieces = stream[Symbol.asyncIterator]()
  }

  /** False: the file ends before there are so many. */
  async need(bytes: number): Promise<boolean> {
    while (this.bytes.length < bytes) {
      const { value, done } = await this.#pieces.next()
      if (done === true) return false
      this.bytes = Buffer.concat([this.bytes, value])
    }
    return true
  }

  pass(bytes: number): void {
    this.bytes = this.bytes.subarray(bytes)
  }

  async close(): Promise<void> {
    await this.#pieces.return?.()
  }
}

/** Of the header that comes next; −1: none does. */
async function headerBytes(input: PackedInput): Promise<number> {
  if (!(await input.need(HEADER_BYTES)) || !isMember(input.bytes, 0)) return -1
  const flags = input.bytes[3]!
  let at = HEADER_BYTES
  if ((flags & HAS_EXTRA) !== 0) {
    if (!(await input.need(at + 2))) return -1
    at += 2 + input.bytes.readUInt16LE(at)
  }
  for (const flag of [HAS_NAME, HAS_COMMENT]) {
    if ((flags & flag) === 0) continue
    do if (!(await input.need(at + 1))) return -1
    while (input.bytes[at++] !== 0)
  }
  if ((flags & HAS_HEADER_CRC) !== 0) at += 2
  return (await input.need(at)) ? at : -1
}

/** Unpacks one member's data, and leaves the input behind it. @returns what is wrong with it, or null */
async function* inflate(input: PackedInput, sum: { crc: number; bytes: number }): AsyncGenerator<Uint8Array, string | null> {
  // What was unpacked before the data ends is given as well.
  const unpack = zlib.createInflateRaw({ chunkSize: CHUNK_BYTES, finishFlush: zlib.constants.Z_SYNC_FLUSH })
  const { promise: isClosed, resolve: close } = Promise.withResolvers<void>()
  const unpacked: Buffer[] = []
  unpack.on('data', (chunk: Buffer) => unpacked.push(chunk))
  // It is asked for behind what came before it.
  unpack.on('error', () => undefined)
  unpack.on('close', close)
  try {
    for (let given = 0; ; ) {
      const hasMore = await input.need(1)
      const piece = input.bytes.subarray(0, PIECE_BYTES)
      if (hasMore) await Promise.race([isClosed, new Promise<void>((resolve) => unpack.write(piece, () => resolve()))])
      else {
        unpack.end()
        await isClosed
      }
      // Chunks may be on their way yet.
      await setImmediate()
      for (const chunk of unpacked.splice(0)) {
        sum.crc = zlib.crc32(chunk, sum.crc)
        sum.bytes += chunk.length
        yield chunk
      }
      if (unpack.errored !== null) return unpack.errored.message
      if (!hasMore) return 'unexpected end of file'
      const taken = unpack.bytesWritten - given
      given += taken
      input.pass(taken)
      if (taken < piece.length) return null
    }
  } finally {
    unpack.destroy()
  }
}

async function hasTrailer(input: PackedInput, { crc, bytes }: { readonly crc: number; readonly bytes: number }): Promise<boolean> {
  if (!(await input.need(TRAILER_BYTES))) return false
  return input.bytes.readUInt32LE(0) === crc && input.bytes.readUInt32LE(4) === bytes % 2 ** 32
}

/** To the member that follows where a trailer, or a part of it, should be. False: none does. */
async function passToHeader(input: PackedInput): Promise<boolean> {
  await input.need(TRAILER_BYTES + HEADER_BYTES)
  for (let at = 0; at <= TRAILER_BYTES; at++) {
    if (!isMember(input.bytes, at)) continue
    input.pass(at)
    return true
  }
  return false
}

/** A member begins so, and no other method than 8 is known. */
function isMember(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0x1f && bytes[at + 1] === 0x8b && bytes[at + 2] === 8
}

const HEADER_BYTES = 10
const TRAILER_BYTES = 8
const HAS_HEADER_CRC = 2
const HAS_EXTRA = 4
const HAS_NAME = 8
const HAS_COMMENT = 16
const PIECE_BYTES = 1 << 16
const CHUNK_BYTES = 1 << 14
