import { ReplayError } from '../../errors.ts'
import { glanceAt } from '../../import/files/glance.ts'
import type { LeftOutFile } from '../../import/import-plan.ts'
import type { SourceFile } from '../../import/source-files.ts'
import { inTurns } from '../../in-turns.ts'

/** A file that could not be read, so that nobody knows what is missing. */
export interface UnreadFile {
  readonly path: string
  readonly code: string
  readonly message: string
}

const LOOKS_AT_ONCE = 16
/** What is told of files that were read, and are no data: a page beside them, a zip of several files. */
const OTHER_FILES = new Set(['input-html', 'zip-entries'])

/**
 * Of the files that a plan leaves out, those that cannot be read, by looking at them once more: what is of no known format is not missed.
 * @throws ReplayError those of the store
 */
export async function findUnread(sources: readonly SourceFile[], leftOut: readonly LeftOutFile[]): Promise<UnreadFile[]> {
  const left = new Set(leftOut.map(({ path }) => path))
  const suspects = sources.filter(({ stored }) => left.has(stored.path))
  const found = await inTurns(suspects, LOOKS_AT_ONCE, async ({ stored }): Promise<UnreadFile | null> => {
    try {
      await glanceAt(stored)
      return null
    } catch (error) {
      if (!(error instanceof ReplayError) || error.category === 'transient' || error.category === 'bug') throw error
      const { code, message } = error
      return OTHER_FILES.has(code) ? null : { path: stored.path, code, message }
    }
  })
  return found.filter((file) => file !== null)
}
