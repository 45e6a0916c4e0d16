import { ReplayError } from './errors.ts'
import { notWritable } from './not-writable.ts'

/**
 * The error of a disk, or a user's share of it, without room for what was to be written; null for any other failure.
 * @param what was to be written: `output`, `segment`, …
 */
export function diskFull(cause: unknown, path: string, what: string): ReplayError | null {
  const code = (cause as NodeJS.ErrnoException | null)?.code
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return null
  const message = `no space left for the ${what}; free space or write elsewhere, then run again`
  return new ReplayError('disk-full', message, { category: 'input', path, cause })
}

/** Gives what `write` does; a failure that only the user can mend is told in the library's terms. @throws ReplayError input `disk-full`, `store-not-writable` */
export function needingRoom<T>(path: string, what: string, write: () => T): T {
  try {
    return write()
  } catch (cause) {
    throw diskFull(cause, path, what) ?? notWritable(cause, path) ?? cause
  }
}
