/**
 * What a pass learnt of a stream-day folder that its listing does not say. `commit` keeps facts in an archive index
 * beside the table; tasks only report them. A fact counts only as long as the folder's digest is the same.
 */
export interface FolderFact {
  /** Key of the folder in the archive, with its last `/`. */
  readonly folder: string
  /** Digest of the folder's listing (archive-listing.ts). */
  readonly digest: string
  /** What its first record of the book is: after a `snapshot` or `reset` nothing before matters. */
  readonly begins: 'snapshot' | 'reset' | 'other'
  /** Record time of that record, nanoseconds since the epoch: what lies before it needs the day before. */
  readonly beginsNs: string
}

/** The archive index as `plan` reads it. */
export interface ArchiveFacts {
  /** The fact about a folder, or undefined. */
  of(folder: string): FolderFact | undefined
}

/** Nothing is known. */
export const NO_FACTS: ArchiveFacts = { of: () => undefined }
