import fs from 'node:fs'
import path from 'node:path'
import { describe, it } from 'vitest'

/** Golden data lies beside the project, never in it. */
const root = process.env.CHRONICLE_TEST_DATA ?? path.resolve(import.meta.dirname, '../../shared/data')
const isThere = fs.existsSync(path.join(root, 'chronicle-rs'))

/** A path below the golden data. */
export function goldenPath(...parts: string[]): string {
  return path.join(root, ...parts)
}

/** Reads a golden JSON file. Integers beyond 2⁵³ in it are strings. */
export function goldenJson<T>(...parts: string[]): T {
  return JSON.parse(fs.readFileSync(goldenPath(...parts), 'utf8')) as T
}

/** A `describe` that needs the golden data: skipped with a word when it is not there, failing when it must be. */
export function describeGolden(name: string, body: () => void): void {
  if (isThere) {
    describe(name, body)
  } else if (process.env.CHRONICLE_REQUIRE_GOLDEN === '1') {
    describe(name, () => {
      it('needs the golden data', () => {
        throw new Error(`no golden data at ${root}; set CHRONICLE_TEST_DATA to its folder`)
      })
    })
  } else {
    console.warn(`golden tests did not run: ${name}: no golden data at ${root}; set CHRONICLE_TEST_DATA to its folder`)
    describe.skip(name, body)
  }
}
