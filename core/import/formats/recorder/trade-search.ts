import type { ImportFile } from '../../importer.ts'

const EVENT = Buffer.from('"trade"')

/** Whether any of the files has trades of Binance one by one: what is put together of them is left out then. */
export async function haveTrades(files: readonly ImportFile[]): Promise<boolean> {
  for (const file of files) {
    let tail: Buffer = Buffer.alloc(0)
    for await (const piece of await file.open()) {
      const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.length)
      const seam = Buffer.concat([tail, bytes.subarray(0, EVENT.length)])
      if (seam.includes(EVENT) || bytes.includes(EVENT)) return true
      tail = Buffer.from(bytes.subarray(-EVENT.length))
    }
  }
  return false
}
