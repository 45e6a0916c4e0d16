import path from 'node:path'
import { lockedPython } from './locked-python.ts'

/** A Python that has the readers of `test/interop/requirements.txt`; null, after a line that says why, where it cannot be had. */
export function pythonWithReaders(): string | null {
  return lockedPython('Python readers', path.resolve(import.meta.dirname, '../interop/requirements.txt'))
}
