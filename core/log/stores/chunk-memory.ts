import { freeNow } from '../../store/object-store.ts'

/** Memory is handed out in multiples of this; what is much smaller comes from the heap. */
const UNIT_BYTES = 1 << 20
const MIN_BYTES = UNIT_BYTES / 2

/**
 * Memory for ranges of objects, used again and again: megabytes that come and go by the hundred would leave it to the garbage
 * collector and to malloc how much a worker holds. What does not fit any more is allocated and freed by itself.
 */
export class ChunkMemory {
  readonly #bytes: number
  /** Pages of it take memory once they are written to. */
  #slab: ArrayBuffer | null = null
  /** Units that are taken. */
  readonly #taken: boolean[]

  /** @param bytes to be used again, in whole MiB */
  constructor(bytes: number) {
    this.#bytes = bytes
    this.#taken = new Array<boolean>(Math.floor(bytes / UNIT_BYTES)).fill(false)
  }

  take(length: number): Uint8Array {
    const units = Math.ceil(length / UNIT_BYTES)
    const first = length < MIN_BYTES ? -1 : this.#freeRun(units)
    if (first < 0) return new Uint8Array(length)
    this.#taken.fill(true, first, first + units)
    this.#slab ??= new ArrayBuffer(this.#bytes)
    return new Uint8Array(this.#slab, first * UNIT_BYTES, length)
  }

  /** Nobody may look at the memory any more. */
  giveBack({ buffer, byteOffset, length }: Uint8Array): void {
    if (buffer !== this.#slab) {
      freeNow(buffer)
      return
    }
    const first = byteOffset / UNIT_BYTES
    this.#taken.fill(false, first, first + Math.ceil(length / UNIT_BYTES))
  }

  /** The first of so many free units in a row; -1: there are none. */
  #freeRun(units: number): number {
    for (let first = 0, end = 0; end < this.#taken.length; ) {
      if (this.#taken[end++]) first = end
      else if (end - first === units) return first
    }
    return -1
  }
}
