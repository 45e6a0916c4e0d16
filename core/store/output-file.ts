import { closeSync, fdatasync, fsyncSync, ftruncateSync, openSync, realpathSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { diskFull } from '../disk-full.ts'
import { ReplayError } from '../errors.ts'

/** Where a sink writes to: a file to create (or overwrite), or an open descriptor that stays the caller's. */
export type OutputTarget = { readonly path: string; readonly fd?: never } | { readonly fd: number; readonly path?: never }

export interface OutputFileOptions {
  /**
   * The file appears under its name when it is closed, in place of one that is there; what is abandoned leaves nothing. A target
   * that is no file, such as a pipe or `/dev/stdout`, is written to as it is. @default false: created at once, written in place
   */
  readonly whole?: boolean
}

/**
 * A file written front to back with synchronous writes, whose failures are told in the library's terms:
 * `disk-full` when there is no space left, `output-closed` when the reader of a pipe went away,
 * `output-failed` for the rest. All of category `input`: only the user can help.
 */
export class OutputFile {
  /** Path as given; `fd 1` for a descriptor. */
  readonly path: string
  /** Bytes written so far. */
  bytes = 0
  #fd: number
  readonly #owned: boolean
  /** Where the file is until it is whole, and where it goes then; null: it is written in place. */
  readonly #aside: { readonly temporary: string; readonly target: string } | null
  #open = true
  #syncing: Promise<void> | null = null
  #failure: Error | null = null

  /** @throws ReplayError `output-failed` when the file cannot be created. */
  constructor(target: OutputTarget, { whole = false }: OutputFileOptions = {}) {
    this.#owned = target.path !== undefined
    this.path = target.path ?? `fd ${target.fd}`
    if (target.fd !== undefined) {
      this.#fd = target.fd
      this.#aside = null
      return
    }
    try {
      this.#aside = whole ? asideOf(target.path) : null
      this.#fd = openSync(this.#aside?.temporary ?? target.path, 'w')
    } catch (cause) {
      throw outputError(cause, this.path)
    }
  }

  /** Writes all of `bytes`, however many system calls that takes. */
  write(bytes: Uint8Array): void {
    let from = 0
    while (from < bytes.length) {
      try {
        const written = writeSync(this.#fd, bytes, from, bytes.length - from)
        from += written
        this.bytes += written
      } catch (cause) {
        if (codeOf(cause) !== 'EAGAIN') throw outputError(cause, this.path)
        // A pipe in non-blocking mode whose reader is slower than we are: wait for it.
        Atomics.wait(PAUSE, 0, 0, 1)
      }
    }
  }

  /**
   * Puts a file beside it, of which the first `bytes` are kept, in its place; what is written then comes behind them. Of a file that is
   * to be whole. @throws ReplayError `output-failed`
   */
  takeOver(file: string, bytes: number): void {
    const { temporary } = this.#aside!
    try {
      closeSync(this.#fd)
      // Renamed over another file, ext4 would write it to the disk at once, which cutting it waits for.
      rmSync(temporary)
      renameSync(file, temporary)
      this.#fd = openSync(temporary, 'a')
      ftruncateSync(this.#fd, bytes)
    } catch (cause) {
      throw outputError(cause, this.path)
    }
    this.bytes = bytes
  }

  /**
   * Begins to force what was written to the disk, while more is written: of a large file little is left for `sync` to wait for. Nothing
   * is begun while that of before goes on.
   */
  syncSoon(): void {
    this.#syncing ??= new Promise((resolve) => {
      fdatasync(this.#fd, (error) => {
        this.#syncing = null
        // The disk tells of what it could not write once.
        this.#failure ??= error
        resolve()
      })
    })
  }

  /** Waits for what `syncSoon` began: a file that `sync` does not end is not closed before. @throws ReplayError `disk-full`, `output-failed` */
  async rest(): Promise<void> {
    await this.#syncing
    if (this.#failure !== null) throw outputError(this.#failure, this.path)
  }

  /** Forces the bytes to the disk. @throws ReplayError `disk-full`, `output-failed` */
  async sync(): Promise<void> {
    await this.rest()
    try {
      fsyncSync(this.#fd)
    } catch (cause) {
      throw outputError(cause, this.path)
    }
  }

  /** Closes a file that this object opened; one that is to be whole gets its name. Doing it again is harmless. */
  close(): void {
    if (!this.#open) return
    this.#open = false
    if (!this.#owned) return
    try {
      closeSync(this.#fd)
      if (this.#aside !== null) renameSync(this.#aside.temporary, this.#aside.target)
    } catch (cause) {
      if (this.#aside !== null) rmSync(this.#aside.temporary, { force: true })
      throw outputError(cause, this.path)
    }
  }

  /** Closes it; what is not whole is removed. Harmless after `close`. */
  abandon(): void {
    if (!this.#open) return
    this.#open = false
    if (this.#owned) closeSync(this.#fd)
    if (this.#aside !== null) rmSync(this.#aside.temporary, { force: true })
  }
}

/**
 * Null for what cannot be replaced by a file: devices, pipes. Of a link the file that it leads to is replaced.
 * @throws ReplayError input `output-failed` for a folder, in whose place nothing can be put at the end
 */
export function asideOf(path: string): { readonly temporary: string; readonly target: string } | null {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat?.isDirectory() === true) {
    throw new ReplayError('output-failed', 'the output cannot be written: expected a file, found a folder', { category: 'input', path })
  }
  if (stat !== undefined && !stat.isFile()) return null
  const target = stat === undefined ? path : realpathSync(path)
  return { temporary: `${target}.tmp`, target }
}

/** The ReplayError for a failed system call on an output; one that it is already stays. */
export function outputError(cause: unknown, path: string): ReplayError {
  if (cause instanceof ReplayError) return cause
  const full = diskFull(cause, path, 'output')
  if (full !== null) return full
  if (codeOf(cause) === 'EPIPE') {
    return new ReplayError('output-closed', 'the reader of the output went away', { category: 'input', path, cause })
  }
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new ReplayError('output-failed', `the output cannot be written: ${reason}`, { category: 'input', path, cause })
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
}

const PAUSE = new Int32Array(new SharedArrayBuffer(4))
