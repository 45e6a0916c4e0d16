import type { LogFile } from './log-folder.ts'
import type { Chunk, ListedObject, ReadAhead } from './read-ahead.ts'

/** Bytes of the first request when single records are read; twice as many when the next one follows. */
const PEEK_BYTES = 256 << 10
/** Of the first request of a read that nobody knows the length of; twice as many each time. */
const FIRST_CHUNK_BYTES = 1 << 20
/** Single reads remembered: a segment's beginning and end, and where a seek was led. */
const MAX_PEEKS = 4
/** What they may take together; the last one is remembered whatever its size. */
const MAX_PEEKED_BYTES = 2 << 20
/** Chunks asked for beyond the one that is being read. */
const MAX_AHEAD = 3
/** Header and first record of a segment. */
const HEAD_BYTES = 4096
/** Fewer bytes are not worth a request of their own: they are fetched with those before. */
const MIN_REST_BYTES = 1 << 20

/**
 * A segment in an object store, read in ranges. A read that was announced goes on in chunks, with further ones on their way;
 * any other read fetches a little around it. What can be had in one request is had in one.
 */
export class StoreFile implements LogFile {
  readonly path: string
  readonly bytes: number
  readonly #object: ListedObject
  readonly #ahead: ReadAhead
  readonly #onAllAsked: (() => void) | null
  /** One behind the other. */
  readonly #chunks: Chunk[] = []
  readonly #peeks: { readonly start: number; readonly bytes: Uint8Array }[] = []
  /** Offset that the next chunk begins at; −1: no read was announced. */
  #next = -1
  #nextBytes = 0
  /** What lies behind is fetched only when it is asked for. */
  #end: number
  #isLong = false
  /** Whoever has it open goes through it: then it is not needed any more when they are done. */
  #isScanned = false
  #isCounted = false
  /** Chunks go on beyond the end that was thought of. */
  #isBehind = false
  /** The first bytes, which are looked at again in the end. */
  #head: Uint8Array | null = null

  /** @param onAllAsked all of the file has been asked for: others may be read ahead; null: only a few records are going to be read */
  constructor(path: string, object: ListedObject, ahead: ReadAhead, onAllAsked: (() => void) | null) {
    this.path = path
    this.bytes = object.size
    this.#end = object.size
    this.#object = object
    this.#ahead = ahead
    this.#onAllAsked = onAllAsked
  }

  readAhead(offset: number, isLong: boolean, end: number): void {
    if (this.#onAllAsked === null) return
    this.#isScanned ||= isLong
    const isWithin = this.#isInChunks(this.#behindPeeks(offset))
    if (!isWithin) this.#dropChunks()
    this.#end = this.bytes - end < MIN_REST_BYTES ? this.bytes : end
    if (isWithin) {
      this.#count()
      this.#isLong ||= isLong
      this.#askAhead()
      return
    }
    this.#count()
    this.#begin(offset, isLong)
  }

  /** Asks for the beginning, if there is room, before anybody opens the file. False when there is none, and nothing more to try. */
  prefetch(): boolean {
    if (this.#next >= 0) return this.#next >= this.bytes
    if (!this.#ahead.mayReadAhead(Math.min(this.bytes, this.#ahead.chunkBytes))) return false
    this.#begin(0, true)
    this.#askOne(false)
    return this.#next >= this.bytes
  }

  read(target: Uint8Array, start: number, length: number, offset: number): number | Promise<number> {
    const wanted = Math.max(0, Math.min(length, this.bytes - offset))
    if (this.#isInChunks(offset)) this.#leaveBehind(offset)
    const done = this.#copy(target, start, wanted, offset)
    return done === wanted ? done : this.#readOn(target, start, wanted, offset, done)
  }

  close(): void {
    // What was only looked into, or sought in, is wanted again, as a rule: the folder gives it up.
    if (this.#isScanned) this.giveUp()
  }

  /** Nothing of it is wanted any more, or not soon. */
  giveUp(): void {
    this.#dropChunks()
    this.#peeks.length = 0
    this.#head = null
    this.#isScanned = false
  }

  async #readOn(target: Uint8Array, start: number, length: number, offset: number, already: number): Promise<number> {
    for (let done = already; ; ) {
      if (done === length) return done
      const at = offset + done
      const chunk = this.#chunks.find((each) => each.start <= at && at < each.end)
      if (chunk !== undefined) {
        this.#ahead.hurry(chunk)
        await chunk.done
      } else if (at === this.#next) this.#ask(true)
      else if (this.#next < 0 && this.#onAllAsked !== null && this.bytes <= this.#ahead.chunkBytes) {
        this.#count()
        this.#begin(0, false)
        this.#ask(true)
      } else await this.#peek(at, length - done)
      done += this.#copy(target, start + done, length - done, at)
    }
  }

  /** Copies what is there of a range, from its beginning on; returns how many bytes. */
  #copy(target: Uint8Array, start: number, length: number, offset: number): number {
    let done = 0
    for (let found: { start: number; bytes: Uint8Array } | undefined; done < length; ) {
      const at = offset + done
      const holds = ({ start: from, bytes }: { start: number; bytes: Uint8Array | null }): boolean =>
        bytes !== null && from <= at && at < from + bytes.length
      found = (this.#chunks.find(holds) as typeof found) ?? this.#peeks.find(holds)
      if (found === undefined && this.#head !== null && at < this.#head.length) found = { start: 0, bytes: this.#head }
      if (found === undefined) break
      const from = at - found.start
      const size = Math.min(length - done, found.bytes.length - from)
      target.set(found.bytes.subarray(from, from + size), start + done)
      done += size
    }
    return done
  }

  /** Begins chunks at an offset, or behind what is there of the bytes from it on. */
  #begin(offset: number, isLong: boolean): void {
    this.#next = this.#behindPeeks(offset)
    this.#isLong = isLong
    this.#nextBytes = isLong || this.bytes <= this.#ahead.chunkBytes ? this.#ahead.chunkBytes : FIRST_CHUNK_BYTES
  }

  /** The first offset from here on that no single read has fetched. */
  #behindPeeks(offset: number): number {
    let at = offset
    for (const { start, bytes } of this.#peeks) if (start <= at && at < start + bytes.length) at = start + bytes.length
    return at
  }

  /** Those fetched before anybody opens them do not count: there are as many as there is room for. */
  #count(): void {
    if (!this.#isCounted) this.#ahead.countFile(1)
    this.#isCounted = true
  }

  /** Asks for the next chunk, and as far as there is room for those behind it. */
  #ask(isAwaited: boolean): void {
    this.#askOne(isAwaited)
    this.#askAhead()
  }

  #askOne(isAwaited: boolean): void {
    const isBehind = this.#next >= this.#end
    const size = Math.min(isBehind && !this.#isBehind ? FIRST_CHUNK_BYTES : this.#nextBytes, this.#ahead.chunkBytes)
    const end = Math.min(isBehind ? this.bytes : this.#end, this.#next + size)
    this.#isBehind = isBehind
    this.#chunks.push(this.#ahead.fetch(this.#object, this.#next, end, isAwaited))
    this.#next = end
    this.#nextBytes = Math.min(2 * size, this.#ahead.chunkBytes)
  }

  #askAhead(): void {
    const most = this.#isLong ? MAX_AHEAD : 0
    while (this.#next < this.#end && this.#chunks.length <= most && this.#ahead.mayReadAhead(this.#nextBytes)) this.#askOne(false)
    if (this.#next >= this.bytes && this.#isLong) this.#onAllAsked?.()
  }

  /** Whether a read at an offset goes on with the announced one. */
  #isInChunks(offset: number): boolean {
    return this.#next >= 0 && offset >= (this.#chunks[0]?.start ?? this.#next) && offset <= this.#next
  }

  /** The chunks before a read's offset are done with. */
  #leaveBehind(offset: number): void {
    let hasLeft = false
    while (this.#chunks.length > 0 && this.#chunks[0]!.end <= offset) {
      const chunk = this.#chunks.shift()!
      if (chunk.start === 0) this.#head = chunk.bytes?.slice(0, HEAD_BYTES) ?? null
      this.#ahead.drop(chunk)
      hasLeft = true
    }
    // It has gone on for long.
    this.#isLong ||= hasLeft && this.#nextBytes === this.#ahead.chunkBytes
    if (hasLeft && this.#chunks.length > 0) this.#askAhead()
  }

  #dropChunks(): void {
    for (const chunk of this.#chunks.splice(0)) this.#ahead.drop(chunk)
    if (this.#isCounted) this.#ahead.countFile(-1)
    this.#isCounted = false
    this.#isBehind = false
    this.#end = this.bytes
    this.#next = -1
  }

  /** Fetches what is around a single read: twice as much as the last time if it follows that. */
  async #peek(at: number, length: number): Promise<void> {
    const last = this.#peeks.at(-1)
    const follows = last !== undefined && at === last.start + last.bytes.length
    const first = this.#onAllAsked === null ? FIRST_CHUNK_BYTES : PEEK_BYTES
    const size = Math.min(Math.max(length, follows ? 2 * last.bytes.length : first), this.#ahead.chunkBytes)
    // The header and what follows it in one.
    const start = at < HEAD_BYTES ? 0 : at
    const chunk = this.#ahead.fetch(this.#object, start, Math.min(this.bytes, at + size), true)
    try {
      await chunk.done
      this.#peeks.push({ start, bytes: chunk.bytes!.slice() })
    } finally {
      this.#ahead.drop(chunk)
    }
    const isTooMuch = (): boolean => this.#peeks.reduce((sum, { bytes }) => sum + bytes.length, 0) > MAX_PEEKED_BYTES
    // Of those that follow one another the reader has left the earlier ones behind.
    while (this.#peeks.length > 1 && (this.#peeks.length > MAX_PEEKS || isTooMuch()))
      this.#peeks.splice(follows ? this.#peeks.length - 2 : 0, 1)
  }
}
