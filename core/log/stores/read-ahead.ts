import { ReplayError } from '../../errors.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import { ChunkMemory } from './chunk-memory.ts'

export interface ReadAheadOptions {
  /** Range requests under way at once, of all files together. @default 4 */
  readonly maxInFlight?: number | undefined
  /** Bytes that a long read asks for at a time. @default 4 MiB */
  readonly chunkBytes?: number | undefined
  /** Bytes held for all files together, beyond which nothing is read ahead. @default 12 MiB */
  readonly bufferBytes?: number | undefined
}

/** An object as listed. */
export interface ListedObject {
  readonly key: string
  /** Bytes. */
  readonly size: number
  readonly etag: string
}

/** A range of an object that was asked for. */
export interface Chunk {
  readonly start: number
  readonly end: number
  /** Settles when `bytes` is there. */
  readonly done: Promise<void>
  /** From `start`; null until then, and when it was dropped. */
  readonly bytes: Uint8Array | null
}

/** Fewer bytes a request is not worth. */
const MIN_CHUNK_BYTES = 1 << 20
/** Small objects are remembered up to this size each, and together. */
const KEPT_BYTES = 256 << 10
const ALL_KEPT_BYTES = 2 << 20

/**
 * The range requests of all files that a worker reads from a store: so many at once, what is waited for before what is read
 * ahead, in memory that is used again and does not grow with the number of files.
 */
export class ReadAhead {
  readonly #store: ObjectStore
  readonly #maxInFlight: number
  readonly #chunkBytes: number
  readonly #bufferBytes: number
  readonly #waiting: PendingChunk[] = []
  readonly #memory: ChunkMemory
  /** By key and version, the oldest first. */
  readonly #kept = new Map<string, Uint8Array>()
  #keptBytes = 0
  #inFlight = 0
  #heldBytes = 0
  #files = 0

  constructor(store: ObjectStore, options: ReadAheadOptions = {}) {
    this.#store = store
    this.#maxInFlight = options.maxInFlight ?? 4
    this.#chunkBytes = options.chunkBytes ?? 4 << 20
    this.#bufferBytes = options.bufferBytes ?? 12 << 20
    this.#memory = new ChunkMemory(this.#bufferBytes)
  }

  /** Bytes of a request of a long read: less when many files are being read, so that each has two in the memory there is. */
  get chunkBytes(): number {
    let bytes = this.#chunkBytes
    while (bytes > MIN_CHUNK_BYTES && bytes * 2 * this.#files > this.#bufferBytes) bytes /= 2
    return bytes
  }

  /** A file begins, or ends, to be read at length. */
  countFile(change: 1 | -1): void {
    this.#files += change
  }

  /** Whether there is room for reading so many bytes ahead. */
  mayReadAhead(bytes: number): boolean {
    return this.#inFlight + this.#waiting.length < this.#maxInFlight && this.#heldBytes + bytes <= this.#bufferBytes
  }

  /** Asks for a range of an object. What is waited for goes before what is not. */
  fetch(object: ListedObject, start: number, end: number, isAwaited: boolean): Chunk {
    const chunk = new PendingChunk(object, start, end)
    this.#heldBytes += end - start
    if (isAwaited) this.#waiting.unshift(chunk)
    else this.#waiting.push(chunk)
    this.#startNext()
    return chunk
  }

  /** A chunk that was read ahead is waited for by now. */
  hurry(chunk: Chunk): void {
    const at = this.#waiting.indexOf(chunk as PendingChunk)
    if (at > 0) this.#waiting.unshift(...this.#waiting.splice(at, 1))
  }

  /** Gives up a chunk: its memory is used for others. */
  drop(chunk: Chunk): void {
    const pending = chunk as PendingChunk
    if (pending.isDropped) return
    pending.isDropped = true
    const at = this.#waiting.indexOf(pending)
    if (at >= 0) this.#waiting.splice(at, 1)
    if (at >= 0 || pending.isSettled) this.#release(pending)
  }

  /** Reads a small object whole, once if it is very small: a log is opened several times on the way to its first message. */
  async readWhole(object: ListedObject): Promise<Uint8Array> {
    const version = `${object.key} ${object.etag}`
    const kept = this.#kept.get(version)
    if (kept !== undefined) return kept
    const chunk = this.fetch(object, 0, object.size, true)
    try {
      await chunk.done
      const bytes = chunk.bytes!.slice()
      if (bytes.length <= KEPT_BYTES) this.#keep(version, bytes)
      return bytes
    } finally {
      this.drop(chunk)
    }
  }

  #keep(version: string, bytes: Uint8Array): void {
    if (this.#kept.has(version)) return
    this.#kept.set(version, bytes)
    this.#keptBytes += bytes.length
    for (const [oldest, { length }] of this.#kept) {
      if (this.#keptBytes <= ALL_KEPT_BYTES) break
      this.#kept.delete(oldest)
      this.#keptBytes -= length
    }
  }

  #startNext(): void {
    while (this.#inFlight < this.#maxInFlight) {
      const chunk = this.#waiting.shift()
      if (chunk === undefined) return
      this.#inFlight++
      void this.#read(chunk).finally(() => {
        this.#inFlight--
        chunk.isSettled = true
        if (chunk.isDropped) this.#release(chunk)
        this.#startNext()
      })
    }
  }

  async #read(chunk: PendingChunk): Promise<void> {
    const { object, start, end } = chunk
    const length = end - start
    try {
      chunk.memory = this.#memory.take(length)
      const isWhole = start === 0 && end === object.size
      const found = await this.#store.get(object.key, {
        ...(isWhole ? {} : { range: { start, end } }),
        ifMatch: object.etag,
        into: chunk.memory,
      })
      if (found?.bytes.length !== length) throw changed(`${this.#store.uri}/${object.key}`)
      chunk.bytes = found.bytes
      chunk.settle.resolve()
    } catch (error) {
      const isChanged = error instanceof ReplayError && error.code === 'object-changed'
      chunk.settle.reject(isChanged ? changed(`${this.#store.uri}/${object.key}`, error) : error)
    }
  }

  #release(chunk: PendingChunk): void {
    this.#heldBytes -= chunk.end - chunk.start
    if (chunk.memory !== null) this.#memory.giveBack(chunk.memory)
    chunk.bytes = null
    chunk.memory = null
  }
}

class PendingChunk implements Chunk {
  readonly object: ListedObject
  readonly start: number
  readonly end: number
  readonly settle = Promise.withResolvers<void>()
  bytes: Uint8Array | null = null
  memory: Uint8Array | null = null
  isDropped = false
  isSettled = false

  constructor(object: ListedObject, start: number, end: number) {
    this.object = object
    this.start = start
    this.end = end
    // Nobody may wait for what is read ahead.
    this.settle.promise.catch(() => undefined)
  }

  get done(): Promise<void> {
    return this.settle.promise
  }
}

function changed(path: string, cause?: unknown): ReplayError {
  return new ReplayError('input-changed', 'input changed: the object is not as it was when it was listed; plan and run again', {
    category: 'input',
    path,
    cause,
  })
}
