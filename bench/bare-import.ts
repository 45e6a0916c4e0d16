/**
 * Bare decoders: what of a vendor's file is wanted, field by field, added up. No checks, no books, no messages, nothing written. They
 * are what anybody would write, and what imports are measured against.
 */
import fs from 'node:fs'
import readline from 'node:readline'
import zlib from 'node:zlib'

const PIECE_BYTES = 1 << 20
/** Of all that was decoded, so that none of it can be left out. */
export let sum = 0

/** @returns records */
export function bareDbn(file: string): number {
  let records = 0
  let isFirst = true
  eachBlock(file, (bytes, view, end) => {
    let at = isFirst ? 8 + view.getUint32(4, true) : 0
    isFirst = false
    for (; at + 56 <= end; at += 4 * bytes[at]!) {
      sum += view.getUint32(at + 4, true) + view.getUint32(at + 40, true) + view.getUint32(at + 44, true)
      sum += view.getUint32(at + 16, true) + view.getUint32(at + 20, true) + view.getUint32(at + 32, true)
      sum += view.getInt32(at + 28, true) * 2 ** 32 + view.getUint32(at + 24, true) + bytes[at + 38]! + bytes[at + 39]!
      records++
    }
    return at
  })
  return records
}

/** @returns messages */
export function bareItch(file: string): number {
  let messages = 0
  eachBlock(file, (bytes, view, end) => {
    let at = 0
    for (; at + 2 <= end; messages++) {
      const next = at + 2 + view.getUint16(at)
      if (next > end) break
      const type = bytes[at + 2]
      sum += view.getUint16(at + 3) + view.getUint16(at + 7) + view.getUint32(at + 9) + view.getUint32(at + 13) + view.getUint32(at + 17)
      if (type === 0x41) sum += bytes[at + 21]! + view.getUint32(at + 22) + view.getUint32(at + 34)
      else if (type === 0x45) sum += view.getUint32(at + 21) + view.getUint32(at + 29)
      else if (type === 0x55) sum += view.getUint32(at + 25) + view.getUint32(at + 29) + view.getUint32(at + 33)
      at = next
    }
    return at
  })
  return messages
}

/** Packed. @returns rows */
export function bareLevels(file: string): Promise<number> {
  return eachLine(fs.createReadStream(file).pipe(zlib.createGunzip()), (line) => {
    const [, , time, local, isSnapshot, side, price, amount] = line.split(',')
    sum += Number(time) + Number(local) + (isSnapshot === 'true' ? 1 : 0) + (side === 'bid' ? 1 : 0) + Number(price) + Number(amount)
  })
}

/** @returns rows */
export function bareTrades(file: string): Promise<number> {
  return eachLine(fs.createReadStream(file), (line) => {
    const [, , time, local, id, side, price, amount] = line.split(',')
    sum += Number(time) + Number(local) + Number(id) + (side === 'buy' ? 1 : 0) + Number(price) + Number(amount)
  })
}

/** @returns bytes */
export async function bareRecording(file: string): Promise<number> {
  await eachLine(fs.createReadStream(file), (line) => {
    const blank = line.indexOf(' ')
    const message = JSON.parse(line.slice(blank + 1)) as { data?: Record<string, unknown>; bids?: string[][]; asks?: string[][] }
    const { p = 0, q = 0, b = [], a = [] } = message.data ?? {}
    sum += Number(line.slice(0, blank)) + Number(p) + Number(q)
    for (const levels of [b, a, message.bids ?? [], message.asks ?? []]) {
      if (typeof levels === 'string') sum += Number(levels)
      else for (const [price, size] of levels as string[][]) sum += Number(price) + Number(size)
    }
  })
  return fs.statSync(file).size
}

/** @param take what it leaves of a block begins the next one */
function eachBlock(file: string, take: (bytes: Uint8Array, view: DataView, end: number) => number): void {
  const bytes = new Uint8Array(2 * PIECE_BYTES)
  const view = new DataView(bytes.buffer)
  const descriptor = fs.openSync(file, 'r')
  let left = 0
  for (let got = fs.readSync(descriptor, bytes, 0, PIECE_BYTES, null); got > 0; ) {
    const end = left + got
    const taken = take(bytes, view, end)
    bytes.copyWithin(0, taken, end)
    left = end - taken
    got = fs.readSync(descriptor, bytes, left, PIECE_BYTES, null)
  }
  fs.closeSync(descriptor)
}

async function eachLine(input: NodeJS.ReadableStream, take: (line: string) => void): Promise<number> {
  let lines = 0
  const reader = readline.createInterface({ input })
  reader.on('line', (line) => {
    if (lines++ > 0 || line.startsWith('1')) take(line)
  })
  await new Promise((resolve) => reader.on('close', resolve))
  return lines
}
