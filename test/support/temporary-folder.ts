import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

/** A folder of the test file, removed when its tests are done. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `chronicle-replay-${name}-`))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
