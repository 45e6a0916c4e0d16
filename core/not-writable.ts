import { ReplayError } from './errors.ts'

/** Codes of the system for a place that is another's, is no folder, or is none at all: only the user can mend that. */
const CODES = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EISDIR', 'EEXIST', 'ENOENT', 'ELOOP', 'ENAMETOOLONG'])

/** The error of a place that cannot be written to; null for any other failure. */
export function notWritable(cause: unknown, path: string): ReplayError | null {
  const code = (cause as NodeJS.ErrnoException | null)?.code
  if (code === undefined || !CODES.has(code)) return null
  const message = `expected a folder that can be written to: ${(cause as Error).message}`
  return new ReplayError('store-not-writable', message, { category: 'input', path, cause })
}
