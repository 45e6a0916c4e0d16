import { ReplayError } from '../../errors.ts'
import { BOOK_WASM_BASE64 } from './book.wasm.ts'
import type { MarketKernel } from './market-kernel.ts'
import type { RowKernel } from './row-kernel.ts'

/** As of memory.as. */
const REASON_WORD = 0
const OUT_OF_MEMORY = 1
/** Payloads up to so many times 8 bytes are copied in a loop: a view of them would cost more. */
const SHORT_LONGS = 64
const MIN_INPUT_BYTES = 4096
export const SCRATCH_BYTES = 4096

/** What book.as exports: addresses are of the memory, results as in apply-result.ts. */
export interface BookKernel extends MarketKernel, RowKernel {
  alloc(bytes: number): number
  release(address: number, bytes: number): void
  takenBytes(): number
  newSide(sign: number): number
  levelCount(side: number): number
  clearSide(side: number): void
  setLevel(side: number, price: number, size: number): void
  setLevels(side: number, levels: number, count: number, priceFactor: number, sizeFactor: number): void
  sizeAt(side: number, price: number): number
  worseThan(side: number, price: number): number
  topLevels(side: number, prices: number, sizes: number, limit: number): number
  depthSum(side: number, depth: number): number
  sumToPrice(side: number, price: number): number
  cutTo(side: number, limit: number): number
  canScale(side: number, priceFactor: number, sizeFactor: number): number
  scaleSide(side: number, priceFactor: number, sizeFactor: number): void
  newL2Book(depthLimit: number): number
  clearL2(book: number): void
  leaveLevels(book: number): void
  applyL2(book: number, payload: number, length: number): number
  loadL2Body(book: number, body: number, length: number): number
  applyL2Rows(book: number, input: number): void
  newOrders(): number
  clearOrders(orders: number): void
  findOrderWords(orders: number, low: number, high: number): number
  insertOrderWords(orders: number, low: number, high: number): number
  removeOrder(orders: number, slot: number): void
  listOrderIds(orders: number, to: number): void
  appendOrder(levels: number, slot: number): void
  headAt(levels: number, price: number): number
  ordersAt(levels: number, price: number): number
  listPrices(levels: number, to: number): void
  newL3Book(): number
  clearL3(book: number): void
  applyL3(book: number, payload: number, length: number): number
  applyL3Rows(book: number, input: number, stops: number): void
}

let compiled: WebAssembly.Module | undefined

/**
 * Memory that books lie in, with the kernel that works on them. A book has one of its own unless it is given one: thousands of
 * books in a process had better share some, as a process has room for about 16,000 of them. At most 4 GiB.
 */
export class BookMemory {
  readonly kernel: BookKernel
  readonly #memory: WebAssembly.Memory
  #bytes!: Uint8Array<ArrayBuffer>
  #words!: Uint32Array<ArrayBuffer>
  #ints!: Int32Array<ArrayBuffer>
  #doubles!: Float64Array<ArrayBuffer>
  #longs!: BigUint64Array<ArrayBuffer>
  /** The words that were put last, and the same memory. */
  #sourceWords: Uint32Array | null = null
  #source = new BigUint64Array(0)
  /** Where single payloads are put. */
  #input = 0
  #inputBytes = 0
  #scratch = 0

  /** @throws ReplayError input `book-memory` when the process has no room for another one */
  constructor() {
    try {
      this.#memory = new WebAssembly.Memory({ initial: 1 })
    } catch (cause) {
      throw memoryError(cause)
    }
    compiled ??= new WebAssembly.Module(Buffer.from(BOOK_WASM_BASE64, 'base64'))
    this.kernel = new WebAssembly.Instance(compiled, { env: { memory: this.#memory } }).exports as unknown as BookKernel
    this.#look()
  }

  /** Views of the whole memory: to be asked for again after anything that may have grown it. */
  get bytes(): Uint8Array<ArrayBuffer> {
    if (this.#bytes.length === 0) this.#look()
    return this.#bytes
  }

  get words(): Uint32Array<ArrayBuffer> {
    if (this.#words.length === 0) this.#look()
    return this.#words
  }

  get ints(): Int32Array<ArrayBuffer> {
    if (this.#ints.length === 0) this.#look()
    return this.#ints
  }

  get doubles(): Float64Array<ArrayBuffer> {
    if (this.#doubles.length === 0) this.#look()
    return this.#doubles
  }

  /** Bytes that books have taken so far; what they gave back is used again before more is taken. */
  get takenBytes(): number {
    return this.kernel.takenBytes() >>> 0
  }

  /** A block, to be given back by `release`. @throws ReplayError input `book-memory` */
  alloc(bytes: number): number {
    try {
      return this.kernel.alloc(bytes) >>> 0
    } catch (cause) {
      throw this.trapped(cause)
    }
  }

  release(address: number, bytes: number): void {
    this.kernel.release(address, bytes)
  }

  /** Address of `SCRATCH_BYTES` for what a call gives back and is read at once. */
  get scratch(): number {
    if (this.#scratch === 0) this.#scratch = this.alloc(SCRATCH_BYTES)
    return this.#scratch
  }

  /** Copies the payload of `length` bytes at `words[at]` to where the kernel can read it, until the next one; gives its address. */
  put(words: Uint32Array, at: number, length: number): number {
    if (length > this.#inputBytes) this.#growInput(length)
    const start = this.#input >>> 3
    const from = at >>> 1
    const count = (length + 7) >>> 3
    const source = words === this.#sourceWords ? this.#source : this.#sourceOf(words)
    if (count <= SHORT_LONGS && (at & 1) === 0 && from + count <= source.length) {
      const own = this.#longs.length === 0 ? this.#look() : this.#longs
      // No BigInt comes of it: values are moved, half as many as with words.
      for (let i = 0; i < count; i++) own[start + i] = source[from + i]!
    } else this.words.set(words.subarray(at, at + ((length + 3) >>> 2)), this.#input >>> 2)
    return this.#input
  }

  /** The named error of a call that trapped; its book is not to be used any more. */
  trapped(cause: unknown): ReplayError {
    if (cause instanceof ReplayError) return cause
    if (this.words[REASON_WORD] === OUT_OF_MEMORY) return memoryError(cause)
    return new ReplayError('book-trap', 'the book kernel trapped: a defect; its book is not to be used any more', {
      category: 'bug',
      cause,
    })
  }

  #growInput(bytes: number): void {
    const wanted = Math.max(MIN_INPUT_BYTES, bytes)
    if (this.#inputBytes > 0) this.release(this.#input, this.#inputBytes)
    this.#inputBytes = 0
    this.#input = this.alloc(wanted)
    this.#inputBytes = wanted
  }

  #sourceOf(words: Uint32Array): BigUint64Array<ArrayBuffer> {
    this.#sourceWords = words
    this.#source =
      (words.byteOffset & 7) === 0
        ? new BigUint64Array(words.buffer as ArrayBuffer, words.byteOffset, words.length >>> 1)
        : new BigUint64Array(0)
    return this.#source
  }

  #look(): BigUint64Array<ArrayBuffer> {
    const { buffer } = this.#memory
    this.#bytes = new Uint8Array(buffer)
    this.#words = new Uint32Array(buffer)
    this.#ints = new Int32Array(buffer)
    this.#doubles = new Float64Array(buffer)
    this.#longs = new BigUint64Array(buffer)
    return this.#longs
  }
}

function memoryError(cause: unknown): ReplayError {
  return new ReplayError(
    'book-memory',
    'no memory for books: those that share one have 4 GiB, and a process has room for about 16,000 of them; let small books share (`memory`), and large ones have their own',
    { category: 'input', cause },
  )
}
