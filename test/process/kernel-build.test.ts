import { expect, it } from 'vitest'
import { BOOK_WASM_BASE64 } from '../../core/book/kernel/book.wasm.ts'
import { CSV_WASM_BASE64 } from '../../core/import/kernel/csv.wasm.ts'
import { SCAN_WASM_BASE64 } from '../../core/log/kernel/scan.wasm.ts'
import { COLUMN_ENCODE_WASM_BASE64 } from '../../core/table/kernel/column-encode.wasm.ts'
import { ROW_HASH_WASM_BASE64 } from '../../core/table/kernel/row-hash.wasm.ts'
import { compileKernel, KERNELS } from '../../tools/build-kernel.ts'

const COMMITTED: Readonly<Record<string, string>> = {
  book: BOOK_WASM_BASE64,
  scan: SCAN_WASM_BASE64,
  csv: CSV_WASM_BASE64,
  'row-hash': ROW_HASH_WASM_BASE64,
  'column-encode': COLUMN_ENCODE_WASM_BASE64,
}

// Not a unit test only because the compiler takes a second to load.
it.each(KERNELS)('$name: the committed WebAssembly is what the source compiles to', async (kernel) => {
  expect(Buffer.from(await compileKernel(kernel)).toString('base64')).toBe(COMMITTED[kernel.name])
})
