import { Page } from './page.ts'

/*
 * Structs of Thrift's compact protocol, so that a footer can be written again with some of its numbers changed and all else as it was.
 * A struct within another stays the bytes that it is until somebody reads it: trees take fifty times the memory.
 * Source: apache/thrift, doc/specs/thrift-compact-protocol.md
 */

/** Whole numbers are exact up to 2⁵³, more than sizes and counts of a file need. Bytes are text, or a struct as it is written. */
export type ThriftValue = boolean | number | Uint8Array | ThriftList

export interface ThriftList {
  /** Of the elements. */
  readonly type: number
  readonly values: ThriftValue[]
}

/** Fields by id, in order. */
export type ThriftStruct = Map<number, { readonly type: number; value: ThriftValue }>

/** @throws RangeError when the bytes are no struct */
export function readThrift(bytes: Uint8Array): ThriftStruct {
  return new Reader(bytes).struct()
}

/** @param page written anew; what is given is valid until it is the next time */
export function writeThrift(struct: ThriftStruct, page = new Page(1 << 12)): Uint8Array {
  page.length = 0
  putStruct(page, struct)
  return page.written()
}

/** The number of a field. @throws RangeError when there is none */
export function numberAt(struct: ThriftStruct, id: number): number {
  const value = struct.get(id)?.value
  if (typeof value !== 'number') throw new RangeError(`expected a number in field ${id}`)
  return value
}

/** The structs of a list, each to be read. @throws RangeError when there is none */
export function structsAt(struct: ThriftStruct, id: number): Uint8Array[] {
  const value = struct.get(id)?.value
  if (value === undefined || typeof value !== 'object' || !('values' in value) || typeof value.values === 'function') {
    throw new RangeError(`expected a list in field ${id}`)
  }
  return value.values as Uint8Array[]
}

class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  struct(): ThriftStruct {
    const fields: ThriftStruct = new Map()
    for (let id = 0; ; ) {
      const head = this.#byte()
      if (head === 0) return fields
      const type = head & 15
      id = head >> 4 === 0 ? this.#zigzag() : id + (head >> 4)
      fields.set(id, { type, value: type === TRUE ? true : type === FALSE ? false : this.#value(type) })
    }
  }

  #value(type: number): ThriftValue {
    switch (type) {
      case TRUE:
      case FALSE:
        return this.#byte() === TRUE
      case BYTE:
        return this.#byte()
      case I16:
      case I32:
      case I64:
        return this.#zigzag()
      case BINARY:
        return this.#take(this.#varint())
      case LIST:
        return this.#list()
      case STRUCT:
        return this.#structBytes()
      default:
        throw new RangeError(`no type of Parquet's: ${type}`)
    }
  }

  #list(): ThriftList {
    const { type, size } = this.#listHead()
    return { type, values: Array.from({ length: size }, () => this.#value(type)) }
  }

  #listHead(): { readonly type: number; readonly size: number } {
    const head = this.#byte()
    return { type: head & 15, size: head >> 4 === 15 ? this.#varint() : head >> 4 }
  }

  #structBytes(): Uint8Array {
    const start = this.#at
    this.#passStruct()
    return this.#bytes.subarray(start, this.#at)
  }

  #passStruct(): void {
    for (let head = this.#byte(); head !== 0; head = this.#byte()) {
      if (head >> 4 === 0) this.#varint()
      const type = head & 15
      if (type !== TRUE && type !== FALSE) this.#pass(type)
    }
  }

  #pass(type: number): void {
    if (type === STRUCT) this.#passStruct()
    else if (type === LIST) {
      const { type: of, size } = this.#listHead()
      for (let i = 0; i < size; i++) this.#pass(of)
    } else if (type === BINARY) this.#passBytes(this.#varint())
    else this.#value(type)
  }

  #passBytes(length: number): void {
    if (this.#at + length > this.#bytes.length) throw new RangeError('the footer ends too early')
    this.#at += length
  }

  #zigzag(): number {
    const value = this.#varint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  #varint(): number {
    let [value, unit] = [0, 1]
    for (;;) {
      const byte = this.#byte()
      value += (byte & 127) * unit
      if (byte < 128) break
      unit *= 128
    }
    if (value > Number.MAX_SAFE_INTEGER) throw new RangeError('a number of a footer is beyond 2^53')
    return value
  }

  #take(length: number): Uint8Array {
    const start = this.#at
    this.#passBytes(length)
    return this.#bytes.subarray(start, this.#at)
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw new RangeError('the footer ends too early')
    return byte
  }
}

function putStruct(page: Page, struct: ThriftStruct): void {
  let last = 0
  for (const [id, { type, value }] of struct) {
    const step = id - last
    last = id
    page.reserve(1)
    if (step > 0 && step <= 15) page.putUint8((step << 4) | (typeof value === 'boolean' ? (value ? TRUE : FALSE) : type))
    else {
      page.putUint8(typeof value === 'boolean' ? (value ? TRUE : FALSE) : type)
      putZigzag(page, id)
    }
    if (typeof value !== 'boolean') putValue(page, type, value)
  }
  page.reserve(1)
  page.putUint8(0)
}

function putValue(page: Page, type: number, value: ThriftValue): void {
  if (typeof value === 'boolean') {
    page.reserve(1)
    page.putUint8(value ? TRUE : FALSE)
  } else if (typeof value === 'number') {
    page.reserve(1)
    if (type === BYTE) page.putUint8(value)
    else putZigzag(page, value)
  } else if (value instanceof Uint8Array) {
    page.reserve(10 + value.length)
    if (type !== STRUCT) page.putVarint(value.length)
    page.putBytes(value)
  } else {
    const { length } = value.values
    page.reserve(11)
    page.putUint8((Math.min(length, 15) << 4) | value.type)
    if (length >= 15) page.putVarint(length)
    for (const element of value.values) putValue(page, value.type, element)
  }
}

function putZigzag(page: Page, value: number): void {
  page.reserve(10)
  page.putVarint(value < 0 ? -2 * value - 1 : 2 * value)
}

const TRUE = 1
const FALSE = 2
const BYTE = 3
const I16 = 4
const I32 = 5
const I64 = 6
const BINARY = 8
const LIST = 9
const STRUCT = 12
