import { SCAN_WASM_BASE64 } from './scan.wasm.ts'

/** Why a scan stopped. */
export const ScanStatus = {
  /** The buffer holds no further whole record. */
  drained: 0,
  /** The columns are full. */
  full: 1,
  /** commitLen is 0 at `position`. */
  uncommitted: 2,
  badVersion: 3,
  /** The record at `position` runs past the end of the segment. */
  badLength: 4,
  badCrc: 5,
  /** The record at `position` does not follow the one before; scanning on takes it. */
  seqBreak: 6,
  /** The record at `position` is more than maxStepBackNs behind the greatest time before it; scanning on takes it. */
  stepBack: 7,
} as const

/** Rows of the columns, and so the most messages of a batch. */
export const SCAN_CAPACITY = 8192
/** Default size of the data buffer: small enough for a second-level cache, large enough to hide the system call. */
export const SCAN_BUFFER_BYTES = 512 * 1024

// Memory map: see scan.as.
const TYPE_BITMAP = 256
const TYPE_BITMAP_BYTES = 8192
const COLUMNS = 30400
const PAGE_BYTES = 65536
const POSITION = 0
const END = 1
const COUNT = 2
const CAPACITY = 3
const SCANNED = 4
const FLAGS = 5
const FROM_NS = 3 // 64-bit fields: index in units of 8
const TO_NS = 4
const SEGMENT_END = 5
const EXPECTED_SEQ = 6
const MAX_TIME_NS = 7
const MAX_STEP_BACK_NS = 8
const PAD_COUNT = 18
const NEEDED = 19
const OFFSETS = 20
const STEP_NS = 13
const FLAG_CHECK_CRC = 1
const FLAG_BY_TIME = 2
const FLAG_BY_TYPE = 4
const FLAG_HAS_EXPECTED_SEQ = 8
const FLAG_NO_UPPER_BOUND = 16

/** Kernels of closed readers, kept per thread. */
const idle: ScanKernel[] = []
const MAX_IDLE = 4

/** A kernel with nothing set. One that was given back is taken first: fresh memory costs more in page faults than a seek in reads. */
export function takeKernel(dataBytes = SCAN_BUFFER_BYTES): ScanKernel {
  const kernel = dataBytes === SCAN_BUFFER_BYTES ? idle.pop() : undefined
  kernel?.forget()
  return kernel ?? new ScanKernel(dataBytes)
}

/** Gives a kernel back, to be used by another reader: nobody may look at its memory any more. */
export function giveBackKernel(kernel: ScanKernel): void {
  if (kernel.dataBytes === SCAN_BUFFER_BYTES && idle.length < MAX_IDLE && !idle.includes(kernel)) idle.push(kernel)
}

interface KernelExports {
  buildCrcTables(): void
  crc32(start: number, length: number): number
  sealRecords(start: number, end: number): number
  scan(): number
}

let compiled: WebAssembly.Module | undefined

/**
 * The record scanner: a buffer in WebAssembly memory that segments are read into, and the columns that
 * `scan()` fills from it. One per reader; its memory is about the buffer plus 26 bytes a row.
 */
export class ScanKernel {
  /** The whole memory; records lie at `dataStart` and after. Replaced when `grow` moves it. */
  bytes!: Uint8Array<ArrayBuffer>
  view!: DataView
  offsets!: Uint32Array
  lengths!: Uint32Array
  types!: Uint16Array
  seqs!: BigInt64Array
  seqWords!: Uint32Array
  times!: BigInt64Array
  timeWords!: Uint32Array
  /** Address of the data buffer, a multiple of 64. */
  readonly dataStart: number
  /** Size of the data buffer. */
  dataBytes: number

  readonly #memory: WebAssembly.Memory
  readonly #exports: KernelExports
  readonly #columns: readonly [number, number, number, number, number]
  #control!: Int32Array
  #control64!: BigUint64Array

  constructor(dataBytes = SCAN_BUFFER_BYTES) {
    let at = COLUMNS
    const place = (bytes: number): number => {
      const start = at
      at += bytes
      return start
    }
    this.#columns = [
      place(SCAN_CAPACITY * 4),
      place(SCAN_CAPACITY * 4),
      place(SCAN_CAPACITY * 2),
      place(SCAN_CAPACITY * 8),
      place(SCAN_CAPACITY * 8),
    ]
    this.dataStart = Math.ceil(at / 64) * 64
    this.dataBytes = dataBytes
    this.#memory = new WebAssembly.Memory({ initial: Math.ceil((this.dataStart + dataBytes) / PAGE_BYTES) })
    compiled ??= new WebAssembly.Module(Buffer.from(SCAN_WASM_BASE64, 'base64'))
    this.#exports = new WebAssembly.Instance(compiled, { env: { memory: this.#memory } }).exports as unknown as KernelExports
    this.#exports.buildCrcTables()
    this.#attach()
    this.#control[CAPACITY] = SCAN_CAPACITY
    this.#columns.forEach((address, i) => {
      this.#control[OFFSETS + i] = address
    })
  }

  /** Back to the state after construction. */
  forget(): void {
    this.#control.fill(0, 0, OFFSETS)
    this.#control[CAPACITY] = SCAN_CAPACITY
    this.filterTypes(undefined)
  }

  /** Makes room for a record of `bytes`; the contents of the data buffer survive. */
  grow(bytes: number): void {
    const missing = this.dataStart + bytes - this.#memory.buffer.byteLength
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE_BYTES))
    this.dataBytes = Math.max(this.dataBytes, bytes)
    this.#attach()
  }

  /** Whether `scan` checks the CRC of every record that passes the filters. */
  set checkCrc(check: boolean) {
    this.#setFlag(FLAG_CHECK_CRC, check)
  }

  /** Half-open time filter in nanoseconds; undefined bounds are open. */
  filterTime(fromNs: bigint | undefined, toNs: bigint | undefined): void {
    this.#control64[FROM_NS] = fromNs ?? 0n
    this.#control64[TO_NS] = toNs ?? 0n
    this.#setFlag(FLAG_BY_TIME, fromNs !== undefined || toNs !== undefined)
    this.#setFlag(FLAG_NO_UPPER_BOUND, toNs === undefined)
  }

  /** Message types that pass; undefined = all. */
  filterTypes(types: ReadonlySet<number> | undefined): void {
    this.bytes.fill(0, TYPE_BITMAP, TYPE_BITMAP + TYPE_BITMAP_BYTES)
    // A type beyond u16 would land in the CRC tables; no record has it.
    for (const type of types ?? []) if (type >= 0 && type <= 0xffff) this.bytes[TYPE_BITMAP + (type >>> 3)]! |= 1 << (type & 7)
    this.#setFlag(FLAG_BY_TYPE, types !== undefined)
  }

  /** How far a record's time may lie behind the greatest time before it without being reported. */
  set maxStepBackNs(ns: bigint) {
    this.#control64[MAX_STEP_BACK_NS] = ns
  }

  /** The sequence the next record should have; null = anything goes (0, a new writer session, always does). */
  set expectedSeq(seq: bigint | null) {
    this.#setFlag(FLAG_HAS_EXPECTED_SEQ, seq !== null)
    this.#control64[EXPECTED_SEQ] = seq ?? 0n
  }

  get expectedSeq(): bigint | null {
    return (this.#control[FLAGS]! & FLAG_HAS_EXPECTED_SEQ) === 0 ? null : this.#control64[EXPECTED_SEQ]!
  }

  /** Greatest record time so far, nanoseconds; after `stepBack`, of that record and those behind it. */
  get maxTimeNs(): bigint {
    return this.#control64[MAX_TIME_NS]!
  }

  set maxTimeNs(ns: bigint) {
    this.#control64[MAX_TIME_NS] = ns
  }

  /** After `stepBack`: how far the record's time lies behind the greatest before it. */
  get stepBackNs(): bigint {
    return this.#control64[STEP_NS]!
  }

  /** Address of the next record to look at. */
  get position(): number {
    return this.#control[POSITION]!
  }

  set position(address: number) {
    this.#control[POSITION] = address
  }

  /** Rows filled. */
  get count(): number {
    return this.#control[COUNT]!
  }

  /** Records examined, PAD not counted. */
  get scanned(): number {
    return this.#control[SCANNED]!
  }

  set scanned(records: number) {
    this.#control[SCANNED] = records
  }

  /** PAD records passed since construction. */
  get padCount(): number {
    return this.#control[PAD_COUNT]!
  }

  /** After `drained`: bytes of the record at `position` (64 when not even its header is there). */
  get neededBytes(): number {
    return this.#control[NEEDED]! >>> 0
  }

  /** Forgets the rows; the data buffer now holds `bytes` bytes, with `segmentBytes` of the segment from its start. */
  begin(bytes: number, segmentBytes: number): void {
    this.#control[POSITION] = this.dataStart
    this.#control[END] = this.dataStart + bytes
    this.#control[COUNT] = 0
    this.#control[SCANNED] = 0
    this.#control64[SEGMENT_END] = BigInt(this.dataStart + segmentBytes)
  }

  /** Scans on from `position`; returns a ScanStatus. */
  scan(): number {
    return this.#exports.scan()
  }

  /** CRC32 of bytes in this memory, unsigned. */
  crc32(address: number, length: number): number {
    return this.#exports.crc32(address, length) >>> 0
  }

  /** Puts the CRCs of their payloads into the headers of the whole records in so many bytes of the data buffer; how many bytes those are. */
  sealRecords(bytes: number): number {
    return this.#exports.sealRecords(this.dataStart, this.dataStart + bytes) - this.dataStart
  }

  #setFlag(flag: number, on: boolean): void {
    this.#control[FLAGS] = on ? this.#control[FLAGS]! | flag : this.#control[FLAGS]! & ~flag
  }

  #attach(): void {
    const buffer = this.#memory.buffer as ArrayBuffer
    if (this.bytes?.buffer === buffer) return
    const [offsets, lengths, types, seqs, times] = this.#columns
    this.bytes = new Uint8Array(buffer)
    this.view = new DataView(buffer)
    this.offsets = new Uint32Array(buffer, offsets, SCAN_CAPACITY)
    this.lengths = new Uint32Array(buffer, lengths, SCAN_CAPACITY)
    this.types = new Uint16Array(buffer, types, SCAN_CAPACITY)
    this.seqs = new BigInt64Array(buffer, seqs, SCAN_CAPACITY)
    this.seqWords = new Uint32Array(buffer, seqs, SCAN_CAPACITY * 2)
    this.times = new BigInt64Array(buffer, times, SCAN_CAPACITY)
    this.timeWords = new Uint32Array(buffer, times, SCAN_CAPACITY * 2)
    this.#control = new Int32Array(buffer, 0, 64)
    this.#control64 = new BigUint64Array(buffer, 0, 32)
  }
}
