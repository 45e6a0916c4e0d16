import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import zlib from 'node:zlib'
import { onTestFinished } from 'vitest'

/** A record as the byte rules of docs/format.md give it, read without the library. */
export interface FileRecord {
  readonly segment: number
  readonly offset: number
  readonly seq: bigint
  readonly timestampNs: bigint
  readonly typeId: number
  readonly payload: Uint8Array
}

/** A fresh directory that is removed after the test. */
export function temporaryDirectory(): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'chronicle-'))
  onTestFinished(() => fs.rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Every committed record of a directory's segments, compressed ones too, in file order, PAD left out. */
export function readRecords(directory: string): FileRecord[] {
  const names = fs.readdirSync(directory).filter((name) => /^\d{9}\.q(\.zst)?$/.test(name))
  return names.sort().flatMap((name) => readSegmentRecords(path.join(directory, name)))
}

/** Every committed record of one segment. Stops, as a reader must, at the first one that is not committed. */
export function readSegmentRecords(file: string): FileRecord[] {
  const bytes = file.endsWith('.zst') ? decompressed(file) : fs.readFileSync(file)
  const records: FileRecord[] = []
  for (let offset = 64; offset + 64 <= bytes.length; ) {
    const commitLen = bytes.readUInt32LE(offset)
    if (commitLen === 0) break
    const payloadStart = offset + 64
    const typeId = bytes.readUInt16LE(offset + 24)
    if (typeId !== 0xffff) {
      records.push({
        segment: Number.parseInt(path.basename(file), 10),
        offset,
        seq: bytes.readBigUInt64LE(offset + 8),
        timestampNs: bytes.readBigUInt64LE(offset + 16),
        typeId,
        payload: bytes.subarray(payloadStart, payloadStart + commitLen - 1),
      })
    }
    offset = Math.ceil((payloadStart + commitLen - 1) / 64) * 64
  }
  return records
}

/** A compressed segment, frame by frame as its index says (docs/format.md, Compressed segments). */
function decompressed(file: string): Buffer {
  const [bytes, index] = [fs.readFileSync(file), fs.readFileSync(`${file}.idx`)]
  const frames = Array.from({ length: Number(index.readBigUInt64LE(16)) }, (_, frame) => {
    const at = 24 + 24 * frame
    const from = Number(index.readBigUInt64LE(at + 8))
    return zlib.zstdDecompressSync(bytes.subarray(from, from + index.readUInt32LE(at + 16)))
  })
  return Buffer.concat(frames)
}

export function segmentFiles(directory: string): string[] {
  return fs
    .readdirSync(directory)
    .filter((name) => /^\d{9}\.q$/.test(name))
    .sort()
}

/** Copies a log's files (they may be read-only) so that a test may change them. */
export function copyLog(from: string, to: string): void {
  fs.mkdirSync(to, { recursive: true })
  for (const name of fs.readdirSync(from)) {
    if (fs.statSync(path.join(from, name)).isDirectory()) continue
    fs.copyFileSync(path.join(from, name), path.join(to, name))
    fs.chmodSync(path.join(to, name), 0o644)
  }
}
