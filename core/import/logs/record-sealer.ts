import fs from 'node:fs'
import { giveBackKernel, type ScanKernel, takeKernel } from '../../log/kernel/scanner.ts'
import type { LogWriter } from '../../log/writing/log-writer.ts'
import { recordBytes } from '../../message/record.ts'

/** Gives records their CRCs, many at once, on their way into logs. */
export class RecordSealer {
  readonly #kernel: ScanKernel = takeKernel()
  #words = new Uint32Array(0)

  /** Pieces of whole records. */
  append(pieces: readonly Uint8Array[], writer: LogWriter): void {
    const kernel = this.#kernel
    let bytes = 0
    for (const piece of pieces) {
      if (bytes + piece.length > kernel.dataBytes) {
        this.#seal(bytes, writer)
        bytes = 0
        if (piece.length > kernel.dataBytes) kernel.grow(piece.length)
      }
      kernel.bytes.set(piece, kernel.dataStart + bytes)
      bytes += piece.length
    }
    this.#seal(bytes, writer)
  }

  /** All records of a file. */
  appendFile(file: string, writer: LogWriter): void {
    const kernel = this.#kernel
    const descriptor = fs.openSync(file, 'r')
    try {
      for (let from = 0; ; ) {
        const got = fs.readSync(descriptor, kernel.bytes, kernel.dataStart, kernel.dataBytes, from)
        if (got === 0) return
        const whole = this.#seal(got, writer)
        if (whole === 0) kernel.grow(recordBytes(kernel.view.getUint32(kernel.dataStart, true) - 1))
        from += whole
      }
    } finally {
      fs.closeSync(descriptor)
    }
  }

  /** No record follows. */
  close(): void {
    giveBackKernel(this.#kernel)
  }

  /** How many bytes of records were whole. */
  #seal(bytes: number, writer: LogWriter): number {
    const kernel = this.#kernel
    const whole = kernel.sealRecords(bytes)
    if (this.#words.buffer !== kernel.bytes.buffer) this.#words = new Uint32Array(kernel.bytes.buffer)
    writer.appendRecords(kernel.bytes, this.#words, kernel.dataStart, kernel.dataStart + whole)
    return whole
  }
}
