import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { lockedPython } from './locked-python.ts'

/** What PyArrow's threads print that let go of deltalake's files, objects of Python's, while the interpreter ends. */
const ABORTED = 'terminate called without an active exception'

/** A Python that has the readers of `test/interop/requirements.txt`; null, after a line that says why, where it cannot be had. */
export function pythonWithReaders(): string | null {
  return lockedPython('Python readers', path.resolve(import.meta.dirname, '../interop/requirements.txt'))
}

/**
 * What a program of readers prints. Python before 3.14 may abort it behind its last line (apache/arrow#34314, docs/tables.md), when
 * all is printed; any other end but the good one is an error.
 * @param words of Python @param cwd @default that of this process @throws Error with its stderr when it fails
 */
export function printedByReaders(python: string, words: readonly string[], cwd?: string): string {
  // Unbuffered: what is printed is out before the interpreter ends.
  const ended = spawnSync(python, ['-u', ...words], { encoding: 'utf8', maxBuffer: 1 << 28, ...(cwd === undefined ? {} : { cwd }) })
  if (ended.error !== undefined) throw ended.error
  if (ended.status === 0 || (ended.signal === 'SIGABRT' && ended.stderr.trim() === ABORTED)) return ended.stdout
  throw new Error(`${words.at(-1)!}: ended with ${ended.signal ?? ended.status}: ${ended.stderr}`)
}
