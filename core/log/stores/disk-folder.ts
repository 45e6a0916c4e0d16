import fs from 'node:fs'
import path from 'node:path'
import { ReplayError } from '../../errors.ts'
import type { LoadedFile, LogFolder } from './log-folder.ts'

/** A log in a directory. */
export class DiskFolder implements LogFolder {
  readonly path: string

  constructor(directory: string) {
    this.path = directory
  }

  names(): string[] {
    return fs.readdirSync(this.path)
  }

  versionOf(name: string): { size: number; version: string } | null {
    const stat = fs.statSync(path.join(this.path, name), { bigint: true, throwIfNoEntry: false })
    return stat === undefined ? null : { size: Number(stat.size), version: String(stat.mtimeNs) }
  }

  load(name: string): LoadedFile | null {
    try {
      return new DiskFile(path.join(this.path, name))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
  }

  open(name: string): LoadedFile {
    const file = path.join(this.path, name)
    try {
      return new DiskFile(file)
    } catch (cause) {
      throw new ReplayError('segment-unreadable', `cannot open the segment: ${(cause as Error).message}`, {
        category: 'input',
        path: file,
        cause,
      })
    }
  }

  close(): void {}
}

class DiskFile implements LoadedFile {
  readonly path: string
  readonly bytes: number
  readonly #descriptor: number

  constructor(file: string) {
    this.path = file
    this.#descriptor = fs.openSync(file, 'r')
    this.bytes = fs.fstatSync(this.#descriptor).size
  }

  read(target: Uint8Array, start: number, length: number, offset: number): number {
    let done = 0
    while (done < length) {
      const got = fs.readSync(this.#descriptor, target, start + done, length - done, offset + done)
      if (got === 0) break
      done += got
    }
    return done
  }

  /** Of a segment that its writer made in full length the rest is a hole: a file that has no more blocks than it needs to `offset`. */
  writtenEnd(offset: number): number {
    const system = fileSystemOf(this.path)
    if (system === null || !COUNTS_BLOCKS.has(system.type)) return this.bytes
    const end = Math.ceil(offset / system.bsize) * system.bsize
    return fs.fstatSync(this.#descriptor).blocks * STAT_BLOCK_BYTES === end ? Math.min(end, this.bytes) : this.bytes
  }

  close(): void {
    fs.closeSync(this.#descriptor)
  }
}

/** Null when the file is gone: one that is open may be compressed meanwhile, and removed. */
function fileSystemOf(file: string): fs.StatsFs | null {
  try {
    return fs.statfsSync(file)
  } catch {
    return null
  }
}

/** File systems that neither compress nor count late, of Linux: ext2 to ext4, XFS, tmpfs. */
const COUNTS_BLOCKS: ReadonlySet<number> = new Set([0xef53, 0x58465342, 0x01021994])
const STAT_BLOCK_BYTES = 512

/** Folders are named by their paths where they are directories. */
export function folderOf(log: string | LogFolder): LogFolder {
  return typeof log === 'string' ? new DiskFolder(log) : log
}
