import { expect, it } from 'vitest'
import { SCAN_WASM_BASE64 } from '../../core/log/kernel/scan.wasm.ts'
import { compileKernel } from '../../tools/build-kernel.ts'

// Not a unit test only because the compiler takes a second to load.
it('the committed WebAssembly is what scan.as compiles to', async () => {
  expect(Buffer.from(await compileKernel()).toString('base64')).toBe(SCAN_WASM_BASE64)
})
