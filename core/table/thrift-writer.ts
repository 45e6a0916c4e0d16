import type { Page } from './page.ts'

/**
 * Writes Thrift's compact protocol, as far as Parquet's footer and page headers need it. Every field and list says its own
 * type, so that an empty list is one of its elements, too: strict readers refuse one of another type.
 * Source: apache/thrift, doc/specs/thrift-compact-protocol.md
 */
export class ThriftWriter {
  readonly #page: Page
  #last = 0

  constructor(page: Page) {
    this.#page = page
  }

  /** Fields within have ids of their own; ascending, as everywhere. */
  struct(id: number, fields: () => void): void {
    this.#field(id, STRUCT)
    this.root(fields)
  }

  /** A struct that is no field: the outermost one, or an element of a list. */
  root(fields: () => void): void {
    const outer = this.#last
    this.#last = 0
    fields()
    this.#byte(0)
    this.#last = outer
  }

  bool(id: number, value: boolean): void {
    this.#field(id, value ? TRUE : FALSE)
  }

  i16(id: number, value: number): void {
    this.#field(id, I16)
    this.#zigzag(BigInt(value))
  }

  i32(id: number, value: number): void {
    this.#field(id, I32)
    this.#zigzag(BigInt(value))
  }

  i64(id: number, value: bigint | number): void {
    this.#field(id, I64)
    this.#zigzag(BigInt(value))
  }

  binary(id: number, value: string | Uint8Array): void {
    this.#field(id, BINARY)
    this.#bytes(value)
  }

  structs<T>(id: number, values: readonly T[], fields: (value: T) => void): void {
    this.#list(id, STRUCT, values.length)
    for (const value of values) this.root(() => fields(value))
  }

  i32s(id: number, values: readonly number[]): void {
    this.#list(id, I32, values.length)
    for (const value of values) this.#zigzag(BigInt(value))
  }

  binaries(id: number, values: readonly string[]): void {
    this.#list(id, BINARY, values.length)
    for (const value of values) this.#bytes(value)
  }

  #list(id: number, type: number, size: number): void {
    this.#field(id, LIST)
    this.#byte((Math.min(size, 15) << 4) | type)
    if (size >= 15) this.#varint(BigInt(size))
  }

  #field(id: number, type: number): void {
    const step = id - this.#last
    this.#last = id
    if (step > 0 && step <= 15) this.#byte((step << 4) | type)
    else {
      this.#byte(type)
      this.#zigzag(BigInt(id))
    }
  }

  #bytes(value: string | Uint8Array): void {
    const bytes = typeof value === 'string' ? encoder.encode(value) : value
    this.#varint(BigInt(bytes.length))
    this.#page.reserve(bytes.length)
    this.#page.putBytes(bytes)
  }

  #zigzag(value: bigint): void {
    this.#varint(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)))
  }

  #varint(value: bigint): void {
    this.#page.reserve(10)
    this.#page.putVarint64(value)
  }

  #byte(value: number): void {
    this.#page.reserve(1)
    this.#page.putUint8(value)
  }
}

const encoder = new TextEncoder()
// Types of fields and elements.
const TRUE = 1
const FALSE = 2
const I16 = 4
const I32 = 5
const I64 = 6
const BINARY = 8
const LIST = 9
const STRUCT = 12
